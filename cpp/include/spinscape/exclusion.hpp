// Directions that no search steps along and no count counts, besides the radial ones: those of a landscape's
// symmetries, along which its Hessian vanishes at critical points.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace spinscape {

class Exclusion {
 public:
  // Fills directions (replicas, count, dimension) at points (replicas, dimension); on the calling thread, and never
  // called for no points. Directions need be neither orthogonal nor independent, nor tangent.
  using At = std::function<void(const double* points, std::int64_t replicas, double* directions)>;

  Exclusion() = default;
  Exclusion(std::int64_t count, At at) : count_(count), at_(std::move(at)) {}

  // Directions at a point.
  std::int64_t count() const { return count_; }
  std::vector<double> at(const double* points, std::int64_t replicas, std::int64_t dimension) const {
    std::vector<double> directions(replicas * count_ * dimension);
    if (!directions.empty()) at_(points, replicas, directions.data());
    return directions;
  }

 private:
  std::int64_t count_ = 0;
  At at_;
};

}  // namespace spinscape
