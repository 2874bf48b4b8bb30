// Limited-memory BFGS on the spheres.
//
// Tangent vectors are carried by projection: a pair is s = P (a d), y = g_new - P g_old with P the projector at the new
// point. Pairs are kept as vectors of the surrounding space, where the approximate inverse Hessian B they define is
// positive definite; the direction is d = -P B g. As g = P g, d.g = -g.B g < 0: every direction goes down.
#include "descent_block.hpp"
#include "wolfe_search.hpp"

namespace spinscape {
namespace {

template <class Real>
void add_scaled(Real* out, const Real* term, double scale, std::int64_t count) {
  for (std::int64_t k = 0; k < count; ++k) out[k] += Real(scale) * term[k];
}

// The last pairs (s, y) and the product of the inverse Hessian they stand for with a vector.
template <class Real>
class PairHistory {
 public:
  PairHistory(std::int64_t dimension, int capacity)
      : n_(dimension),
        capacity_(capacity),
        slots_(capacity + 1),
        vectors_(2 * slots_ * dimension),
        curvatures_(slots_),
        weights_(slots_) {}

  void clear() { count_ = 0; }
  bool empty() const { return count_ == 0; }

  // Room for the next pair, one slot more than are used; it counts once keep() has found that s.y > 0.
  Real* next_s() { return s(count_); }
  Real* next_y() { return y(count_); }
  void keep() {
    const Real* s_new = s(count_);
    const Real* y_new = y(count_);
    const double sy = double(dot(s_new, y_new, n_)), ss = double(dot(s_new, s_new, n_)),
                 yy = double(dot(y_new, y_new, n_));
    if (!(sy > 1e-10 * std::sqrt(ss * yy)) || !std::isfinite(yy / sy)) return;
    curvatures_[count_ % slots_] = sy;
    scale_ = sy / yy;
    ++count_;
  }

  // vector <- B vector, by the two loops of Nocedal (1980).
  void apply(Real* vector) {
    const std::int64_t oldest = std::max<std::int64_t>(0, count_ - capacity_);
    for (std::int64_t k = count_ - 1; k >= oldest; --k) {
      const double weight = double(dot(s(k), vector, n_)) / curvatures_[k % slots_];
      weights_[k % slots_] = weight;
      add_scaled(vector, y(k), -weight, n_);
    }
    for (std::int64_t k = 0; k < n_; ++k) vector[k] *= Real(scale_);
    for (std::int64_t k = oldest; k < count_; ++k) {
      const double along = double(dot(y(k), vector, n_)) / curvatures_[k % slots_];
      add_scaled(vector, s(k), weights_[k % slots_] - along, n_);
    }
  }

 private:
  Real* s(std::int64_t pair) { return vectors_.data() + 2 * (pair % slots_) * n_; }
  Real* y(std::int64_t pair) { return s(pair) + n_; }

  std::int64_t n_, capacity_, slots_;
  std::int64_t count_ = 0;
  std::vector<Real> vectors_;
  std::vector<double> curvatures_, weights_;
  double scale_ = 1;
};

template <class Real>
class LbfgsWalker {
 public:
  LbfgsWalker(const Domain& domain, const LbfgsOptions& lbfgs, const Journal<Real>& journal)
      : domain_(domain),
        n_(domain.dimension()),
        first_step_(lbfgs.first_step),
        base_(domain, journal),
        history_(n_, lbfgs.history),
        gradient_(n_),
        direction_(n_) {}

  void start(std::int64_t replica, Real* point) {
    history_.clear();
    base_.load(replica, point);
  }

  bool advance(Real energy, const Real* gradient, Real* point) {
    ++base_.evaluations;
    if (base_.none()) return accept(double(energy), gradient, point);
    switch (search_.feed(double(energy), slope_at(gradient, search_.step()))) {
      case WolfeSearch::Verdict::accept: remember(gradient, point); return accept(double(energy), gradient, point);
      case WolfeSearch::Verdict::again: return try_step(point);
      case WolfeSearch::Verdict::fail: break;
    }
    return search_failed(point);
  }

 private:
  // The point becomes the base of the next search.
  bool accept(double energy, const Real* gradient, Real* point) {
    std::copy(gradient, gradient + n_, gradient_.begin());
    const std::optional<StopReason> reason = base_.take(energy, gradient, point);
    return reason ? finish(*reason) : search_from_base(point);
  }

