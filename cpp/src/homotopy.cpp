#include "spinscape/homotopy.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>

namespace spinscape {
namespace {

using Complex = std::complex<double>;
using Vector = Eigen::VectorXcd;
using Matrix = Eigen::MatrixXcd;
using Eigen::Index;

constexpr double smallest_step = 1e-10;  // of t: beyond it a path is taken for singular
constexpr double corrected = 1e-9;       // relative size of the last correction
constexpr int most_corrections = 3;
constexpr int most_polishing = 6;
constexpr double neighbourhood = 0.02;  // of an end, relative: where its second derivatives are bounded

template <class Number>
Number power(Number base, int exponent) {
  Number result = 1;
  for (int k = 0; k < exponent; ++k) result *= base;
  return result;
}

// The system G(s, z, mu; t) = 0, n + 2 equations.
class System {
 public:
  System(const PolynomialOnSphere& polynomial, const HomotopyConstants& constants)
      : polynomial_(polynomial), constants_(constants), n_(polynomial.size()), degree_(polynomial.degree()) {
    chart_ = Eigen::Map<const Vector>(constants.chart.data(), n_ + 1);
    start_ = Eigen::Map<const Vector>(constants.start.data(), n_);
  }

  Index size() const { return n_ + 2; }
  // z = 1/radius
  void use_real_chart(double radius) {
    chart_.setZero();
    chart_[n_] = radius;
  }
  void to_chart(Vector& x) const {
    const Complex scale = 1.0 / (chart_.array() * x.head(n_ + 1).array()).sum();
    x.head(n_ + 1) *= scale;
    x[n_ + 1] *= power(scale, degree_ - 2);
  }

  // G, its Jacobian, and its derivative by t.
  void evaluate(const Vector& x, double t, Vector& value, Matrix& jacobian, Vector& by_t) const {
    const Vector s = x.head(n_);
    const Complex z = x[n_], mu = x[n_ + 1];
    jacobian.setZero(size(), size());
    Vector field = Vector::Zero(n_), by_z = Vector::Zero(n_);
    for (const PolynomialTerm& term : polynomial_.terms()) {
      const int lower = degree_ - term.order;
      if (term.order == 1) {
        const auto tensor = Eigen::Map<const Eigen::VectorXd>(term.entries.data(), n_).cast<Complex>();
        field += power(z, lower) * tensor;
        by_z += double(lower) * power(z, lower - 1) * tensor;
        continue;
      }
      const Matrix matrix = polynomial_.matrix(term, s);
      const Vector gradient = matrix * s;
      field += power(z, lower) * gradient;
      if (lower > 0) by_z += double(lower) * power(z, lower - 1) * gradient;
      jacobian.topLeftCorner(n_, n_) += double(term.order - 1) * power(z, lower) * matrix;
    }
    Vector own(n_);
    for (Index i = 0; i < n_; ++i) own[i] = constants_.gamma * start_[i] * power(s[i], degree_ - 2);
    const Vector begin = own.cwiseProduct(s);
    jacobian.topLeftCorner(n_, n_) *= t;
    jacobian.topLeftCorner(n_, n_).diagonal() += (1 - t) * double(degree_ - 1) * own;
    jacobian.topLeftCorner(n_, n_).diagonal().array() -= mu;
    jacobian.col(n_).head(n_) = t * by_z;
    jacobian.col(n_ + 1).head(n_) = -s;
    jacobian.row(n_).head(n_) = 2 * s.transpose();
    jacobian(n_, n_) = -2.0 * z;
    jacobian.row(n_ + 1).head(n_ + 1) = chart_.transpose();
    value.resize(size());
    value.head(n_) = t * field + (1 - t) * begin - mu * s;
    value[n_] = (s.array() * s.array()).sum() - z * z;
    value[n_ + 1] = (chart_.array() * x.head(n_ + 1).array()).sum() - 1.0;
    by_t.setZero(size());
    by_t.head(n_) = field - begin;
  }

  // A bound of the second derivative of G at t = 1 within `radius` of x. |T (s + e)^(d-k)| as a form of k indices is at
  // most sum_i C(d-k, i) |T s^(d-k-i)| |e|^i; mu s has 1, s.s - z^2 has 2.
  double second_derivative(const Vector& x, double radius) const {
    const double z = std::abs(x[n_]) + radius;
    double sum = 3;
    for (const PolynomialTerm& term : polynomial_.terms()) {
      const std::vector<double> norms = polynomial_.contraction_norms(term, x.head(n_));
      const int d = term.order, lower = degree_ - d;
      const auto form = [&](int k) {
        double total = 0, factor = 1;  // C(d-k, i) radius^i
        for (int i = 0; i <= d - k; ++i) {
          total += factor * norms[k + i];
          factor *= radius * (d - k - i) / (i + 1);
        }
        return total;
      };
      if (d > 2) sum += (d - 1) * (d - 2) * form(3) * std::pow(z, lower);
      if (d > 1 && lower > 0) sum += 2.0 * (d - 1) * lower * form(2) * std::pow(z, lower - 1);
      if (lower > 1) sum += lower * (lower - 1) * form(1) * std::pow(z, lower - 2);
    }
    return sum;
  }

