// The papers' descents: plain gradient steps, and schedules over parts of the couplings.
#include <numeric>

#include "descent_block.hpp"

namespace spinscape {
namespace {

// next = w - gamma g on the spheres; false where it leaves the finite numbers.
template <class Real>
bool step_from(const Spheres& spheres, const Real* w, const Real* gradient, double gamma, Real* next) {
  for (std::int64_t k = 0; k < spheres.dimension(); ++k) next[k] = w[k] - Real(gamma) * gradient[k];
  return retract(spheres, next);
}

template <class Real>
class GradientWalker {
 public:
  GradientWalker(const Spheres& spheres, double step, double decay, const Journal<Real>& journal)
      : spheres_(spheres), step_(step), decay_(decay), journal_(&journal), next_(spheres.dimension()) {}

  void start(std::int64_t replica, Real* point) {
    replica_ = replica;
    steps_ = 0;
    journal_->load(replica, point);
  }

  bool advance(Real energy, const Real* gradient, Real* w) {
    const double norm = scaled_norm(spheres_, gradient);
    std::optional<StopReason> reason = journal_->judge(replica_, steps_, double(energy), norm);
    if (!reason && !step_from(spheres_, w, gradient, step_ / (1 + decay_ * double(steps_)), next_.data()))
      reason = StopReason::not_finite;
    // A smaller step from the same point would not move it either: it stays there for ever.
    if (!reason && std::equal(next_.begin(), next_.end(), w)) reason = StopReason::stalled;
    if (reason) {
      journal_->finish(replica_, w, double(energy), norm, *reason, steps_, steps_ + 1);
      return true;
    }
    std::copy(next_.begin(), next_.end(), w);
    ++steps_;
    return false;
  }

 private:
  Spheres spheres_;
  double step_, decay_;
  const Journal<Real>* journal_;
  std::vector<Real> next_;
  std::int64_t replica_ = 0;
  std::int64_t steps_ = 0;
};

// What a schedule does at a step.
struct Move {
  double gamma;
  int part;  // -1: the whole glass
};

// The moves of a schedule, one after the other. The parts of a random order are words of the stream (order_seed, turn).
class Moves {
 public:
  Moves(const Schedule& schedule, int parts) : schedule_(schedule), parts_(parts) { skip_finished_stages(); }

  bool at_end() const { return stage_ == schedule_.stages.size(); }
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
  ScheduledBlock(const Glass& glass, const Journal<Real>& journal, std::int64_t first, std::int64_t count)
      : glass_(glass),
        spheres_(glass.spheres()),
        journal_(journal),
        n_(glass.dimension()),
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
  void evaluate(const Glass& evaluated, const Run& run) {
    run.check();
    evaluated.riemannian_gradient(points_.data(), active(), energies_.data(), gradients_.data(), run);
    for (std::int64_t slot = 0; slot < active(); ++slot)
      norms_[slot] = scaled_norm(spheres_, gradients_.data() + slot * n_);
    ++evaluations_;
  }

  void trace() const {
    for (std::int64_t slot = 0; slot < active(); ++slot)
      journal_.trace(replicas_[slot], steps_, double(energies_[slot]), norms_[slot]);
  }

  // After an evaluation of the whole glass: lets replicas go that have a reason to, or `otherwise` all of them.
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
      if (finite && step_from(spheres_, w, gradients_.data() + slot * n_, gamma, next_.data()))
        std::copy(next_.begin(), next_.end(), w);
      else abandon(slot, run);
    }
    ++steps_;
  }

 private:
  // The last finite point is kept; its energy and gradient are those of the whole glass.
  void abandon(std::int64_t slot, const Run& run) {
    Real energy;
    glass_.riemannian_gradient(points_.data() + slot * n_, 1, &energy, next_.data(), run);
    finish(slot, double(energy), scaled_norm(spheres_, next_.data()), StopReason::not_finite);
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

  const Glass& glass_;
  Spheres spheres_;
  const Journal<Real>& journal_;
  std::int64_t n_;
  std::vector<std::int64_t> replicas_;  // of the slots
  std::vector<Real> points_, gradients_, energies_;
  std::vector<double> norms_;
  std::vector<Real> next_;
  std::int64_t steps_ = 0;
  std::int64_t evaluations_ = 0;
};

}  // namespace

template <class Real>
void descend_gradient(const Glass& glass, double step, double decay, const DescentOptions& options,
                      const DescentRows<Real>& rows, std::atomic<std::int64_t>* finished, const Run& run) {
  const Journal<Real> journal(glass.spheres(), options, rows, finished);
  const auto make_walker = [&] { return GradientWalker<Real>(glass.spheres(), step, decay, journal); };
  walk_queue<Real>(glass, rows.replicas, make_walker, run);
}

template <class Real>
void descend_schedule(const Glass& glass, const std::vector<const Glass*>& parts, const Schedule& schedule,
                      const DescentOptions& options, const DescentRows<Real>& rows, std::atomic<std::int64_t>* finished,
                      const Run& run) {
  const Journal<Real> journal(glass.spheres(), options, rows, finished);
  const Grouping grouping(glass, rows.replicas, run.threads());
  // As many blocks for each thread: they take equally long.
  const std::int64_t turns = (rows.replicas + grouping.workers * grouping.block - 1) /
                             std::max<std::int64_t>(1, grouping.workers * grouping.block);
  const std::int64_t blocks = turns * grouping.workers;
  parallel_for(run, blocks, [&](std::int64_t item) {
    const Run inner = grouping.inner(run);
    const std::int64_t first = rows.replicas * item / blocks;
    ScheduledBlock<Real> block(glass, journal, first, rows.replicas * (item + 1) / blocks - first);
    Moves moves(schedule, static_cast<int>(parts.size()));
    for (std::int64_t t = 0; block.active() > 0; ++t) {
      const bool last = moves.at_end() || t == options.max_steps;
      const Move move = last ? Move{0, -1} : moves.current();
      if (move.part < 0) {
        block.evaluate(glass, inner);
        block.judge(moves.at_end() ? std::optional(StopReason::completed) : std::nullopt);
      } else {
        if (options.trace_every > 0 && t % options.trace_every == 0) {
          block.evaluate(glass, inner);
          block.trace();
        }
        block.evaluate(*parts[move.part], inner);
      }
      if (last) continue;
      block.step(move.gamma, inner);
      moves.advance();
    }
  });
}

#define SPINSCAPE_INSTANTIATE(Real)                                                                             \
  template void descend_gradient(const Glass&, double, double, const DescentOptions&, const DescentRows<Real>&, \
                                 std::atomic<std::int64_t>*, const Run&);                                       \
  template void descend_schedule(const Glass&, const std::vector<const Glass*>&, const Schedule&,               \
                                 const DescentOptions&, const DescentRows<Real>&, std::atomic<std::int64_t>*,   \
                                 const Run&);
SPINSCAPE_INSTANTIATE(float)
SPINSCAPE_INSTANTIATE(double)
#undef SPINSCAPE_INSTANTIATE

}  // namespace spinscape
