// Steps of eigenvector following: uphill along the lowest directions of the Hessian, downhill along all others.
//
// With the Hessian's eigenpairs (l_i, v_i), ascending, and the `index` lowest directions turned round,
//
//     d = - sum_i s_i (g.v_i) / (|l_i| + mu) v_i,     s_i = -1 for i < index, +1 otherwise,
//
// mu >= 0 the smallest that keeps |d| <= limit. Where the Hessian has just `index` negative eigenvalues, mu = 0 gives
// Newton's step; elsewhere the step leads to where it has (high-index saddle dynamics: Yin, Zhang, Zhang, SIAM J. Sci.
// Comput. 41 (2019) A3576; the damped inverse: Cerjan and Miller, J. Chem. Phys. 75 (1981) 2800).
#pragma once

#include <cstdint>

#include "spinscape/lanczos.hpp"
#include "spinscape/newton_step.hpp"
#include "spinscape/parallel.hpp"

namespace spinscape {

struct ModeStep {
  std::int64_t index = 0;  // directions turned round
  bool right = false;      // the Hessian has just so many negative eigenvalues, as far as the method can see
  double length = 0;       // of the step without a limit
  std::int64_t zero = 0;   // modes left alone
};

// Modes that are left alone: no step goes along them, and they are neither lowest nor negative. Those whose eigenvalue
// is at most `bound`, the smallest first, `most` of them at most.
struct ZeroModes {
  double bound = 0;
  std::int64_t most = 0;
};

// hessian: (n, n), kept. index < 0: the Hessian's own number of negative eigenvalues.
ModeStep follow_modes(const double* hessian, const double* gradient, std::int64_t n, std::int64_t index, double limit,
                      double* direction, const Run& run, const ZeroModes& zero = {});

// Hessian-vector products only: the lowest directions by Lanczos, the others by conjugate gradients; a gradient step
// among the others where their curvature is not positive. Directions lie in `space`.
ModeStep follow_modes(const SymmetricOperator& apply, const SearchSpace& space, const double* gradient,
                      std::int64_t index, double limit, const LanczosOptions& options, double* direction,
                      const Run& run);

}  // namespace spinscape
