#include "spinscape/symmetric_matrix.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Householder>
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace spinscape {
namespace {

using Eigen::Index;
using Matrix = Eigen::Map<Eigen::MatrixXd>;

constexpr Index cholesky_width = 128;

typedef double Pair __attribute__((vector_size(16), aligned(8), may_alias));
Pair& pair(double* x) { return *reinterpret_cast<Pair*>(x); }
Pair pair(const double* x) { return *reinterpret_cast<const Pair*>(x); }

// The first `columns` columns of update_and_multiply: entries (i, k) with i >= k.
template <int columns>
void sweep_columns(double* a, Index stride, Index n, const double* v, const double* w, const double* x, double* y) {
  const auto updated = [&](Index i, int k) { return a[k * stride + i] -= v[i] * w[k] + w[i] * v[k]; };
  double sums[columns] = {};
  Pair pair_sums[columns] = {};
  for (int k = 0; k < columns; ++k) {
    y[k] += updated(k, k) * x[k];
    for (int i = k + 1; i < columns; ++i) {
      const double entry = updated(i, k);
      y[i] += entry * x[k];
      sums[k] += entry * x[i];
    }
  }
  Index i = columns;
  for (; i + 2 <= n; i += 2) {
    const Pair vi = pair(v + i), wi = pair(w + i), xi = pair(x + i);
    Pair yi = pair(y + i);
    for (int k = 0; k < columns; ++k) {
      const Pair entry = pair(a + k * stride + i) -= vi * w[k] + wi * v[k];
      yi += entry * x[k];
      pair_sums[k] += entry * xi;
    }
    pair(y + i) = yi;
  }
  for (; i < n; ++i) {
    for (int k = 0; k < columns; ++k) {
      const double entry = updated(i, k);
      y[i] += entry * x[k];
      sums[k] += entry * x[i];
    }
  }
  for (int k = 0; k < columns; ++k) y[k] += sums[k] + (pair_sums[k][0] + pair_sums[k][1]);
}

// A <- A - v w^T - w v^T on the lower triangle, y = A x with the new A: one sweep over memory for both, which is what
// an unblocked reduction waits for. At n = 250..1000 it takes 3/4 of the time of a blocked one (LAPACK's dlatrd) on
// Eigen.
void update_and_multiply(double* a, Index stride, Index n, const double* v, const double* w, const double* x,
                         double* y) {
  std::fill(y, y + n, 0.0);
  Index j = 0;
  for (; j + 4 <= n; j += 4) sweep_columns<4>(a + j * (stride + 1), stride, n - j, v + j, w + j, x + j, y + j);
  for (; j < n; ++j) sweep_columns<1>(a + j * (stride + 1), stride, n - j, v + j, w + j, x + j, y + j);
}

}  // namespace

bool cholesky(double* matrix, std::int64_t n, const Run& run) {
  Matrix a(matrix, n, n);
  for (Index first = 0; first < n; first += cholesky_width) {
    run.check();
    const Index width = std::min<Index>(cholesky_width, n - first), below = n - first - width;
    Eigen::Ref<Eigen::MatrixXd> corner = a.block(first, first, width, width);
    const Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>> factor(corner);
    if (factor.info() != Eigen::Success) return false;
    if (below == 0) return true;
    auto panel = a.block(first + width, first, below, width);
    corner.triangularView<Eigen::Lower>().transpose().solveInPlace<Eigen::OnTheRight>(panel);
    a.bottomRightCorner(below, below).selfadjointView<Eigen::Lower>().rankUpdate(panel, -1.0);
  }
  return true;
}

void cholesky_solve(const double* factor, std::int64_t n, double* vector) {
  const Eigen::Map<const Eigen::MatrixXd> lower(factor, n, n);
  Eigen::Map<Eigen::VectorXd> x(vector, n);
  lower.triangularView<Eigen::Lower>().solveInPlace(x);
  lower.triangularView<Eigen::Lower>().transpose().solveInPlace(x);
}

Tridiagonal::Tridiagonal(double* matrix, std::int64_t n, const Run& run)
    : diagonal_(n), off_squared_(std::max<std::int64_t>(n, 1) - 1) {
  Matrix a(matrix, n, n);
  std::vector<double>& off = off_squared_;
  // With H = I - tau v v^T the trailing matrix becomes H A H = A - v w^T - w v^T, which the next column's sweep carries
  // out.
  Eigen::VectorXd v = Eigen::VectorXd::Zero(n), w = v, next_v = v, next_w = v;
  for (Index j = 0; j < n; ++j) {
    run.check();
    const Index below = n - j - 1;
    auto column = a.col(j).tail(below + 1);
    column -= w[j] * v.tail(below + 1) + v[j] * w.tail(below + 1);
    diagonal_[j] = column(0);
    if (below == 0) break;
    double tau;
    column.tail(below).makeHouseholderInPlace(tau, off[j]);
    next_v.tail(below) = column.tail(below);
    next_v[j + 1] = 1;
    update_and_multiply(&a(j + 1, j + 1), n, below, &v[j + 1], &w[j + 1], &next_v[j + 1], &next_w[j + 1]);
    std::swap(v, next_v);
    std::swap(w, next_w);
    w.tail(below) *= tau;
    w.tail(below) -= (tau / 2 * w.tail(below).dot(v.tail(below))) * v.tail(below);
  }
  for (Index k = 0; k < n; ++k) {
    const double radius = (k > 0 ? std::abs(off[k - 1]) : 0) + (k + 1 < n ? std::abs(off[k]) : 0);
    norm_bound_ = std::max(norm_bound_, std::abs(diagonal_[k]) + radius);
  }
  for (double& x : off) x *= x;
}

std::int64_t Tridiagonal::count_below(double x) const {
  // Pivots of the LDL^T of T - x; a zero pivot is moved by less than rounding has moved it already.
  const double smallest = std::numeric_limits<double>::min() * std::max(1.0, norm_bound_ * norm_bound_);
  std::int64_t count = 0;
  double pivot = 1;
  for (std::int64_t k = 0; k < size(); ++k) {
    pivot = diagonal_[k] - x - (k > 0 ? off_squared_[k - 1] / pivot : 0);
    if (std::abs(pivot) < smallest) pivot = -smallest;
    count += pivot < 0;
  }
  return count;
}

double Tridiagonal::distance_to_spectrum(double x) const {
  if (size() == 0) return std::numeric_limits<double>::infinity();
  double near = 0, far = norm_bound_ + std::abs(x);
  const double resolution = std::numeric_limits<double>::epsilon() * far;
  while (far - near > resolution) {
    const double middle = near + (far - near) / 2;
    (count_below(x - middle) == count_below(x + middle) ? near : far) = middle;
  }
  return near;
}

}  // namespace spinscape
