#include "spinscape/tangent_frame.hpp"

#include <algorithm>
#include <cmath>

namespace spinscape {

TangentFrame::TangentFrame(const Domain& domain, const double* w)
    : domain_(domain), reflectors_(w, w + domain.dimension()) {
  for (const Sphere& sphere : domain.spheres()) {
    double* v = reflectors_.data() + sphere.first;
    const double length = std::sqrt(dot(v, v, sphere.size));
    for (std::int64_t k = 0; k < sphere.size; ++k) v[k] /= length;
    // The sign that adds lengths: no cancellation. |u + sign(u_0) e_0|^2 = 2 (1 + |u_0|).
    const double scale = 1 / std::sqrt(1 + std::abs(v[0]));
    v[0] += std::copysign(1.0, v[0]);
    for (std::int64_t k = 0; k < sphere.size; ++k) v[k] *= scale;
  }
}

void TangentFrame::restrict_matrix(double* matrix) const {
  const std::int64_t n = domain_.dimension();
  std::vector<double> q(n);
  for (const Sphere& sphere : domain_.spheres()) {
    const std::int64_t first = sphere.first, size = sphere.size;
    const double* v = reflectors_.data() + first;
    // (I - v v^T) A (I - v v^T) = A - v q^T - q v^T  with  q = A v - (v.A v / 2) v.
    for (std::int64_t i = 0; i < n; ++i) q[i] = dot(matrix + i * n + first, v, size);
    const double half = dot(v, q.data() + first, size) / 2;
    for (std::int64_t k = 0; k < size; ++k) q[first + k] -= half * v[k];
    for (std::int64_t i = 0; i < n; ++i) {
      double* row = matrix + i * n;
      const bool inside = i >= first && i < sphere.end();
      const double vi = inside ? v[i - first] : 0, qi = q[i];
      // Both triangles get the same bits: the sum of the two products does not depend on their order.
      for (std::int64_t k = 0; k < size; ++k) row[first + k] -= vi * q[first + k] + qi * v[k];
      if (!inside) continue;
      for (std::int64_t k = 0; k < first; ++k) row[k] -= vi * q[k];
      for (std::int64_t k = sphere.end(); k < n; ++k) row[k] -= vi * q[k];
    }
  }
  if (!domain_.curved()) return;
  std::vector<char> radial(n, 0);
  for (const Sphere& sphere : domain_.spheres()) radial[sphere.first] = 1;
  std::int64_t kept = 0;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t k = 0; !radial[i] && k < n; ++k)
      if (!radial[k]) matrix[kept++] = matrix[i * n + k];
}

void TangentFrame::reflect(double* vector) const {
  for (const Sphere& sphere : domain_.spheres()) {
    const double* v = reflectors_.data() + sphere.first;
    const double along = dot(v, vector + sphere.first, sphere.size);
    for (std::int64_t k = 0; k < sphere.size; ++k) vector[sphere.first + k] -= along * v[k];
  }
}

void TangentFrame::restrict_vector(const double* vector, double* coordinates) const {
  std::vector<double> reflected(vector, vector + domain_.dimension());
  reflect(reflected.data());
  for (const Sphere& sphere : domain_.spheres())
    coordinates = std::copy_n(reflected.data() + sphere.first + 1, sphere.size - 1, coordinates);
  std::copy_n(reflected.data() + domain_.first_flat(), domain_.flat(), coordinates);
}

void TangentFrame::lift(const double* coordinates, double* vector) const {
  for (const Sphere& sphere : domain_.spheres()) {
    vector[sphere.first] = 0;
    std::copy_n(coordinates, sphere.size - 1, vector + sphere.first + 1);
    coordinates += sphere.size - 1;
  }
  std::copy_n(coordinates, domain_.flat(), vector + domain_.first_flat());
  reflect(vector);
}

}  // namespace spinscape
