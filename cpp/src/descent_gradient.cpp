// The papers' descents: plain gradient steps, and schedules over parts of the couplings.
#include "scheduled_block.hpp"

namespace spinscape {
namespace {

template <class Real>
class GradientWalker {
 public:
  GradientWalker(const Domain& domain, double step, double decay, const Journal<Real>& journal)
      : domain_(domain), step_(step), decay_(decay), journal_(&journal), next_(domain.dimension()) {}

  void start(std::int64_t replica, Real* point) {
    replica_ = replica;
    steps_ = 0;
    journal_->load(replica, point);
  }

  bool advance(Real energy, const Real* gradient, Real* w) {
    const double norm = scaled_norm(domain_, gradient);
    std::optional<StopReason> reason = journal_->judge(replica_, steps_, double(energy), norm);
    if (!reason && !step_from(domain_, w, gradient, step_ / (1 + decay_ * double(steps_)), next_.data()))
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
  Domain domain_;
  double step_, decay_;
  const Journal<Real>* journal_;
  std::vector<Real> next_;
  std::int64_t replica_ = 0;
  std::int64_t steps_ = 0;
};

}  // namespace

template <class Real>
void descend_gradient(const Surface& surface, double step, double decay, const DescentOptions& options,
                      const DescentRows<Real>& rows, std::atomic<std::int64_t>* finished, const Run& run) {
  const Journal<Real> journal(surface, options, rows, finished);
  const auto make_walker = [&] { return GradientWalker<Real>(surface.domain(), step, decay, journal); };
  walk_queue<Real>(surface, rows.replicas, make_walker, run);
}

template <class Real>
void descend_schedule(const Surface& surface, const std::vector<const Surface*>& parts, const Schedule& schedule,
                      const DescentOptions& options, const DescentRows<Real>& rows, std::atomic<std::int64_t>* finished,
                      const Run& run) {
  const Journal<Real> journal(surface, options, rows, finished);
  const Grouping grouping(surface, rows.replicas, run.threads());
  // As many blocks for each thread: they take equally long.
  const std::int64_t turns = (rows.replicas + grouping.workers * grouping.block - 1) /
                             std::max<std::int64_t>(1, grouping.workers * grouping.block);
  const std::int64_t blocks = turns * grouping.workers;
  parallel_for(run, blocks, [&](std::int64_t item) {
    const Run inner = grouping.inner(run);
    const std::int64_t first = rows.replicas * item / blocks;
    ScheduledBlock<Real> block(surface, journal, first, rows.replicas * (item + 1) / blocks - first);
    Moves moves(schedule, static_cast<int>(parts.size()));
    for (std::int64_t t = 0; block.active() > 0; ++t) {
      const bool last = moves.at_end() || t == options.max_steps;
      const Move move = last ? Move{0, -1} : moves.current();
      if (move.part < 0) {
        block.evaluate(surface, inner);
        block.judge(moves.at_end() ? std::optional(StopReason::completed) : std::nullopt);
      } else {
        if (options.trace_every > 0 && t % options.trace_every == 0) {
          block.evaluate(surface, inner);
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

#define SPINSCAPE_INSTANTIATE(Real)                                                                               \
  template void descend_gradient(const Surface&, double, double, const DescentOptions&, const DescentRows<Real>&, \
                                 std::atomic<std::int64_t>*, const Run&);                                         \
  template void descend_schedule(const Surface&, const std::vector<const Surface*>&, const Schedule&,             \
                                 const DescentOptions&, const DescentRows<Real>&, std::atomic<std::int64_t>*,     \
                                 const Run&);
SPINSCAPE_INSTANTIATE(float)
SPINSCAPE_INSTANTIATE(double)
#undef SPINSCAPE_INSTANTIATE

}  // namespace spinscape
