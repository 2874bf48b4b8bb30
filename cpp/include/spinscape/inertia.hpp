// Inertia of one symmetric matrix: how many eigenvalues lie below, within and above +-zero_tol, with a certificate.
#pragma once

#include <cstdint>

#include "spinscape/parallel.hpp"

namespace spinscape {

struct Inertia {
  std::int64_t negative = 0;  // below -zero_tol
  std::int64_t zero = 0;      // within [-zero_tol, zero_tol]
  std::int64_t positive = 0;  // above zero_tol
  // No eigenvalue lies within 10 n eps |A| of a threshold, so rounding cannot have moved one across it.
  bool certified = false;
  double margin = 0;  // distance of the nearest eigenvalue to the nearest threshold; NaN where not computed
};

enum class InertiaMethod {
  tridiagonal,  // Householder reduction and Sturm counts: always the margin
  cholesky,     // a Cholesky factorisation of A - zero_tol first, three times faster where it succeeds (all eigenvalues
                // above zero_tol); the margin is then NaN. The tridiagonal reduction otherwise.
};

// Half-width of the zone around a threshold in which rounding decides: 10 n eps |A|.
double rounding_zone(std::int64_t n, double norm);

// matrix: (n, n), symmetric, both triangles; overwritten. Throws std::overflow_error where it is not finite. `doubt` is
// what its eigenvalues may be off by before any rounding here; the certificate allows for it.
Inertia symmetric_inertia(double* matrix, std::int64_t n, double zero_tol, InertiaMethod method, const Run& run,
                          double doubt = 0);

}  // namespace spinscape
