// Newton directions H d = -g of bounded length, for a positive definite or an indefinite H.
#pragma once

#include <cstdint>
#include <functional>

#include "spinscape/domain.hpp"
#include "spinscape/parallel.hpp"

namespace spinscape {

// semidefinite: positive definite but for zero modes.
enum class Curvature { definite, semidefinite, indefinite };

// Eigenvalues of at most this size are zero modes: those of symmetries, and whatever cannot be told from them. 0 where
// only rounding can tell.
//
// A linear symmetry, energy(w + t A w) = energy(w) to first order in t at every w, has H A w = -A^T g: its eigenvalue
// vanishes with the gradient, and is about |g|/|w|, on whatever side of zero. With x = |g| / (curvature |w|), for a
// typical eigenvalue `curvature`, the bound is 10 x of that eigenvalue, and 1e-8 at least, near a critical point,
// x <= 1e-4; elsewhere there is one only where zero modes are `known` to be. gradient_norm: |g|/sqrt(D).
double zero_mode_bound(const Domain& domain, const double* w, double gradient_norm, double curvature,
                       bool known = false);

// Dense: hessian (n, n), both triangles, kept. Every direction is at most `limit` long.
//
// d = -(H + mu)^{-1} g with mu = 0, or |g|/limit where that would be too long; d lowers both the energy and |g|. Where
// H has an eigenvalue in [-zero, 0], or one that rounding does not tell from 0, mu is the larger of `zero` and
// 1e-8 of a typical eigenvalue more: that moves the other components of d by mu over their eigenvalues, and keeps the
// zero modes' short. indefinite, and d untouched, where there is an eigenvalue below -mu.
Curvature minimising_step(const double* hessian, const double* gradient, std::int64_t n, double limit, double zero,
                          double* direction, const Run& run);
// d = -H^{-1} g, which lowers |g| whatever the signature of H; the Levenberg-Marquardt step -(H^2 + mu)^{-1} H g with
// mu = (|g| / 2 limit)^2 where that would be too long, or `damped` asks for it; where H is singular to rounding, with
// 1e-10 of the mean square eigenvalue first: the pseudo-inverse's step.
void stationary_step(const double* hessian, const double* gradient, std::int64_t n, double limit, bool damped,
                     double* direction, const Run& run);

// Matrix-free: the relative residual of the linear system is brought to `forcing`, the direction cut to `limit`.
using HessianProduct = std::function<void(const double* vector, double* product)>;
// Conjugate gradients; indefinite, and d untouched, as soon as a direction of non-positive curvature is met.
Curvature minimising_step(const HessianProduct& apply, const double* gradient, std::int64_t n, double limit,
                          double forcing, double* direction, const Run& run);
// MINRES: every iterate lowers |g + H d|, so d lowers |g|.
void stationary_step(const HessianProduct& apply, const double* gradient, std::int64_t n, double limit, double forcing,
                     double* direction, const Run& run);

}  // namespace spinscape
