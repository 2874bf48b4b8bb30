// Replica exchange (parallel tempering): ladders of chains that swap their temperatures.
#include <numeric>

#include "descent_block.hpp"
#include "thermal_chain.hpp"

namespace spinscape {
namespace {

// The chains of one replica. `at[k]` is the chain at the k-th beta; a swap exchanges entries, points stay where they
// are. Streams belong to the betas: the points in their order are all there is to know, and a run may be cut into
// pieces.
template <class Real>
class Rungs {
 public:
  Rungs(const Surface& surface, const Ladder& ladder, const ThermalOptions& options, const LadderRows<Real>& rows,
        std::int64_t replica)
      : domain_(surface.domain()),
        energy_scale_(surface.energy_scale()),
        ladder_(ladder),
        options_(options),
        rows_(rows),
        replica_(replica) {
    const std::int64_t row = options.first_replica + replica;
    for (std::int64_t k = 0; k < count(); ++k) {
      chains_.emplace_back(domain_, options.leapfrogs, true);
      streams_.emplace_back(options.seed, static_cast<std::uint32_t>(row * count() + k), domain_.dimension());
    }
    at_.resize(count());
    std::iota(at_.begin(), at_.end(), 0);
    travels_.assign(count(), 0);
    if (count() > 1) travels_[0] = 1;
    tried_.assign(count(), 0);
  }

  std::int64_t count() const { return static_cast<std::int64_t>(ladder_.betas.size()); }

  void load(Real* points) const {
    const std::int64_t n = domain_.dimension();
    for (std::int64_t k = 0; k < count(); ++k)
      load_point(domain_, rows_.points + (replica_ * count() + k) * n, points + k * n);
  }
  void settle(const Real* points, const Real* energies, const Real* gradients) {
    const std::int64_t n = domain_.dimension();
    for (std::int64_t k = 0; k < count(); ++k)
      chains_[k].settle(points + k * n, double(energies[k]), gradients + k * n);
    trace(0);
  }
  void propose(std::int64_t t, Real* points) {
    for (std::int64_t k = 0; k < count(); ++k) {
      const std::int64_t chain = at_[k];
      chains_[chain].propose(ladder_.betas[k], ladder_.epsilons[k], streams_[k], options_.first_step + t,
                             points + chain * domain_.dimension());
    }
  }
  // All chains make as many leapfrog steps, so all moves end together.
  bool advance(const Real* energies, const Real* gradients, Real* points) {
    const std::int64_t n = domain_.dimension();
    bool ended = true;
    for (std::int64_t k = 0; k < count(); ++k)
      ended = chains_[k].advance(double(energies[k]), gradients + k * n, points + k * n);
    return ended;
  }

  // After step t (from 1).
  void take_down(std::int64_t t) {
    for (std::int64_t k = 0; k < count(); ++k) rows_.acceptance[replica_ * count() + k] += chains_[at_[k]].taken();
    const std::int64_t now = options_.first_step + t;
    if (now % ladder_.swap_every == 0) swap(now, (now / ladder_.swap_every) % 2);
    for (std::int64_t k = 0; k < count(); ++k) rows_.mean_energy[replica_ * count() + k] += density(k);
    trace(t);
  }

  void finish() const {
    const std::int64_t n = domain_.dimension();
    for (std::int64_t k = 0; k < count(); ++k) {
      const std::int64_t cell = replica_ * count() + k;
      std::copy(chains_[at_[k]].point(), chains_[at_[k]].point() + n, rows_.points + cell * n);
      rows_.energy[cell] = density(k);
      const double steps = double(std::max<std::int64_t>(1, ladder_.steps));
      rows_.mean_energy[cell] /= steps;
      rows_.acceptance[cell] /= steps;
    }
    for (std::int64_t k = 0; k + 1 < count(); ++k)
      rows_.swap_acceptance[replica_ * (count() - 1) + k] /= double(tried_[k]);  // nan where none was tried
  }

 private:
  double density(std::int64_t k) const { return chains_[at_[k]].energy() / energy_scale_; }

  void trace(std::int64_t t) const {
    if (options_.trace_every == 0 || t % options_.trace_every != 0) return;
    const std::int64_t columns = ladder_.steps / options_.trace_every + 1;
    for (std::int64_t k = 0; k < count(); ++k)
      rows_.trace[(replica_ * count() + k) * columns + t / options_.trace_every] = density(k);
  }

