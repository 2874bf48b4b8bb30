#include "spinscape/refinement.hpp"

#include <algorithm>
#include <cmath>

#include "spinscape/newton_step.hpp"
#include "spinscape/tangent_frame.hpp"
#include "spinscape/units.hpp"

namespace spinscape {
namespace {

enum class Kind { unknown, minimum, saddle };

struct State {
  std::vector<double> point, gradient;
  double energy = 0, norm = 0;
  double free = 0;  // norm of the gradient less its part along excluded directions, which no step can lower
};

// One replica on its way.
struct Walker {
  State now, before;
  std::vector<double> direction;
  Kind kind = Kind::unknown;
  bool damped = false;      // the plain Newton step was no use here
  bool zero_modes = false;  // the Hessian was definite but for those
  bool has_direction = false;
  bool enough = false;  // converged; takes a last step, whose Hessian is there anyway
  double longest = 0;   // step allowed
  double limit = 0;     // longest next step
  double length = 0;    // of the step being tried
  double scale = 0;     // gradients of tolerance * scale are as good as zero
  std::int64_t steps = 0;
  bool done = false;
  StopReason stop = StopReason::max_steps;

  void finish(StopReason reason) {
    done = true;
    stop = reason;
  }
};

constexpr int most_halvings = 30;
constexpr double sufficient_decrease = 1e-4;

class Tile {
 public:
  Tile(const Surface& surface, const double* points, std::int64_t count, const Exclusion& exclusion,
       const RefineOptions& options, const Run& run)
      : surface_(surface),
        domain_(surface.domain()),
        exclusion_(exclusion),
        options_(options),
        run_(run),
        n_(surface.dimension()),
        walkers_(count) {
    std::vector<Walker*> all;
    for (std::int64_t r = 0; r < count; ++r) {
      Walker& walker = walkers_[r];
      walker.now.point.assign(points + r * n_, points + (r + 1) * n_);
      const double move = longest_step(domain_, walker.now.point.data(), options.max_move);
      walker.longest = walker.limit = move * std::sqrt(static_cast<double>(n_));
      all.push_back(&walker);
    }
    std::vector<State> states = evaluate(all, 0);
    for (std::int64_t r = 0; r < count; ++r) walkers_[r].now = std::move(states[r]);
    if (!options.matrix_free) hessians_.resize(count * n_ * n_);
  }

  const std::vector<Walker>& refine(std::atomic<std::int64_t>* finished) {
    std::size_t left = walkers_.size();
    for (std::int64_t step = 0; step <= options_.max_steps; ++step) {
      std::vector<Walker*> active;
      for (Walker& walker : walkers_)
        if (!walker.done) active.push_back(&walker);
      if (finished) finished->fetch_add(static_cast<std::int64_t>(left - active.size()));
      left = active.size();
      if (active.empty()) break;
      choose_directions(active);
      if (step == options_.max_steps) break;
      polish(active);
      search_lines(active);
    }
    if (finished) finished->fetch_add(static_cast<std::int64_t>(left));
    return walkers_;
  }

 private:
  // The walkers' points moved by fraction * direction, with energies and gradients.
  std::vector<State> evaluate(const std::vector<Walker*>& walkers, double fraction) const {
    const std::int64_t count = static_cast<std::int64_t>(walkers.size());
    std::vector<double> points(count * n_), gradients(count * n_), energies(count);
    for (std::int64_t r = 0; r < count; ++r) {
      double* w = points.data() + r * n_;
      std::copy(walkers[r]->now.point.begin(), walkers[r]->now.point.end(), w);
      for (std::int64_t k = 0; fraction > 0 && k < n_; ++k) w[k] += fraction * walkers[r]->direction[k];
      retract(domain_, w);
    }
    surface_.gradient(points.data(), count, energies.data(), gradients.data(), run_);
    const std::vector<double> excluded = exclusion_.at(points.data(), count, n_);
    std::vector<State> states(count);
    for (std::int64_t r = 0; r < count; ++r) {
      const double *w = points.data() + r * n_, *g = gradients.data() + r * n_;
      const double norm = scaled_norm(domain_, g);
      states[r] = {{w, w + n_}, {g, g + n_}, energies[r], norm, norm};
      if (exclusion_.count() == 0) continue;
      std::vector<double> rest = states[r].gradient;
      frame_at(w, excluded, r).project(rest.data());
      states[r].free = scaled_norm(domain_, rest.data());
    }
    return states;
  }

  TangentFrame frame_at(const double* w, const std::vector<double>& excluded, std::int64_t row) const {
    return {domain_, w, excluded.data() + row * exclusion_.count() * n_, exclusion_.count()};
  }

