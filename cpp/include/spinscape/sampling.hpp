// Samplers of exp(-beta H) on the spheres for blocks of replicas: geodesic Hamiltonian Monte Carlo (one leapfrog step a
// move: the Metropolis-adjusted Langevin algorithm), its unadjusted form, and exchange between temperatures.
//
// A move from w: draw v in the tangent space, standard Gaussian; then `leapfrogs` times
//     kick   v <- v - (epsilon/2) beta g(w)
//     drift  (w, v) flows along the great circles of v for a time epsilon
//     kick   v <- v - (epsilon/2) beta g(w)
// and take the end point with probability min(1, exp(-D)), D the change of beta H + |v|^2/2.
// It leaves exp(-beta H) invariant exactly: a kick shifts v by a function of w, so it has unit Jacobian, and is undone
// by a kick after v -> -v; the geodesic flow preserves the Liouville measure of the tangent bundle (uniform in w, flat
// in v) and is undone by itself after v -> -v. So kick-drift-kick followed by v -> -v is a measure-preserving
// involution, and the Metropolis rule makes it reversible with respect to exp(-beta H - |v|^2/2) (Byrne and Girolami,
// Scand. J. Stat. 40 (2013) 825). On a product of spheres the flow goes round each of them.
//
// A replica's bits depend on its start, its row, the surface and the options alone.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "spinscape/parallel.hpp"
#include "spinscape/surface.hpp"

namespace spinscape {

// Steps at one inverse temperature.
struct ThermalLevel {
  double beta;
  std::int64_t steps;
  double epsilon;  // leapfrog step; 0: adapted to the acceptance ThermalOptions::target, each replica its own
};

struct ThermalOptions {
  int leapfrogs = 1;
  bool adjusted = true;  // false: every move is taken
  double target = 0.574;
  std::uint64_t seed = 0;
  std::int64_t first_step = 0;     // where the streams begin: a run may be cut into pieces
  std::int64_t first_replica = 0;  // row of the first replica: a block may be cut too
  std::int64_t trace_every = 0;    // 0: no trace
  std::int64_t keep_every = 0;     // 0: no points kept
};

// Where a sampler writes, one row a replica; the caller owns the memory. Energies are densities.
template <class Real>
struct ThermalRows {
  std::int64_t replicas;
  Real* points;           // (replicas, dimension): starts on entry, end points on return
  double* energy;         // at the end points
  double* trace;          // (replicas, steps / trace_every + 1)
  Real* kept;             // (replicas, steps / keep_every, dimension)
  double* level_energy;   // (replicas, levels): mean after the steps of a level
  double* acceptance;     // (replicas, levels): fraction of its moves that were taken
  double* level_epsilon;  // (replicas, levels): the leapfrog step at its end
};

// steps_done: counts steps of all replicas, for a progress report; may be nullptr.
template <class Real>
void sample(const Surface& surface, const std::vector<ThermalLevel>& levels, const ThermalOptions& options,
            const ThermalRows<Real>& rows, std::atomic<std::int64_t>* steps_done, const Run& run);

// Replica exchange: each replica is a ladder of chains, one at each beta, with the leapfrog step epsilon of its beta.
struct Ladder {
  std::vector<double> betas, epsilons;
  std::int64_t steps = 0;
  std::int64_t swap_every = 1;  // after so many steps neighbours are swapped, even pairs and odd pairs in turn
};

template <class Real>
struct LadderRows {
  std::int64_t replicas;
  Real* points;               // (replicas, betas, dimension), in the order of the betas
  double* energy;             // (replicas, betas)
  double* trace;              // (replicas, betas, steps / trace_every + 1)
  double* mean_energy;        // (replicas, betas)
  double* acceptance;         // (replicas, betas)
  double* swap_acceptance;    // (replicas, betas - 1)
  std::int64_t* round_trips;  // (replicas,): journeys of a chain from the first beta to the last and back
};

template <class Real>
void temper(const Surface& surface, const Ladder& ladder, const ThermalOptions& options, const LadderRows<Real>& rows,
            std::atomic<std::int64_t>* steps_done, const Run& run);

}  // namespace spinscape
