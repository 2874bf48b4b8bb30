// Lanczos for any symmetric operator: extreme eigenvalues with residuals, and counts of negative and positive ones.
//
// A run builds an orthonormal basis V of a block Krylov space, every new vector orthogonalised twice against all
// others, with C = V^T A V kept in full. An invariant subspace (multiplicities, breakdown) is continued with a random
// vector orthogonal to it. A basis that fills the space gives the whole spectrum; a smaller one gives Ritz values, each
// within its residual of an eigenvalue, and the next run searches the complement of the Ritz vectors that were wanted,
// so that further eigenvectors of a multiple eigenvalue are found. Without a full basis nothing is certain, and nothing
// says so.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "spinscape/inertia.hpp"
#include "spinscape/parallel.hpp"

namespace spinscape {

// products = A vectors, for `count` vectors of n numbers each, one after the other.
using SymmetricOperator = std::function<void(const double* vectors, std::int64_t count, double* products)>;

struct LanczosOptions {
  std::int64_t max_steps = 1;   // largest basis of one run
  std::int64_t block_size = 1;  // vectors multiplied at once
  std::uint64_t seed = 0;       // of the random vectors
  double epsilon = 0;           // relative rounding of the operator's products
  double norm = 0;              // a lower bound of |A| known beforehand, as from products with excluded directions
};

// Where the operator acts: the complement of some orthonormal directions in n dimensions.
struct SearchSpace {
  std::int64_t n = 0;
  std::vector<double> excluded;  // (count, n)

  std::int64_t dimension() const { return n - static_cast<std::int64_t>(excluded.size()) / (n > 0 ? n : 1); }
};

struct LanczosCount {
  // Counts and certificate. Certified only where the basis filled the space and no eigenvalue lies within
  // 10 n eps |A| + 10 asymmetry of a threshold.
  Inertia inertia;
  // Dimensions no eigenvalue was attributed to. 0 where converged; otherwise the counts are those of the Ritz values,
  // and negative and positive are lower bounds (Cauchy's interlacing).
  std::int64_t unresolved = 0;
  bool converged = false;
  double residual = 0;   // largest |A v - theta v| of the Ritz pairs that decided the counts
  double asymmetry = 0;  // Frobenius norm of the antisymmetric part of A on the basis: the rounding of the products
  double norm = 0;       // largest |A v| seen: a lower bound of |A|
  std::int64_t products = 0;
  std::int64_t runs = 0;
};

LanczosCount lanczos_count(const SymmetricOperator& apply, const SearchSpace& space, double zero_tol,
                           const LanczosOptions& options, const Run& run);

struct RitzPairs {
  std::vector<double> values, residuals;  // ascending values
  std::vector<double> vectors;            // (values.size(), n)
  bool converged = false;
  double asymmetry = 0, norm = 0;
  std::int64_t products = 0, runs = 0;
};

// The `count` smallest (or largest) eigenvalues with their multiplicities, to residuals of at most tolerance * |A|.
RitzPairs extreme_eigenvalues(const SymmetricOperator& apply, const SearchSpace& space, std::int64_t count,
                              bool largest, double tolerance, const LanczosOptions& options, const Run& run);

}  // namespace spinscape
