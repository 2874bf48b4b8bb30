// Numbers of any size. Squares overflow beyond 1e154 and vanish below 1e-162 (1e19 and 1e-22 in float): lengths, and
// whatever is stopped or certified by one, must not depend on the units an energy is given in.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace spinscape {

// The largest |x|; NaN and inf come through.
template <class Real>
double largest(const Real* x, std::int64_t count) {
  double most = 0;
  for (std::int64_t k = 0; k < count; ++k) {
    const double size = std::abs(static_cast<double>(x[k]));
    if (!std::isfinite(size)) return size;
    most = std::max(most, size);
  }
  return most;
}

// The power of two that brings a number of this size near 1: multiplying by it changes no bit of what stays normal.
inline double to_unit(double size) {
  int exponent = 0;
  std::frexp(size, &exponent);
  return std::ldexp(1.0, -std::clamp(exponent, -1000, 1000));
}

// sqrt(square / divisor) for square = x.x, in whatever order the caller has summed it; summed again in other units
// where squares have overflown, or have lost digits by vanishing.
template <class Real>
double root(Real square, const Real* x, std::int64_t count, double divisor = 1) {
  const bool exact = square >= static_cast<Real>(count) * std::numeric_limits<Real>::min() && std::isfinite(square);
  if (exact) return std::sqrt(static_cast<double>(square) / divisor);
  const double most = largest(x, count);
  if (!(most > 0) || !std::isfinite(most)) return most;
  const double unit = to_unit(most);
  double sum = 0;
  for (std::int64_t k = 0; k < count; ++k) {
    const double part = static_cast<double>(x[k]) * unit;
    sum += part * part;
  }
  return std::sqrt(sum / divisor) / unit;
}

}  // namespace spinscape
