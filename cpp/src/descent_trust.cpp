// Riemannian trust regions (Absil, Baker and Gallivan 2007): the quadratic model of the energy on the tangent space,
// minimised within a radius by the truncated conjugate gradients of Steihaug and Toint.
#include "descent_requests.hpp"

namespace spinscape {
namespace {

void add_scaled(std::vector<double>& out, const std::vector<double>& term, double scale) {
  for (std::size_t k = 0; k < out.size(); ++k) out[k] += scale * term[k];
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return spinscape::dot(a.data(), b.data(), static_cast<std::int64_t>(a.size()));
}

// Minimises g.s + s.H s/2 over |s| <= radius, a product at a time. The value falls and |s| grows from step to step;
// negative curvature and the radius end it at the boundary.
class ConjugateGradients {
 public:
  void begin(const std::vector<double>& gradient, double radius, double target) {
    step_.assign(gradient.size(), 0.0);
    residual_ = gradient;
    direction_ = gradient;
    for (double& x : direction_) x = -x;
    radius_ = radius;
    target_ = target;
    square_ = dot(gradient, gradient);
    value_ = 0;
    products_ = 0;
    at_boundary_ = false;
  }

  const std::vector<double>& direction() const { return direction_; }
  const std::vector<double>& step() const { return step_; }
  double value() const { return value_; }
  bool at_boundary() const { return at_boundary_; }
  double curvature() const { return curvature_; }  // of the last direction

  // Takes in H direction(); true at the end.
  bool feed(const std::vector<double>& product) {
    ++products_;
    const double dd = dot(direction_, direction_), dhd = dot(direction_, product), sd = dot(step_, direction_),
                 ss = dot(step_, step_), dr = dot(direction_, residual_);
    curvature_ = dhd / dd;
    const double alpha = square_ / dhd;
    if (!(dhd > 0) || !(ss + 2 * alpha * sd + alpha * alpha * dd < radius_ * radius_)) {
      const double tau = (-sd + std::sqrt(std::max(0.0, sd * sd + dd * (radius_ * radius_ - ss)))) / dd;
      advance(tau, product, dr, dhd);
      at_boundary_ = true;
      return true;
    }
    advance(alpha, product, dr, dhd);
    const double next = dot(residual_, residual_);
    if (!(std::sqrt(next) > target_) || products_ >= 2 * static_cast<std::int64_t>(step_.size()) + 50) return true;
    const double beta = next / square_;
    for (std::size_t k = 0; k < direction_.size(); ++k) direction_[k] = beta * direction_[k] - residual_[k];
    square_ = next;
    return false;
  }

 private:
  // d/da of the model along the direction is direction.residual + a dhd.
  void advance(double alpha, const std::vector<double>& product, double dr, double dhd) {
    value_ += alpha * dr + alpha * alpha * dhd / 2;
    add_scaled(step_, direction_, alpha);
    add_scaled(residual_, product, alpha);
  }

  std::vector<double> step_, residual_, direction_;
  double radius_ = 0, target_ = 0, square_ = 0, value_ = 0, curvature_ = 0;
  std::int64_t products_ = 0;
  bool at_boundary_ = false;
};

template <class Real>
class TrustWalker {
 public:
  TrustWalker(const Domain& domain, double radius, const Journal<Real>& journal)
      : domain_(domain),
        n_(domain.dimension()),
        largest_(radius * std::sqrt(double(n_))),
        base_(domain, journal),
        gradient_(n_),
        product_(n_) {}

  Need start(std::int64_t replica, Real* point) {
    radius_ = largest_;
    curvature_ = 0;
    searching_ = false;
    base_.load(replica, point);
    return Need::gradient;
  }

  void take_hessian(Real*, const Real*, const Run&) {}

  Need advance(Real energy, const Real* answer, Real* point, Real* vector) {
    ++base_.evaluations;
    if (!searching_)
      return base_.none() ? accept(double(energy), answer, point, vector)
                          : judge_step(double(energy), answer, point, vector);
    product_.assign(answer, answer + n_);
    const bool ended = inner_.feed(product_);
    curvature_ = std::max(curvature_, std::abs(inner_.curvature()));
    return ended ? try_step(point) : ask_product(vector);
  }

 private:
  Need accept(double energy, const Real* gradient, Real* point, Real* vector) {
    gradient_ = tangent_gradient(domain_, point, gradient);
    const std::optional<StopReason> reason = base_.take(energy, gradient, point);
    return reason ? finish(*reason) : search(point, vector);
  }

  // The residual is brought down by the factor min(0.1, |g|/sqrt(D) / curvature): quadratic convergence in the end.
  Need search(Real* point, Real* vector) {
    std::copy(base_.point.begin(), base_.point.end(), point);
    const double length = std::sqrt(dot(gradient_, gradient_));
    inner_.begin(gradient_, radius_, newton_forcing<Real>(base_.norm, curvature_) * length);
    searching_ = true;
    return ask_product(vector);
  }

  Need ask_product(Real* vector) {
    for (std::int64_t k = 0; k < n_; ++k) vector[k] = Real(inner_.direction()[k]);
    return Need::product;
  }

  Need try_step(Real* point) {
    searching_ = false;
    for (std::int64_t k = 0; k < n_; ++k) point[k] = Real(double(base_.point[k]) + inner_.step()[k]);
    if (!retract(domain_, point)) return finish(StopReason::not_finite);
    if (std::equal(base_.point.begin(), base_.point.end(), point)) return finish(StopReason::stalled);
    return Need::gradient;
  }

  // Ratio of the decrease to the model's, both with the rounding of an energy added: near the end there is nothing
  // else.
  Need judge_step(double energy, const Real* gradient, Real* point, Real* vector) {
    const double rounding = 1e3 * double(std::numeric_limits<Real>::epsilon()) * base_.scale;
    const double ratio = (base_.energy - energy + rounding) / (rounding - inner_.value());
    if (!(ratio >= 0.25)) radius_ /= 4;
    else if (ratio > 0.75 && inner_.at_boundary()) radius_ = std::min(2 * radius_, largest_);
    if (ratio > 0.1) return accept(energy, gradient, point, vector);
    if (!(radius_ > double(std::numeric_limits<Real>::epsilon()) * largest_)) return finish(StopReason::stalled);
    return search(point, vector);
  }

  Need finish(StopReason reason) {
    base_.finish(reason);
    return Need::nothing;
  }

  Domain domain_;
  std::int64_t n_;
  double largest_;
  Accepted<Real> base_;
  std::vector<double> gradient_, product_;
  ConjugateGradients inner_;
  double radius_ = 0, curvature_ = 0;
  bool searching_ = false;
};

}  // namespace

template <class Real>
void descend_trust(const Surface& surface, double radius, const DescentOptions& options, const DescentRows<Real>& rows,
                   std::atomic<std::int64_t>* finished, const Run& run) {
  const Journal<Real> journal(surface, options, rows, finished);
  const auto make_walker = [&] { return TrustWalker<Real>(surface.domain(), radius, journal); };
  walk_requests<RiemannianAnswers, Real>(surface, rows.replicas, make_walker, run);
}

#define SPINSCAPE_INSTANTIATE(Real)                                                                    \
  template void descend_trust(const Surface&, double, const DescentOptions&, const DescentRows<Real>&, \
                              std::atomic<std::int64_t>*, const Run&);
SPINSCAPE_INSTANTIATE(float)
SPINSCAPE_INSTANTIATE(double)
#undef SPINSCAPE_INSTANTIATE

}  // namespace spinscape