  // The pair of the step from the base to the accepted point.
  void remember(const Real* gradient, const Real* point) {
    Real* s = history_.next_s();
    Real* y = history_.next_y();
    for (std::int64_t k = 0; k < n_; ++k) s[k] = Real(search_.step()) * direction_[k];
    project(domain_, point, s, s);
    project(domain_, point, gradient_.data(), y);
    for (std::int64_t k = 0; k < n_; ++k) y[k] = gradient[k] - y[k];
    history_.keep();
  }

  bool search_from_base(Real* point) {
    // A step turns the point by at most a quarter radian on average over the spheres: a valley is not jumped out of.
    constexpr double longest_turn = 0.25, energy_rounding = 32 * double(std::numeric_limits<Real>::epsilon());
    std::copy(gradient_.begin(), gradient_.end(), direction_.begin());
    if (!history_.empty()) {
      history_.apply(direction_.data());
      project(domain_, base_.point.data(), direction_.data(), direction_.data());
    }
    for (Real& x : direction_) x = -x;
    squares_.clear();
    for (const Sphere& sphere : domain_.spheres())
      squares_.push_back(double(dot(direction_.data() + sphere.first, direction_.data() + sphere.first, sphere.size)));
    const double slope = slope_at(gradient_.data(), 0);
    const double length = scaled_norm(domain_, direction_.data());
    if (!(slope < 0) || !std::isfinite(length)) return search_failed(point);
    search_.begin(base_.energy, slope, history_.empty() ? first_step_ : 1.0,
                  longest_step(domain_, base_.point.data(), longest_turn) / length, energy_rounding * base_.scale);
    return try_step(point);
  }

  // d/da of the energy at the retraction of base + a d: with d tangent, its length grows as sqrt(1 + a^2 |d|^2 / size).
  double slope_at(const Real* gradient, double step) const {
    const std::int64_t free = domain_.first_flat();
    double sum = double(dot(gradient + free, direction_.data() + free, domain_.flat()));
    for (std::int64_t s = 0; s < domain_.count(); ++s) {
      const Sphere& sphere = domain_.spheres()[s];
      const double along = double(dot(gradient + sphere.first, direction_.data() + sphere.first, sphere.size));
      sum += along / std::sqrt(1 + step * step * squares_[s] / double(sphere.size));
    }
    return sum;
  }

  bool try_step(Real* point) {
    std::copy(base_.point.begin(), base_.point.end(), point);
    add_scaled(point, direction_.data(), search_.step(), n_);
    return retract(domain_, point) ? false : search_failed(point);
  }

  // The history may have grown useless: once more along the gradient itself.
  bool search_failed(Real* point) {
    if (history_.empty()) return finish(StopReason::line_search_failed);
    history_.clear();
    return search_from_base(point);
  }

  bool finish(StopReason reason) {
    base_.finish(reason);
    return true;
  }

  Domain domain_;
  std::int64_t n_;
  double first_step_;
  Accepted<Real> base_;
  PairHistory<Real> history_;
  WolfeSearch search_;
  std::vector<Real> gradient_, direction_;
  std::vector<double> squares_;  // |d|^2 of each sphere
};

}  // namespace

template <class Real>
void descend_lbfgs(const Surface& surface, const LbfgsOptions& lbfgs, const DescentOptions& options,
                   const DescentRows<Real>& rows, std::atomic<std::int64_t>* finished, const Run& run) {
  const Journal<Real> journal(surface, options, rows, finished);
  const auto make_walker = [&] { return LbfgsWalker<Real>(surface.domain(), lbfgs, journal); };
  walk_queue<Real>(surface, rows.replicas, make_walker, run);
}

#define SPINSCAPE_INSTANTIATE(Real)                                                                                 \
  template void descend_lbfgs(const Surface&, const LbfgsOptions&, const DescentOptions&, const DescentRows<Real>&, \
                              std::atomic<std::int64_t>*, const Run&);
SPINSCAPE_INSTANTIATE(float)
SPINSCAPE_INSTANTIATE(double)
#undef SPINSCAPE_INSTANTIATE

}  // namespace spinscape
