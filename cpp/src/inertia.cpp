#include "spinscape/inertia.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "spinscape/symmetric_matrix.hpp"
#include "spinscape/units.hpp"

namespace spinscape {
namespace {

// Largest row sum of |A|: an upper bound of |A|_2.
double row_sum_norm(const double* matrix, std::int64_t n) {
  double norm = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    double sum = 0;
    for (std::int64_t k = 0; k < n; ++k) sum += std::abs(matrix[i * n + k]);
    norm = std::max(norm, sum);
  }
  return norm;
}

// True where every eigenvalue is proven to lie above the shift; the matrix is restored otherwise.
bool lies_above(double* matrix, std::int64_t n, double shift, const Run& run) {
  std::vector<double> diagonal(n);
  for (std::int64_t k = 0; k < n; ++k) {
    diagonal[k] = matrix[k * n + k];
    if (!(diagonal[k] > shift)) return false;  // a diagonal entry is an average of eigenvalues
  }
  for (std::int64_t k = 0; k < n; ++k) matrix[k * n + k] -= shift;
  if (cholesky(matrix, n, run)) return true;
  for (std::int64_t i = 0; i < n; ++i) {
    matrix[i * n + i] = diagonal[i];
    for (std::int64_t k = i + 1; k < n; ++k) matrix[i * n + k] = matrix[k * n + i];
  }
  return false;
}

}  // namespace

double rounding_zone(std::int64_t n, double norm) {
  return 10 * static_cast<double>(n) * std::numeric_limits<double>::epsilon() * norm;
}

Inertia symmetric_inertia(double* matrix, std::int64_t n, double zero_tol, InertiaMethod method, const Run& run,
                          double doubt) {
  const double most = largest(matrix, n * n);
  if (!std::isfinite(most)) throw std::overflow_error("the matrix whose eigenvalues are counted is not finite");
  const double scale = to_unit(std::max(most, zero_tol));
  for (std::int64_t k = 0; k < n * n; ++k) matrix[k] *= scale;
  const double threshold = zero_tol * scale, norm = row_sum_norm(matrix, n);

  const double above = threshold + rounding_zone(n, norm) + doubt * scale;
  if (method == InertiaMethod::cholesky && lies_above(matrix, n, above, run))
    return {0, 0, n, true, std::numeric_limits<double>::quiet_NaN()};
  const Tridiagonal reduced(matrix, n, run);
  const std::int64_t negative = reduced.count_below(-threshold);
  const std::int64_t not_positive = std::max(negative, reduced.count_below(threshold));
  const double margin = std::min(reduced.distance_to_spectrum(-threshold), reduced.distance_to_spectrum(threshold));
  const bool certified = margin > rounding_zone(n, reduced.norm_bound()) + doubt * scale;
  return {negative, not_positive - negative, n - not_positive, certified, margin / scale};
}

}  // namespace spinscape
