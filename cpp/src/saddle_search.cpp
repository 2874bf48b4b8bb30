// Eigenvector following for blocks of replicas.
#include "spinscape/saddle_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "spinscape/hessian_index.hpp"
#include "spinscape/mode_step.hpp"
#include "spinscape/tangent_frame.hpp"
#include "spinscape/units.hpp"

namespace spinscape {
namespace {

struct Walker {
  double* point = nullptr;
  std::vector<double> gradient, direction;
  std::int64_t index = -1, steps = 0;
  std::int64_t zero_modes = 0;  // met near critical points
  bool arrived = false, done = false;
};

class Block {
 public:
  Block(const Surface& surface, double* points, const std::int64_t* index, std::int64_t count,
        const Exclusion& exclusion, const FollowOptions& options, const Run& run)
      : surface_(surface),
        domain_(surface.domain()),
        exclusion_(exclusion),
        options_(options),
        run_(run),
        n_(surface.dimension()),
        walkers_(count) {
    for (std::int64_t r = 0; r < count; ++r) {
      walkers_[r].point = points + r * n_;
      walkers_[r].index = index[r];
      walkers_[r].direction.resize(n_);
    }
    if (!options.matrix_free) hessians_.resize(count * n_ * n_);
  }

  const std::vector<Walker>& follow(std::atomic<std::int64_t>* finished) {
    std::size_t left = walkers_.size();
    for (std::int64_t step = 0; step <= options_.max_steps; ++step) {
      std::vector<Walker*> active;
      for (Walker& walker : walkers_)
        if (!walker.done) active.push_back(&walker);
      if (finished) finished->fetch_add(static_cast<std::int64_t>(left - active.size()));
      left = active.size();
      if (active.empty()) break;
      choose_directions(active, 1 + step / options_.patience);
      if (step < options_.max_steps) move(active);
    }
    if (finished) finished->fetch_add(static_cast<std::int64_t>(left));
    return walkers_;
  }

 private:
  double units(const Walker& walker, double turn) const {
    return longest_step(domain_, walker.point, turn) * std::sqrt(static_cast<double>(n_));
  }

  // `shortening`: what the longest step is divided by.
  void choose_directions(const std::vector<Walker*>& active, std::int64_t shortening) {
    run_.check();
    const std::int64_t count = static_cast<std::int64_t>(active.size());
    std::vector<double> points, gradients(count * n_), energies(count);
    for (const Walker* walker : active) points.insert(points.end(), walker->point, walker->point + n_);
    surface_.gradient(points.data(), count, energies.data(), gradients.data(), run_);
    const std::vector<double> excluded = exclusion_.at(points.data(), count, n_);
    if (!options_.matrix_free) surface_.hessian(points.data(), count, hessians_.data(), run_);
    const Run serial = run_.serial();
    parallel_for(options_.matrix_free && !surface_.concurrent() ? serial : run_, count, [&](std::int64_t r) {
      const double* g = gradients.data() + r * n_;
      if (!std::isfinite(largest(g, n_))) {
        active[r]->done = true;
        return;
      }
      const double* directions = excluded.data() + r * exclusion_.count() * n_;
      const TangentFrame frame(domain_, active[r]->point, directions, exclusion_.count());
      const double limit = units(*active[r], options_.max_move) / static_cast<double>(shortening);
      const ModeStep step = options_.matrix_free
                                ? step_by_products(*active[r], frame, g, limit, serial)
                                : step_by_matrix(*active[r], frame, g, hessians_.data() + r * n_ * n_, limit, serial);
      active[r]->index = step.index;
      active[r]->arrived = active[r]->done = step.right && step.length <= units(*active[r], options_.close);
    });
  }

  ModeStep step_by_matrix(Walker& walker, const TangentFrame& frame, const double* gradient, double* hessian,
                          double limit, const Run& serial) const {
    const std::int64_t m = frame.dimension();
    if (m == 0) return {0, true, 0, 0};
    frame.restrict_matrix(hessian);
    std::vector<double> g(m), direction(m);
    frame.restrict_vector(gradient, g.data());
    const double curvature = root(dot(hessian, hessian, m * m), hessian, m * m, static_cast<double>(m));
    // Known to be there, zero modes are told from others on the way to another critical point too.
    const auto bound = [&](bool known) {
      return zero_mode_bound(domain_, walker.point, scaled_norm(domain_, gradient), curvature, known);
    };
    const bool near = bound(false) > 0;
    const ZeroModes zero =
        near ? ZeroModes{bound(false), m} : ZeroModes{bound(walker.zero_modes > 0), walker.zero_modes};
    const ModeStep step = follow_modes(hessian, g.data(), m, walker.index, limit, direction.data(), serial, zero);
    if (near) walker.zero_modes = std::max(walker.zero_modes, step.zero);
    frame.lift(direction.data(), walker.direction.data());
    return step;
  }

  ModeStep step_by_products(Walker& walker, const TangentFrame& frame, const double* gradient, double limit,
                            const Run& serial) const {
    const SearchSpace space = search_space(domain_, walker.point, frame);
    const SymmetricOperator apply = [&](const double* vectors, std::int64_t count, double* products) {
      for (std::int64_t v = 0; v < count; ++v) {
        surface_.hvp(walker.point, vectors + v * n_, 1, products + v * n_, serial);
        if (frame.rank() > 0) frame.project(products + v * n_);
      }
    };
    const LanczosOptions options{options_.lanczos_steps, 1, 0, std::numeric_limits<double>::epsilon(), 0};
    std::vector<double> g(n_);
    project(domain_, walker.point, gradient, g.data());
    if (frame.rank() > 0) frame.project(g.data());
    return follow_modes(apply, space, g.data(), walker.index, limit, options, walker.direction.data(), serial);
  }

  void move(const std::vector<Walker*>& active) const {
    for (Walker* walker : active) {
      if (walker->done) continue;
      for (std::int64_t k = 0; k < n_; ++k) walker->point[k] += walker->direction[k];
      retract(domain_, walker->point);
      ++walker->steps;
    }
  }

  const Surface& surface_;
  const Domain& domain_;
  const Exclusion& exclusion_;
  const FollowOptions& options_;
  const Run& run_;
  std::int64_t n_;
  std::vector<Walker> walkers_;
  std::vector<double> hessians_;  // of the active walkers
};

}  // namespace

Followed follow_to_saddle(const Surface& surface, double* points, std::int64_t replicas, const std::int64_t* index,
                          const Exclusion& exclusion, const FollowOptions& options, std::atomic<std::int64_t>* finished,
                          const Run& run) {
  Followed result;
  for (std::int64_t first = 0; first < replicas; first += options.tile) {
    Block block(surface, points + first * surface.dimension(), index + first, std::min(options.tile, replicas - first),
                exclusion, options, run);
    for (const Walker& walker : block.follow(finished)) {
      result.index.push_back(walker.index);
      result.steps.push_back(walker.steps);
      result.arrived.push_back(walker.arrived);
    }
  }
  return result;
}

}  // namespace spinscape
