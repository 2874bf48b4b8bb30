// The Lanczos process as a walker takes it, a product at a time: an orthonormal basis V from a start vector on, every
// vector orthogonalised twice against all others, and the tridiagonal T = V^T A V.
#pragma once

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "spinscape/domain.hpp"
#include "spinscape/units.hpp"

namespace spinscape {

class KrylovWalk {
 public:
  // At most `most` vectors of n numbers, in a space of `dimension` dimensions.
  KrylovWalk(std::int64_t n, std::int64_t dimension, std::int64_t most) : n_(n), most_(std::min(most, dimension)) {}

  // False where the start has no direction. The basis stays orthogonal to `excluded` (a unit vector, or empty).
  bool begin(const std::vector<double>& start, const std::vector<double>& excluded) {
    basis_.clear();
    diagonal_.clear();
    off_diagonal_.clear();
    excluded_ = excluded;
    norm_ = 0;
    std::vector<double> first = start;
    orthogonalise(first);
    return append(first, length_of(first.data()));
  }

  std::int64_t size() const { return static_cast<std::int64_t>(diagonal_.size()); }
  // The vector to be multiplied next.
  const double* vector() const { return basis_.data() + size() * n_; }
  // What the product of the last vector has outside the basis, the next off-diagonal entry.
  double remainder() const { return off_diagonal_.back(); }

  // Takes in A vector(); false where no further vector is needed: the basis is full, or its space invariant.
  bool feed(const double* product) {
    std::vector<double> next(product, product + n_);
    diagonal_.push_back(dot(vector(), product, n_));
    norm_ = std::max(norm_, length_of(product));
    orthogonalise(next);
    const double length = length_of(next.data());
    off_diagonal_.push_back(length);
    constexpr double breakdown = 1e-12;
    return size() < most_ && length > breakdown * norm_ && append(next, length);
  }

  // T, (size(), size()).
  std::vector<double> matrix() const {
    const std::int64_t m = size();
    std::vector<double> t(m * m, 0.0);
    for (std::int64_t j = 0; j < m; ++j) {
      t[j * m + j] = diagonal_[j];
      if (j + 1 < m) t[j * m + j + 1] = t[(j + 1) * m + j] = off_diagonal_[j];
    }
    return t;
  }

  // Unit coordinates of the lowest Ritz vector.
  std::vector<double> lowest() const {
    const std::vector<double> t = matrix();
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(
        Eigen::Map<const Eigen::MatrixXd>(t.data(), size(), size()));
    const Eigen::VectorXd first = solver.eigenvectors().col(0);
    return {first.data(), first.data() + first.size()};
  }

  // The vector of given coordinates.
  std::vector<double> lift(const std::vector<double>& coordinates) const {
    std::vector<double> sum(n_, 0.0);
    for (std::size_t j = 0; j < coordinates.size(); ++j)
      for (std::int64_t k = 0; k < n_; ++k) sum[k] += coordinates[j] * basis_[static_cast<std::int64_t>(j) * n_ + k];
    return sum;
  }

 private:
  // In any units of the operator.
  double length_of(const double* x) const { return root(dot(x, x, n_), x, n_); }
  void orthogonalise(std::vector<double>& x) const {
    for (int pass = 0; pass < 2; ++pass) {
      if (!excluded_.empty()) remove(x, excluded_.data());
      for (std::int64_t j = 0; j < static_cast<std::int64_t>(basis_.size()) / n_; ++j)
        remove(x, basis_.data() + j * n_);
    }
  }
  void remove(std::vector<double>& x, const double* unit) const {
    const double along = dot(unit, x.data(), n_);
    for (std::int64_t k = 0; k < n_; ++k) x[k] -= along * unit[k];
  }
  bool append(const std::vector<double>& x, double length) {
    if (!(length > 0) || !std::isfinite(length)) return false;
    for (const double entry : x) basis_.push_back(entry / length);
    return true;
  }

  std::int64_t n_, most_;
  std::vector<double> basis_, diagonal_, off_diagonal_, excluded_;
  double norm_ = 0;
};

}  // namespace spinscape
