// An orthonormal basis of a block Krylov space of a symmetric operator, grown block by block. See lanczos.hpp.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <functional>

#include "spinscape/parallel.hpp"

namespace spinscape {

// products = A vectors, for `count` vectors of n numbers each, one after the other.
using SymmetricOperator = std::function<void(const double* vectors, std::int64_t count, double* products)>;

struct RitzValues {
  Eigen::VectorXd values, residuals;  // ascending; |A v - theta v| without the part inside the fixed directions
  Eigen::MatrixXd vectors;            // columns: coordinates in the basis
};

class KrylovSpace {
 public:
  using Basis = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor>;  // one column a vector

  // fixed: orthonormal columns the space stays orthogonal to. `run_number` tells the random vectors of the runs apart.
  KrylovSpace(const SymmetricOperator& apply, const Basis& fixed, std::int64_t block_size, std::int64_t max_steps,
              std::uint64_t seed, std::uint32_t run_number, double epsilon, double norm);

  // Multiplies the pending block and orthogonalises the products; refills an exhausted Krylov space with random
  // vectors.
  void extend(const Run& run);

  std::int64_t steps() const { return processed_; }
  bool fills_complement() const { return processed_ == fixed_.rows() - fixed_.cols(); }

  // The symmetric part of C = V^T A V over the processed vectors.
  Eigen::MatrixXd projected() const;
  // Frobenius norm of the antisymmetric part of C, together with what was cut off at breakdowns.
  double asymmetry() const;
  double norm() const { return norm_; }
  RitzValues ritz() const;
  // Vectors of the surrounding space for columns of coordinates.
  Basis lift(const Eigen::MatrixXd& coordinates) const { return basis_.leftCols(processed_) * coordinates; }

 private:
  // Removes from x its components along the fixed directions and the basis; adds the latter to coefficients.
  void orthogonalise(Eigen::Ref<Eigen::VectorXd> x, Eigen::Ref<Eigen::VectorXd> coefficients) const;
  void append_random();

  const SymmetricOperator& apply_;
  const Basis& fixed_;
  std::int64_t block_size_;
  std::uint64_t seed_;
  std::uint32_t run_number_;
  std::uint32_t draws_ = 0;
  double epsilon_;
  Basis basis_;               // columns [0, size_) in use, [0, processed_) multiplied
  Eigen::MatrixXd coupling_;  // C(i, j) = v_i.A v_j for j < processed_, every i < size_
  std::int64_t size_ = 0, processed_ = 0;
  double norm_, dropped_ = 0;
};

}  // namespace spinscape
