#include "krylov_space.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "spinscape/random_streams.hpp"
#include "spinscape/units.hpp"

namespace spinscape {
namespace {

template <class Vectors>
double length(const Vectors& x) {
  return root(x.squaredNorm(), x.data(), x.size());
}

}  // namespace

KrylovSpace::KrylovSpace(const SymmetricOperator& apply, const Basis& fixed, std::int64_t block_size,
                         std::int64_t max_steps, std::uint64_t seed, std::uint32_t run_number, double epsilon,
                         double norm)
    : apply_(apply),
      fixed_(fixed),
      block_size_(block_size),
      seed_(seed),
      run_number_(run_number),
      epsilon_(epsilon),
      norm_(norm) {
  const std::int64_t complement = fixed.rows() - fixed.cols();
  const std::int64_t capacity = std::min(complement, max_steps + 2 * block_size);
  basis_.resize(fixed.rows(), capacity);
  coupling_ = Eigen::MatrixXd::Zero(capacity, capacity);
  append_random();
}

void KrylovSpace::orthogonalise(Eigen::Ref<Eigen::VectorXd> x, Eigen::Ref<Eigen::VectorXd> coefficients) const {
  const auto basis = basis_.leftCols(size_);
  double before = length(x);
  for (int pass = 0; pass < 4; ++pass) {
    x -= fixed_ * (fixed_.transpose() * x).eval();
    const Eigen::VectorXd along = basis.transpose() * x;
    x.noalias() -= basis * along;
    coefficients.head(size_) += along;
    // Twice is enough (Kahan, Parlett), unless the second pass met nothing but the rounding of the first.
    const double after = length(x);
    if (pass > 0 && after > before / 2) break;
    before = after;
  }
}

void KrylovSpace::append_random() {
  const std::int64_t wanted = std::min<std::int64_t>(block_size_, basis_.cols() - size_);
  const std::int64_t n = basis_.rows();
  std::vector<float> normals(n);
  Eigen::VectorXd x(n), ignored = Eigen::VectorXd::Zero(basis_.cols());
  for (std::int64_t added = 0; added < wanted;) {
    fill_normals({seed_, Purpose::starts, run_number_}, draws_++, 0, n, normals.data());
    x = Eigen::Map<Eigen::VectorXf>(normals.data(), n).cast<double>().normalized();
    orthogonalise(x, ignored);
    // In a small complement a random vector is mostly cut away; normalise what is left and clean it once more.
    if (!(x.norm() > 1e-6)) continue;
    x.normalize();
    orthogonalise(x, ignored);
    basis_.col(size_++) = x.normalized();
    ++added;
  }
}

void KrylovSpace::extend(const Run& run) {
  run.check();
  const std::int64_t first = processed_, count = size_ - processed_;
  Basis products(basis_.rows(), count);
  apply_(basis_.col(first).data(), count, products.data());
  if (!products.allFinite()) throw std::overflow_error("the operator's products are not finite");
  // Rounding of a product and of its orthogonalisation leaves about this much of a vector that should vanish.
  const double breakdown = epsilon_ * (10 + std::sqrt(static_cast<double>(basis_.rows())));
  for (std::int64_t c = 0; c < count; ++c) {
    run.check();
    auto x = products.col(c);
    norm_ = std::max(norm_, length(x));
    orthogonalise(x, coupling_.col(first + c));
    const double rest = length(x);
    if (rest <= breakdown * norm_ || size_ == basis_.cols()) {
      dropped_ = std::hypot(dropped_, rest);
      continue;
    }
    coupling_(size_, first + c) = rest;
    basis_.col(size_++) = x / rest;
  }
  processed_ = first + count;
  if (size_ == processed_ && !fills_complement() && size_ < basis_.cols()) append_random();
}

Eigen::MatrixXd KrylovSpace::projected() const {
  const auto c = coupling_.topLeftCorner(processed_, processed_);
  return c / 2 + c.transpose() / 2;
}

double KrylovSpace::asymmetry() const {
  const auto c = coupling_.topLeftCorner(processed_, processed_);
  const Eigen::MatrixXd difference = c / 2 - c.transpose() / 2;
  return length(difference) + dropped_;
}

RitzValues KrylovSpace::ritz() const {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(projected());
  const auto outside = coupling_.block(processed_, 0, size_ - processed_, processed_);
  const Eigen::MatrixXd remainders = outside * solver.eigenvectors();
  Eigen::VectorXd residuals(processed_);
  for (std::int64_t k = 0; k < processed_; ++k) residuals[k] = length(remainders.col(k));
  return {solver.eigenvalues(), residuals, solver.eigenvectors()};
}

}  // namespace spinscape
