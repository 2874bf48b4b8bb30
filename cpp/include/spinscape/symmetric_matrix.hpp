// Dense factorisations of one symmetric matrix on one thread. Matrices are (n, n), contiguous; the lower triangle in
// column-major reading (= the upper one in row-major reading) is used and overwritten. All may be interrupted.
#pragma once

#include <cstdint>
#include <vector>

#include "spinscape/parallel.hpp"

namespace spinscape {

// A = L L^T in place; false, with the matrix in ruins, where A is not numerically positive definite.
bool cholesky(double* matrix, std::int64_t n, const Run& run);
// Solves A x = b in place with the factor of cholesky().
void cholesky_solve(const double* factor, std::int64_t n, double* vector);

// Symmetric tridiagonal matrix; it answers every question about its spectrum by Sturm counts, O(n) each.
class Tridiagonal {
 public:
  // Orthogonally similar to the given matrix (Householder reduction, 4/3 n^3 operations); overwrites it.
  Tridiagonal(double* matrix, std::int64_t n, const Run& run);

  std::int64_t size() const { return static_cast<std::int64_t>(diagonal_.size()); }
  // An upper bound of |A|_2, at most a factor 3 above it (Gershgorin).
  double norm_bound() const { return norm_bound_; }
  // Number of eigenvalues below x, exact for a matrix within a few eps |A| of this one.
  std::int64_t count_below(double x) const;
  // Distance from x to the nearest eigenvalue, within eps (|A| + |x|); infinite where n = 0.
  double distance_to_spectrum(double x) const;

 private:
  std::vector<double> diagonal_, off_squared_;
  double norm_bound_ = 0;
};

}  // namespace spinscape
