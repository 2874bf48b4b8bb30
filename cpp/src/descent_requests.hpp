// Blocks of walkers that ask for more than gradients: Hessian-vector products, or a Hessian.
#pragma once

#include <algorithm>
#include <atomic>
#include <vector>

#include "descent_block.hpp"

namespace spinscape {

enum class Need { gradient, product, hessian, nothing };

// What the walkers' requests mean. Riemannian: gradients, products and Hessians on the tangent space of a point of the
// spheres. Ambient: of the energy as a function of all of space, at any point.
struct RiemannianAnswers {
  template <class Real>
  static void gradient(const Surface& surface, const Real* points, std::int64_t count, Real* energies, Real* out,
                       const Run& run) {
    surface.gradient(points, count, energies, out, run);
  }
  template <class Real>
  static void product(const Surface& surface, const Real* points, const Real* vectors, std::int64_t count, Real* out,
                      const Run& run) {
    surface.hvp(points, vectors, count, out, run);
  }
};

struct AmbientAnswers {
  template <class Real>
  static void gradient(const Surface& surface, const Real* points, std::int64_t count, Real* energies, Real* out,
                       const Run& run) {
    surface.euclidean_gradient(points, count, energies, out, run);
  }
  template <class Real>
  static void product(const Surface& surface, const Real* points, const Real* vectors, std::int64_t count, Real* out,
                      const Run& run) {
    surface.euclidean_hvp(points, vectors, count, out, run);
  }
};

// The buffers of one block: a row a slot.
template <class Real>
struct RequestBlock {
  RequestBlock(std::int64_t slots, std::int64_t dimension)
      : n(dimension),
        points(slots * n),
        vectors(slots * n),
        answers(slots * n),
        energies(slots),
        needs(slots, Need::nothing),
        gathered_points(slots * n),
        gathered_vectors(slots * n),
        gathered_answers(slots * n),
        gathered_energies(slots) {}

  // The slots that ask for `need`, their points and vectors gathered.
  std::vector<std::int64_t> gather(Need need, std::int64_t active) {
    std::vector<std::int64_t> slots;
    for (std::int64_t slot = 0; slot < active; ++slot) {
      if (needs[slot] != need) continue;
      const std::int64_t at = static_cast<std::int64_t>(slots.size()) * n;
      std::copy_n(points.data() + slot * n, n, gathered_points.data() + at);
      if (need == Need::product) std::copy_n(vectors.data() + slot * n, n, gathered_vectors.data() + at);
      slots.push_back(slot);
    }
    return slots;
  }
  void scatter(const std::vector<std::int64_t>& slots) {
    for (std::size_t k = 0; k < slots.size(); ++k) {
      std::copy_n(gathered_answers.data() + static_cast<std::int64_t>(k) * n, n, answers.data() + slots[k] * n);
      energies[slots[k]] = gathered_energies[k];
    }
  }
  void move(std::int64_t from, std::int64_t to) {
    std::copy_n(points.data() + from * n, n, points.data() + to * n);
    std::copy_n(vectors.data() + from * n, n, vectors.data() + to * n);
    needs[to] = needs[from];
  }

