// One-dimensional search for a step that satisfies the weak Wolfe conditions.
//
//     phi(a) <= phi(0) + c1 a phi'(0)          sufficient decrease
//     phi'(a) >= c2 phi'(0)                    curvature
//
// Close to a minimum the first is lost in the rounding of phi; there Hager and Zhang's form of it (SIAM J. Optim. 16,
// 2005) takes its place, phi'(a) <= (2 c1 - 1) phi'(0) with phi(a) <= phi(0) + slack. A bracket is kept as in Lewis and
// Overton (2013), and narrowed by cubic interpolation.
#pragma once

#include <algorithm>
#include <cmath>

namespace spinscape {

class WolfeSearch {
 public:
  enum class Verdict { accept, again, fail };

  // slope: phi'(0) < 0. slack: rounding of phi. The step longest is accepted without the curvature condition.
  void begin(double value, double slope, double first, double longest, double slack) {
    start_ = lower_ = {0, value, slope};
    bracketed_ = false;
    longest_ = longest;
    slack_ = slack;
    step_ = std::min(first, longest);
    trials_ = 0;
  }

  double step() const { return step_; }

  // Takes phi and phi' at step(); a phi that is not finite counts as too high.
  Verdict feed(double value, double slope) {
    const bool decreased = value <= start_.value + c1 * step_ * start_.slope;
    const bool level = value <= start_.value + slack_ && slope <= (2 * c1 - 1) * start_.slope;
    if (decreased || level) {
      if (slope >= c2 * start_.slope || step_ >= longest_) return Verdict::accept;
      lower_ = {step_, value, slope};
    } else {
      upper_ = {step_, value, slope};
      bracketed_ = true;
    }
    if (++trials_ == most_trials) return Verdict::fail;
    step_ = bracketed_ ? interpolated() : std::min(growth * step_, longest_);
    return Verdict::again;
  }

 private:
  static constexpr double c1 = 1e-4, c2 = 0.9, growth = 3;
  static constexpr int most_trials = 30;

  struct Sample {
    double step, value, slope;
  };

  // Minimum of the cubic through both ends of the bracket (Nocedal & Wright, 3.59), kept a tenth away from them.
  double interpolated() const {
    const double width = upper_.step - lower_.step;
    const double d1 = lower_.slope + upper_.slope - 3 * (upper_.value - lower_.value) / width;
    const double d2 = std::sqrt(d1 * d1 - lower_.slope * upper_.slope);
    const double cubic = upper_.step - width * (upper_.slope + d2 - d1) / (upper_.slope - lower_.slope + 2 * d2);
    if (!std::isfinite(cubic)) return lower_.step + width / 2;
    return std::clamp(cubic, lower_.step + width / 10, upper_.step - width / 10);
  }

  Sample start_{}, lower_{}, upper_{};
  bool bracketed_ = false;
  double longest_ = 0, slack_ = 0, step_ = 0;
  int trials_ = 0;
};

}  // namespace spinscape