  // Chains at beta and beta' swap with probability min(1, exp((beta - beta') (H - H'))): the ratio of the joint laws.
  void swap(std::int64_t now, std::int64_t parity) {
    for (std::int64_t k = parity; k + 1 < count(); k += 2) {
      const double gain =
          (ladder_.betas[k] - ladder_.betas[k + 1]) * (chains_[at_[k]].energy() - chains_[at_[k + 1]].energy());
      ++tried_[k];
      if (!(streams_[k].swap(now) < std::exp(gain))) continue;
      std::swap(at_[k], at_[k + 1]);
      rows_.swap_acceptance[replica_ * (count() - 1) + k] += 1;
    }
    if (count() < 2) return;
    std::int64_t& first = travels_[at_.front()];
    std::int64_t& last = travels_[at_.back()];
    if (first == 2) ++rows_.round_trips[replica_];
    first = 1;                // on its way up
    if (last == 1) last = 2;  // on its way back
  }

  Domain domain_;
  double energy_scale_;
  const Ladder& ladder_;
  const ThermalOptions& options_;
  const LadderRows<Real>& rows_;
  std::int64_t replica_;
  std::vector<ThermalChain<Real>> chains_;
  std::vector<ThermalStream> streams_;
  std::vector<std::int64_t> at_, travels_, tried_;
};

}  // namespace

template <class Real>
void temper(const Surface& surface, const Ladder& ladder, const ThermalOptions& options, const LadderRows<Real>& rows,
            std::atomic<std::int64_t>* steps_done, const Run& run) {
  const std::int64_t n = surface.dimension(), rungs = static_cast<std::int64_t>(ladder.betas.size());
  const Grouping grouping(surface, rows.replicas * rungs, run.threads());
  const std::int64_t together = std::max<std::int64_t>(1, grouping.block / rungs);
  const std::int64_t blocks = (rows.replicas + together - 1) / together;
  const Run outer = grouping.threads_inside ? run.serial() : run;
  parallel_for(outer, blocks, [&](std::int64_t item) {
    const Run inner = grouping.inner(run);
    const std::int64_t first = item * together, last = std::min(rows.replicas, first + together);
    const std::int64_t chains = (last - first) * rungs;
    std::vector<Rungs<Real>> ladders;
    std::vector<Real> points(chains * n), gradients(chains * n), energies(chains);
    const auto of = [&](std::vector<Real>& rows_of_chains, std::int64_t r, std::int64_t width) {
      return rows_of_chains.data() + r * rungs * width;
    };
    const auto evaluate = [&] {
      inner.check();
      surface.gradient(points.data(), chains, energies.data(), gradients.data(), inner);
    };
    for (std::int64_t r = first; r < last; ++r) ladders.emplace_back(surface, ladder, options, rows, r);
    for (std::int64_t r = 0; r < last - first; ++r) ladders[r].load(of(points, r, n));
    evaluate();
    for (std::int64_t r = 0; r < last - first; ++r)
      ladders[r].settle(of(points, r, n), of(energies, r, 1), of(gradients, r, n));
    for (std::int64_t t = 0; t < ladder.steps; ++t) {
      for (std::int64_t r = 0; r < last - first; ++r) ladders[r].propose(t, of(points, r, n));
      for (bool ended = false; !ended;) {
        evaluate();
        for (std::int64_t r = 0; r < last - first; ++r)
          ended = ladders[r].advance(of(energies, r, 1), of(gradients, r, n), of(points, r, n));
      }
      for (Rungs<Real>& rungs_of_one : ladders) rungs_of_one.take_down(t + 1);
      if (steps_done) steps_done->fetch_add(chains, std::memory_order_relaxed);
    }
    for (const Rungs<Real>& rungs_of_one : ladders) rungs_of_one.finish();
  });
}

#define SPINSCAPE_INSTANTIATE(Real)                                                                   \
  template void temper(const Surface&, const Ladder&, const ThermalOptions&, const LadderRows<Real>&, \
                       std::atomic<std::int64_t>*, const Run&);
SPINSCAPE_INSTANTIATE(float)
SPINSCAPE_INSTANTIATE(double)
#undef SPINSCAPE_INSTANTIATE

}  // namespace spinscape
