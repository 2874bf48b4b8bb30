// Subag's walk along the Hessian (arXiv:1812.04588): K orthogonal steps of length sqrt(N/K) from the origin to the
// sphere.
//
//     x_1 = w / sqrt(K) along the given start w;    x_{k+1} = x_k + sqrt(N/K) v_k,    |v_k| = 1,    v_k.x_k = 0,
//
// with v_k a lowest eigenvector of the Euclidean Hessian at x_k on the orthogonal complement of x_k, its sign such that
// v_k.grad H(x_k) <= 0. (Subag goes up, along the highest eigenvector of the energy with the other sign.) For N and
// then K to infinity H/N falls by xi''(|x|^2/N)^{1/2} / K a step, in all by the integral of sqrt(xi''). The eigenvector
// is the Ritz vector of `krylov` Lanczos steps from the projected gradient on.
#include "descent_requests.hpp"
#include "krylov_walk.hpp"

namespace spinscape {
namespace {

template <class Real>
class AscentWalker {
 public:
  AscentWalker(const Domain& domain, std::int64_t krylov, std::int64_t total, const Journal<Real>& journal)
      : n_(domain.dimension()),
        total_(total),
        domain_(domain),
        journal_(&journal),
        start_(n_),
        x_(n_),
        space_(n_, n_ - 1, krylov) {}

  Need start(std::int64_t replica, Real* point) {
    replica_ = replica;
    steps_ = evaluations_ = 0;
    journal_->load(replica, point);
    start_.assign(point, point + n_);
    krylov_ = false;
    if (total_ > 0) std::fill(point, point + n_, Real(0));
    return Need::gradient;
  }

  void take_hessian(Real*, const Real*, const Run&) {}

  Need advance(Real energy, const Real* answer, Real* point, Real* vector) {
    ++evaluations_;
    if (krylov_) return grow(answer, point, vector);
    if (!std::isfinite(double(energy))) return finish(double(energy), answer, point, StopReason::not_finite);
    if (steps_ == total_) {
      const StopReason reason = total_ > 0 ? StopReason::completed : StopReason::max_steps;
      return finish(double(energy), answer, point, reason);
    }
    journal_->trace(replica_, steps_, double(energy), tangent_norm(answer, point));
    return steps_ == 0 ? first_step(point) : search(answer, point, vector);
  }

 private:
  Need first_step(Real* point) {
    for (std::int64_t k = 0; k < n_; ++k) x_[k] = double(start_[k]) / std::sqrt(double(total_));
    return put(point);
  }

  Need search(const Real* gradient, Real* point, Real* vector) {
    gradient_.assign(gradient, gradient + n_);
    radial_.assign(point, point + n_);
    const double length = std::sqrt(dot(radial_.data(), radial_.data(), n_));
    for (double& x : radial_) x /= length;
    // One spin has no direction left, a constant energy none of its own: any does.
    if (!space_.begin(gradient_, radial_) && !space_.begin(unlike(radial_), radial_)) return step({}, point);
    krylov_ = true;
    return ask_product(vector);
  }

  // The coordinate direction that is farthest from a unit vector.
  std::vector<double> unlike(const std::vector<double>& unit) const {
    std::vector<double> axis(n_, 0.0);
    const auto smallest = [](double a, double b) { return std::abs(a) < std::abs(b); };
    axis[std::min_element(unit.begin(), unit.end(), smallest) - unit.begin()] = 1;
    return axis;
  }

  Need ask_product(Real* vector) {
    for (std::int64_t k = 0; k < n_; ++k) vector[k] = Real(space_.vector()[k]);
    return Need::product;
  }

  Need grow(const Real* answer, Real* point, Real* vector) {
    const std::vector<double> product(answer, answer + n_);
    if (space_.feed(product.data())) return ask_product(vector);
    krylov_ = false;
    std::vector<double> v = space_.lift(space_.lowest());
    if (dot(v.data(), gradient_.data(), n_) > 0)
      for (double& x : v) x = -x;
    return step(v, point);
  }

  Need step(const std::vector<double>& v, Real* point) {
    const double length = std::sqrt(double(n_) / double(total_));
    for (std::size_t k = 0; k < v.size(); ++k) x_[k] += length * v[k];
    return put(point);
  }

  // The point after one more step, |x|^2 = N (step / K) to rounding.
  Need put(Real* point) {
    ++steps_;
    const double target = double(n_) * double(steps_) / double(total_);
    const double factor = std::sqrt(target / dot(x_.data(), x_.data(), n_));
    for (std::int64_t k = 0; k < n_; ++k) {
      x_[k] *= factor;
      point[k] = Real(x_[k]);
    }
    if (steps_ == total_) retract(domain_, point);
    return Need::gradient;
  }

  // |the part of the gradient across the point| / sqrt(N); of all of it at the origin.
  double tangent_norm(const Real* gradient, const Real* point) const {
    std::vector<double> g(gradient, gradient + n_);
    const std::vector<double> w(point, point + n_);
    const double square = dot(w.data(), w.data(), n_);
    const double along = square > 0 ? dot(w.data(), g.data(), n_) / square : 0;
    for (std::int64_t k = 0; k < n_; ++k) g[k] -= along * w[k];
    return scaled_norm(domain_, g.data());
  }

  Need finish(double energy, const Real* gradient, const Real* point, StopReason reason) {
    const double norm = tangent_norm(gradient, point);
    journal_->trace(replica_, steps_, energy, norm);
    journal_->finish(replica_, point, energy, norm, reason, steps_, evaluations_);
    return Need::nothing;
  }

  std::int64_t n_, total_;
  Domain domain_;
  const Journal<Real>* journal_;
  std::vector<Real> start_;
  std::vector<double> x_, gradient_, radial_;
  KrylovWalk space_;
  std::int64_t replica_ = 0, steps_ = 0, evaluations_ = 0;
  bool krylov_ = false;
};

}  // namespace

template <class Real>
void descend_ascent(const Surface& surface, std::int64_t krylov, const DescentOptions& options,
                    const DescentRows<Real>& rows, std::atomic<std::int64_t>* finished, const Run& run) {
  const Journal<Real> journal(surface, options, rows, finished);
  const auto make_walker = [&] { return AscentWalker<Real>(surface.domain(), krylov, options.max_steps, journal); };
  walk_requests<AmbientAnswers, Real>(surface, rows.replicas, make_walker, run);
}

#define SPINSCAPE_INSTANTIATE(Real)                                                                           \
  template void descend_ascent(const Surface&, std::int64_t, const DescentOptions&, const DescentRows<Real>&, \
                               std::atomic<std::int64_t>*, const Run&);
SPINSCAPE_INSTANTIATE(float)
SPINSCAPE_INSTANTIATE(double)
#undef SPINSCAPE_INSTANTIATE

}  // namespace spinscape
