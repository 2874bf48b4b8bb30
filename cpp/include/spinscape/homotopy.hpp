// All complex critical points of a polynomial on the unit sphere, by homotopy continuation.
//
// The polynomial h(s) = sum_d T_d s^d / d, T_d real symmetric of order d <= D, has its critical points on s.s = 1 where
//
//     grad h(s) = sum_d T_d s^(d-1) = mu s,        s.s = 1.
//
// Counted in C^n there are at most 2 ((D-1)^n - 1)/(D-2) isolated ones (2n where D = 2), and just so many for a generic
// T_D (Cartwright and Sturmfels, Linear Algebra Appl. 438 (2013) 942, Theorem 1.2; Nie and Ranestad, SIAM J. Optim. 20
// (2009) 485). They are the ends of as many paths that start at those of sum_i a_i s_i^D / D, which are known in closed
// form:  (1 - t) gamma a_i s_i^(D-1) + t grad h(s) = mu s  with random complex a, gamma, t from 0 to 1. Paths are
// tracked in projective coordinates (s, z, mu),  s.s = z^2,  l.(s, z) = 1  with a random l, so that none runs to
// infinity.
//
// Every end is certified by the theorem of Newton and Kantorovich: with beta = |J^-1 G|, and L a bound of the second
// derivatives near the end, h = beta |J^-1| L <= 1/2 proves one solution within 2 beta, and no other one within
// 1/(|J^-1| L). Rounding is allowed for in beta. Tensors are expected to be of the order of one (the largest entry):
// the theorem compares energies with coordinates. The chart, z = 1/R with R the length of s, is real: the complex
// conjugate of a solution is one too, and where it is the same one, the solution is real.
#pragma once

#include <complex>
#include <cstdint>
#include <vector>

#include "spinscape/parallel.hpp"
#include "spinscape/polynomial.hpp"

namespace spinscape {

// Random numbers of a homotopy.
struct HomotopyConstants {
  std::vector<std::complex<double>> start;  // a, (n,), non-zero
  std::complex<double> gamma = 1;
  std::vector<std::complex<double>> chart;  // l, (n + 1,)
};

struct PathOptions {
  double accuracy = 1e-4;  // largest relative error of a predicted point
  std::int64_t max_steps = 5000;
};

enum class Reality { unknown, real, complex };

struct PathEnd {
  bool finished = false;                // t = 1 was reached, with z away from 0
  std::vector<std::complex<double>> s;  // (n,), s.s = 1
  bool certified = false;
  double error = 0;  // a solution lies within this distance, where certified
  Reality reality = Reality::unknown;
};

// Tracks the paths of the given numbers, from 0 to the number of solutions; for a paired polynomial one of each pair
// +-s alone.
std::vector<PathEnd> track_paths(const PolynomialOnSphere& polynomial, const HomotopyConstants& constants,
                                 const std::vector<std::int64_t>& numbers, const PathOptions& options, const Run& run);

}  // namespace spinscape
