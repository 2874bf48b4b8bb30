// Squares of numbers in registers, and with them replicas from rows to lanes and back.
#pragma once

#include "indices.hpp"

namespace {

// Transposes a square: swaps the off-diagonal halves of ever smaller squares.
template <int lanes, int distance, class Row, int... l>
inline __attribute__((always_inline)) void swap_halves(Row* v, Indices<l...>) {
#pragma GCC unroll 16
  for (int i = 0; i < lanes; ++i) {
    if (i & distance) continue;
    const Row a = v[i], b = v[i + distance];
    v[i] = __builtin_shufflevector(a, b, (l & distance ? lanes + l - distance : l)...);
    v[i + distance] = __builtin_shufflevector(a, b, (l & distance ? lanes + l : l + distance)...);
  }
}

template <int lanes, class Row>
inline __attribute__((always_inline)) void transpose(Row* v) {
  if constexpr (lanes > 8) swap_halves<lanes, 8>(v, Count<lanes>::indices());
  if constexpr (lanes > 4) swap_halves<lanes, 4>(v, Count<lanes>::indices());
  if constexpr (lanes > 2) swap_halves<lanes, 2>(v, Count<lanes>::indices());
  swap_halves<lanes, 1>(v, Count<lanes>::indices());
}

template <class Real>
struct Unaligned {
  typedef Real Row __attribute__((vector_size(SPINSCAPE_VECTOR_BYTES), aligned(sizeof(Real)), may_alias));
};

// lanes[k step + r] = rows[r stride + k] for k < count, r < replicas.
template <class Real>
void pack_lanes(const Real* rows, int64_t stride, int64_t replicas, int64_t count, Real* lanes, int64_t step) {
  constexpr int L = Vector_lanes<Real>;
  typedef typename Unaligned<Real>::Row Row;
  for (int64_t r = 0; r < replicas; r += L) {
    const bool whole = r + L <= replicas;
    int64_t k = 0;
    for (; whole && k + L <= count; k += L) {
      Vector<Real> v[L];
      for (int i = 0; i < L; ++i) v[i] = *reinterpret_cast<const Row*>(rows + (r + i) * stride + k);
      transpose<L>(v);
      for (int i = 0; i < L; ++i) *reinterpret_cast<Row*>(lanes + (k + i) * step + r) = v[i];
    }
    for (; k < count; ++k)
      for (int64_t i = r; i < (whole ? r + L : replicas); ++i) lanes[k * step + i] = rows[i * stride + k];
  }
}

// rows[r stride + k] = lanes[k step + r] for k < count, r < replicas.
template <class Real>
void unpack_lanes(const Real* lanes, int64_t step, int64_t replicas, int64_t count, Real* rows, int64_t stride) {
  constexpr int L = Vector_lanes<Real>;
  typedef typename Unaligned<Real>::Row Row;
  for (int64_t r = 0; r < replicas; r += L) {
    const bool whole = r + L <= replicas;
    int64_t k = 0;
    for (; whole && k + L <= count; k += L) {
      Vector<Real> v[L];
      for (int i = 0; i < L; ++i) v[i] = *reinterpret_cast<const Row*>(lanes + (k + i) * step + r);
      transpose<L>(v);
      for (int i = 0; i < L; ++i) *reinterpret_cast<Row*>(rows + (r + i) * stride + k) = v[i];
    }
    for (; k < count; ++k)
      for (int64_t i = r; i < (whole ? r + L : replicas); ++i) rows[i * stride + k] = lanes[k * step + i];
  }
}

}  // namespace
