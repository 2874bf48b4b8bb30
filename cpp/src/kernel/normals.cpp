// Philox4x32-10 and Box-Muller over arrays of normal_blocks lanes, in loops every compiler turns into vectors. See
// random_streams.cpp for the method and the accuracy of the series; tests compare the two bit by bit.
#include "normals.hpp"

#include "indices.hpp"

namespace {

constexpr int lanes = spinscape::kernel::normal_blocks;

typedef uint32_t Words[lanes];
typedef float Floats[lanes];

template <class To, class From>
inline __attribute__((always_inline)) To bits_of(From from) {
  To to;
  __builtin_memcpy(&to, &from, sizeof to);
  return to;
}

// One Philox block in each 64-bit lane, its words in the low halves; what is in the high halves never matters.
constexpr int wide_lanes = SPINSCAPE_VECTOR_BYTES / 8;
typedef uint64_t Wide __attribute__((vector_size(SPINSCAPE_VECTOR_BYTES)));
typedef int Halves __attribute__((vector_size(SPINSCAPE_VECTOR_BYTES)));

// Products of the low halves. GCC does not find the one instruction for it by itself.
inline __attribute__((always_inline)) Wide product(Wide a, Wide b) {
#if defined(__clang__) || !defined(__SSE2__)
  return (a & 0xffffffffu) * (b & 0xffffffffu);
#elif SPINSCAPE_VECTOR_BYTES == 64
  typedef long long Result __attribute__((vector_size(64)));
  return Wide(__builtin_ia32_pmuludq512_mask(Halves(a), Halves(b), Result{}, -1));
#elif SPINSCAPE_VECTOR_BYTES == 32
  return Wide(__builtin_ia32_pmuludq256(Halves(a), Halves(b)));
#else
  return Wide(__builtin_ia32_pmuludq128(Halves(a), Halves(b)));
#endif
}

template <int... l>
inline __attribute__((always_inline)) Wide numbers(uint64_t first, Indices<l...>) {
  return Wide{uint64_t(l)...} + first;
}

// The four words of blocks first .. first + lanes - 1.
inline __attribute__((always_inline)) void philox(uint64_t seed, uint32_t draw, uint32_t tag, uint64_t first,
                                                  Words* words) {
  constexpr int sets = 2;  // chains side by side
  for (int begin = 0; begin < lanes; begin += sets * wide_lanes) {
    Wide a[sets], b[sets], c[sets], d[sets];
    for (int set = 0; set < sets; ++set) {
      a[set] = numbers(first + uint64_t(begin + set * wide_lanes), Count<wide_lanes>::indices());
      b[set] = a[set] >> 32;
      c[set] = Wide{} + draw;
      d[set] = Wide{} + tag;
    }
    uint32_t key0 = uint32_t(seed), key1 = uint32_t(seed >> 32);
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round, key0 += 0x9E3779B9u, key1 += 0xBB67AE85u) {
      for (int set = 0; set < sets; ++set) {
        const Wide p = product(a[set], Wide{} + 0xD2511F53u), q = product(c[set], Wide{} + 0xCD9E8D57u);
        a[set] = (q >> 32) ^ b[set] ^ (Wide{} + key0);
        c[set] = (p >> 32) ^ d[set] ^ (Wide{} + key1);
        b[set] = q;
        d[set] = p;
      }
    }
    for (int set = 0; set < sets; ++set) {
      const Wide block[4] = {a[set], b[set], c[set], d[set]};
      for (int k = 0; k < 4; ++k)
        for (int l = 0; l < wide_lanes; ++l) words[k][begin + set * wide_lanes + l] = uint32_t(block[k][l]);
    }
  }
}

inline __attribute__((always_inline)) float logarithm(float x) {
  const uint32_t shifted = bits_of<uint32_t>(x) + (0x3f800000u - 0x3f3504f3u);
  const float exponent = float(int32_t(shifted >> 23)) - 127.0f;
  const float m = bits_of<float>((shifted & 0x7fffffu) + 0x3f3504f3u);
  const float s = (m - 1) / (m + 1);
  const float square = s * s;
  float series = 1.0f / 9;
  series = series * square + 1.0f / 7;
  series = series * square + 1.0f / 5;
  series = series * square + 1.0f / 3;
  series = series * square + 1.0f;
  return exponent * float(0.69314718055994530942) + 2 * s * series;
}

