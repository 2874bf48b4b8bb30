// What the methods of descent share: the journal of a replica, and the blocks in which replicas are evaluated.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "spinscape/descent.hpp"

namespace spinscape {

// A replica's start, put on the spheres; one that is on them to rounding keeps its bits, so that a run can be continued
// as if it had never been interrupted.
template <class Real>
void load_point(const Domain& domain, const Real* start, Real* point) {
  std::copy(start, start + domain.dimension(), point);
  constexpr double rounding = 64 * double(std::numeric_limits<Real>::epsilon());
  for (const Sphere& sphere : domain.spheres()) {
    const double square = double(dot(point + sphere.first, point + sphere.first, sphere.size));
    if (std::abs(square / double(sphere.size) - 1) > rounding) return static_cast<void>(retract(domain, point));
  }
}

// Writes what a descent finds into its rows, and decides what an evaluated point means. Thread-safe across replicas.
template <class Real>
class Journal {
 public:
  Journal(const Surface& surface, const DescentOptions& options, const DescentRows<Real>& rows,
          std::atomic<std::int64_t>* finished)
      : surface_(surface), options_(options), rows_(rows), finished_(finished) {}

  void load(std::int64_t replica, Real* point) const {
    load_point(surface_.domain(), rows_.points + replica * surface_.dimension(), point);
  }

  void trace(std::int64_t replica, std::int64_t step, double energy, double norm) const {
    if (options_.trace_every == 0 || step % options_.trace_every != 0) return;
    const std::int64_t column = replica * options_.trace_columns() + step / options_.trace_every;
    rows_.trace_energy[column] = energy / surface_.energy_scale();
    rows_.trace_norm[column] = norm;
  }

  // Takes down the point reached after `step` steps; returns why the replica ends there, if it does.
  std::optional<StopReason> judge(std::int64_t replica, std::int64_t step, double energy, double norm) const {
    trace(replica, step, energy, norm);
    const std::int64_t levels = static_cast<std::int64_t>(options_.ladder.size());
    for (std::int64_t level = 0; level < levels && norm <= options_.ladder[level]; ++level) {
      if (rows_.halting_steps[replica * levels + level] >= 0) continue;
      rows_.halting_steps[replica * levels + level] = step;
      rows_.halting_energy[replica * levels + level] = energy / surface_.energy_scale();
    }
    if (!std::isfinite(energy) || !std::isfinite(norm)) return StopReason::not_finite;
    if (norm <= options_.tol) return StopReason::converged;
    if (step >= options_.max_steps) return StopReason::max_steps;
    return std::nullopt;
  }

  void finish(std::int64_t replica, const Real* point, double energy, double norm, StopReason reason,
              std::int64_t steps, std::int64_t evaluations) const {
    const std::int64_t n = surface_.dimension();
    std::copy(point, point + n, rows_.points + replica * n);
    rows_.energy_density[replica] = energy / surface_.energy_scale();
    rows_.gradient_norm[replica] = norm;
    rows_.stop_reason[replica] = static_cast<std::int8_t>(reason);
    rows_.steps[replica] = steps;
    rows_.evaluations[replica] = evaluations;
    if (finished_) finished_->fetch_add(1, std::memory_order_relaxed);
  }

  std::int64_t replicas() const { return rows_.replicas; }

 private:
  const Surface& surface_;
  DescentOptions options_;
  DescentRows<Real> rows_;
  std::atomic<std::int64_t>* finished_;
};

// Rounding alone moves a replica that for long has found neither a lower energy nor a smaller gradient.
class IdleWatch {
 public:
  bool idle(double energy, double norm) {
    constexpr int longest_idle = 30;
    idle_steps_ = energy < lowest_energy_ || norm < lowest_norm_ ? 0 : idle_steps_ + 1;
    lowest_energy_ = std::min(lowest_energy_, energy);
    lowest_norm_ = std::min(lowest_norm_, norm);
    return idle_steps_ >= longest_idle;
  }

 private:
  double lowest_energy_ = std::numeric_limits<double>::infinity();
  double lowest_norm_ = std::numeric_limits<double>::infinity();
  int idle_steps_ = 0;
};

// The last point a walker accepted: the base of its next step, and what is taken down at its end.
template <class Real>
struct Accepted {
  Accepted(const Domain& on, const Journal<Real>& to) : domain(on), journal(&to), point(on.dimension()) {}

