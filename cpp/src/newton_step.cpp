#include "spinscape/newton_step.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>

#include "spinscape/symmetric_matrix.hpp"
#include "spinscape/units.hpp"

namespace spinscape {
namespace {

using Eigen::Index;
using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;
using ConstMatrix = Eigen::Map<const Matrix>;
using ConstVector = Eigen::Map<const Vector>;
using MutableVector = Eigen::Map<Vector>;

// Zero modes, in units of a typical eigenvalue.
constexpr double least_zero_mode = 1e-8;

// What rounding makes of a zero eigenvalue, at most.
double rounding_of(const ConstMatrix& h) {
  return static_cast<double>(h.rows()) * std::numeric_limits<double>::epsilon() * h.norm();
}

// Whether a factored matrix has an eigenvalue of at most `rounding`: two steps of inverse iteration, of which the first
// meets the smallest by its start or by its own rounding.
template <class Solve>
bool singular(const Solve& solve, Index n, double rounding) {
  Vector x = Vector::LinSpaced(n, 1, 2).normalized();
  for (int step = 0; step < 2; ++step) {
    x = solve(x);
    const double inverse = x.norm();
    if (!(inverse * rounding < 1)) return true;
    x /= inverse;
  }
  return false;
}

// x = -(A + mu)^{-1} b; false where A + mu is not positive definite, or singular to `rounding`.
bool solve_definite(Matrix a, double mu, double rounding, const Vector& b, Vector& x, const Run& run) {
  a.diagonal().array() += mu;
  if (!cholesky(a.data(), a.rows(), run)) return false;
  const auto solve = [&](Vector y) {
    cholesky_solve(a.data(), a.rows(), y.data());
    return y;
  };
  if (rounding > 0 && singular(solve, a.rows(), rounding)) return false;
  x = solve(-b);
  return x.allFinite();
}

void cut(Vector& x, double limit) {
  const double length = x.norm();
  if (length > limit) x *= limit / length;
}

// A linear solve never needs more: rounding has destroyed the short recurrences by then.
std::int64_t most_iterations(std::int64_t n) { return 2 * n + 50; }

}  // namespace

double zero_mode_bound(const Domain& domain, const double* w, double gradient_norm, double curvature, bool known) {
  constexpr double near = 1e-4, multiple = 10;
  const double x = gradient_norm / (curvature * scaled_norm(domain, w));
  return known || x <= near ? curvature * std::max(multiple * x, least_zero_mode) : 0;
}

Curvature minimising_step(const double* hessian, const double* gradient, std::int64_t n, double limit, double zero,
                          double* direction, const Run& run) {
  const ConstMatrix h(hessian, n, n);
  const Vector g = ConstVector(gradient, n);
  const double rounding = rounding_of(h);
  double mu = 0;
  Vector d;
  if (!solve_definite(h, 0, rounding, g, d, run)) {
    // Rounding of g over this is a step too short to matter.
    mu = std::max(zero, least_zero_mode * h.norm() / std::sqrt(static_cast<double>(n)));
    if (!solve_definite(h, mu, 0, g, d, run)) return Curvature::indefinite;
  }
  if (d.norm() > limit && !solve_definite(h, mu + g.norm() / limit, 0, g, d, run)) return Curvature::indefinite;
  MutableVector(direction, n) = d;
  return mu > 0 ? Curvature::semidefinite : Curvature::definite;
}

void stationary_step(const double* hessian, const double* gradient, std::int64_t n, double limit, bool damped,
                     double* direction, const Run& run) {
  const ConstMatrix h(hessian, n, n);
  const ConstVector g(gradient, n);
  MutableVector d(direction, n);
  run.check();
  bool degenerate = false;
  if (!damped) {
    const Eigen::PartialPivLU<Matrix> lu(h);
    degenerate = singular([&](const Vector& y) -> Vector { return lu.solve(y); }, n, rounding_of(h));
    const Vector newton = -lu.solve(g);
    if (!degenerate && newton.allFinite() && newton.norm() <= limit) {
      d = newton;
      return;
    }
  }
  Matrix square = Matrix::Zero(n, n);
  for (Index first = 0; first < n; first += 256) {
    run.check();
    square.selfadjointView<Eigen::Lower>().rankUpdate(Matrix(h.middleCols(first, std::min<Index>(256, n - first))));
  }
  const Vector right = h * g;
  // Below the second bound the square of H would not be numerically positive definite.
  const double smallest = static_cast<double>(n) * std::numeric_limits<double>::epsilon() * square.diagonal().sum();
  // No step is longer than the limit with this one; the pseudo-inverse's may be, which zero modes leave short.
  const double safe = std::pow(g.norm() / (2 * limit), 2);
  const double pseudo = 1e-10 * square.diagonal().sum() / static_cast<double>(n);
  double mu = std::max(degenerate ? pseudo : safe, smallest);
  Vector step;
  d.setZero();
  for (int attempt = 0; attempt < 8 && mu > 0; ++attempt, mu *= 10) {
    if (!solve_definite(square, mu, 0, right, step, run)) continue;
    if (step.norm() > limit && mu < safe) {
      mu = safe / 10;
      continue;
    }
    d = step;
    return;
  }
}

Curvature minimising_step(const HessianProduct& apply, const double* gradient, std::int64_t n, double limit,
                          double forcing, double* direction, const Run& run) {
  const double unit = to_unit(largest(gradient, n));  // of the energy: it changes no direction
  Vector x = Vector::Zero(n), r = -unit * ConstVector(gradient, n), p = r, hp(n);
  double square = r.squaredNorm();
  const double target = forcing * std::sqrt(square);
  for (std::int64_t k = 0; k < most_iterations(n) && std::sqrt(square) > target; ++k) {
    run.check();
    apply(p.data(), hp.data());
    hp *= unit;
    const double curvature = p.dot(hp);
    if (!(curvature > 0)) return Curvature::indefinite;
    x += square / curvature * p;
    r -= square / curvature * hp;
    const double next = r.squaredNorm();
    p = r + next / square * p;
    square = next;
  }
  cut(x, limit);
  MutableVector(direction, n) = x;
  return Curvature::definite;
}

void stationary_step(const HessianProduct& apply, const double* gradient, std::int64_t n, double limit, double forcing,
                     double* direction, const Run& run) {
  // Paige and Saunders (1975): Lanczos vectors v, QR of the tridiagonal matrix by plane rotations (c, s).
  const double unit = to_unit(largest(gradient, n));  // of the energy: it changes no direction
  Vector x = Vector::Zero(n), v_old = Vector::Zero(n), v = -unit * ConstVector(gradient, n), w_old = Vector::Zero(n),
         w = Vector::Zero(n), av(n);
  double beta = v.norm(), residual = beta, c = -1, s = 0, delta_bar = 0, epsilon = 0;
  const double target = forcing * beta, breakdown = std::numeric_limits<double>::epsilon() * beta;
  if (beta > 0) v /= beta;
  double beta_old = 0;
  for (std::int64_t k = 0; k < most_iterations(n) && residual > target; ++k) {
    run.check();
    apply(v.data(), av.data());
    av *= unit;
    const double alpha = v.dot(av);
    av -= alpha * v + beta_old * v_old;
    const double beta_next = av.norm();
    const double delta = c * delta_bar + s * alpha, gamma_bar = s * delta_bar - c * alpha;
    const double epsilon_next = s * beta_next;
    delta_bar = -c * beta_next;
    const double gamma = std::hypot(gamma_bar, beta_next);
    if (!(gamma > 0)) break;  // the operator annihilates what is left of the residual
    c = gamma_bar / gamma;
    s = beta_next / gamma;
    const Vector w_next = (v - epsilon * w_old - delta * w) / gamma;
    x += c * residual * w_next;
    residual *= s;
    w_old = w;
    w = w_next;
    epsilon = epsilon_next;
    v_old = v;
    beta_old = beta_next;
    if (!(beta_next > breakdown)) break;  // the Krylov space is exhausted
    v = av / beta_next;
  }
  cut(x, limit);
  MutableVector(direction, n) = x;
}

}  // namespace spinscape
