// Chains at one temperature after the other: samplers at a fixed beta, and annealing.
#include "descent_block.hpp"
#include "thermal_chain.hpp"

namespace spinscape {
namespace {

constexpr std::int64_t search_moves = 50;
constexpr double longest_epsilon = 1.5;  // on spheres a move then turns a point by about 1.5 radian

template <class Real>
class ThermalWalker {
 public:
  ThermalWalker(const Surface& surface, const std::vector<ThermalLevel>& levels, const ThermalOptions& options,
                std::int64_t steps, const ThermalRows<Real>& rows, std::atomic<std::int64_t>* steps_done)
      : domain_(surface.domain()),
        energy_scale_(surface.energy_scale()),
        n_(surface.dimension()),
        levels_(&levels),
        options_(&options),
        steps_(steps),
        rows_(&rows),
        steps_done_(steps_done),
        chain_(surface.domain(), options.leapfrogs, options.adjusted) {}

  void start(std::int64_t replica, Real* point) {
    replica_ = replica;
    stream_.emplace(options_->seed, static_cast<std::uint32_t>(options_->first_replica + replica), n_);
    t_ = -1;  // the start is still to be evaluated
    level_ = -1;
    left_ = 0;
    load_point(domain_, rows_->points + replica * n_, point);
  }

  bool advance(Real energy, const Real* gradient, Real* point) {
    if (t_ < 0) chain_.settle(point, double(energy), gradient);
    else if (!chain_.advance(double(energy), gradient, point)) return false;
    else take_down();
    ++t_;
    record();
    if (t_ == steps_) return finish();
    if (left_ == 0) enter_level();
    chain_.propose((*levels_)[level_].beta, epsilon_, *stream_, options_->first_step + t_, point);
    return false;
  }

 private:
  std::int64_t cell() const { return replica_ * static_cast<std::int64_t>(levels_->size()) + level_; }

  // The end of a move.
  void take_down() {
    rows_->level_energy[cell()] += chain_.energy() / energy_scale_;
    rows_->acceptance[cell()] += chain_.taken();
    if ((*levels_)[level_].epsilon == 0) adapt();
    rows_->level_epsilon[cell()] = epsilon_;
    if (--left_ == 0) {
      rows_->level_energy[cell()] /= double((*levels_)[level_].steps);
      rows_->acceptance[cell()] /= double((*levels_)[level_].steps);
    }
    if (steps_done_) steps_done_->fetch_add(1, std::memory_order_relaxed);
  }

  // In flat space lengths have the user's units.
  double longest() const { return domain_.curved() ? longest_epsilon : std::numeric_limits<double>::infinity(); }

  // Robbins and Monro: fast at first, then with a memory of about twenty moves. In flat space, whose unit of length is
  // not known, the step first goes up or down by a constant factor, over many orders of magnitude where it has to.
  void adapt() {
    const std::int64_t settled = domain_.curved() ? t_ : std::max<std::int64_t>(0, t_ - search_moves);
    const double gain = std::max(0.05, std::pow(double(settled + 1), -0.6));
    epsilon_ = std::min(epsilon_ * std::exp(gain * (chain_.chance() - options_->target)), longest());
  }

  // The time step beta epsilon^2 / 2 of an adapted chain stays when beta changes.
  void enter_level() {
    const double before = level_ < 0 ? 0 : (*levels_)[level_].beta;
    while (left_ == 0) left_ = (*levels_)[++level_].steps;
    const ThermalLevel& level = (*levels_)[level_];
    if (level.epsilon > 0) epsilon_ = level.epsilon;
    else if (t_ == 0) epsilon_ = first_epsilon(level.beta);
    else if (before > 0 && level.beta > 0) epsilon_ = std::min(epsilon_ * std::sqrt(before / level.beta), longest());
  }

  // Curvatures of the energy are of the order of the gradient norm, and beta epsilon^2 curvature of order one.
  double first_epsilon(double beta) const {
    const double strength = beta * scaled_norm(domain_, chain_.gradient());
    return strength > 0 && std::isfinite(strength) ? std::min(0.5 / std::sqrt(strength), 1.0) : 1.0;
  }

  void record() const {
    if (options_->trace_every > 0 && t_ % options_->trace_every == 0)
      rows_->trace[replica_ * (steps_ / options_->trace_every + 1) + t_ / options_->trace_every] =
          chain_.energy() / energy_scale_;
    if (t_ > 0 && options_->keep_every > 0 && t_ % options_->keep_every == 0)
      std::copy(chain_.point(), chain_.point() + n_,
                rows_->kept + (replica_ * (steps_ / options_->keep_every) + t_ / options_->keep_every - 1) * n_);
  }

  bool finish() const {
    std::copy(chain_.point(), chain_.point() + n_, rows_->points + replica_ * n_);
    rows_->energy[replica_] = chain_.energy() / energy_scale_;
    return true;
  }

  Domain domain_;
  double energy_scale_;
  std::int64_t n_;
  const std::vector<ThermalLevel>* levels_;
  const ThermalOptions* options_;
  std::int64_t steps_;
  const ThermalRows<Real>* rows_;
  std::atomic<std::int64_t>* steps_done_;
  ThermalChain<Real> chain_;
  std::optional<ThermalStream> stream_;
  std::int64_t replica_ = 0, t_ = -1, left_ = 0, level_ = -1;
  double epsilon_ = 0;
};

}  // namespace

template <class Real>
void sample(const Surface& surface, const std::vector<ThermalLevel>& levels, const ThermalOptions& options,
            const ThermalRows<Real>& rows, std::atomic<std::int64_t>* steps_done, const Run& run) {
  std::int64_t steps = 0;
  for (const ThermalLevel& level : levels) steps += level.steps;
  const auto make_walker = [&] { return ThermalWalker<Real>(surface, levels, options, steps, rows, steps_done); };
  walk_queue<Real>(surface, rows.replicas, make_walker, run);
}

#define SPINSCAPE_INSTANTIATE(Real)                                                             \
  template void sample(const Surface&, const std::vector<ThermalLevel>&, const ThermalOptions&, \
                       const ThermalRows<Real>&, std::atomic<std::int64_t>*, const Run&);
SPINSCAPE_INSTANTIATE(float)
SPINSCAPE_INSTANTIATE(double)
#undef SPINSCAPE_INSTANTIATE

}  // namespace spinscape
