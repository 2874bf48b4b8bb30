#include "spinscape/domain.hpp"

#include <algorithm>
#include <cmath>

#include "spinscape/units.hpp"

namespace spinscape {

template <class Real>
Real dot(const Real* a, const Real* b, std::int64_t count) {
  Real partial[8] = {};
  std::int64_t k = 0;
  for (; k + 8 <= count; k += 8)
    for (int lane = 0; lane < 8; ++lane) partial[lane] += a[k + lane] * b[k + lane];
  for (int lane = 0; k < count; ++k, ++lane) partial[lane] += a[k] * b[k];
  return ((partial[0] + partial[4]) + (partial[2] + partial[6])) +
         ((partial[1] + partial[5]) + (partial[3] + partial[7]));
}

template <class Real>
void project(const Domain& domain, const Real* w, const Real* vector, Real* out) {
  for (const Sphere& sphere : domain.spheres()) {
    const Real along = dot(w + sphere.first, vector + sphere.first, sphere.size) / Real(sphere.size);
    for (std::int64_t k = sphere.first; k < sphere.end(); ++k) out[k] = vector[k] - along * w[k];
  }
  if (out != vector) std::copy_n(vector + domain.first_flat(), domain.flat(), out + domain.first_flat());
}

template <class Real>
bool retract(const Domain& domain, Real* w) {
  const Real* free = w + domain.first_flat();
  bool done = std::all_of(free, free + domain.flat(), [](Real x) { return std::isfinite(x); });
  for (const Sphere& sphere : domain.spheres()) {
    Real* part = w + sphere.first;
    const Real square = dot(part, part, sphere.size);
    if (!(square > 0) || !std::isfinite(square)) {
      done = false;
      continue;
    }
    const Real factor = std::sqrt(Real(sphere.size) / square);
    for (std::int64_t k = 0; k < sphere.size; ++k) part[k] *= factor;
  }
  return done;
}

template <class Real>
double scaled_norm(const Domain& domain, const Real* gradient) {
  const std::int64_t n = domain.dimension();
  return root(dot(gradient, gradient, n), gradient, n, static_cast<double>(n));
}

template <class Real>
double longest_step(const Domain& domain, const Real* w, double turn) {
  return domain.curved() ? turn : turn * std::max(1.0, scaled_norm(domain, w));
}

#define SPINSCAPE_INSTANTIATE(Real)                                      \
  template Real dot(const Real*, const Real*, std::int64_t);             \
  template void project(const Domain&, const Real*, const Real*, Real*); \
  template bool retract(const Domain&, Real*);                           \
  template double scaled_norm(const Domain&, const Real*);               \
  template double longest_step(const Domain&, const Real*, double);
SPINSCAPE_INSTANTIATE(float)
SPINSCAPE_INSTANTIATE(double)
#undef SPINSCAPE_INSTANTIATE

}  // namespace spinscape
