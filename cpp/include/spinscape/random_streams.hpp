// Counter-based random streams: every random number of the package is a pure function of (seed, purpose, index).
//
// Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC'11) maps a 128-bit counter and a 64-bit key to four 32-bit words.
//     key     = seed
//     counter = (block, low word) (block, high word) (draw) (purpose)
// A stream's normals take one word pair each two: normal r is word pair and half r % 4 of block r / 4.
// Nothing here depends on the instruction set, the number of threads or the order of calls: the arithmetic is the four
// operations and sqrt, rounded by IEEE 754 and compiled without contraction. A change of any bit needs a new
// stream_version.
#pragma once

#include <array>
#include <cstdint>

#include "spinscape/parallel.hpp"

namespace spinscape {

inline constexpr int stream_version = 1;

using Words = std::array<std::uint32_t, 4>;
Words philox4x32(Words counter, std::array<std::uint32_t, 2> key);

// What a stream is for; part of every counter, so streams of one seed never meet.
enum class Purpose : std::uint32_t {
  couplings = 1,
  points = 2,
  parts = 3,
  order = 4,
  starts = 5,
  thermal = 6,
  homotopy = 7
};

struct Stream {
  std::uint64_t seed;
  Purpose purpose;
  std::uint32_t subject;  // tells streams of one purpose apart: a coupling's order p, a layer, ...; below 2^16

  Words words(std::uint64_t block, std::uint32_t draw) const;
};

// Normals first .. first + count - 1 of a stream, standard Gaussian, float32; `draw` tells independent repeats apart.
void fill_normals(const Stream& stream, std::uint32_t draw, std::uint64_t first, std::int64_t count, float* out);

// Laws of one coupling X, mean 0 and variance 1.
enum class LawKind { gaussian, rademacher, uniform, exponential, student_t };
struct Law {
  LawKind kind = LawKind::gaussian;
  double nu = 0;  // degrees of freedom of student_t, above 2
};

// The couplings of one disorder. The value of a packed coupling is the sum of X over its distinct orderings, rounded to
// float32; counter index = packed rank (symmetric_tensor.hpp), or row-major index of the full tensor where layered.
struct Disorder {
  Law law;
  std::uint64_t seed = 0;
  int order = 2;
  bool layered = false;
};

// Packed couplings of ranks first .. first + count - 1. One coupling may be a sum of p! draws: run is checked within.
void fill_couplings(const Disorder& disorder, std::int64_t first, std::int64_t count, float* out, const Run& run);

// Packed couplings of `parts` independent Gaussian tensors of variance 1/parts that sum to the couplings X of a
// Gaussian disorder (to float32 rounding): part s is X/parts + (Z_s - mean Z)/sqrt(parts) with Z_s of the law of X,
// from draw s of the stream (seed, Purpose::parts). out: parts rows of count. std::invalid_argument for another law.
void fill_parts(const Disorder& disorder, std::uint64_t seed, int parts, std::int64_t first, std::int64_t count,
                float* const* out, const Run& run);

}  // namespace spinscape
