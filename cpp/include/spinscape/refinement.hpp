// Newton refinement of blocks of replicas to nearby critical points of a surface.
//
// A start whose Riemannian Hessian is positive definite is led to the minimum it belongs to: steps are at most max_move
// long, lower the energy and the gradient, and end where the Hessian is positive definite too; but for zero modes, in
// both places. Any other start is led to the critical point that Newton's method with decreasing |g| reaches. No step
// goes along an excluded direction. What does not converge is reported.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "spinscape/exclusion.hpp"
#include "spinscape/parallel.hpp"
#include "spinscape/stopping.hpp"
#include "spinscape/surface.hpp"

namespace spinscape {

struct RefineOptions {
  // Converged where |g| / sqrt(D) <= tolerance * scale, scale = max(|H| / D, rms eigenvalue of the Riemannian Hessian).
  double tolerance = 1e-12;
  std::int64_t max_steps = 50;
  double max_move = 0.1;     // longest step: see longest_step
  bool matrix_free = false;  // conjugate gradients and MINRES instead of Hessian matrices
  std::int64_t tile = 1;     // replicas worked on at once; never changes a bit
};

struct Refined {
  std::vector<double> energy, gradient_norm;  // at the end; |g| / sqrt(D)
  std::vector<std::int64_t> steps;
  std::vector<StopReason> stop;
};

// points: (replicas, dimension) on the domain; overwritten by the end points, |w|^2 = size to rounding. finished:
// counts replicas as they end, for a progress report; may be nullptr.
Refined refine(const Surface& surface, double* points, std::int64_t replicas, const Exclusion& exclusion,
               const RefineOptions& options, std::atomic<std::int64_t>* finished, const Run& run);

}  // namespace spinscape
