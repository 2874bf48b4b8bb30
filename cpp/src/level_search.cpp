// Along the gradient to a given energy.
#include <algorithm>
#include <cmath>

#include "spinscape/saddle_search.hpp"
#include "spinscape/tangent_frame.hpp"

namespace spinscape {
namespace {

constexpr double smallest_move = 1e-9;  // shorter steps change nothing that matters
constexpr double sufficient = 1e-4;     // of the first-order change of the energy
constexpr double growth = 1.5;          // of the rate after a step that was accepted

struct Walker {
  std::int64_t row = 0;
  std::vector<double> point, gradient;
  double energy = 0, square = 0;  // |g|^2
  double tolerance = 0;           // of the energy
  double rate = 0;                // longest step, in units of the gradient
};

class Walk {
 public:
  Walk(const Surface& surface, double* points, const double* targets, const Exclusion& exclusion,
       const LevelOptions& options, const Run& run)
      : surface_(surface),
        domain_(surface.domain()),
        points_(points),
        targets_(targets),
        exclusion_(exclusion),
        options_(options),
        run_(run),
        n_(surface.dimension()) {}

  std::vector<char> move(std::int64_t replicas) {
    std::vector<char> arrived(replicas, 0);
    std::vector<Walker> walkers(replicas);
    for (std::int64_t r = 0; r < replicas; ++r) {
      walkers[r].row = r;
      walkers[r].point.assign(points_ + r * n_, points_ + (r + 1) * n_);
    }
    evaluate(walkers);
    for (Walker& walker : walkers) {
      walker.rate = longest(walker) / 2;
      const double other = domain_.curved() ? static_cast<double>(n_) : std::abs(gap(walker));
      walker.tolerance = options_.tolerance * (std::abs(targets_[walker.row]) + other);
    }
    for (std::int64_t step = 0; step <= options_.max_steps; ++step) {
      std::vector<Walker> going;
      for (Walker& walker : walkers) {
        arrived[walker.row] = std::abs(gap(walker)) <= walker.tolerance;
        const bool stuck = !(walker.rate * std::sqrt(walker.square) > units(walker, smallest_move));
        if (arrived[walker.row] || stuck || step == options_.max_steps) store(walker);
        else going.push_back(std::move(walker));
      }
      walkers = std::move(going);
      if (walkers.empty()) break;
      advance(walkers);
    }
    return arrived;
  }

 private:
  double units(const Walker& walker, double turn) const {
    return longest_step(domain_, walker.point.data(), turn) * std::sqrt(static_cast<double>(n_));
  }
  double gap(const Walker& walker) const { return walker.energy - targets_[walker.row]; }
  double longest(const Walker& walker) const {
    return walker.square > 0 ? units(walker, options_.max_move) / std::sqrt(walker.square) : 0;
  }
  void store(const Walker& walker) { std::copy(walker.point.begin(), walker.point.end(), points_ + walker.row * n_); }

  void evaluate(std::vector<Walker>& walkers) const {
    const std::int64_t count = static_cast<std::int64_t>(walkers.size());
    std::vector<double> points, gradients(count * n_), energies(count);
    points.reserve(count * n_);
    for (const Walker& walker : walkers) points.insert(points.end(), walker.point.begin(), walker.point.end());
    surface_.gradient(points.data(), count, energies.data(), gradients.data(), run_);
    const std::vector<double> excluded = exclusion_.at(points.data(), count, n_);
    for (std::int64_t r = 0; r < count; ++r) {
      double* g = gradients.data() + r * n_;
      if (exclusion_.count() > 0) {
        const double* directions = excluded.data() + r * exclusion_.count() * n_;
        TangentFrame(domain_, points.data() + r * n_, directions, exclusion_.count()).project(g);
      }
      walkers[r].gradient.assign(g, g + n_);
      walkers[r].energy = energies[r];
      walkers[r].square = dot(g, g, n_);
    }
  }

  // One trial step each; one that does not come nearer is taken back, and the next one is shorter.
  void advance(std::vector<Walker>& walkers) const {
    run_.check();
    std::vector<Walker> trials = walkers;
    std::vector<double> taken(walkers.size());
    for (std::size_t r = 0; r < walkers.size(); ++r) {
      const double first_order = std::abs(gap(walkers[r])) / walkers[r].square;
      taken[r] = std::copysign(std::min(first_order, walkers[r].rate), gap(walkers[r]));
      for (std::int64_t k = 0; k < n_; ++k) trials[r].point[k] -= taken[r] * walkers[r].gradient[k];
      retract(domain_, trials[r].point.data());
    }
    evaluate(trials);
    for (std::size_t r = 0; r < walkers.size(); ++r) {
      const double won = std::abs(gap(walkers[r])) - std::abs(gap(trials[r]));
      if (won >= sufficient * std::abs(taken[r]) * walkers[r].square) {
        trials[r].rate = std::min(growth * walkers[r].rate, longest(trials[r]));
        walkers[r] = std::move(trials[r]);
      } else {
        walkers[r].rate = std::abs(taken[r]) / 2;
      }
    }
  }

  const Surface& surface_;
  const Domain& domain_;
  double* points_;
  const double* targets_;
  const Exclusion& exclusion_;
  const LevelOptions& options_;
  const Run& run_;
  std::int64_t n_;
};

}  // namespace

std::vector<char> move_to_energy(const Surface& surface, double* points, std::int64_t replicas, const double* targets,
                                 const Exclusion& exclusion, const LevelOptions& options, const Run& run) {
  return Walk(surface, points, targets, exclusion, options, run).move(replicas);
}

}  // namespace spinscape