  std::int64_t n;
  std::vector<Real> points, vectors, answers, energies;
  std::vector<Need> needs;
  std::vector<Real> gathered_points, gathered_vectors, gathered_answers, gathered_energies;
};

// Answers every request of a block. Walkers take a Hessian in at once (take_hessian), a few matrices at a time.
template <class Answers, class Real, class Walkers>
void answer(const Surface& surface, RequestBlock<Real>& block, std::int64_t active, Walkers& walkers, const Run& run) {
  const std::int64_t n = block.n;
  std::vector<std::int64_t> slots = block.gather(Need::gradient, active);
  if (!slots.empty()) {
    Answers::gradient(surface, block.gathered_points.data(), static_cast<std::int64_t>(slots.size()),
                      block.gathered_energies.data(), block.gathered_answers.data(), run);
    block.scatter(slots);
  }
  slots = block.gather(Need::product, active);
  if (!slots.empty()) {
    Answers::product(surface, block.gathered_points.data(), block.gathered_vectors.data(),
                     static_cast<std::int64_t>(slots.size()), block.gathered_answers.data(), run);
    block.scatter(slots);
  }
  slots = block.gather(Need::hessian, active);
  constexpr std::int64_t full = 24, most_bytes = std::int64_t(1) << 26;
  const std::int64_t tile = std::clamp(most_bytes / (n * n * std::int64_t(sizeof(Real))), std::int64_t(1), full);
  const std::int64_t wanted = static_cast<std::int64_t>(slots.size());
  std::vector<Real> hessians(std::min(tile, wanted) * n * n);
  for (std::int64_t first = 0; first < wanted; first += tile) {
    const std::int64_t count = std::min(tile, wanted - first);
    surface.hessian(block.gathered_points.data() + first * n, count, hessians.data(), run);
    parallel_for(run, count, [&](std::int64_t k) {
      const std::int64_t slot = slots[first + k];
      walkers[slot].take_hessian(hessians.data() + k * n * n, block.points.data() + slot * n, run.serial());
    });
  }
}

// walk_queue for walkers that say what they need next:
//     Need start(replica, point)                     the first request
//     Need advance(energy, answer, point, vector)    take in the answer, put the next request; nothing at the end.
template <class Answers, class Real, class MakeWalker>
void walk_requests(const Surface& surface, std::int64_t replicas, const MakeWalker& make_walker, const Run& run) {
  const Grouping grouping(surface, replicas, run.threads());
  const std::int64_t n = surface.dimension();
  std::atomic<std::int64_t> queue{0};
  parallel_for(run, grouping.workers, [&](std::int64_t) {
    const Run inner = grouping.inner(run);
    RequestBlock<Real> block(grouping.block, n);
    std::vector<decltype(make_walker())> walkers;
    walkers.reserve(grouping.block);
    const auto load = [&](std::int64_t slot) {
      const std::int64_t replica = queue.fetch_add(1);
      if (replica >= replicas) return false;
      if (slot == static_cast<std::int64_t>(walkers.size())) walkers.push_back(make_walker());
      block.needs[slot] = walkers[slot].start(replica, block.points.data() + slot * n);
      return true;
    };
    std::int64_t active = 0;
    while (active < grouping.block && load(active)) ++active;
    while (active > 0) {
      inner.check();
      answer<Answers>(surface, block, active, walkers, inner);
      // Backwards: the walker moved into a gap has then already advanced.
      for (std::int64_t slot = active - 1; slot >= 0; --slot) {
        block.needs[slot] = walkers[slot].advance(block.energies[slot], block.answers.data() + slot * n,
                                                  block.points.data() + slot * n, block.vectors.data() + slot * n);
        if (block.needs[slot] != Need::nothing || load(slot)) continue;
        if (slot == --active) continue;
        block.move(active, slot);
        std::swap(walkers[slot], walkers[active]);
      }
    }
  });
}

// A gradient in double precision, tangent to its rounding. Near a critical point what rounding left of the radial part
// is no longer small beside the rest, and no Krylov method can remove it: the Hessian maps it to zero.
template <class Real>
std::vector<double> tangent_gradient(const Domain& domain, const Real* w, const Real* gradient) {
  std::vector<double> g(gradient, gradient + domain.dimension());
  const std::vector<double> point(w, w + domain.dimension());
  for (const Sphere& sphere : domain.spheres()) {
    const double* part = point.data() + sphere.first;
    const double along = dot(part, g.data() + sphere.first, sphere.size) / dot(part, part, sphere.size);
    for (std::int64_t k = 0; k < sphere.size; ++k) g[sphere.first + k] -= along * part[k];
  }
  return g;
}

// How far the residual of a Newton equation is brought down: quadratic convergence, and no more than the rounding of
// products allows. norm: |g|/sqrt(D); curvature: a large eigenvalue of the Hessian, 0 where not known.
template <class Real>
double newton_forcing(double norm, double curvature) {
  constexpr double least = 1e3 * double(std::numeric_limits<Real>::epsilon());
  return curvature > 0 ? std::clamp(norm / curvature, least, 0.1) : 0.1;
}

}  // namespace spinscape
