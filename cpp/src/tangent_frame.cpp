#include "spinscape/tangent_frame.hpp"

#include <algorithm>
#include <cmath>

namespace spinscape {

TangentFrame::TangentFrame(const Spheres& spheres, const double* w)
    : spheres_(spheres), reflectors_(w, w + spheres.dimension()) {
  if (spheres.flat) return;
  for (std::int64_t first = 0; first < spheres.dimension(); first += spheres.size) {
    double* v = reflectors_.data() + first;
    const double length = std::sqrt(dot(v, v, spheres.size));
    for (std::int64_t k = 0; k < spheres.size; ++k) v[k] /= length;
    // The sign that adds lengths: no cancellation. |u + sign(u_0) e_0|^2 = 2 (1 + |u_0|).
    const double scale = 1 / std::sqrt(1 + std::abs(v[0]));
    v[0] += std::copysign(1.0, v[0]);
    for (std::int64_t k = 0; k < spheres.size; ++k) v[k] *= scale;
  }
}

void TangentFrame::restrict_matrix(double* matrix) const {
  if (spheres_.flat) return;
  const std::int64_t n = spheres_.dimension(), size = spheres_.size;
  std::vector<double> q(n);
  for (std::int64_t first = 0; first < n; first += size) {
    const double* v = reflectors_.data() + first;
    // (I - v v^T) A (I - v v^T) = A - v q^T - q v^T  with  q = A v - (v.A v / 2) v.
    for (std::int64_t i = 0; i < n; ++i) q[i] = dot(matrix + i * n + first, v, size);
    const double half = dot(v, q.data() + first, size) / 2;
    for (std::int64_t k = 0; k < size; ++k) q[first + k] -= half * v[k];
    for (std::int64_t i = 0; i < n; ++i) {
      double* row = matrix + i * n;
      const bool inside = i >= first && i < first + size;
      const double vi = inside ? v[i - first] : 0, qi = q[i];
      // Both triangles get the same bits: the sum of the two products does not depend on their order.
      for (std::int64_t k = 0; k < size; ++k) row[first + k] -= vi * q[first + k] + qi * v[k];
      if (!inside) continue;
      for (std::int64_t k = 0; k < first; ++k) row[k] -= vi * q[k];
      for (std::int64_t k = first + size; k < n; ++k) row[k] -= vi * q[k];
    }
  }
  std::int64_t kept = 0;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t k = 0; i % size != 0 && k < n; ++k)
      if (k % size != 0) matrix[kept++] = matrix[i * n + k];
}

void TangentFrame::reflect(double* vector) const {
  for (std::int64_t first = 0; first < spheres_.dimension(); first += spheres_.size) {
    const double* v = reflectors_.data() + first;
    const double along = dot(v, vector + first, spheres_.size);
    for (std::int64_t k = 0; k < spheres_.size; ++k) vector[first + k] -= along * v[k];
  }
}

void TangentFrame::restrict_vector(const double* vector, double* coordinates) const {
  if (spheres_.flat) return static_cast<void>(std::copy_n(vector, spheres_.dimension(), coordinates));
  std::vector<double> reflected(vector, vector + spheres_.dimension());
  reflect(reflected.data());
  for (std::int64_t first = 0; first < spheres_.dimension(); first += spheres_.size)
    coordinates = std::copy_n(reflected.data() + first + 1, spheres_.size - 1, coordinates);
}

void TangentFrame::lift(const double* coordinates, double* vector) const {
  if (spheres_.flat) return static_cast<void>(std::copy_n(coordinates, spheres_.dimension(), vector));
  for (std::int64_t first = 0; first < spheres_.dimension(); first += spheres_.size) {
    vector[first] = 0;
    std::copy_n(coordinates, spheres_.size - 1, vector + first + 1);
    coordinates += spheres_.size - 1;
  }
  reflect(vector);
}

}  // namespace spinscape
