#include "spinscape/hessian_index.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "spinscape/tangent_frame.hpp"

namespace spinscape {

std::vector<Inertia> count_index(const Glass& glass, const double* points, std::int64_t replicas, double zero_tol,
                                 InertiaMethod method, std::int64_t tile, const Run& run) {
  const std::int64_t n = glass.dimension();
  std::vector<Inertia> counts(replicas);
  std::vector<double> hessians(std::min(tile, replicas) * n * n);
  for (std::int64_t first = 0; first < replicas; first += tile) {
    const std::int64_t count = std::min(tile, replicas - first);
    glass.riemannian_hessian(points + first * n, count, hessians.data(), run);
    parallel_for(run, count, [&](std::int64_t r) {
      const TangentFrame frame(glass.spheres(), points + (first + r) * n);
      double* hessian = hessians.data() + r * n * n;
      frame.restrict_matrix(hessian);
      counts[first + r] = symmetric_inertia(hessian, frame.dimension(), zero_tol, method, run);
    });
  }
  return counts;
}

SearchSpace tangent_space(const Spheres& spheres, const double* w) {
  const std::int64_t n = spheres.dimension();
  if (spheres.flat) return {n, {}};
  SearchSpace space{n, std::vector<double>(spheres.count * n, 0)};
  for (std::int64_t s = 0; s < spheres.count; ++s) {
    const double length = std::sqrt(dot(w + s * spheres.size, w + s * spheres.size, spheres.size));
    for (std::int64_t k = s * spheres.size; k < (s + 1) * spheres.size; ++k) space.excluded[s * n + k] = w[k] / length;
  }
  return space;
}

std::vector<LanczosCount> lanczos_index(const Glass& glass, const double* points, std::int64_t replicas,
                                        double zero_tol, const LanczosOptions& options, const Run& run) {
  const std::int64_t n = glass.dimension();
  std::vector<LanczosCount> counts(replicas);
  const Run serial = run.serial();
  parallel_for(run, replicas, [&](std::int64_t r) {
    const double* w = points + r * n;
    const SearchSpace space = tangent_space(glass.spheres(), w);
    const SymmetricOperator hessian = [&](const double* vectors, std::int64_t count, double* products) {
      for (std::int64_t v = 0; v < count; ++v) glass.riemannian_hvp(w, vectors + v * n, 1, products + v * n, serial);
    };
    LanczosOptions own = options;
    own.epsilon = std::numeric_limits<double>::epsilon();
    counts[r] = lanczos_count(hessian, space, zero_tol, own, serial);
  });
  return counts;
}

}  // namespace spinscape
