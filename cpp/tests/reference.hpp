// The forms of contraction.hpp by their definition, coupling by coupling: the oracle of the kernels.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "spinscape/contraction.hpp"
#include "spinscape/symmetric_tensor.hpp"

namespace spinscape::reference {

// Values and the sums of their terms' sizes, which is what rounding is relative to.
struct Results {
  std::vector<double> values, sizes;
  explicit Results(std::size_t count) : values(count, 0), sizes(count, 0) {}
  void add(std::size_t at, double term) {
    values[at] += term;
    sizes[at] += std::abs(term);
  }
};

// Calls visit(rank, variables) for every coupling; variables are positions in the point.
template <class Visit>
void for_each_entry(const FormShape& shape, Visit&& visit) {
  const int p = shape.order;
  std::vector<std::int64_t> variables(p);
  const std::int64_t entries = shape.entries();
  for (std::int64_t rank = 0; rank < entries; ++rank) {
    if (shape.layered) {
      std::int64_t rest = rank;
      for (int k = p - 1; k >= 0; --k, rest /= shape.size) variables[k] = k * shape.size + rest % shape.size;
    } else {
      packed_unrank(rank, p, variables.data());
    }
    visit(rank, variables);
  }
}

// Product of w over all positions of the tuple but `skip` and `skip2`.
template <class Real>
double product_without(const std::vector<std::int64_t>& variables, const Real* w, int skip, int skip2) {
  double product = 1;
  for (int k = 0; k < static_cast<int>(variables.size()); ++k)
    if (k != skip && k != skip2) product *= static_cast<double>(w[variables[k]]);
  return product;
}

// Energy, then gradient, Hessian times v, Hessian of one point.
template <class Real>
Results evaluate(const FormShape& shape, const std::vector<double>& couplings, const Real* w, const Real* v) {
  const std::int64_t n = shape.dimension();
  Results results(1 + 2 * n + n * n);
  for_each_entry(shape, [&](std::int64_t rank, const std::vector<std::int64_t>& variables) {
    const double j = couplings[rank];
    results.add(0, j * product_without(variables, w, -1, -1));
    for (int k = 0; k < shape.order; ++k) {
      results.add(1 + variables[k], j * product_without(variables, w, k, -1));
      for (int l = 0; l < shape.order; ++l) {
        if (k == l) continue;
        const double second = j * product_without(variables, w, k, l);
        results.add(1 + n + variables[k], second * static_cast<double>(v[variables[l]]));
        results.add(1 + 2 * n + variables[k] * n + variables[l], second);
      }
    }
  });
  return results;
}

}  // namespace spinscape::reference
