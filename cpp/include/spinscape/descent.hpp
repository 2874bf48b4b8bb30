// Descent of many replicas on one landscape: the papers' gradient steps, their SGD over parts of the couplings, L-BFGS,
// and the other ways down of the literature.
//
// The step of the papers is w <- w - gamma g with the Riemannian gradient g, then each sphere's part of w rescaled to
// its radius. The norm of a gradient always means |g| / sqrt(dimension). A replica's bits depend on its start, the
// surface and the options alone: not on the other replicas, their order, the threads or the way they are grouped into
// blocks.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "spinscape/glass.hpp"
#include "spinscape/parallel.hpp"
#include "spinscape/random_streams.hpp"
#include "spinscape/stopping.hpp"

namespace spinscape {

struct DescentOptions {
  double tol = 1e-6;
  std::int64_t max_steps = 20000;
  std::vector<double> ladder;    // gradient norms, decreasing
  std::int64_t trace_every = 0;  // 0: no trace

  std::int64_t trace_columns() const { return trace_every > 0 ? max_steps / trace_every + 1 : 0; }
};

// Where a descent writes, one row a replica; the caller owns the memory.
template <class Real>
struct DescentRows {
  std::int64_t replicas;
  Real* points;            // (replicas, dimension): starts on entry, end points on return
  double* energy_density;  // at the end point, as the gradient norm
  double* gradient_norm;
  std::int8_t* stop_reason;
  std::int64_t* steps;
  std::int64_t* evaluations;    // gradients of this replica that were evaluated; a Hessian-vector product counts as one
  std::int64_t* halting_steps;  // (replicas, levels of the ladder), -1 on entry
  double* halting_energy;       // energy densities, nan on entry
  double* trace_energy;         // (replicas, trace_columns()), nan on entry
  double* trace_norm;
};

// gamma_k = step / (1 + decay k) for k = 0 .. steps - 1, with gradients of one part a step or of the whole.
struct Stage {
  std::int64_t steps;
  double step;
  double decay;
  bool on_parts;
};

// Parts in turn, or one drawn uniformly at each step (the same for every replica) from the stream of order_seed.
struct Schedule {
  std::vector<Stage> stages;
  bool random_order = false;
  std::uint64_t order_seed = 0;
};

struct MomentumOptions {
  double step = 0.1;
  double decay = 0;
  double momentum = 0.9;  // in [0, 1)
};

struct FlowOptions {
  double accuracy = 1e-6;  // error of a step, root mean square over the coordinates, in units of min(1, |g| / sqrt(D))
  double duration = 0;     // time at which the flow ends, if nothing ends it before; may be infinite
};

struct LbfgsOptions {
  double first_step = 0.1;  // trial step along -g wherever there is no history
  int history = 10;         // pairs of the inverse Hessian's approximation
};

// finished: counts replicas as they end, for a progress report; may be nullptr.
template <class Real>
void descend_gradient(const Surface& surface, double step, double decay, const DescentOptions& options,
                      const DescentRows<Real>& rows, std::atomic<std::int64_t>* finished, const Run& run);

// Stops at options.tol only where the gradient of the whole is evaluated: in the stages without parts.
template <class Real>
void descend_schedule(const Surface& surface, const std::vector<const Surface*>& parts, const Schedule& schedule,
                      const DescentOptions& options, const DescentRows<Real>& rows, std::atomic<std::int64_t>* finished,
                      const Run& run);

// Stochastic gradients from mini-batches of tuples: the couplings' tuples, shuffled, in `batches` parts of equal size
// (to one), a part's gradient times `batches`, so that the mean over the parts is the gradient of the whole glass. With
// random_order they are shuffled again after every `batches` turns.
template <class Real>
void descend_tuples(const Glass& glass, int batches, const Schedule& schedule, const DescentOptions& options,
                    const DescentRows<Real>& rows, std::atomic<std::int64_t>* finished, const Run& run);

template <class Real>
void descend_lbfgs(const Surface& surface, const LbfgsOptions& lbfgs, const DescentOptions& options,
                   const DescentRows<Real>& rows, std::atomic<std::int64_t>* finished, const Run& run);

// Polyak's heavy ball.
template <class Real>
void descend_momentum(const Surface& surface, const MomentumOptions& method, const DescentOptions& options,
                      const DescentRows<Real>& rows, std::atomic<std::int64_t>* finished, const Run& run);

// The Riemannian gradient flow.
template <class Real>
void descend_flow(const Surface& surface, const FlowOptions& flow, const DescentOptions& options,
                  const DescentRows<Real>& rows, std::atomic<std::int64_t>* finished, const Run& run);

// The shifted symmetric higher-order power method on a glass that is one form of the given order on one sphere. shift
// below 0: chosen for every replica, and raised wherever a step would raise the energy.
template <class Real>
void descend_power(const Surface& surface, int order, double shift, const DescentOptions& options,
                   const DescentRows<Real>& rows, std::atomic<std::int64_t>* finished, const Run& run);

// Riemannian trust regions of at most `radius` sqrt(dimension).
template <class Real>
void descend_trust(const Surface& surface, double radius, const DescentOptions& options, const DescentRows<Real>& rows,
                   std::atomic<std::int64_t>* finished, const Run& run);

// Saddle-free Newton: in Krylov spaces of at most `krylov` dimensions, or with whole Hessians where krylov = 0.
template <class Real>
void descend_saddle_free(const Surface& surface, std::int64_t krylov, const DescentOptions& options,
                         const DescentRows<Real>& rows, std::atomic<std::int64_t>* finished, const Run& run);

// Subag's walk from the origin to the sphere in options.max_steps steps, on one sphere; it knows no
// tolerance.
template <class Real>
void descend_ascent(const Surface& surface, std::int64_t krylov, const DescentOptions& options,
                    const DescentRows<Real>& rows, std::atomic<std::int64_t>* finished, const Run& run);

}  // namespace spinscape
