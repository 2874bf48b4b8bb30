// Why an algorithm ended for a replica: one account for descents, refinement, searches and connections.
#pragma once

#include <cstdint>

namespace spinscape {

// The numbers are stored in results; a new reason gets the next one.
enum class StopReason : std::int8_t {
  converged,           // what was looked for is found: the gradient norm is at most tol, a chain links both ends
  max_steps,           // as many steps (rounds) were taken as were allowed
  completed,           // a schedule, a duration or a walk was run to its end
  stalled,             // no step improves: rounding, or a minimum of |g|^2 where a critical point was looked for
  line_search_failed,  // no acceptable point along the steepest descent: rounding, as a rule
  not_finite,          // an energy, a gradient or a step left the finite numbers
  no_pass              // no saddle between two points is left to be tried
};

}  // namespace spinscape