  // G at t = 1 in more digits, rounded once: with it Newton's method gains those that a bad condition costs.
  Vector residual(const Vector& x) const {
    using Long = std::complex<long double>;
    const std::vector<Long> s(x.data(), x.data() + n_);
    const Long z = x[n_], mu = x[n_ + 1];
    std::vector<Long> sum(n_);
    for (Index i = 0; i < n_; ++i) sum[i] = -mu * s[i];
    for (const PolynomialTerm& term : polynomial_.terms()) {
      const std::vector<Long> gradient = polynomial_.gradient(term, s);
      for (Index i = 0; i < n_; ++i) sum[i] += power(z, degree_ - term.order) * gradient[i];
    }
    Long square = -z * z, chart = Long(chart_[n_]) * z - 1.0L;
    for (Index i = 0; i < n_; ++i) {
      square += s[i] * s[i];
      chart += Long(chart_[i]) * s[i];
    }
    Vector value(size());
    for (Index i = 0; i < n_; ++i) value[i] = Complex(sum[i]);
    value[n_] = Complex(square);
    value[n_ + 1] = Complex(chart);
    return value;
  }

  // A bound of what rounding adds to the residual: sums of n products, one inside the other for every index of a
  // tensor.
  double rounding(const Vector& x) const {
    const double s = x.head(n_).norm(), z = std::abs(x[n_]);
    double sum = (1 + std::abs(x[n_ + 1])) * (1 + s) + s * s + z * z;
    for (const PolynomialTerm& term : polynomial_.terms())
      sum += polynomial_.norm(term) * std::pow(s, term.order - 1) * std::pow(z, degree_ - term.order);
    constexpr double epsilon = static_cast<double>(std::numeric_limits<long double>::epsilon());
    return 4.0 * degree_ * static_cast<double>(n_ + 2) * epsilon * sum;
  }

 private:
  const PolynomialOnSphere& polynomial_;
  const HomotopyConstants& constants_;
  Index n_;
  int degree_;
  Vector chart_, start_;
};

// The solution of the start system of this number: a set of indices with s_i != 0 (s_i^(D-2) = 1/a_i there, up to
// roots of unity), and the sign of z.
Vector start_point(const PolynomialOnSphere& polynomial, const HomotopyConstants& constants, std::int64_t number) {
  const Index n = polynomial.size();
  const int degree = polynomial.degree();
  Vector x = Vector::Zero(n + 2);
  double sign = 1;
  if (!polynomial.paired()) {
    sign = number % 2 == 0 ? 1 : -1;
    number /= 2;
  }
  if (degree == 2) {
    x[number] = 1;
    x[n] = sign;
    x[n + 1] = constants.gamma * constants.start[number];
    return x;
  }
  // Numbers in base D - 1: digit 0 for s_i = 0, digit j for the j-th root. The first non-zero digit is always 1, which
  // picks one of the D - 2 multiples of a solution: (D-1)^m numbers with it at place m from the end.
  Index first = n - 1;
  std::int64_t block = 1;
  for (; number >= block; --first) {
    number -= block;
    block *= degree - 1;
  }
  for (Index i = first; i < n; ++i) {
    std::int64_t digit = 1;
    if (i > first) {
      digit = number % (degree - 1);
      number /= degree - 1;
    }
    if (digit == 0) continue;
    const double turn = 2 * std::acos(-1.0) * double(digit - 1) / (degree - 2);
    x[i] = std::pow(1.0 / constants.start[i], 1.0 / (degree - 2)) * std::polar(1.0, turn);
  }
  x[n] = sign * std::sqrt((x.head(n).array() * x.head(n).array()).sum());
  x[n + 1] = constants.gamma;
  return x;
}

class Path {
 public:
  Path(System& system, const PathOptions& options) : system_(system), options_(options) {}