  // A new replica, with its start in `first`, which will be the first point accepted.
  void load(std::int64_t number, Real* first) {
    replica = number;
    steps = -1;
    evaluations = 0;
    scale = 0;
    watch = IdleWatch();
    journal->load(number, first);
  }
  bool none() const { return steps < 0; }

  // Returns why the replica ends at this point, if it does.
  std::optional<StopReason> take(double its_energy, const Real* gradient, const Real* its_point) {
    ++steps;
    std::copy(its_point, its_point + domain.dimension(), point.begin());
    energy = its_energy;
    scale = std::max(scale, std::abs(energy));
    norm = scaled_norm(domain, gradient);
    const std::optional<StopReason> reason = journal->judge(replica, steps, energy, norm);
    return !reason && watch.idle(energy, norm) ? StopReason::stalled : reason;
  }
  void finish(StopReason reason) const {
    journal->finish(replica, point.data(), energy, norm, reason, steps, evaluations);
  }

  Domain domain;
  const Journal<Real>* journal;
  std::vector<Real> point;
  IdleWatch watch;
  std::int64_t replica = 0, steps = -1, evaluations = 0;
  double energy = 0, norm = 0;
  double scale = 0;  // largest |energy| so far: what its rounding is relative to
};

// How replicas are spread over threads. A block is evaluated at once, and the contraction is fastest with blocks of 48
// to 96; threads work inside the contraction only where there are too few replicas for blocks of their own and one
// evaluation outlasts the few microseconds it takes to wake them. What is called back sees all replicas in one block.
struct Grouping {
  std::int64_t workers;
  std::int64_t block;
  bool threads_inside;

  Grouping(const Surface& surface, std::int64_t replicas, int threads) {
    constexpr std::int64_t full_block = 96, least_block = 24, quick_evaluation = 1 << 18;
    if (!surface.concurrent()) {
      threads_inside = true;
      workers = 1;
      block = std::max<std::int64_t>(1, replicas);
      return;
    }
    const bool quick = double(surface.cost()) * double(replicas) < double(quick_evaluation);
    threads_inside = threads > 1 && replicas < threads * least_block && !quick;
    workers = threads_inside ? 1 : std::max<std::int64_t>(1, std::min<std::int64_t>(threads, replicas));
    block = std::min(threads_inside ? replicas : (replicas + workers - 1) / workers, full_block);
  }
  Run inner(const Run& run) const { return threads_inside ? run : run.serial(); }
};

// Lets every replica walk to its end. A walker is the state machine of one replica:
//     start(replica, point)                   put the first point to be evaluated into `point`
//     advance(energy, gradient, point)        take in its evaluation and write the next point; true at the end.
// Walkers that ended are replaced from the queue, and at last by the walkers behind them, so blocks stay dense.
template <class Real, class MakeWalker>
void walk_queue(const Surface& surface, std::int64_t replicas, const MakeWalker& make_walker, const Run& run) {
  const Grouping grouping(surface, replicas, run.threads());
  const std::int64_t n = surface.dimension();
  std::atomic<std::int64_t> queue{0};
  parallel_for(run, grouping.workers, [&](std::int64_t) {
    const Run inner = grouping.inner(run);
    std::vector<Real> points(grouping.block * n), gradients(grouping.block * n), energies(grouping.block);
    std::vector<decltype(make_walker())> walkers;
    walkers.reserve(grouping.block);
    const auto load = [&](std::int64_t slot) {
      const std::int64_t replica = queue.fetch_add(1);
      if (replica >= replicas) return false;
      if (slot == static_cast<std::int64_t>(walkers.size())) walkers.push_back(make_walker());
      walkers[slot].start(replica, points.data() + slot * n);
      return true;
    };
    std::int64_t active = 0;
    while (active < grouping.block && load(active)) ++active;
    while (active > 0) {
      inner.check();
      surface.gradient(points.data(), active, energies.data(), gradients.data(), inner);
      // Backwards: the walker moved into a gap has then already advanced.
      for (std::int64_t slot = active - 1; slot >= 0; --slot) {
        Real* point = points.data() + slot * n;
        if (!walkers[slot].advance(energies[slot], gradients.data() + slot * n, point) || load(slot)) continue;
        if (slot == --active) continue;
        std::copy(points.data() + active * n, points.data() + (active + 1) * n, point);
        std::swap(walkers[slot], walkers[active]);
      }
    }
  });
}

}  // namespace spinscape
