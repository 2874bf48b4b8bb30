// Methods of one gradient a step: the heavy ball, and the symmetric higher-order power method.
#include "descent_block.hpp"

namespace spinscape {
namespace {

// Polyak's heavy ball: v <- mu P v - gamma_t g with P the projector on the tangent space of the new point, which is how
// the velocity is carried along; then w <- w + v, put on the spheres.
template <class Real>
class MomentumWalker {
 public:
  MomentumWalker(const Domain& domain, const MomentumOptions& method, const Journal<Real>& journal)
      : domain_(domain),
        method_(method),
        journal_(&journal),
        velocity_(domain.dimension()),
        before_(domain.dimension()),
        next_(domain.dimension()) {}

  void start(std::int64_t replica, Real* point) {
    replica_ = replica;
    steps_ = 0;
    std::fill(velocity_.begin(), velocity_.end(), Real(0));
    journal_->load(replica, point);
  }

  bool advance(Real energy, const Real* gradient, Real* w) {
    const double norm = scaled_norm(domain_, gradient);
    std::optional<StopReason> reason = journal_->judge(replica_, steps_, double(energy), norm);
    if (!reason && !step_from(gradient, w)) reason = StopReason::not_finite;
    // Neither point nor velocity changed: they never will again.
    if (!reason && method_.decay == 0 && std::equal(next_.begin(), next_.end(), w) && before_ == velocity_)
      reason = StopReason::stalled;
    if (reason) {
      journal_->finish(replica_, w, double(energy), norm, *reason, steps_, steps_ + 1);
      return true;
    }
    std::copy(next_.begin(), next_.end(), w);
    ++steps_;
    return false;
  }

 private:
  bool step_from(const Real* gradient, const Real* w) {
    before_ = velocity_;
    project(domain_, w, velocity_.data(), velocity_.data());
    const Real gamma(method_.step / (1 + method_.decay * double(steps_))), mu(method_.momentum);
    for (std::int64_t k = 0; k < domain_.dimension(); ++k) {
      velocity_[k] = mu * velocity_[k] - gamma * gradient[k];
      next_[k] = w[k] + velocity_[k];
    }
    return retract(domain_, next_.data());
  }

  Domain domain_;
  MomentumOptions method_;
  const Journal<Real>* journal_;
  std::vector<Real> velocity_, before_, next_;
  std::int64_t replica_ = 0, steps_ = 0;
};

// The shifted power step w <- sqrt(N) (a w - grad H) / |a w - grad H| is, on the sphere, the gradient step
// w - g / (a - w.grad H / N); for a form of order p the last term is p H / N. a: fixed, or doubled wherever a step
// would raise the energy.
template <class Real>
class PowerWalker {
 public:
  PowerWalker(const Domain& domain, int order, double shift, const Journal<Real>& journal)
      : domain_(domain),
        order_(order),
        adaptive_(shift < 0),
        shift_(shift),
        journal_(&journal),
        base_(domain.dimension()),
        gradient_(domain.dimension()) {}

  void start(std::int64_t replica, Real* point) {
    replica_ = replica;
    steps_ = -1;  // the start itself is the first point accepted
    evaluations_ = 0;
    scale_ = 0;
    if (adaptive_) shift_ = -1;
    journal_->load(replica, point);
  }

  bool advance(Real energy, const Real* gradient, Real* point) {
    ++evaluations_;
    if (adaptive_ && steps_ >= 0 && std::isfinite(double(energy)) && double(energy) > energy_ + slack()) {
      shift_ *= 2;
      return step_from_base(point);
    }
    ++steps_;
    std::copy(point, point + domain_.dimension(), base_.begin());
    std::copy(gradient, gradient + domain_.dimension(), gradient_.begin());
    energy_ = double(energy);
    scale_ = std::max(scale_, std::abs(energy_));
    norm_ = scaled_norm(domain_, gradient);
    // At a random point |g|^2 / N is p times the variance of H / sqrt(N), and the largest eigenvalue of the Hessian of
    // the form is 2 sqrt(p (p - 1)) times its root.
    if (adaptive_ && shift_ < 0) shift_ = 2 * std::sqrt(double(order_ - 1)) * norm_;
    if (const auto reason = journal_->judge(replica_, steps_, energy_, norm_)) return finish(*reason);
    return step_from_base(point);
  }

 private:
  double slack() const { return 32 * double(std::numeric_limits<Real>::epsilon()) * scale_; }

  bool step_from_base(Real* point) {
    const double factor = shift_ - order_ * energy_ / double(domain_.dimension());
    for (std::int64_t k = 0; k < domain_.dimension(); ++k)
      point[k] = Real(factor) * base_[k] - gradient_[k];  // a w - grad H
    if (!retract(domain_, point)) return finish(StopReason::not_finite);
    if (std::equal(base_.begin(), base_.end(), point)) return finish(StopReason::stalled);
    return false;
  }

  bool finish(StopReason reason) {
    journal_->finish(replica_, base_.data(), energy_, norm_, reason, steps_, evaluations_);
    return true;
  }

  Domain domain_;
  int order_;
  bool adaptive_;
  double shift_;
  const Journal<Real>* journal_;
  std::vector<Real> base_, gradient_;
  std::int64_t replica_ = 0, steps_ = -1, evaluations_ = 0;
  double energy_ = 0, norm_ = 0, scale_ = 0;
};

}  // namespace

template <class Real>
void descend_momentum(const Surface& surface, const MomentumOptions& method, const DescentOptions& options,
                      const DescentRows<Real>& rows, std::atomic<std::int64_t>* finished, const Run& run) {
  const Journal<Real> journal(surface, options, rows, finished);
  const auto make_walker = [&] { return MomentumWalker<Real>(surface.domain(), method, journal); };
  walk_queue<Real>(surface, rows.replicas, make_walker, run);
}

template <class Real>
void descend_power(const Surface& surface, int order, double shift, const DescentOptions& options,
                   const DescentRows<Real>& rows, std::atomic<std::int64_t>* finished, const Run& run) {
  const Journal<Real> journal(surface, options, rows, finished);
  const auto make_walker = [&] { return PowerWalker<Real>(surface.domain(), order, shift, journal); };
  walk_queue<Real>(surface, rows.replicas, make_walker, run);
}

#define SPINSCAPE_INSTANTIATE(Real)                                                                         \
  template void descend_momentum(const Surface&, const MomentumOptions&, const DescentOptions&,             \
                                 const DescentRows<Real>&, std::atomic<std::int64_t>*, const Run&);         \
  template void descend_power(const Surface&, int, double, const DescentOptions&, const DescentRows<Real>&, \
                              std::atomic<std::int64_t>*, const Run&);
SPINSCAPE_INSTANTIATE(float)
SPINSCAPE_INSTANTIATE(double)
#undef SPINSCAPE_INSTANTIATE

}  // namespace spinscape
