#include "spinscape/random_streams.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "kernel/dispatch.hpp"
#include "spinscape/symmetric_tensor.hpp"

namespace spinscape {
namespace {

constexpr double pi = 3.14159265358979323846;
constexpr double ln2 = 0.69314718055994530942;

// ln(x) for positive normal x: x = 2^e m with m in [sqrt(1/2), sqrt(2)), ln m = 2 artanh(s), s = (m - 1) / (m + 1),
// |s| <= 0.1716; the last term kept is s^(2 terms - 1) / (2 terms - 1). terms = 5: 3e-9 relative, 10: double precision.
template <class Real, class Bits, int mantissa_bits, int terms>
inline Real portable_log(Real x) {
  constexpr Bits one = sizeof(Real) == 4 ? Bits(0x3f800000) : Bits(0x3ff0000000000000);
  constexpr Bits half_root = sizeof(Real) == 4 ? Bits(0x3f3504f3) : Bits(0x3fe6a09e667f3bcd);
  Bits bits;
  std::memcpy(&bits, &x, sizeof x);
  const Bits shifted = bits + (one - half_root);
  const Real exponent = Real(std::int64_t(shifted >> mantissa_bits)) - Real(one >> mantissa_bits);
  bits = (shifted & ((Bits(1) << mantissa_bits) - 1)) + half_root;
  Real m;
  std::memcpy(&m, &bits, sizeof m);
  const Real s = (m - 1) / (m + 1);
  const Real square = s * s;
  Real series = Real(1) / Real(2 * terms - 1);
  for (int k = terms - 2; k >= 0; --k) series = series * square + Real(1) / Real(2 * k + 1);
  return exponent * Real(ln2) + 2 * s * series;
}

inline float portable_logf(float x) { return portable_log<float, std::uint32_t, 23, 5>(x); }
inline double portable_logd(double x) { return portable_log<double, std::uint64_t, 52, 11>(x); }

// exp(x) for |x| < 700: x = n ln2 + r, |r| <= 0.35, Taylor series of exp(r) to r^14 / 14! < 1e-17.
inline double portable_exp(double x) {
  const double n = std::floor(x / ln2 + 0.5);
  const double r = x - n * ln2;
  double series = 1;
  for (int k = 14; k >= 1; --k) series = 1 + series * r / k;
  const std::uint64_t bits = std::uint64_t(std::int64_t(n) + 1023) << 52;
  double power;
  std::memcpy(&power, &bits, sizeof power);
  return series * power;
}

// cos and sin of 2 pi word / 2^32: the nearest quarter turn is split off exactly in integers, the rest lies in
// [-pi/4, pi/4], where the Taylor series to x^10 and x^9 err by less than 2e-9.
struct Turn {
  float cosine, sine;
};
inline Turn turn(std::uint32_t word) {
  const std::uint32_t quarter = (word + 0x20000000u) >> 30;
  const float x = float(std::int32_t(word - (quarter << 30))) * float(2 * pi / 4294967296.0);
  const float square = x * x;
  float c = 1.f / 40320 + square * (-1.f / 3628800);
  c = -1.f / 720 + square * c;
  c = 1.f / 24 + square * c;
  c = 1 + square * (-1.f / 2 + square * c);
  const float s = x * (1 + square * (-1.f / 6 + square * (1.f / 120 + square * (-1.f / 5040 + square / 362880))));
  const bool odd = quarter & 1;
  const float cosine = odd ? s : c;
  const float sine = odd ? c : s;
  return {((quarter + 1) & 2) ? -cosine : cosine, (quarter & 2) ? -sine : sine};
}

// (0, 1]: 0 would have no logarithm.
inline float unit_float(std::uint32_t word) { return (float(word) + 1.0f) * float(1 / 4294967296.0); }
// (0, 1), centred on its cell.
inline double unit_double(std::uint32_t word) { return (double(word) + 0.5) * (1 / 4294967296.0); }

// Box-Muller: two words to two independent normals. The radius reaches 6.66, which a normal passes once in 4e10.
struct Pair {
  float first, second;
};
inline Pair normal_pair(std::uint32_t radius_word, std::uint32_t angle_word) {
  const float radius = std::sqrt(-2.0f * portable_logf(unit_float(radius_word)));
  const Turn angle = turn(angle_word);
  return {radius * angle.cosine, radius * angle.sine};
}

// Bailey (1994): sqrt(nu (U^(-2/nu) - 1)) cos(2 pi V) is exactly Student's t; scaled to variance 1.
double student_t(double nu, std::uint32_t radius_word, std::uint32_t angle_word) {
  const double power = portable_exp(-2 / nu * portable_logd(unit_double(radius_word)));
  const double t = std::sqrt(nu * (power - 1)) * double(turn(angle_word).cosine);
  return t * std::sqrt((nu - 2) / nu);
}

// How often a run is asked whether to go on: a draw takes some nanoseconds.
constexpr std::int64_t draws_a_check = 1 << 16;

// Sum of `count` independent draws of X for the coupling with this counter index (the Gaussian has its own path).
double sum_of_draws(const Law& law, const Stream& stream, std::uint64_t index, std::int64_t count, const Run& run) {
  const int words_a_draw = law.kind == LawKind::student_t ? 2 : 1;
  double sum = 0;
  Words words{};
  for (std::int64_t draw = 0; draw < count; ++draw) {
    if (draw % draws_a_check == draws_a_check - 1) run.check();
    const std::int64_t position = draw * words_a_draw;
    if (position % 4 == 0) words = stream.words(index, static_cast<std::uint32_t>(position / 4));
    const std::uint32_t word = words[position % 4];
    switch (law.kind) {
      case LawKind::rademacher: sum += (word >> 31) ? 1 : -1; break;
      case LawKind::uniform: sum += std::sqrt(3.0) * (2 * unit_double(word) - 1); break;
      case LawKind::exponential: sum += -portable_logd(unit_double(word)) - 1; break;
      case LawKind::student_t: sum += student_t(law.nu, word, words[position % 4 + 1]); break;
      case LawKind::gaussian: break;
    }
  }
  return sum;
}

// Walks the ascending index tuples of consecutive ranks, row by row: a row has i2 <= ... <= ip fixed, i1 = 0..i2.
class RowWalk {
 public:
  RowWalk(std::int64_t rank, int order) : indices_(order) {
    packed_unrank(rank, order, indices_.data());
    count_orderings();
  }
  std::int64_t first() const { return indices_[0]; }
  std::int64_t last() const { return indices_[1]; }
  // Multiplicity of the row's entries with i1 < i2, and of the one with i1 = i2.
  std::int64_t off_diagonal() const { return off_diagonal_; }
  std::int64_t diagonal() const { return diagonal_; }
  void next_row() {
    const int order = static_cast<int>(indices_.size());
    int k = 1;
    while (k + 1 < order && indices_[k] == indices_[k + 1]) indices_[k++] = 0;
    ++indices_[k];
    indices_[0] = 0;
    // As long as i2 alone moves, below i3, the multiplicities stay what they are.
    if (k > 1 || (order > 2 && indices_[1] == indices_[2])) count_orderings();
  }

