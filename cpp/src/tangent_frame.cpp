#include "spinscape/tangent_frame.hpp"

#include <Eigen/QR>
#include <algorithm>
#include <cmath>

#include "spinscape/units.hpp"

namespace spinscape {
namespace {

constexpr double dependent = 1e-8;

// (I - v v^T) A (I - v v^T) for v in coordinates [first, first + size) of an (n, n) matrix:
// A - v q^T - q v^T  with  q = A v - (v.A v / 2) v.
void reflect_matrix(double* matrix, std::int64_t n, const double* v, std::int64_t first, std::int64_t size) {
  std::vector<double> q(n);
  const std::int64_t end = first + size;
  for (std::int64_t i = 0; i < n; ++i) q[i] = dot(matrix + i * n + first, v, size);
  const double half = dot(v, q.data() + first, size) / 2;
  for (std::int64_t k = 0; k < size; ++k) q[first + k] -= half * v[k];
  for (std::int64_t i = 0; i < n; ++i) {
    double* row = matrix + i * n;
    const bool inside = i >= first && i < end;
    const double vi = inside ? v[i - first] : 0, qi = q[i];
    // Both triangles get the same bits: the sum of the two products does not depend on their order.
    for (std::int64_t k = 0; k < size; ++k) row[first + k] -= vi * q[first + k] + qi * v[k];
    if (!inside) continue;
    for (std::int64_t k = 0; k < first; ++k) row[k] -= vi * q[k];
    for (std::int64_t k = end; k < n; ++k) row[k] -= vi * q[k];
  }
}

void reflect_vector(double* x, const double* v, std::int64_t size) {
  const double along = dot(v, x, size);
  for (std::int64_t k = 0; k < size; ++k) x[k] -= along * v[k];
}

// Leaves out the marked rows and columns of an (n, n) matrix.
void compact(double* matrix, std::int64_t n, const std::vector<char>& left_out) {
  std::int64_t kept = 0;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t k = 0; !left_out[i] && k < n; ++k)
      if (!left_out[k]) matrix[kept++] = matrix[i * n + k];
}

}  // namespace

TangentFrame::TangentFrame(const Domain& domain, const double* w, const double* excluded, std::int64_t count)
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
  if (count > 0 && domain.tangent_dimension() > 0) exclude(excluded, count);
}

// Householder's QR with pivoting of the tangent parts: the first `rank` reflectors turn their span to the first axes.
void TangentFrame::exclude(const double* directions, std::int64_t count) {
  const std::int64_t n = domain_.dimension(), m = domain_.tangent_dimension();
  Eigen::MatrixXd columns(m, count);
  double longest = 0;
  for (std::int64_t k = 0; k < count; ++k) {
    to_tangent(directions + k * n, columns.col(k).data());
    const double* direction = directions + k * n;
    longest = std::max(longest, root(dot(direction, direction, n), direction, n));
  }
  for (std::int64_t k = 0; k < count; ++k) {
    const double length = columns.col(k).norm();
    if (length > dependent * longest) columns.col(k) /= length;
    else columns.col(k).setZero();
  }
  Eigen::ColPivHouseholderQR<Eigen::MatrixXd> qr(columns);
  qr.setThreshold(dependent);
  rank_ = qr.rank();
  further_.assign(rank_ * m, 0);
  for (std::int64_t k = 0; k < rank_; ++k) {
    double* v = further_.data() + k * m;
    v[k] = 1;
    for (std::int64_t i = k + 1; i < m; ++i) v[i] = qr.matrixQR()(i, k);
    for (std::int64_t i = k; i < m; ++i) v[i] *= std::sqrt(qr.hCoeffs()(k));
  }
}

double TangentFrame::restrict_matrix(double* matrix) const {
  const std::int64_t n = domain_.dimension(), m = domain_.tangent_dimension();
  for (const Sphere& sphere : domain_.spheres())
    reflect_matrix(matrix, n, reflectors_.data() + sphere.first, sphere.first, sphere.size);
  if (domain_.curved()) {
    std::vector<char> radial(n, 0);
    for (const Sphere& sphere : domain_.spheres()) radial[sphere.first] = 1;
    compact(matrix, n, radial);
  }
  if (rank_ == 0) return 0;
  double curvature = 0;
  for (std::int64_t k = 0; k < rank_; ++k) reflect_matrix(matrix, m, reflector(k), 0, m);
  for (std::int64_t k = 0; k < rank_; ++k)
    curvature = std::max(curvature, root(dot(matrix + k * m, matrix + k * m, m), matrix + k * m, m));
  std::vector<char> left_out(m, 0);
  std::fill_n(left_out.begin(), rank_, 1);
  compact(matrix, m, left_out);
  return curvature;
}

void TangentFrame::reflect(double* vector) const {
  for (const Sphere& sphere : domain_.spheres())
    reflect_vector(vector + sphere.first, reflectors_.data() + sphere.first, sphere.size);
}

void TangentFrame::to_tangent(const double* vector, double* coordinates) const {
  std::vector<double> reflected(vector, vector + domain_.dimension());
  reflect(reflected.data());
  for (const Sphere& sphere : domain_.spheres())
    coordinates = std::copy_n(reflected.data() + sphere.first + 1, sphere.size - 1, coordinates);
  std::copy_n(reflected.data() + domain_.first_flat(), domain_.flat(), coordinates);
}

void TangentFrame::from_tangent(const double* coordinates, double* vector) const {
  for (const Sphere& sphere : domain_.spheres()) {
    vector[sphere.first] = 0;
    std::copy_n(coordinates, sphere.size - 1, vector + sphere.first + 1);
    coordinates += sphere.size - 1;
  }
  std::copy_n(coordinates, domain_.flat(), vector + domain_.first_flat());
  reflect(vector);
}

void TangentFrame::restrict_vector(const double* vector, double* coordinates) const {
  if (rank_ == 0) return to_tangent(vector, coordinates);
  const std::int64_t m = domain_.tangent_dimension();
  std::vector<double> tangent(m);
  to_tangent(vector, tangent.data());
  for (std::int64_t k = 0; k < rank_; ++k) reflect_vector(tangent.data(), reflector(k), m);
  std::copy(tangent.begin() + rank_, tangent.end(), coordinates);
}

void TangentFrame::lift(const double* coordinates, double* vector) const {
  if (rank_ == 0) return from_tangent(coordinates, vector);
  const std::int64_t m = domain_.tangent_dimension();
  std::vector<double> tangent(m, 0);
  std::copy_n(coordinates, m - rank_, tangent.begin() + rank_);
  for (std::int64_t k = rank_ - 1; k >= 0; --k) reflect_vector(tangent.data(), reflector(k), m);
  from_tangent(tangent.data(), vector);
}

void TangentFrame::project(double* vector) const {
  std::vector<double> coordinates(dimension());
  restrict_vector(vector, coordinates.data());
  lift(coordinates.data(), vector);
}

std::vector<double> TangentFrame::excluded() const {
  const std::int64_t n = domain_.dimension(), m = domain_.tangent_dimension();
  std::vector<double> basis(rank_ * n), axis(m);
  for (std::int64_t j = 0; j < rank_; ++j) {
    std::fill(axis.begin(), axis.end(), 0.0);
    axis[j] = 1;
    for (std::int64_t k = rank_ - 1; k >= 0; --k) reflect_vector(axis.data(), reflector(k), m);
    from_tangent(axis.data(), basis.data() + j * n);
  }
  return basis;
}

}  // namespace spinscape
