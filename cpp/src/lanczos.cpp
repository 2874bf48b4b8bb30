#include "spinscape/lanczos.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "krylov_space.hpp"

namespace spinscape {
namespace {

using Eigen::Index;
using Basis = KrylovSpace::Basis;

// What a caller makes of the Ritz values of a run.
struct Verdict {
  bool settled = false;       // the run has shown what it was started for
  double residual = 0;        // largest one among the Ritz pairs this rests on
  std::vector<Index> wanted;  // Ritz pairs to lock before the next run
};

// Runs one after the other, each in the complement of the Ritz vectors the earlier ones locked.
class DeflatedLanczos {
 public:
  using Judge = std::function<Verdict(const RitzValues&)>;
  using OnLastRun = std::function<void(const KrylovSpace&)>;

  DeflatedLanczos(const SymmetricOperator& apply, const SearchSpace& space, const LanczosOptions& options)
      : apply_(apply),
        options_(options),
        excluded_(space.n - space.dimension()),
        fixed_(Eigen::Map<const Basis>(space.excluded.data(), space.n, excluded_)) {}

  // Runs until one fills the complement, wants nothing more, or does not settle; on_last_run sees its space.
  void search(const Judge& judge, const OnLastRun& on_last_run, const Run& run) {
    for (bool more = true; more && dimension() > locked();) {
      KrylovSpace krylov(apply_, fixed_, std::min(options_.block_size, dimension() - locked()), options_.max_steps,
                         options_.seed, static_cast<std::uint32_t>(runs), options_.epsilon, options_.norm);
      verdict = one_run(krylov, judge, run);
      ++runs;
      products += krylov.steps();
      asymmetry = std::hypot(asymmetry, krylov.asymmetry());
      norm = std::max(norm, krylov.norm());
      filled = krylov.fills_complement();
      more = !filled && verdict.settled && !verdict.wanted.empty();
      if (more) lock(krylov, verdict.wanted);
      else on_last_run(krylov);
    }
    filled = filled || dimension() == locked();
  }

  // Keeps the named Ritz pairs of `last` out of later runs.
  void lock(const KrylovSpace& krylov, const std::vector<Index>& wanted) {
    Eigen::MatrixXd coordinates(last.vectors.rows(), static_cast<Index>(wanted.size()));
    for (Index k = 0; k < coordinates.cols(); ++k) {
      coordinates.col(k) = last.vectors.col(wanted[k]);
      locked_values.push_back(last.values[wanted[k]]);
      locked_residuals.push_back(last.residuals[wanted[k]]);
    }
    const Index before = fixed_.cols();
    fixed_.conservativeResize(Eigen::NoChange, before + coordinates.cols());
    fixed_.rightCols(coordinates.cols()) = krylov.lift(coordinates);
  }

  Index dimension() const { return fixed_.rows() - excluded_; }
  Index locked() const { return static_cast<Index>(locked_values.size()); }
  const double* locked_vector(Index k) const { return fixed_.col(excluded_ + k).data(); }

  std::vector<double> locked_values, locked_residuals;
  RitzValues last;  // of the last look at a run
  Verdict verdict;  // on it
  bool filled = false;
  double asymmetry = 0, norm = 0;
  std::int64_t products = 0, runs = 0;

 private:
  Verdict one_run(KrylovSpace& krylov, const Judge& judge, const Run& run) {
    // A run that may fill the complement does: certainty is worth the remaining products.
    const bool will_fill = options_.max_steps >= dimension() - locked();
    for (std::int64_t next_look = 24;;) {
      krylov.extend(run);
      if (krylov.fills_complement()) return {true, 0, {}};
      const bool exhausted = krylov.steps() >= options_.max_steps;
      if (will_fill || (krylov.steps() < next_look && !exhausted)) continue;
      next_look = krylov.steps() * 3 / 2;  // keeps the dense eigenproblems a bounded part of the total cost
      last = krylov.ritz();
      Verdict found = judge(last);
      if (found.settled || exhausted) return found;
    }
  }