 private:
  void count_orderings() {
    off_diagonal_ = multiplicity_with(-1);
    diagonal_ = multiplicity_with(indices_[1]);
  }
  std::int64_t multiplicity_with(std::int64_t i1) {
    const std::int64_t kept = indices_[0];
    indices_[0] = i1;
    const std::int64_t result = multiplicity(indices_.data(), static_cast<int>(indices_.size()));
    indices_[0] = kept;
    return result;
  }
  std::vector<std::int64_t> indices_;
  std::int64_t off_diagonal_ = 0, diagonal_ = 0;
};

// What consecutive ranks have in common with one row: `count` entries from position `begin` of the range asked for, the
// first `strict` of them with i1 < i2, at most one with i1 = i2; and the multiplicities of both kinds.
struct Stretch {
  std::int64_t begin, count, strict;
  std::int64_t off_diagonal, diagonal;
};

template <class Visit>
void for_each_row(int order, std::int64_t first, std::int64_t count, Visit&& visit) {
  RowWalk row(first, order);
  for (std::int64_t done = 0; done < count; row.next_row()) {
    const std::int64_t width = std::min(row.last() - row.first() + 1, count - done);
    const bool reaches_diagonal = row.first() + width - 1 == row.last();
    visit(Stretch{done, width, reaches_diagonal ? width - 1 : width, row.off_diagonal(), row.diagonal()});
    done += width;
  }
}

void scale_by_root(float* values, std::int64_t count, std::int64_t orderings) {
  const float root = std::sqrt(static_cast<float>(orderings));
  for (std::int64_t k = 0; k < count; ++k) values[k] *= root;
}

// Which form of a glass a stream is for.
std::uint32_t form_subject(const Disorder& disorder) {
  return static_cast<std::uint32_t>(disorder.order) | (disorder.layered ? 0x100u : 0u);
}

// Gaussian couplings: a stream's normals times the root of their multiplicities.
void fill_gaussian(const Stream& stream, std::uint32_t draw, const Disorder& disorder, std::int64_t first,
                   std::int64_t count, float* out, const Run& run) {
  run.check();
  fill_normals(stream, draw, static_cast<std::uint64_t>(first), count, out);
  if (disorder.layered) return;
  for_each_row(disorder.order, first, count, [&](const Stretch& row) {
    scale_by_root(out + row.begin, row.strict, row.off_diagonal);
    scale_by_root(out + row.begin + row.strict, row.count - row.strict, row.diagonal);
  });
}

// Couplings of any other law, each a sum of its own draws.
void fill_sums(const Stream& stream, const Disorder& disorder, std::int64_t first, std::int64_t count, float* out,
               const Run& run) {
  std::int64_t drawn = 0;
  const auto fill = [&](std::int64_t k, std::int64_t draws) {
    if ((drawn += draws) >= draws_a_check) {
      run.check();
      drawn = 0;
    }
    const std::uint64_t index = static_cast<std::uint64_t>(first + k);
    out[k] = static_cast<float>(sum_of_draws(disorder.law, stream, index, draws, run));
  };
  if (disorder.layered) {
    for (std::int64_t k = 0; k < count; ++k) fill(k, 1);
    return;
  }
  for_each_row(disorder.order, first, count, [&](const Stretch& row) {
    for (std::int64_t k = 0; k < row.count; ++k) fill(row.begin + k, k < row.strict ? row.off_diagonal : row.diagonal);
  });
}

}  // namespace

Words philox4x32(Words counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t(0xD2511F53u) * counter[0];
    const std::uint64_t b = std::uint64_t(0xCD9E8D57u) * counter[2];
    counter = {std::uint32_t(b >> 32) ^ counter[1] ^ key[0], std::uint32_t(b),
               std::uint32_t(a >> 32) ^ counter[3] ^ key[1], std::uint32_t(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

// What a stream's counters carry beside the block and the draw.
static std::uint32_t tag_of(const Stream& stream) {
  return (std::uint32_t(stream_version) << 24) | (std::uint32_t(stream.purpose) << 16) | stream.subject;
}

Words Stream::words(std::uint64_t block, std::uint32_t draw) const {
  return philox4x32({std::uint32_t(block), std::uint32_t(block >> 32), draw, tag_of(*this)},
                    {std::uint32_t(seed), std::uint32_t(seed >> 32)});
}

void fill_normals(const Stream& stream, std::uint32_t draw, std::uint64_t first, std::int64_t count, float* out) {
  constexpr std::int64_t step = 4 * kernel::normal_blocks;
  std::int64_t done = 0;
  while (done < count) {
    const std::uint64_t index = first + static_cast<std::uint64_t>(done);
    const std::int64_t steps = (count - done) / step;
    if (index % 4 == 0 && steps > 0) {  // many blocks at once, the same bits
      kernel::fill_normals()(stream.seed, draw, tag_of(stream), index / 4, steps * kernel::normal_blocks, out + done);
      done += steps * step;
      continue;
    }
    const Words words = stream.words(index / 4, draw);
    const Pair low = normal_pair(words[0], words[1]);
    const Pair high = normal_pair(words[2], words[3]);
    const float block[4] = {low.first, low.second, high.first, high.second};
    const std::int64_t from = static_cast<std::int64_t>(index % 4);
    const std::int64_t taken = std::min<std::int64_t>(4 - from, count - done);
    std::copy(block + from, block + from + taken, out + done);
    done += taken;
  }
}

void fill_couplings(const Disorder& disorder, std::int64_t first, std::int64_t count, float* out, const Run& run) {
  const Stream stream{disorder.seed, Purpose::couplings, form_subject(disorder)};
  constexpr std::int64_t step = std::int64_t(1) << 20;
  for (std::int64_t done = 0; done < count; done += step) {
    const std::int64_t now = std::min(step, count - done);
    if (disorder.law.kind == LawKind::gaussian) fill_gaussian(stream, 0, disorder, first + done, now, out + done, run);
    else fill_sums(stream, disorder, first + done, now, out + done, run);
  }
}

void fill_parts(const Disorder& disorder, std::uint64_t seed, int parts, std::int64_t first, std::int64_t count,
                float* const* out, const Run& run) {
  if (disorder.law.kind != LawKind::gaussian) throw std::invalid_argument("only Gaussian couplings split into parts");
  std::vector<float> whole(count);
  fill_couplings(disorder, first, count, whole.data(), run);
  const Stream stream{seed, Purpose::parts, form_subject(disorder)};
  for (int s = 0; s < parts; ++s)
    fill_gaussian(stream, static_cast<std::uint32_t>(s), disorder, first, count, out[s], run);
  const double root = std::sqrt(static_cast<double>(parts));
  for (std::int64_t k = 0; k < count; ++k) {
    double mean = 0;
    for (int s = 0; s < parts; ++s) mean += double(out[s][k]);
    mean /= parts;
    for (int s = 0; s < parts; ++s)
      out[s][k] = static_cast<float>(double(whole[k]) / parts + (double(out[s][k]) - mean) / root);
  }
}

}  // namespace spinscape