  void choose_directions(const std::vector<Walker*>& active) {
    const std::int64_t count = static_cast<std::int64_t>(active.size());
    std::vector<double> points;
    points.reserve(count * n_);
    for (const Walker* walker : active) points.insert(points.end(), walker->now.point.begin(), walker->now.point.end());
    const std::vector<double> excluded = exclusion_.at(points.data(), count, n_);
    if (!options_.matrix_free) surface_.hessian(points.data(), count, hessians_.data(), run_);
    const Run serial = run_.serial();
    parallel_for(options_.matrix_free && !surface_.concurrent() ? serial : run_, count, [&](std::int64_t r) {
      Walker& walker = *active[r];
      walker.direction.assign(n_, 0);
      walker.has_direction = false;
      const TangentFrame frame = frame_at(walker.now.point.data(), excluded, r);
      if (options_.matrix_free) choose_matrix_free(walker, frame, serial);
      else choose_dense(walker, frame, hessians_.data() + r * n_ * n_, serial);
    });
  }

  // curvature: a typical eigenvalue of the Hessian, without sign.
  bool converged(Walker& walker, double curvature) const {
    walker.scale = std::max(std::abs(walker.now.energy) / static_cast<double>(n_), curvature);
    return walker.now.norm <= options_.tolerance * walker.scale;
  }

  void choose_dense(Walker& walker, const TangentFrame& frame, double* hessian, const Run& run) const {
    const std::int64_t m = frame.dimension();
    frame.restrict_matrix(hessian);
    if (m == 0) return walker.finish(converged(walker, 0) ? StopReason::converged : StopReason::stalled);
    const double curvature = root(dot(hessian, hessian, m * m), hessian, m * m, static_cast<double>(m));
    walker.enough = converged(walker, curvature);
    if (!std::isfinite(curvature)) return walker.finish(StopReason::stalled);
    std::vector<double> gradient(m), direction(m);
    frame.restrict_vector(walker.now.gradient.data(), gradient.data());
    const double unit = to_unit(largest(hessian, m * m));  // of the energy: it changes no direction
    for (std::int64_t k = 0; k < m * m; ++k) hessian[k] *= unit;
    for (double& entry : gradient) entry *= unit;
    Curvature found = Curvature::indefinite;
    if (walker.kind != Kind::saddle) {
      const double zero = zero_mode_bound(domain_, walker.now.point.data(), walker.now.norm, curvature) * unit;
      found = minimising_step(hessian, gradient.data(), m, walker.limit, zero, direction.data(), run);
    }
    if (!settle_kind(walker, found)) return;
    if (walker.enough) walker.finish(StopReason::converged);
    if (found == Curvature::indefinite)
      stationary_step(hessian, gradient.data(), m, walker.limit, walker.damped, direction.data(), run);
    frame.lift(direction.data(), walker.direction.data());
    walker.has_direction = true;
  }

  void choose_matrix_free(Walker& walker, const TangentFrame& frame, const Run& run) const {
    const double* w = walker.now.point.data();
    // Near a critical point what rounding left of the radial part is no longer small beside the rest, and no Krylov
    // method can remove it: the operator maps it to zero.
    project(domain_, w, walker.now.gradient.data(), walker.now.gradient.data());
    std::vector<double> gradient = walker.now.gradient;
    if (frame.rank() > 0) frame.project(gradient.data());
    const double* g = gradient.data();
    const HessianProduct product = [&](const double* vector, double* out) {
      surface_.hvp(w, vector, 1, out, run);
      if (frame.rank() > 0) frame.project(out);
    };
    const double unit = to_unit(largest(g, n_));
    std::vector<double> scaled(g, g + n_);
    for (double& entry : scaled) entry *= unit;
    product(scaled.data(), walker.direction.data());
    const double length = root(dot(g, g, n_), g, n_) * unit, *image = walker.direction.data();
    const double curvature = length > 0 ? root(dot(image, image, n_), image, n_) / length : 0;
    if (converged(walker, curvature)) return walker.finish(StopReason::converged);
    if (!std::isfinite(curvature)) return walker.finish(StopReason::stalled);
    // Superlinear convergence, but no more accuracy than the tolerance asks for.
    const double relative = walker.scale > 0 ? walker.now.norm / walker.scale : 1;
    const double forcing = std::max(std::min(0.1, std::sqrt(relative)), 0.1 * options_.tolerance / relative);
    Curvature found = Curvature::indefinite;
    if (walker.kind != Kind::saddle)
      found = minimising_step(product, g, n_, walker.limit, forcing, walker.direction.data(), run);
    if (!settle_kind(walker, found)) return;
    if (found == Curvature::indefinite)
      stationary_step(product, g, n_, walker.limit, forcing, walker.direction.data(), run);
    project(domain_, w, walker.direction.data(), walker.direction.data());
    walker.has_direction = true;
  }

