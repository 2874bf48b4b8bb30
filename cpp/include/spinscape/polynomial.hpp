// A polynomial on the unit sphere, h(s) = sum_d T_d s^d / d, with its symmetric tensors T_d in packed order: what they
// become under contraction with complex vectors, index after index, in C(n + d - 1, d) n operations instead of n^d.
#pragma once

#include <Eigen/Core>
#include <complex>
#include <cstdint>
#include <vector>

namespace spinscape {

struct PolynomialTerm {
  int order;
  std::vector<double> entries;  // T[i1 <= ... <= id], in the packed order of symmetric_tensor.hpp
};

class PolynomialOnSphere {
 public:
  // terms: ascending order.
  PolynomialOnSphere(std::int64_t n, std::vector<PolynomialTerm> terms);

  std::int64_t size() const { return n_; }
  const std::vector<PolynomialTerm>& terms() const { return terms_; }
  int degree() const { return terms_.back().order; }
  // All orders even, or all odd: with s, -s is critical too.
  bool paired() const;

  // T s^(d-1), in more digits than doubles have where the machine offers them.
  std::vector<std::complex<long double>> gradient(const PolynomialTerm& term,
                                                  const std::vector<std::complex<long double>>& s) const;
  // T s^(d-2) as a full matrix, d >= 2.
  Eigen::MatrixXcd matrix(const PolynomialTerm& term, const Eigen::VectorXcd& s) const;
  // Frobenius norm of T.
  double norm(const PolynomialTerm& term) const;
  // Frobenius norms of T s^(d-k), which has k indices, for k = 0 .. d.
  std::vector<double> contraction_norms(const PolynomialTerm& term, const Eigen::VectorXcd& s) const;

 private:
  using Complex = std::complex<double>;

  // The tensor of `order` indices with one of them contracted.
  template <class Float, class Scalar>
  std::vector<std::complex<Float>> contracted(int order, const std::vector<Scalar>& tensor,
                                              const std::complex<Float>* s) const;
  template <class Scalar>
  double norm(int order, const std::vector<Scalar>& tensor) const;

  std::int64_t n_;
  std::vector<PolynomialTerm> terms_;
  std::vector<std::vector<std::int32_t>> joined_;  // [k]: rank of every k ascending indices joined by one more, (.., n)
  std::vector<std::vector<double>> orderings_;     // [k]: of every k ascending indices
};

}  // namespace spinscape
