#include "spinscape/sphere.hpp"

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
void project(const Spheres& spheres, const Real* w, const Real* vector, Real* out) {
  if (spheres.flat) {
    if (out != vector) std::copy(vector, vector + spheres.dimension(), out);
    return;
  }
  for (std::int64_t first = 0; first < spheres.dimension(); first += spheres.size) {
    const Real along = dot(w + first, vector + first, spheres.size) / Real(spheres.size);
    for (std::int64_t k = first; k < first + spheres.size; ++k) out[k] = vector[k] - along * w[k];
  }
}

template <class Real>
bool retract(const Spheres& spheres, Real* w) {
  if (spheres.flat) return std::isfinite(dot(w, w, spheres.dimension()));
  bool done = true;
  for (std::int64_t first = 0; first < spheres.dimension(); first += spheres.size) {
    const Real square = dot(w + first, w + first, spheres.size);
    if (!(square > 0) || !std::isfinite(square)) {
      done = false;
      continue;
    }
    const Real factor = std::sqrt(Real(spheres.size) / square);
    for (std::int64_t k = first; k < first + spheres.size; ++k) w[k] *= factor;
  }
  return done;
}

template <class Real>
double scaled_norm(const Spheres& spheres, const Real* gradient) {
  const std::int64_t n = spheres.dimension();
  return root(dot(gradient, gradient, n), gradient, n, static_cast<double>(n));
}

#define SPINSCAPE_INSTANTIATE(Real)                                       \
  template Real dot(const Real*, const Real*, std::int64_t);              \
  template void project(const Spheres&, const Real*, const Real*, Real*); \
  template bool retract(const Spheres&, Real*);                           \
  template double scaled_norm(const Spheres&, const Real*);
SPINSCAPE_INSTANTIATE(float)
SPINSCAPE_INSTANTIATE(double)
#undef SPINSCAPE_INSTANTIATE

}  // namespace spinscape
