#include "spinscape/polynomial.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include "spinscape/symmetric_tensor.hpp"

namespace spinscape {

PolynomialOnSphere::PolynomialOnSphere(std::int64_t n, std::vector<PolynomialTerm> terms)
    : n_(n), terms_(std::move(terms)), joined_(degree()), orderings_(degree() + 1) {
  if (packed_size(degree(), n) > std::numeric_limits<std::int32_t>::max())
    throw std::overflow_error("the polynomial has more than 2^31 coefficients");
  std::vector<std::int64_t> indices(degree()), more(degree());
  for (int order = 0; order <= degree(); ++order) {
    const std::int64_t entries = order == 0 ? 1 : packed_size(order, n);
    for (std::int64_t rank = 0; rank < entries; ++rank) {
      packed_unrank(rank, order, indices.data());
      orderings_[order].push_back(static_cast<double>(multiplicity(indices.data(), order)));
      for (std::int64_t j = 0; order < degree() && j < n; ++j) {
        const auto place = std::upper_bound(indices.begin(), indices.begin() + order, j);
        const auto rest = std::copy(indices.begin(), place, more.begin());
        *rest = j;
        std::copy(place, indices.begin() + order, rest + 1);
        joined_[order].push_back(static_cast<std::int32_t>(packed_rank(more.data(), order + 1)));
      }
    }
  }
}

bool PolynomialOnSphere::paired() const {
  return std::all_of(terms_.begin(), terms_.end(),
                     [&](const PolynomialTerm& term) { return (degree() - term.order) % 2 == 0; });
}

template <class Float, class Scalar>
std::vector<std::complex<Float>> PolynomialOnSphere::contracted(int order, const std::vector<Scalar>& tensor,
                                                                const std::complex<Float>* s) const {
  std::vector<std::complex<Float>> result(orderings_[order - 1].size());
  const std::int32_t* rank = joined_[order - 1].data();
  for (std::complex<Float>& entry : result) {
    Float real = 0, imaginary = 0;
    for (std::int64_t j = 0; j < n_; ++j, ++rank) {
      const Scalar t = tensor[*rank];
      real += std::real(t) * s[j].real() - std::imag(t) * s[j].imag();
      imaginary += std::real(t) * s[j].imag() + std::imag(t) * s[j].real();
    }
    entry = {real, imaginary};
  }
  return result;
}

template <class Scalar>
double PolynomialOnSphere::norm(int order, const std::vector<Scalar>& tensor) const {
  double sum = 0;
  for (std::size_t k = 0; k < tensor.size(); ++k) sum += orderings_[order][k] * std::norm(tensor[k]);
  return std::sqrt(sum);
}

double PolynomialOnSphere::norm(const PolynomialTerm& term) const { return norm(term.order, term.entries); }

std::vector<std::complex<long double>> PolynomialOnSphere::gradient(
    const PolynomialTerm& term, const std::vector<std::complex<long double>>& s) const {
  std::vector<std::complex<long double>> rest(term.entries.begin(), term.entries.end());
  for (int order = term.order; order > 1; --order) rest = contracted(order, rest, s.data());
  return rest;
}

Eigen::MatrixXcd PolynomialOnSphere::matrix(const PolynomialTerm& term, const Eigen::VectorXcd& s) const {
  std::vector<Complex> rest;
  if (term.order > 2) rest = contracted(term.order, term.entries, s.data());
  else rest.assign(term.entries.begin(), term.entries.end());
  for (int order = term.order - 1; order > 2; --order) rest = contracted(order, rest, s.data());
  Eigen::MatrixXcd result(n_, n_);
  for (std::int64_t i = 0; i < n_; ++i)
    for (std::int64_t j = 0; j < n_; ++j) result(i, j) = rest[joined_[1][i * n_ + j]];
  return result;
}

std::vector<double> PolynomialOnSphere::contraction_norms(const PolynomialTerm& term, const Eigen::VectorXcd& s) const {
  std::vector<double> norms(term.order + 1);
  std::vector<Complex> rest(term.entries.begin(), term.entries.end());
  for (int order = term.order; order >= 0; --order) {
    norms[order] = norm(order, rest);
    if (order > 0) rest = contracted(order, rest, s.data());
  }
  return norms;
}

}  // namespace spinscape