  const SymmetricOperator& apply_;
  LanczosOptions options_;
  Index excluded_;
  Basis fixed_;  // the excluded directions, then the locked Ritz vectors
};

// -1, 0, +1: below, within, above.
int side(double value, double tol) { return value < -tol ? -1 : value > tol ? 1 : 0; }

double to_threshold(double value, double tol) { return std::min(std::abs(value - tol), std::abs(value + tol)); }

// Settled where every Ritz value outside one class (positive, negative or zero: `rest`) and the class's own ones next
// to its thresholds are much closer to an eigenvalue than to a threshold: then the class is all that is left. Closest
// those that will be locked: what they lack in accuracy blurs the later runs.
Verdict judge_class(const RitzValues& ritz, double tol, int rest) {
  Verdict verdict;
  const auto side_at = [&](Index k) { return k < 0 || k == ritz.values.size() ? 2 : side(ritz.values[k], tol); };
  for (Index k = 0; k < ritz.values.size(); ++k) {
    const bool in_rest = side_at(k) == rest;
    const bool at_threshold = (rest >= 0 && side_at(k - 1) != rest) || (rest <= 0 && side_at(k + 1) != rest);
    if (in_rest && !at_threshold) continue;
    if (!(ritz.residuals[k] < (in_rest ? 0.1 : 0.01) * to_threshold(ritz.values[k], tol))) return {};
    verdict.residual = std::max(verdict.residual, ritz.residuals[k]);
    verdict.settled = verdict.settled || in_rest;
    if (!in_rest) verdict.wanted.push_back(k);
  }
  return verdict;
}

// The class of what is left is the largest one. The squared first components of the Ritz vectors are the weights of a
// Gauss quadrature for the spectral measure of the random start vector: summed over a class they estimate its share.
int largest_class(const RitzValues& ritz, double tol) {
  std::array<double, 3> share{};
  for (Index k = 0; k < ritz.values.size(); ++k)
    share[side(ritz.values[k], tol) + 1] += std::pow(ritz.vectors(0, k), 2);
  return static_cast<int>(std::max_element(share.begin(), share.end()) - share.begin()) - 1;
}

// Once a run has settled, the later ones count on the same class.
class CountJudge {
 public:
  explicit CountJudge(double tol) : tol_(tol) {}
  Verdict operator()(const RitzValues& ritz) {
    if (!chosen_) rest_ = largest_class(ritz, tol_);
    Verdict verdict = judge_class(ritz, tol_, rest_);
    chosen_ = chosen_ || verdict.settled;
    if (!verdict.settled) verdict.residual = ritz.residuals.maxCoeff();
    return verdict;
  }
  int rest() const { return rest_; }

 private:
  double tol_;
  int rest_ = 1;
  bool chosen_ = false;
};

std::int64_t& class_of(Inertia& inertia, int where) {
  return where < 0 ? inertia.negative : where > 0 ? inertia.positive : inertia.zero;
}

// Wants the Ritz pairs that belong to the `count` best values known so far, and the run's best one in any case, to show
// that it is no better.
struct ExtremeJudge {
  const std::vector<double>& locked;
  std::int64_t count;
  bool largest;
  double tolerance, rounding;