  // False where the last step left the convex region around a minimum: the walker is put back, to step shorter.
  bool settle_kind(Walker& walker, Curvature found) const {
    const bool definite = found != Curvature::indefinite;
    walker.zero_modes = walker.zero_modes || found == Curvature::semidefinite;
    if (walker.kind == Kind::unknown) walker.kind = definite ? Kind::minimum : Kind::saddle;
    // Conjugate gradients may have overlooked a negative curvature that so short a step cannot have made, and so may
    // have been taken for a zero mode.
    const bool doubtful = options_.matrix_free || walker.zero_modes;
    if (doubtful && !definite && walker.length < 1e-3 * walker.longest) walker.kind = Kind::saddle;
    if (walker.kind == Kind::saddle || definite) return true;
    walker.now = walker.before;
    walker.limit = walker.length / 4;
    if (walker.limit < 1e-9 * walker.longest) walker.finish(StopReason::stalled);
    return false;
  }

  // The last steps of those that have converged already.
  void polish(const std::vector<Walker*>& active) {
    std::vector<Walker*> converged;
    for (Walker* walker : active)
      if (walker->enough && walker->has_direction) converged.push_back(walker);
    std::vector<State> trials = evaluate(converged, 1);
    for (std::size_t r = 0; r < converged.size(); ++r) accept(*converged[r], trials[r], 1);
  }

  // Halves every step until it is accepted.
  void search_lines(const std::vector<Walker*>& active) {
    std::vector<Walker*> pending;
    for (Walker* walker : active)
      if (!walker->done && walker->has_direction) pending.push_back(walker);
    double fraction = 1;
    for (int halving = 0; halving <= most_halvings && !pending.empty(); ++halving, fraction /= 2) {
      std::vector<State> trials = evaluate(pending, fraction);
      std::vector<Walker*> rejected;
      for (std::size_t r = 0; r < pending.size(); ++r)
        if (!accept(*pending[r], trials[r], fraction)) rejected.push_back(pending[r]);
      pending = std::move(rejected);
    }
    for (Walker* walker : pending) {
      if (walker->kind == Kind::saddle && !walker->damped && !options_.matrix_free) walker->damped = true;
      else walker->finish(StopReason::stalled);
    }
  }

  bool accept(Walker& walker, State& trial, double fraction) const {
    if (!(trial.free <= (1 - sufficient_decrease * fraction) * walker.now.free)) return false;
    // Rounding of an extensive energy; differences below it say nothing, and the gradient alone decides.
    const double slack = 1e-12 * static_cast<double>(n_) * walker.scale;
    if (walker.kind == Kind::minimum && !(trial.energy <= walker.now.energy + slack)) return false;
    walker.before = std::move(walker.now);
    walker.now = std::move(trial);
    walker.length = fraction * std::sqrt(dot(walker.direction.data(), walker.direction.data(), n_));
    walker.damped = false;
    if (fraction == 1) walker.limit = std::min(2 * walker.limit, walker.longest);
    ++walker.steps;
    return true;
  }

  const Surface& surface_;
  const Domain& domain_;
  const Exclusion& exclusion_;
  const RefineOptions& options_;
  const Run& run_;
  std::int64_t n_;
  std::vector<Walker> walkers_;
  std::vector<double> hessians_;  // of the active walkers
};

}  // namespace

Refined refine(const Surface& surface, double* points, std::int64_t replicas, const Exclusion& exclusion,
               const RefineOptions& options, std::atomic<std::int64_t>* finished, const Run& run) {
  const std::int64_t n = surface.dimension();
  Refined result{std::vector<double>(replicas), std::vector<double>(replicas), std::vector<std::int64_t>(replicas),
                 std::vector<StopReason>(replicas)};
  for (std::int64_t first = 0; first < replicas; first += options.tile) {
    Tile tile(surface, points + first * n, std::min(options.tile, replicas - first), exclusion, options, run);
    const std::vector<Walker>& walkers = tile.refine(finished);
    for (std::size_t k = 0; k < walkers.size(); ++k) {
      const std::int64_t r = first + static_cast<std::int64_t>(k);
      std::copy(walkers[k].now.point.begin(), walkers[k].now.point.end(), points + r * n);
      result.energy[r] = walkers[k].now.energy;
      result.gradient_norm[r] = walkers[k].now.norm;
      result.steps[r] = walkers[k].steps;
      result.stop[r] = walkers[k].stop;
    }
  }
  return result;
}

}  // namespace spinscape
