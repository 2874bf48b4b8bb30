// Geometry of a point: one sphere of N coordinates with |w|^2 = N, a product of several such spheres, or flat space.
#pragma once

#include <cstdint>

namespace spinscape {

struct Spheres {
  std::int64_t count = 1;
  std::int64_t size = 1;  // coordinates of each sphere; its squared radius is size
  bool flat = false;      // no sphere at all: every vector is tangent, every point allowed; count is then 1
  std::int64_t dimension() const { return count * size; }
};

// Inner product in a fixed order of summation: eight interleaved partial sums, then pairwise. Same bits at every level
// of the baseline build, and free of the latency of one long chain.
template <class Real>
Real dot(const Real* a, const Real* b, std::int64_t count);

// out = vector minus its component along w on each sphere; out may be vector itself.
template <class Real>
void project(const Spheres& spheres, const Real* w, const Real* vector, Real* out);

// Rescales each sphere's part of w to |w|^2 = size. A part that has no direction (zero, or |w|^2 not finite) is left as
// it is, and the answer is false.
template <class Real>
bool retract(const Spheres& spheres, Real* w);

// |gradient| / sqrt(dimension), the one meaning of "gradient norm" in this package.
template <class Real>
double scaled_norm(const Spheres& spheres, const Real* gradient);

}  // namespace spinscape
