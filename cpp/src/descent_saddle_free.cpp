// Saddle-free Newton (Dauphin, Pascanu, Gulcehre, Cho, Ganguli and Bengio 2014): d = -(|H| + mu)^{-1} g, with |H| the
// Hessian with the absolute values of its eigenvalues and mu >= 0 the smallest for which d is short enough; then w + a
// d put on the spheres, a = 1, 1/2, 1/4, ... the first with a sufficient decrease of the energy. As d.g < 0, energies
// fall.
//
// Dense: the eigenvectors of the tangent Hessian. Krylov: the same in the Krylov space of g, grown until the residual
// of the Newton equation is small or the space is as large as allowed.
#include "descent_requests.hpp"
#include "krylov_walk.hpp"
#include "spinscape/mode_step.hpp"
#include "spinscape/tangent_frame.hpp"

namespace spinscape {
namespace {

constexpr double longest_turn = 0.25;  // of a step
constexpr double sufficient_decrease = 1e-4;
constexpr int most_halvings = 40;

template <class Real>
class SaddleFreeWalker {
 public:
  SaddleFreeWalker(const Domain& domain, std::int64_t krylov, const Journal<Real>& journal)
      : domain_(domain),
        n_(domain.dimension()),
        dense_(krylov == 0),
        base_(domain, journal),
        gradient_(n_),
        space_(n_, domain.tangent_dimension(), krylov) {}

  Need start(std::int64_t replica, Real* point) {
    curvature_ = 0;
    state_ = State::trying;
    base_.load(replica, point);
    return Need::gradient;
  }

  // Dense: the direction from the Hessian at the base, which counts as many gradients as it has columns.
  void take_hessian(Real* hessian, const Real* point, const Run& run) {
    const std::vector<double> w(point, point + n_);
    std::vector<double> matrix(hessian, hessian + n_ * n_);
    const TangentFrame frame(domain_, w.data());
    const std::int64_t m = frame.dimension();
    frame.restrict_matrix(matrix.data());
    direction_.assign(n_, 0.0);
    finite_ = std::isfinite(spinscape::dot(matrix.data(), matrix.data(), m * m));
    if (!finite_ || m == 0) return;
    std::vector<double> g(m), d(m);
    frame.restrict_vector(gradient_.data(), g.data());
    follow_modes(matrix.data(), g.data(), m, 0, longest(point), d.data(), run);
    frame.lift(d.data(), direction_.data());
  }

  Need advance(Real energy, const Real* answer, Real* point, Real* vector) {
    if (state_ == State::dense) {
      base_.evaluations += n_;
      return finite_ ? search(point) : finish(StopReason::not_finite);
    }
    ++base_.evaluations;
    if (state_ == State::krylov) return grow(answer, point, vector);
    if (base_.none()) return accept(double(energy), answer, point, vector);
    const double slack = 32 * double(std::numeric_limits<Real>::epsilon()) * base_.scale;
    if (double(energy) <= base_.energy + sufficient_decrease * fraction_ * slope_ + slack)
      return accept(double(energy), answer, point, vector);
    fraction_ /= 2;
    return ++halvings_ > most_halvings ? finish(StopReason::line_search_failed) : try_step(point);
  }

 private:
  enum class State { trying, dense, krylov };

  double longest(const Real* w) const { return longest_step(domain_, w, longest_turn) * std::sqrt(double(n_)); }

  Need accept(double energy, const Real* gradient, Real* point, Real* vector) {
    gradient_ = tangent_gradient(domain_, point, gradient);
    const std::optional<StopReason> reason = base_.take(energy, gradient, point);
    if (reason) return finish(*reason);
    state_ = dense_ ? State::dense : State::krylov;
    if (dense_) return Need::hessian;
    next_check_ = 8;
    if (!space_.begin(gradient_, {})) return finish(StopReason::not_finite);
    return ask_product(vector);
  }

  Need ask_product(Real* vector) {
    for (std::int64_t k = 0; k < n_; ++k) vector[k] = Real(space_.vector()[k]);
    return Need::product;
  }

  Need grow(const Real* answer, Real* point, Real* vector) {
    const std::vector<double> product(answer, answer + n_);
    const double length = std::sqrt(spinscape::dot(product.data(), product.data(), n_));
    if (!std::isfinite(length)) return finish(StopReason::not_finite);
    curvature_ = std::max(curvature_, length);
    const bool more = space_.feed(product.data());
    if (more && space_.size() < next_check_) return ask_product(vector);
    next_check_ *= 2;
    const std::int64_t m = space_.size();
    std::vector<double> g(m, 0.0), d(m);
    g[0] = std::sqrt(spinscape::dot(gradient_.data(), gradient_.data(), n_));
    follow_modes(space_.matrix().data(), g.data(), m, 0, longest(base_.point.data()), d.data(), Run());
    const double residual = space_.remainder() * std::abs(d.back());
    const double forcing = newton_forcing<Real>(base_.norm, curvature_);
    if (more && residual > forcing * g[0]) return ask_product(vector);
    direction_ = space_.lift(d);
    return search(point);
  }

  Need search(Real* point) {
    state_ = State::trying;
    fraction_ = 1;
    halvings_ = 0;
    slope_ = spinscape::dot(gradient_.data(), direction_.data(), n_);
    return slope_ < 0 ? try_step(point) : finish(StopReason::line_search_failed);
  }

  Need try_step(Real* point) {
    for (std::int64_t k = 0; k < n_; ++k) point[k] = Real(double(base_.point[k]) + fraction_ * direction_[k]);
    if (!retract(domain_, point)) return finish(StopReason::not_finite);
    if (std::equal(base_.point.begin(), base_.point.end(), point)) return finish(StopReason::stalled);
    return Need::gradient;
  }

  Need finish(StopReason reason) {
    base_.finish(reason);
    return Need::nothing;
  }

  Domain domain_;
  std::int64_t n_;
  bool dense_;
  Accepted<Real> base_;
  std::vector<double> gradient_, direction_;
  KrylovWalk space_;
  State state_ = State::trying;
  bool finite_ = true;
  std::int64_t next_check_ = 0;
  int halvings_ = 0;
  double curvature_ = 0, fraction_ = 1, slope_ = 0;
};

}  // namespace

template <class Real>
void descend_saddle_free(const Surface& surface, std::int64_t krylov, const DescentOptions& options,
                         const DescentRows<Real>& rows, std::atomic<std::int64_t>* finished, const Run& run) {
  const Journal<Real> journal(surface, options, rows, finished);
  const auto make_walker = [&] { return SaddleFreeWalker<Real>(surface.domain(), krylov, journal); };
  walk_requests<RiemannianAnswers, Real>(surface, rows.replicas, make_walker, run);
}

#define SPINSCAPE_INSTANTIATE(Real)                                                                                \
  template void descend_saddle_free(const Surface&, std::int64_t, const DescentOptions&, const DescentRows<Real>&, \
                                    std::atomic<std::int64_t>*, const Run&);
SPINSCAPE_INSTANTIATE(float)
SPINSCAPE_INSTANTIATE(double)
#undef SPINSCAPE_INSTANTIATE

}  // namespace spinscape