  Verdict operator()(const RitzValues& ritz) const {
    const Index found = ritz.values.size();
    const double norm = std::max(std::abs(ritz.values[0]), std::abs(ritz.values[found - 1]));
    Verdict verdict;
    verdict.settled = found >= count;
    std::vector<double> known = locked;
    for (Index i = 0; i < std::min<Index>(found, count); ++i) {
      const Index k = largest ? found - 1 - i : i;
      const double value = ritz.values[k];
      const auto better =
          std::count_if(known.begin(), known.end(), [&](double x) { return largest ? x >= value : x <= value; });
      if (i > 0 && better >= count) break;
      verdict.settled = verdict.settled && ritz.residuals[k] <= std::max(tolerance * norm, rounding);
      verdict.residual = std::max(verdict.residual, ritz.residuals[k]);
      if (better < count) verdict.wanted.push_back(k);
      known.push_back(value);
    }
    return verdict;
  }
};

void count(Inertia& inertia, double value, double tol) {
  ++class_of(inertia, side(value, tol));
  inertia.margin = std::min(inertia.margin, to_threshold(value, tol));
}

}  // namespace

LanczosCount lanczos_count(const SymmetricOperator& apply, const SearchSpace& space, double zero_tol,
                           const LanczosOptions& options, const Run& run) {
  DeflatedLanczos lanczos(apply, space, options);
  CountJudge judge(zero_tol);
  Inertia inertia;
  inertia.margin = std::numeric_limits<double>::infinity();
  lanczos.search(
      std::ref(judge),
      [&](const KrylovSpace& krylov) {
        if (!lanczos.filled) return;
        Eigen::MatrixXd projected = krylov.projected();
        inertia = symmetric_inertia(projected.data(), projected.rows(), zero_tol, InertiaMethod::tridiagonal, run);
      },
      run);
  for (Index k = 0; !lanczos.filled && k < lanczos.last.values.size(); ++k)
    count(inertia, lanczos.last.values[k], zero_tol);
  double blur = 0;  // Frobenius norm of what couples the locked vectors to the rest
  for (Index k = 0; k < lanczos.locked(); ++k) {
    count(inertia, lanczos.locked_values[k], zero_tol);
    blur = std::hypot(blur, lanczos.locked_residuals[k]);
  }

  LanczosCount result;
  result.converged = lanczos.filled || lanczos.verdict.settled;
  result.unresolved = lanczos.dimension() - inertia.negative - inertia.zero - inertia.positive;
  if (result.converged) class_of(inertia, judge.rest()) += std::exchange(result.unresolved, 0);
  result.residual = std::max(lanczos.verdict.residual, blur);
  result.asymmetry = lanczos.asymmetry;
  result.norm = lanczos.norm;
  result.products = lanczos.products;
  result.runs = lanczos.runs;
  const double zone = rounding_zone(lanczos.dimension(), result.norm) + 10 * result.asymmetry + blur;
  inertia.certified = lanczos.filled && inertia.margin > zone;
  result.inertia = inertia;
  return result;
}

RitzPairs extreme_eigenvalues(const SymmetricOperator& apply, const SearchSpace& space, std::int64_t count,
                              bool largest, double tolerance, const LanczosOptions& options, const Run& run) {
  DeflatedLanczos lanczos(apply, space, options);
  const double rounding = 10 * options.epsilon * options.norm;  // of products that the excluded directions dominate
  const ExtremeJudge judge{lanczos.locked_values, count, largest, tolerance, rounding};
  lanczos.search(
      judge,
      [&](const KrylovSpace& krylov) {
        if (lanczos.filled) lanczos.last = krylov.ritz();
        const Index found = lanczos.last.values.size();
        std::vector<Index> all(found);
        std::iota(all.begin(), all.end(), 0);
        lanczos.lock(krylov, lanczos.filled ? all : lanczos.verdict.wanted);
      },
      run);

  std::vector<Index> order(lanczos.locked());
  std::iota(order.begin(), order.end(), 0);
  const auto& values = lanczos.locked_values;
  std::sort(order.begin(), order.end(),
            [&](Index a, Index b) { return largest ? values[a] > values[b] : values[a] < values[b]; });
  order.resize(std::min<std::size_t>(order.size(), count));
  if (largest) std::reverse(order.begin(), order.end());
  RitzPairs result;
  for (const Index k : order) {
    result.values.push_back(values[k]);
    result.residuals.push_back(lanczos.locked_residuals[k]);
    result.vectors.insert(result.vectors.end(), lanczos.locked_vector(k), lanczos.locked_vector(k) + space.n);
  }
  result.converged = lanczos.filled || lanczos.verdict.settled;
  result.asymmetry = lanczos.asymmetry;
  result.norm = lanczos.norm;
  result.products = lanczos.products;
  result.runs = lanczos.runs;
  return result;
}

}  // namespace spinscape
