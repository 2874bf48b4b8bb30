#include "spinscape/hessian_index.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "spinscape/tangent_frame.hpp"

namespace spinscape {

std::vector<Inertia> count_index(const Surface& surface, const double* points, std::int64_t replicas, double zero_tol,
                                 InertiaMethod method, std::int64_t tile, const Run& run) {
  const std::int64_t n = surface.dimension();
  std::vector<Inertia> counts(replicas);
  std::vector<double> hessians(std::min(tile, replicas) * n * n);
  for (std::int64_t first = 0; first < replicas; first += tile) {
    const std::int64_t count = std::min(tile, replicas - first);
    surface.hessian(points + first * n, count, hessians.data(), run);
    parallel_for(run, count, [&](std::int64_t r) {
      const TangentFrame frame(surface.domain(), points + (first + r) * n);
      double* hessian = hessians.data() + r * n * n;
      frame.restrict_matrix(hessian);
      counts[first + r] = symmetric_inertia(hessian, frame.dimension(), zero_tol, method, run);
    });
  }
  return counts;
}

SearchSpace tangent_space(const Domain& domain, const double* w) {
  const std::int64_t n = domain.dimension();
  SearchSpace space{n, std::vector<double>(domain.count() * n, 0)};
  double* unit = space.excluded.data();
  for (const Sphere& sphere : domain.spheres()) {
    const double length = std::sqrt(dot(w + sphere.first, w + sphere.first, sphere.size));
    for (std::int64_t k = sphere.first; k < sphere.end(); ++k) unit[k] = w[k] / length;
    unit += n;
  }
  return space;
}

std::vector<LanczosCount> lanczos_index(const Surface& surface, const double* points, std::int64_t replicas,
                                        double zero_tol, const LanczosOptions& options, const Run& run) {
  const std::int64_t n = surface.dimension();
  std::vector<LanczosCount> counts(replicas);
  const Run serial = run.serial();
  parallel_for(run, replicas, [&](std::int64_t r) {
    const double* w = points + r * n;
    const SearchSpace space = tangent_space(surface.domain(), w);
    const SymmetricOperator hessian = [&](const double* vectors, std::int64_t count, double* products) {
      for (std::int64_t v = 0; v < count; ++v) surface.hvp(w, vectors + v * n, 1, products + v * n, serial);
    };
    LanczosOptions own = options;
    own.epsilon = std::numeric_limits<double>::epsilon();
    counts[r] = lanczos_count(hessian, space, zero_tol, own, serial);
  });
  return counts;
}

}  // namespace spinscape
