// One chain of the samplers: the moves of sampling.hpp as a state machine of one gradient at a time.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "spinscape/random_streams.hpp"
#include "spinscape/sampling.hpp"

namespace spinscape {

// The random numbers of a chain: velocities are normals of the stream (seed, thermal, velocities) with the chain as
// draw, decisions 53-bit uniforms of the streams of their subjects. A step has its place in the stream whatever was
// drawn before.
class ThermalStream {
 public:
  ThermalStream(std::uint64_t seed, std::uint32_t chain, std::int64_t dimension)
      : seed_(seed), chain_(chain), stride_((dimension + 3) / 4 * 4) {}

  void velocity(std::int64_t step, std::int64_t dimension, float* out) const {
    fill_normals({seed_, Purpose::thermal, 0}, chain_, static_cast<std::uint64_t>(step * stride_), dimension, out);
  }
  // Uniform on (0, 1).
  double acceptance(std::int64_t step) const { return uniform(1, step); }
  double swap(std::int64_t step) const { return uniform(2, step); }

 private:
  double uniform(std::uint32_t subject, std::int64_t step) const {
    const Words words = Stream{seed_, Purpose::thermal, subject}.words(static_cast<std::uint64_t>(step), chain_);
    return (double(words[0] >> 6) * 134217728.0 + double(words[1] >> 5) + 0.5) / 9007199254740992.0;
  }

  std::uint64_t seed_;
  std::uint32_t chain_;
  std::int64_t stride_;
};

// (w, v) goes for a time epsilon round the great circles of v, each sphere its own, straight on in the flat remainder;
// what rounding does to |w| and w.v is put right.
template <class Real>
void geodesic_flow(const Domain& domain, double epsilon, Real* w, Real* v) {
  for (const Sphere& sphere : domain.spheres()) {
    const double radius = std::sqrt(double(sphere.size));
    const double speed = std::sqrt(double(dot(v + sphere.first, v + sphere.first, sphere.size)));
    if (!(speed > 0)) continue;
    const double angle = epsilon * speed / radius;
    const Real c = Real(std::cos(angle)), along = Real(std::sin(angle) * radius / speed),
               back = Real(std::sin(angle) * speed / radius);
    for (std::int64_t k = sphere.first; k < sphere.end(); ++k) {
      const Real point = w[k];
      w[k] = c * point + along * v[k];
      v[k] = c * v[k] - back * point;
    }
  }
  for (std::int64_t k = domain.first_flat(); k < domain.dimension(); ++k) w[k] += Real(epsilon) * v[k];
  retract(domain, w);
  project(domain, w, v, v);
}

template <class Real>
class ThermalChain {
 public:
  ThermalChain(const Domain& domain, int leapfrogs, bool adjusted)
      : domain_(domain),
        n_(domain.dimension()),
        leapfrogs_(leapfrogs),
        adjusted_(adjusted),
        base_(n_),
        gradient_(n_),
        velocity_(n_),
        normals_(n_) {}

  // The chain stands at an evaluated point.
  void settle(const Real* point, double energy, const Real* gradient) {
    std::copy(point, point + n_, base_.begin());
    std::copy(gradient, gradient + n_, gradient_.begin());
    energy_ = energy;
  }

  // Begins a move; writes the first point to be evaluated.
  void propose(double beta, double epsilon, const ThermalStream& stream, std::int64_t step, Real* point) {
    beta_ = beta;
    epsilon_ = epsilon;
    uniform_ = adjusted_ ? stream.acceptance(step) : 0;
    left_ = leapfrogs_;
    stream.velocity(step, n_, normals_.data());
    std::copy(normals_.begin(), normals_.end(), velocity_.begin());
    std::copy(base_.begin(), base_.end(), point);
    project(domain_, point, velocity_.data(), velocity_.data());
    kinetic_ = kinetic();
    kick(gradient_.data());
    geodesic_flow(domain_, epsilon_, point, velocity_.data());
  }

  // Takes in the evaluation of `point`; true where the move has ended, else the next point is written.
  bool advance(double energy, const Real* gradient, Real* point) {
    kick(gradient);
    if (--left_ > 0) {
      kick(gradient);
      geodesic_flow(domain_, epsilon_, point, velocity_.data());
      return false;
    }
    // A difference that is not a number refuses the move.
    const double rise = beta_ * (energy - energy_) + kinetic() - kinetic_;
    chance_ = rise <= 0 ? 1.0 : rise > 0 ? std::exp(-rise) : 0.0;
    taken_ = adjusted_ ? uniform_ < chance_ : std::isfinite(energy);
    if (taken_) settle(point, energy, gradient);
    return true;
  }

  bool taken() const { return taken_; }
  double chance() const { return chance_; }
  double energy() const { return energy_; }
  const Real* point() const { return base_.data(); }
  const Real* gradient() const { return gradient_.data(); }

 private:
  double kinetic() const { return double(dot(velocity_.data(), velocity_.data(), n_)) / 2; }
  void kick(const Real* gradient) {
    const Real factor = Real(epsilon_ * beta_ / 2);
    for (std::int64_t k = 0; k < n_; ++k) velocity_[k] -= factor * gradient[k];
  }

  Domain domain_;
  std::int64_t n_;
  int leapfrogs_;
  bool adjusted_;
  std::vector<Real> base_, gradient_, velocity_;
  std::vector<float> normals_;
  double energy_ = 0, beta_ = 0, epsilon_ = 0, kinetic_ = 0, uniform_ = 0, chance_ = 0;
  int left_ = 0;
  bool taken_ = false;
};

}  // namespace spinscape
