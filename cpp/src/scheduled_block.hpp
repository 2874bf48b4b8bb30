// Schedules of stochastic gradient descent: the moves, and the blocks of replicas that go through them together.
#pragma once

#include <numeric>

#include "descent_block.hpp"

namespace spinscape {

// next = w - gamma g on the spheres; false where it leaves the finite numbers.
template <class Real>
bool step_from(const Domain& domain, const Real* w, const Real* gradient, double gamma, Real* next) {
  for (std::int64_t k = 0; k < domain.dimension(); ++k) next[k] = w[k] - Real(gamma) * gradient[k];
  return retract(domain, next);
}

// What a schedule does at a step.
struct Move {
  double gamma;
  int part;  // -1: the whole
};

// The moves of a schedule, one after the other. The parts of a random order are words of the stream (order_seed, turn).
class Moves {
 public:
  Moves(const Schedule& schedule, int parts) : schedule_(schedule), parts_(parts) { skip_finished_stages(); }

  bool at_end() const { return stage_ == schedule_.stages.size(); }
  // Steps on parts so far.
  std::uint64_t turn() const { return turn_; }
  Move current() const {
    const Stage& stage = schedule_.stages[stage_];
    return {stage.step / (1 + stage.decay * double(k_)), stage.on_parts && parts_ > 0 ? part() : -1};
  }
  void advance() {
    if (schedule_.stages[stage_].on_parts) ++turn_;
    ++k_;
    skip_finished_stages();
  }

 private:
  int part() const {
    if (!schedule_.random_order) return static_cast<int>(turn_ % static_cast<std::uint64_t>(parts_));
    const std::uint64_t word = Stream{schedule_.order_seed, Purpose::order, 0}.words(turn_ / 4, 0)[turn_ % 4];
    return static_cast<int>((word * static_cast<std::uint64_t>(parts_)) >> 32);
  }
  void skip_finished_stages() {
    while (!at_end() && k_ >= schedule_.stages[stage_].steps) {
      ++stage_;
      k_ = 0;
    }
  }

  const Schedule& schedule_;
  int parts_;
  std::size_t stage_ = 0;
  std::int64_t k_ = 0;      // step within the stage
  std::uint64_t turn_ = 0;  // steps on parts so far
};

// Replicas that go through a schedule together, so that a step needs one part only.
template <class Real>
class ScheduledBlock {
 public:
  ScheduledBlock(const Surface& surface, const Journal<Real>& journal, std::int64_t first, std::int64_t count)
      : surface_(surface),
        domain_(surface.domain()),
        journal_(journal),
        n_(surface.dimension()),
        replicas_(count),
        points_(count * n_),
        gradients_(count * n_),
        energies_(count),
        norms_(count),
        next_(n_) {
    std::iota(replicas_.begin(), replicas_.end(), first);
    for (std::int64_t slot = 0; slot < count; ++slot) journal_.load(first + slot, points_.data() + slot * n_);
  }

  std::int64_t active() const { return static_cast<std::int64_t>(replicas_.size()); }

  // Energies, gradients and their norms at the current points.
  void evaluate(const Surface& evaluated, const Run& run) {
    evaluate_by([&](const Real* points, std::int64_t count, Real* energies,
                    Real* gradients) { evaluated.gradient(points, count, energies, gradients, run); },
                run);
  }

  // The same with gradient(points, count, energies, gradients) instead of a surface's.
  template <class Gradient>
  void evaluate_by(const Gradient& gradient, const Run& run) {
    run.check();
    gradient(points_.data(), active(), energies_.data(), gradients_.data());
    for (std::int64_t slot = 0; slot < active(); ++slot)
      norms_[slot] = scaled_norm(domain_, gradients_.data() + slot * n_);
    ++evaluations_;
  }

  void trace() const {
    for (std::int64_t slot = 0; slot < active(); ++slot)
      journal_.trace(replicas_[slot], steps_, double(energies_[slot]), norms_[slot]);
  }

  // After an evaluation of the whole: lets replicas go that have a reason to, or `otherwise` all of them.
  void judge(std::optional<StopReason> otherwise) {
    for (std::int64_t slot = active() - 1; slot >= 0; --slot) {
      std::optional<StopReason> reason = journal_.judge(replicas_[slot], steps_, double(energies_[slot]), norms_[slot]);
      if (otherwise && (!reason || reason == StopReason::max_steps)) reason = otherwise;
      if (reason) finish(slot, double(energies_[slot]), norms_[slot], *reason);
    }
  }

  void step(double gamma, const Run& run) {
    for (std::int64_t slot = active() - 1; slot >= 0; --slot) {
      Real* w = points_.data() + slot * n_;
      const bool finite = std::isfinite(norms_[slot]) && std::isfinite(double(energies_[slot]));
      if (finite && step_from(domain_, w, gradients_.data() + slot * n_, gamma, next_.data()))
        std::copy(next_.begin(), next_.end(), w);
      else abandon(slot, run);
    }
    ++steps_;
  }

 private:
  // The last finite point is kept; its energy and gradient are those of the whole.
  void abandon(std::int64_t slot, const Run& run) {
    Real energy;
    surface_.gradient(points_.data() + slot * n_, 1, &energy, next_.data(), run);
    finish(slot, double(energy), scaled_norm(domain_, next_.data()), StopReason::not_finite);
  }

  void finish(std::int64_t slot, double energy, double norm, StopReason reason) {
    journal_.finish(replicas_[slot], points_.data() + slot * n_, energy, norm, reason, steps_, evaluations_);
    const std::int64_t last = active() - 1;
    if (slot != last) {
      std::copy_n(points_.data() + last * n_, n_, points_.data() + slot * n_);
      std::copy_n(gradients_.data() + last * n_, n_, gradients_.data() + slot * n_);
      energies_[slot] = energies_[last];
      norms_[slot] = norms_[last];
      replicas_[slot] = replicas_[last];
    }
    replicas_.pop_back();
  }

  const Surface& surface_;
  Domain domain_;
  const Journal<Real>& journal_;
  std::int64_t n_;
  std::vector<std::int64_t> replicas_;  // of the slots
  std::vector<Real> points_, gradients_, energies_;
  std::vector<double> norms_;
  std::vector<Real> next_;
  std::int64_t steps_ = 0;
  std::int64_t evaluations_ = 0;
};

}  // namespace spinscape
