// Newton directions H d = -g of bounded length, for a positive definite or an indefinite H.
#pragma once

#include <cstdint>
#include <functional>

#include "spinscape/parallel.hpp"

namespace spinscape {

enum class Curvature { definite, indefinite };

// Dense: hessian (n, n), both triangles, kept. Every direction is at most `limit` long.
//
// d = -(H + mu)^{-1} g with mu = 0, or |g|/limit where that would be too long. False, and d untouched, where H is not
// positive definite. d lowers both the energy and |g|.
bool minimising_step(const double* hessian, const double* gradient, std::int64_t n, double limit, double* direction,
                     const Run& run);
// d = -H^{-1} g, which lowers |g| whatever the signature of H; the Levenberg-Marquardt step -(H^2 + mu)^{-1} H g with
// mu = (|g| / 2 limit)^2 where that would be too long, or where `damped` asks for it.
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
