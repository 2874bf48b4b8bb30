// Where points live: flat space, or a product of spheres of any sizes, |w|^2 = size on each, and a flat remainder.
#pragma once

#include <cstdint>
#include <vector>

namespace spinscape {

// Coordinates [first, first + size) of a point, |w|^2 = size.
struct Sphere {
  std::int64_t first, size;
  std::int64_t end() const { return first + size; }
};

class Domain {
 public:
  // Spheres one after the other, then `flat` coordinates that are free.
  explicit Domain(const std::vector<std::int64_t>& sizes, std::int64_t flat = 0) : flat_(flat), dimension_(flat) {
    std::int64_t first = 0;
    for (const std::int64_t size : sizes) {
      spheres_.push_back({first, size});
      first += size;
    }
    dimension_ += first;
  }

  const std::vector<Sphere>& spheres() const { return spheres_; }
  std::int64_t count() const { return static_cast<std::int64_t>(spheres_.size()); }
  std::int64_t flat() const { return flat_; }
  bool curved() const { return !spheres_.empty(); }
  // Coordinates of a point.
  std::int64_t dimension() const { return dimension_; }
  // Of its tangent space: one direction less a sphere.
  std::int64_t tangent_dimension() const { return dimension_ - count(); }
  // First of the free coordinates.
  std::int64_t first_flat() const { return dimension_ - flat_; }

 private:
  std::vector<Sphere> spheres_;
  std::int64_t flat_, dimension_;
};

// Inner product in a fixed order of summation: eight interleaved partial sums, then pairwise. Same bits at every level
// of the baseline build, and free of the latency of one long chain.
template <class Real>
Real dot(const Real* a, const Real* b, std::int64_t count);

// out = vector minus its component along w on each sphere; out may be vector itself.
template <class Real>
void project(const Domain& domain, const Real* w, const Real* vector, Real* out);

// Rescales each sphere's part of w to |w|^2 = size. A part that has no direction (zero, or |w|^2 not finite) is left as
// it is, and the answer is false; so it is where a free coordinate is not finite.
template <class Real>
bool retract(const Domain& domain, Real* w);

// |gradient| / sqrt(dimension), the one meaning of "gradient norm" in this package.
template <class Real>
double scaled_norm(const Domain& domain, const Real* gradient);

// The longest step of methods that must not leap out of a valley, as |step| / sqrt(dimension): `turn` radian, root mean
// square over the spheres. In flat space lengths have the user's units: it grows with the point's own length.
template <class Real>
double longest_step(const Domain& domain, const Real* w, double turn);

}  // namespace spinscape