  // From t = 0 to t = 1; false where the steps grow too short or too many.
  bool track(Vector& x, const Run& run) {
    double t = 0, step = 0.02;
    for (std::int64_t k = 0; k < options_.max_steps; ++k) {
      run.check();
      step = std::min(step, 1 - t);
      Vector next = predicted(x, t, step);
      const double error = correct(next, t + step);
      const double grown = 0.8 * std::pow(options_.accuracy / std::max(error, 1e-300), 0.25);
      if (error <= options_.accuracy) {
        x = next;
        t = step == 1 - t ? 1 : t + step;
        if (t == 1) return true;
        step *= std::min(grown, 3.0);
      } else {
        step *= std::isfinite(error) ? std::clamp(grown, 0.1, 0.5) : 0.25;
      }
      if (!(step > smallest_step)) return false;
    }
    return false;
  }

  // Newton's method at t = 1 until it no longer helps; the last correction's size.
  double polish(Vector& x) {
    double smallest = std::numeric_limits<double>::infinity();
    for (int k = 0; k < most_polishing; ++k) {
      system_.evaluate(x, 1, value_, jacobian_, by_t_);
      const Vector change = jacobian_.partialPivLu().solve(system_.residual(x));
      const double size = change.norm();
      if (!(size < smallest)) break;
      smallest = size;
      x -= change;
    }
    return smallest;
  }

  void certify(const Vector& x, PathEnd& end) {
    system_.evaluate(x, 1, value_, jacobian_, by_t_);
    const Eigen::JacobiSVD<Matrix> svd(jacobian_);
    const double inverse = 1 / svd.singularValues().minCoeff();
    const double near = neighbourhood * x.head(x.size() - 1).norm();
    const double bound = system_.second_derivative(x, near);
    const double beta = jacobian_.partialPivLu().solve(system_.residual(x)).norm() + inverse * system_.rounding(x);
    const double unique = std::min(1 / (inverse * bound), near);
    end.certified = beta * inverse * bound <= 0.5 && 2 * beta <= near;
    end.error = 2 * beta;
    if (!end.certified) return;
    if (2 * (beta + x.imag().norm()) < unique) end.reality = Reality::real;
    else if (x.imag().norm() > 2 * beta) end.reality = Reality::complex;
  }

 private:
  Vector slope(const Vector& x, double t) {
    system_.evaluate(x, t, value_, jacobian_, by_t_);
    return -jacobian_.partialPivLu().solve(by_t_);
  }

  Vector predicted(const Vector& x, double t, double step) {
    const Vector k1 = slope(x, t);
    const Vector k2 = slope(x + step / 2 * k1, t + step / 2);
    const Vector k3 = slope(x + step / 2 * k2, t + step / 2);
    const Vector k4 = slope(x + step * k3, t + step);
    return x + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
  }

  // Newton's method; the relative size of the first correction, infinite where the last one is not small.
  double correct(Vector& x, double t) {
    double first = -1;
    for (int k = 0; k < most_corrections; ++k) {
      system_.evaluate(x, t, value_, jacobian_, by_t_);
      const Vector change = jacobian_.partialPivLu().solve(value_);
      x -= change;
      const double size = change.norm() / x.norm();
      if (first < 0) first = size;
      if (!std::isfinite(size) || first > options_.accuracy) return first;
      if (size <= corrected) return first;
    }
    return std::numeric_limits<double>::infinity();
  }

  System& system_;
  const PathOptions& options_;
  Vector value_, by_t_;
  Matrix jacobian_;
};

PathEnd track_path(const PolynomialOnSphere& polynomial, const HomotopyConstants& constants, std::int64_t number,
                   const PathOptions& options, const Run& run) {
  PathEnd end;
  System system(polynomial, constants);
  Vector x = start_point(polynomial, constants, number);
  system.to_chart(x);
  Path path(system, options);
  if (!path.track(x, run)) return end;
  const Index n = polynomial.size();
  if (!(std::abs(x[n]) > 1e-8 * x.norm())) return end;
  const double radius = x.head(n).norm() / std::abs(x[n]);
  system.use_real_chart(radius);
  system.to_chart(x);
  path.polish(x);
  if (!x.allFinite()) return end;
  path.certify(x, end);
  end.finished = true;
  end.error *= radius;
  x *= radius;
  end.s.assign(x.data(), x.data() + n);
  return end;
}

}  // namespace

std::vector<PathEnd> track_paths(const PolynomialOnSphere& polynomial, const HomotopyConstants& constants,
                                 const std::vector<std::int64_t>& numbers, const PathOptions& options, const Run& run) {
  std::vector<PathEnd> ends(numbers.size());
  parallel_for(run, static_cast<std::int64_t>(numbers.size()),
               [&](std::int64_t k) { ends[k] = track_path(polynomial, constants, numbers[k], options, run); });
  return ends;
}

}  // namespace spinscape
