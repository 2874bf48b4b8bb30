// Searches for critical points of blocks of replicas: along the gradient to a given energy, and by eigenvector
// following to a saddle of a given index. Both end near; refinement.hpp does the rest. Neither steps along excluded
// directions. Longest steps are in units of longest_step: radian on spheres.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "spinscape/exclusion.hpp"
#include "spinscape/lanczos.hpp"
#include "spinscape/parallel.hpp"
#include "spinscape/surface.hpp"

namespace spinscape {

struct LevelOptions {
  // Of the energy, relative to |target| + dimension; on flat space to |target| + |first energy - target|.
  double tolerance = 1e-9;
  std::int64_t max_steps = 10000;
  double max_move = 0.1;  // longest step
};

// Moves every point along the gradient, down or up, until its (extensive) energy is its target's. points: (replicas,
// dimension) on the domain, overwritten; the answer says which arrived. A point whose way ends before, at a minimum or
// a maximum, stays there.
std::vector<char> move_to_energy(const Surface& surface, double* points, std::int64_t replicas, const double* targets,
                                 const Exclusion& exclusion, const LevelOptions& options, const Run& run);

struct FollowOptions {
  std::int64_t max_steps = 400;
  double max_move = 0.2;           // longest step; a half, a third ... of it after each `patience`
  std::int64_t patience = 40;      // steps: long steps may go round in circles, shorter ones then do not
  double close = 0.01;             // near: the index is right and Newton's step at most so long
  bool matrix_free = false;        // Lanczos directions instead of Hessian matrices
  std::int64_t lanczos_steps = 0;  // largest basis
  std::int64_t tile = 1;           // replicas worked on at once; never changes a bit
};

struct Followed {
  std::vector<std::int64_t> index;  // directions turned round
  std::vector<std::int64_t> steps;
  std::vector<char> arrived;  // near a critical point of that index
};

// Leads every point near a critical point with `index` negative eigenvalues; index < 0 takes the number its start has
// (Hessian matrices only). Zero modes, told by zero_mode_bound, are not followed and not counted. points: as above;
// index: (replicas,). finished: counts replicas as they end, for a progress report; may be nullptr.
Followed follow_to_saddle(const Surface& surface, double* points, std::int64_t replicas, const std::int64_t* index,
                          const Exclusion& exclusion, const FollowOptions& options, std::atomic<std::int64_t>* finished,
                          const Run& run);

}  // namespace spinscape
