// The Riemannian gradient flow dw/dt = -g(w), by the pair of Runge-Kutta formulas of Dormand and Prince (1980) of
// orders 5 and 4.
//
// The field is continued off the spheres as -g(w put on the spheres): it keeps every length, and the seventh stage,
// evaluated at the new point put on the spheres, is the first stage of the next step. A step is accepted where the
// difference of the two formulas is at most accuracy min(1, |g|/sqrt(D)) a coordinate (root mean square): an error that
// did not fall with the speed would keep the flow from ever coming to rest.
#include <array>

#include "descent_block.hpp"

namespace spinscape {
namespace {

constexpr int stages = 7;
constexpr double nodes[stages - 1][stages - 1] = {
    {1.0 / 5},
    {3.0 / 40, 9.0 / 40},
    {44.0 / 45, -56.0 / 15, 32.0 / 9},
    {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
    {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
    {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84}};
// Weights of order 5 less those of order 4.
constexpr double error_weights[stages] = {71.0 / 57600,      0,          -71.0 / 16695, 71.0 / 1920,
                                          -17253.0 / 339200, 22.0 / 525, -1.0 / 40};

template <class Real>
class FlowWalker {
 public:
  FlowWalker(const Domain& domain, const FlowOptions& flow, const Journal<Real>& journal)
      : domain_(domain), n_(domain.dimension()), flow_(flow), journal_(&journal), base_(n_) {
    for (std::vector<Real>& slope : slopes_) slope.resize(n_);
  }

  void start(std::int64_t replica, Real* point) {
    replica_ = replica;
    steps_ = evaluations_ = 0;
    stage_ = 0;
    time_ = 0;
    first_ = true;
    rejected_ = false;
    journal_->load(replica, point);
    std::copy(point, point + n_, base_.begin());
  }

  bool advance(Real energy, const Real* gradient, Real* point) {
    ++evaluations_;
    for (std::int64_t k = 0; k < n_; ++k) slopes_[stage_][k] = -gradient[k];
    if (first_) {
      first_ = false;
      if (arrive(energy, gradient)) return true;
      // A first step of a hundredth of a coordinate; the error decides about the next ones.
      step_ = std::min(norm_ > 0 ? 0.01 / norm_ : 1.0, flow_.duration);
      stage_ = 1;
      return place(point);
    }
    if (++stage_ < stages) return place(point);
    return judge_step(energy, gradient, point);
  }

 private:
  // Puts the point of the current stage. Stages before the last that overflow are a step too long.
  bool place(Real* point) {
    std::copy(base_.begin(), base_.end(), point);
    for (int j = 0; j < stage_; ++j) {
      const Real weight(step_ * nodes[stage_ - 1][j]);
      if (weight == 0) continue;
      for (std::int64_t k = 0; k < n_; ++k) point[k] += weight * slopes_[j][k];
    }
    if (!retract(domain_, point)) return shorten(0.1, point);
    return false;
  }

  bool judge_step(Real energy, const Real* gradient, Real* point) {
    double square = 0;
    for (std::int64_t k = 0; k < n_; ++k) {
      double error = 0;
      for (int j = 0; j < stages; ++j) error += error_weights[j] * double(slopes_[j][k]);
      square += error * error;
    }
    const double allowed = flow_.accuracy * std::min(1.0, norm_);
    const double ratio = step_ * std::sqrt(square / double(n_)) / allowed;
    if (!std::isfinite(ratio) || !std::isfinite(double(energy))) return shorten(0.1, point);
    const double factor = ratio > 0 ? std::clamp(0.9 * std::pow(ratio, -0.2), 0.2, 5.0) : 5.0;
    if (ratio > 1) return shorten(factor, point);
    const bool last = time_ + step_ >= flow_.duration;
    const bool moved = !std::equal(base_.begin(), base_.end(), point);
    time_ = last ? flow_.duration : time_ + step_;
    ++steps_;
    std::copy(point, point + n_, base_.begin());
    std::swap(slopes_[0], slopes_[stages - 1]);
    if (arrive(energy, gradient)) return true;
    // At rest to rounding: a flow without end would stay there for ever.
    if (!moved && !std::isfinite(flow_.duration)) return finish(StopReason::stalled);
    step_ *= rejected_ ? std::min(factor, 1.0) : factor;
    step_ = std::min(step_, flow_.duration - time_);
    rejected_ = false;
    stage_ = 1;
    return place(point);
  }

  // Takes down an accepted point.
  bool arrive(Real energy, const Real* gradient) {
    energy_ = double(energy);
    norm_ = scaled_norm(domain_, gradient);
    std::optional<StopReason> reason = journal_->judge(replica_, steps_, energy_, norm_);
    if (time_ >= flow_.duration && (!reason || reason == StopReason::max_steps)) reason = StopReason::completed;
    return reason ? finish(*reason) : false;
  }

  bool shorten(double factor, Real* point) {
    step_ *= factor;
    rejected_ = true;
    // An accuracy below the rounding of the stages: no step reaches it.
    const double motion = step_ * norm_;
    if (!(motion > 1e-3 * double(std::numeric_limits<Real>::epsilon()))) return finish(StopReason::stalled);
    stage_ = 1;
    return place(point);
  }

  bool finish(StopReason reason) {
    journal_->finish(replica_, base_.data(), energy_, norm_, reason, steps_, evaluations_);
    return true;
  }

  Domain domain_;
  std::int64_t n_;
  FlowOptions flow_;
  const Journal<Real>* journal_;
  std::vector<Real> base_;
  std::array<std::vector<Real>, stages> slopes_;
  std::int64_t replica_ = 0, steps_ = 0, evaluations_ = 0;
  int stage_ = 0;
  double time_ = 0, step_ = 0, energy_ = 0, norm_ = 0;
  bool first_ = true, rejected_ = false;
};

}  // namespace

template <class Real>
void descend_flow(const Surface& surface, const FlowOptions& flow, const DescentOptions& options,
                  const DescentRows<Real>& rows, std::atomic<std::int64_t>* finished, const Run& run) {
  const Journal<Real> journal(surface, options, rows, finished);
  const auto make_walker = [&] { return FlowWalker<Real>(surface.domain(), flow, journal); };
  walk_queue<Real>(surface, rows.replicas, make_walker, run);
}

#define SPINSCAPE_INSTANTIATE(Real)                                                                               \
  template void descend_flow(const Surface&, const FlowOptions&, const DescentOptions&, const DescentRows<Real>&, \
                             std::atomic<std::int64_t>*, const Run&);
SPINSCAPE_INSTANTIATE(float)
SPINSCAPE_INSTANTIATE(double)
#undef SPINSCAPE_INSTANTIATE

}  // namespace spinscape
