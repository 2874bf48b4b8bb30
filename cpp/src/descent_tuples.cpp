// Stochastic gradient descent over mini-batches of tuples. All blocks take a step before any takes the next: the batch
// is drawn once for all of them.
#include "scheduled_block.hpp"
#include "tuple_batches.hpp"

namespace spinscape {

template <class Real>
void descend_tuples(const Glass& glass, int batches, const Schedule& schedule, const DescentOptions& options,
                    const DescentRows<Real>& rows, std::atomic<std::int64_t>* finished, const Run& run) {
  const Journal<Real> journal(glass, options, rows, finished);
  const Grouping grouping(glass, rows.replicas, run.threads());
  const Run inner = grouping.inner(run);
  std::vector<ScheduledBlock<Real>> blocks;
  for (std::int64_t first = 0; first < rows.replicas; first += grouping.block)
    blocks.emplace_back(glass, journal, first, std::min(grouping.block, rows.replicas - first));
  TupleBatches tuples(glass, batches, schedule.random_order, schedule.order_seed);
  Moves moves(schedule, batches);
  const auto any_active = [&] {
    return std::any_of(blocks.begin(), blocks.end(), [](const auto& block) { return block.active() > 0; });
  };
  for (std::int64_t t = 0; any_active(); ++t) {
    run.check();
    const bool last = moves.at_end() || t == options.max_steps;
    const Move move = last ? Move{0, -1} : moves.current();
    const bool traced = options.trace_every > 0 && t % options.trace_every == 0;
    if (move.part >= 0) tuples.prepare(moves.turn());
    const auto take_step = [&](std::int64_t item) {
      ScheduledBlock<Real>& block = blocks[item];
      if (block.active() == 0) return;
      if (move.part < 0) {
        block.evaluate(glass, inner);
        block.judge(moves.at_end() ? std::optional(StopReason::completed) : std::nullopt);
      } else {
        if (traced) {
          block.evaluate(glass, inner);
          block.trace();
        }
        block.evaluate_by(
            [&](const Real* points, std::int64_t count, Real* energies, Real* gradients) {
              tuples.riemannian_gradient(points, count, energies, gradients, inner);
            },
            inner);
      }
      if (!last) block.step(move.gamma, inner);
    };
    parallel_for(run, static_cast<std::int64_t>(blocks.size()), take_step);
    if (!last) moves.advance();
  }
}

#define SPINSCAPE_INSTANTIATE(Real)                                                                                 \
  template void descend_tuples(const Glass&, int, const Schedule&, const DescentOptions&, const DescentRows<Real>&, \
                               std::atomic<std::int64_t>*, const Run&);
SPINSCAPE_INSTANTIATE(float)
SPINSCAPE_INSTANTIATE(double)
#undef SPINSCAPE_INSTANTIATE

}  // namespace spinscape
