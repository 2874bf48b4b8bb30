#include "spinscape/hessian_index.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "spinscape/units.hpp"

namespace spinscape {
namespace {

// Two roundings of one derivative in single precision differ by less, relative to the largest entry.
constexpr double most_asymmetry = 1e-4;

// Makes a matrix symmetric; returns the Frobenius norm of what is taken away.
double symmetrise(double* matrix, std::int64_t n) {
  const double unit = to_unit(largest(matrix, n * n));
  double square = 0, most = 0, widest = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    most = std::max(most, std::abs(matrix[i * n + i]));
    for (std::int64_t k = 0; k < i; ++k) {
      double &a = matrix[i * n + k], &b = matrix[k * n + i];
      if (a == b) {
        most = std::max(most, std::abs(a));
        continue;
      }
      const double off = std::abs(a - b);
      most = std::max({most, std::abs(a), std::abs(b)});
      widest = std::max(widest, off);
      square += off * unit * (off * unit) / 2;
      a = b = a / 2 + b / 2;
    }
  }
  if (widest > most_asymmetry * most)
    throw std::invalid_argument("landscape: expected symmetric Hessians, got entries that differ by " +
                                std::to_string(widest));
  return std::sqrt(square) / unit;
}

}  // namespace

IndexCounts<Inertia> count_index(const Surface& surface, const double* points, std::int64_t replicas, double zero_tol,
                                 InertiaMethod method, const Exclusion& exclusion, std::int64_t tile,
                                 std::atomic<std::int64_t>* finished, const Run& run) {
  const std::int64_t n = surface.dimension();
  IndexCounts<Inertia> result{std::vector<Inertia>(replicas), std::vector<double>(replicas)};
  std::vector<double> hessians(std::min(tile, replicas) * n * n);
  for (std::int64_t first = 0; first < replicas; first += tile) {
    const std::int64_t count = std::min(tile, replicas - first);
    const double* w = points + first * n;
    surface.hessian(w, count, hessians.data(), run);
    const std::vector<double> excluded = exclusion.at(w, count, n);
    parallel_for(run, count, [&](std::int64_t r) {
      const TangentFrame frame(surface.domain(), w + r * n, excluded.data() + r * exclusion.count() * n,
                               exclusion.count());
      double* hessian = hessians.data() + r * n * n;
      const double doubt = 10 * symmetrise(hessian, n);
      result.excluded[first + r] = frame.restrict_matrix(hessian);
      result.counts[first + r] = symmetric_inertia(hessian, frame.dimension(), zero_tol, method, run, doubt);
      if (finished) finished->fetch_add(1);
    });
  }
  return result;
}

SearchSpace search_space(const Domain& domain, const double* w, const TangentFrame& frame) {
  const std::int64_t n = domain.dimension();
  SearchSpace space{n, std::vector<double>(domain.count() * n, 0)};
  double* unit = space.excluded.data();
  for (const Sphere& sphere : domain.spheres()) {
    const double length = std::sqrt(dot(w + sphere.first, w + sphere.first, sphere.size));
    for (std::int64_t k = sphere.first; k < sphere.end(); ++k) unit[k] = w[k] / length;
    unit += n;
  }
  const std::vector<double> further = frame.excluded();
  space.excluded.insert(space.excluded.end(), further.begin(), further.end());
  return space;
}

IndexCounts<LanczosCount> lanczos_index(const Surface& surface, const double* points, std::int64_t replicas,
                                        double zero_tol, const Exclusion& exclusion, const LanczosOptions& options,
                                        std::atomic<std::int64_t>* finished, const Run& run) {
  const std::int64_t n = surface.dimension();
  IndexCounts<LanczosCount> result{std::vector<LanczosCount>(replicas), std::vector<double>(replicas)};
  const std::vector<double> excluded = exclusion.at(points, replicas, n);
  LanczosOptions own = options;
  own.epsilon = std::numeric_limits<double>::epsilon();
  const Run serial = run.serial();
  parallel_for(surface.concurrent() ? run : serial, replicas, [&](std::int64_t r) {
    const double* w = points + r * n;
    const TangentFrame frame(surface.domain(), w, excluded.data() + r * exclusion.count() * n, exclusion.count());
    const SymmetricOperator hessian = [&](const double* vectors, std::int64_t count, double* products) {
      for (std::int64_t v = 0; v < count; ++v) surface.hvp(w, vectors + v * n, 1, products + v * n, serial);
    };
    result.counts[r] = lanczos_count(hessian, search_space(surface.domain(), w, frame), zero_tol, own, serial);
    const std::vector<double> basis = frame.excluded();
    std::vector<double> image(n);
    for (std::int64_t k = 0; k < frame.rank(); ++k) {
      surface.hvp(w, basis.data() + k * n, 1, image.data(), serial);
      const double square = dot(image.data(), image.data(), n);
      result.excluded[r] = std::max(result.excluded[r], root(square, image.data(), n));
    }
    if (finished) finished->fetch_add(1);
  });
  return result;
}

}  // namespace spinscape