// The two normals of each pair of words.
inline __attribute__((always_inline)) void normal_pairs(const Words& radius_words, const Words& angle_words,
                                                        Floats& first, Floats& second) {
  for (int l = 0; l < lanes; ++l) {
    const float unit = (float(radius_words[l]) + 1.0f) * float(1 / 4294967296.0);
    const float radius = __builtin_sqrtf(-2.0f * logarithm(unit));
    const uint32_t word = angle_words[l];
    const uint32_t quarter = (word + 0x20000000u) >> 30;
    const float x = float(int32_t(word - (quarter << 30))) * float(2 * 3.14159265358979323846 / 4294967296.0);
    const float square = x * x;
    const float c =
        1 + square * (-1.f / 2 +
                      square * (1.f / 24 + square * (-1.f / 720 + square * (1.f / 40320 + square * (-1.f / 3628800)))));
    const float s = x * (1 + square * (-1.f / 6 + square * (1.f / 120 + square * (-1.f / 5040 + square / 362880))));
    const uint32_t odd = 0u - (quarter & 1u);
    const uint32_t cosine = (bits_of<uint32_t>(s) & odd) | (bits_of<uint32_t>(c) & ~odd);
    const uint32_t sine = (bits_of<uint32_t>(c) & odd) | (bits_of<uint32_t>(s) & ~odd);
    first[l] = radius * bits_of<float>(cosine ^ (((quarter + 1) & 2) << 30));
    second[l] = radius * bits_of<float>(sine ^ ((quarter & 2) << 30));
  }
}

typedef float Row __attribute__((vector_size(SPINSCAPE_VECTOR_BYTES), may_alias));
constexpr int row_lanes = SPINSCAPE_VECTOR_BYTES / 4;

// a0 b0 a1 b1 ...: the first and the second vector of it.
struct Zipped {
  Row low, high;
};
template <int... l>
inline __attribute__((always_inline)) Zipped zip(Row a, Row b, Indices<l...>) {
  constexpr int half = row_lanes / 2;
  return {__builtin_shufflevector(a, b, ((l & 1 ? row_lanes : 0) + l / 2)...),
          __builtin_shufflevector(a, b, ((l & 1 ? row_lanes : 0) + l / 2 + half)...)};
}
inline __attribute__((always_inline)) Zipped zip(Row a, Row b) { return zip(a, b, Count<row_lanes>::indices()); }

// out[4 l + k] = columns[k][l].
inline __attribute__((always_inline)) void interleave(const Floats (&columns)[4], float* out) {
  for (int l = 0; l < lanes; l += row_lanes) {
    Row v[4];
    for (int k = 0; k < 4; ++k) __builtin_memcpy(&v[k], &columns[k][l], sizeof(Row));
    const Zipped even = zip(v[0], v[2]), odd = zip(v[1], v[3]);
    const Zipped first = zip(even.low, odd.low), second = zip(even.high, odd.high);
    const Row rows[4] = {first.low, first.high, second.low, second.high};
    __builtin_memcpy(out + 4 * l, rows, sizeof rows);
  }
}

void fill_normals(uint64_t seed, uint32_t draw, uint32_t tag, uint64_t first, int64_t count, float* out) {
  for (int64_t done = 0; done < count; done += lanes, out += 4 * lanes) {
    Words words[4];
    philox(seed, draw, tag, first + uint64_t(done), words);
    Floats normals[4];
    normal_pairs(words[0], words[1], normals[0], normals[1]);
    normal_pairs(words[2], words[3], normals[2], normals[3]);
    interleave(normals, out);
  }
}

}  // namespace

extern "C" const spinscape::kernel::FillNormals SPINSCAPE_NORMALS;
extern "C" const spinscape::kernel::FillNormals SPINSCAPE_NORMALS = &fill_normals;
