#include "spinscape/mode_step.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "spinscape/units.hpp"

namespace spinscape {
namespace {

using Vector = Eigen::VectorXd;
using ConstMatrix = Eigen::Map<const Eigen::MatrixXd>;
using RowMatrix = Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;
using ConstVector = Eigen::Map<const Vector>;
using MutableVector = Eigen::Map<Vector>;

constexpr double lanczos_tolerance = 1e-6;  // of the directions; their errors only slow the approach down
constexpr double forcing = 1e-3;            // the same for the conjugate gradients

// c_i / (|l_i| + mu), mu >= 0 the smallest that makes it at most `limit` long; the bisection ends on the short side.
Vector damped_quotient(const Vector& c, const Vector& values, double limit) {
  const double floor = std::numeric_limits<double>::epsilon() * values.cwiseAbs().maxCoeff();
  const auto quotient = [&](double mu) -> Vector { return c.array() / (values.array().abs().max(floor) + mu); };
  if (!(c.norm() > 0)) return Vector::Zero(c.size());
  if (quotient(0).norm() <= limit) return quotient(0);
  double low = 0, high = c.norm() / limit;
  for (int halving = 0; halving < 50; ++halving) {
    const double middle = (low + high) / 2;
    (quotient(middle).norm() > limit ? low : high) = middle;
  }
  return quotient(high);
}

// Which of the modes are left alone.
std::vector<char> left_alone(const Vector& values, const ZeroModes& zero) {
  std::vector<std::int64_t> smallest;
  for (std::int64_t i = 0; i < values.size(); ++i)
    if (std::abs(values[i]) <= zero.bound) smallest.push_back(i);
  const std::int64_t count = std::min(zero.most, static_cast<std::int64_t>(smallest.size()));
  std::sort(smallest.begin(), smallest.end(),
            [&](std::int64_t i, std::int64_t j) { return std::abs(values[i]) < std::abs(values[j]); });
  std::vector<char> chosen(values.size(), 0);
  for (std::int64_t k = 0; k < count; ++k) chosen[smallest[k]] = 1;
  return chosen;
}

}  // namespace

ModeStep follow_modes(const double* hessian, const double* gradient, std::int64_t n, std::int64_t index, double limit,
                      double* direction, const Run& run, const ZeroModes& zero) {
  run.check();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(ConstMatrix(hessian, n, n));
  const std::vector<char> alone = left_alone(solver.eigenvalues(), zero);
  const double unit = to_unit(largest(gradient, n));  // of the energy: it changes no direction
  const Vector values = unit * solver.eigenvalues();
  std::int64_t negative = 0;
  for (std::int64_t i = 0; i < n; ++i) negative += values[i] < 0 && !alone[i];
  const std::int64_t turned = index < 0 ? negative : std::min(index, n);
  Vector c = -(solver.eigenvectors().transpose() * (unit * ConstVector(gradient, n)));
  for (std::int64_t i = 0, left = turned; i < n; ++i) {
    if (alone[i]) c[i] = 0;
    else if (left-- > 0) c[i] = -c[i];
  }
  MutableVector(direction, n) = solver.eigenvectors() * damped_quotient(c, values, limit);
  const double floor = std::numeric_limits<double>::min();
  const double length = (c.array() / values.array().abs().max(floor)).matrix().norm();
  return {turned, negative == turned, length, std::count(alone.begin(), alone.end(), 1)};
}

ModeStep follow_modes(const SymmetricOperator& apply, const SearchSpace& space, const double* gradient,
                      std::int64_t index, double limit, const LanczosOptions& options, double* direction,
                      const Run& run) {
  const std::int64_t n = space.n;
  const double unit = to_unit(largest(gradient, n));  // of the energy: it changes no direction
  Vector lowest = Vector::Zero(n), rest = unit * ConstVector(gradient, n);
  bool right = true;
  std::vector<double> modes;
  if (index > 0) {
    RitzPairs pairs = extreme_eigenvalues(apply, space, index, false, lanczos_tolerance, options, run);
    const std::int64_t found = static_cast<std::int64_t>(pairs.values.size());
    modes = std::move(pairs.vectors);
    const RowMatrix v(modes.data(), found, n);
    const Vector values = unit * ConstVector(pairs.values.data(), found);
    const Vector c = v * rest;
    lowest = v.transpose() * damped_quotient(c, values, limit);
    rest -= v.transpose() * c;
    right = found == index && (values.array() < -lanczos_tolerance * unit * pairs.norm).all();
  }
  const RowMatrix v(modes.data(), static_cast<std::int64_t>(modes.size()) / n, n);
  const HessianProduct product = [&](const double* vector, double* out) {
    apply(vector, 1, out);
    MutableVector result(out, n);
    result *= unit;
    result -= v.transpose() * (v * result);
  };
  Vector others(n), image(n);
  if (minimising_step(product, rest.data(), n, limit, forcing, others.data(), run) == Curvature::indefinite) {
    right = false;
    others = -rest * (rest.norm() > 0 ? limit / rest.norm() : 0);
  }
  Vector d = lowest + others;
  const double length = d.norm();
  if (length > limit) d *= limit / length;
  MutableVector(direction, n) = d;
  return {index, right, length, 0};
}

}  // namespace spinscape
