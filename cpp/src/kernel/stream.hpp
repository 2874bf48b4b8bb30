// Few replicas, of a tile narrower than a vector: the couplings are a stream, read once, and lanes are rows of S.
//
// The bits are those of batched.hpp: y_j is the same chain over k. A block (j, k) below the diagonal adds S w_k to y_j,
// which needs its columns (a transpose in registers, done once for all replicas), and S^T w_j to y_k, whose columns are
// its rows. Small blocks go a few block rows together, because one short chain of multiply-adds after another would
// wait for itself.
#pragma once

#include "transpose.hpp"

namespace {

// Shapes of the computation: a row of a block is `parts` vectors of `lanes`; `inputs` vectors x at once, each of whose
// numbers are `step` apart.
template <class Number, class Stored, int block_, int inputs_, int step_>
struct Stream {
  typedef Number Real;
  typedef Stored Coupling;
  static constexpr int block = block_, inputs = inputs_, step = step_;
  static constexpr int lanes = block < Vector_lanes<Real> ? block : Vector_lanes<Real>;
  static constexpr int parts = block / lanes;
  // Block rows that go together: with the inputs, about four chains.
  static constexpr int group = block * inputs <= 4 ? 4 : block * inputs <= 8 ? 2 : 1;
  typedef typename Lanes<Real, lanes>::type Row;

  static inline __attribute__((always_inline)) Row load(const Coupling* from) {
    return load_widened<Real, Coupling, lanes>(from);
  }
};

template <class S>
struct RowSums {
  typename S::Row y[S::inputs][S::parts];
};

// Blocks (row + g, column) for g < count: y of their rows += S x_column, y of the column += S^T x_rows.
template <class S, int count>
inline __attribute__((always_inline)) void stream_blocks(const typename S::Coupling* const* blocks,
                                                         const typename S::Real* const* x, int64_t row, int64_t column,
                                                         RowSums<S>* rows, typename S::Real* const* y) {
  typedef typename S::Row Row;
  constexpr int lanes = S::lanes;
#pragma GCC unroll 4
  for (int c = 0; c < S::parts; ++c) {
    Row y_column[S::inputs];
    for (int i = 0; i < S::inputs; ++i) y_column[i] = *reinterpret_cast<const Row*>(y[i] + column + c * lanes);
#pragma GCC unroll 4
    for (int g = 0; g < count; ++g) {
#pragma GCC unroll 4
      for (int r = 0; r < S::parts; ++r) {
        Row v[lanes];
#pragma GCC unroll 16
        for (int k = 0; k < lanes; ++k) {
          v[k] = S::load(blocks[g] + (r * lanes + k) * S::block + c * lanes);
          for (int i = 0; i < S::inputs; ++i)
            y_column[i] += v[k] * x[i][(row + g * S::block + r * lanes + k) * S::step];
        }
        transpose<lanes>(v);
#pragma GCC unroll 16
        for (int k = 0; k < lanes; ++k)
          for (int i = 0; i < S::inputs; ++i) rows[g].y[i][r] += v[k] * x[i][(column + c * lanes + k) * S::step];
      }
    }
    for (int i = 0; i < S::inputs; ++i) *reinterpret_cast<Row*>(y[i] + column + c * lanes) = y_column[i];
  }
}

// y of block row `row` is complete but for the diagonal block, which is its own transpose: add it and put y down.
template <class S>
inline __attribute__((always_inline)) void finish_rows(const typename S::Coupling* diagonal,
                                                       const typename S::Real* const* x, int64_t row, RowSums<S>& sums,
                                                       typename S::Real* const* y) {
  typedef typename S::Row Row;
  for (int c = 0; c < S::parts; ++c) {
    for (int i = 0; i < S::inputs; ++i) {
      Row sum = sums.y[i][c];
      if (diagonal)
        for (int k = 0; k < S::block; ++k)
          sum += S::load(diagonal + k * S::block + c * S::lanes) * x[i][(row + k) * S::step];
      *reinterpret_cast<Row*>(y[i] + row + c * S::lanes) = sum;
    }
  }
}

// Block rows first .. first + count - 1.
template <class S, int count>
void stream_rows(const Slab<typename S::Real>& slab, const typename S::Coupling* couplings, int64_t first,
                 const typename S::Real* const* x, typename S::Real* const* y) {
  constexpr int64_t area = S::block * S::block;
  const int64_t shift = slab.layered ? slab.block_rows * S::block : 0;  // of the columns' positions
  RowSums<S> rows[count] = {};
  const typename S::Coupling* blocks[count];
  for (int g = 0; g < count; ++g) {
    const int64_t j = first + g;
    blocks[g] = couplings + (slab.layered ? j * slab.block_rows : j * (j + 1) / 2) * area;
  }
  const int64_t common = slab.layered ? slab.block_rows : first;  // columns left of the group's diagonal blocks
  // Fetched ahead: of one block row, which is one stream, what comes eight blocks later (at N = 500 a fifth faster than
  // the hardware alone); of several the block rows after these, because no hardware foresees the jumps between them.
  const typename S::Coupling* next = S::group == 1
                                         ? blocks[0] + 8 * area
                                         : blocks[count - 1] + (slab.layered ? slab.block_rows : first + count) * area;
  for (int64_t k = 0; k < common; ++k) {
    constexpr int line = 64 / sizeof(typename S::Coupling);
    for (int l = 0; l < count * area; l += line) __builtin_prefetch(next + l);
    next += count * area;
    stream_blocks<S, count>(blocks, x, first * S::block, shift + k * S::block, rows, y);
    for (int g = 0; g < count; ++g) blocks[g] += area;
  }
  // The triangle on the diagonal: a row is finished before the rows below add to it.
  for (int g = 0; g < count; ++g) {
    const int64_t row = (first + g) * S::block;
    finish_rows<S>(slab.layered ? nullptr : blocks[g], x, row, rows[g], y);
    if (slab.layered) continue;
    for (int below = g + 1; below < count; ++below) {
      stream_blocks<S, 1>(blocks + below, x, (first + below) * S::block, row, rows + below, y);
      blocks[below] += area;
    }
  }
}

// y = S x for all inputs.
template <class S>
void stream_product(const Slab<typename S::Real>& slab, const typename S::Coupling* couplings,
                    const typename S::Real* const* x, typename S::Real* const* y) {
  const int64_t size = slab.block_rows * S::block;
  for (int i = 0; slab.layered && i < S::inputs; ++i)
    for (int64_t k = 0; k < size; ++k) y[i][size + k] = 0;
  int64_t j = 0;
  for (; j + S::group <= slab.block_rows; j += S::group) stream_rows<S, S::group>(slab, couplings, j, x, y);
  for (; j < slab.block_rows; ++j) stream_rows<S, 1>(slab, couplings, j, x, y);
}

// y_i = S x_i for the inputs i, whose numbers are `step` apart; those of y_i are neighbours.
template <class Real, int inputs, int step, class Coupling>
void product_of(const Slab<Real>& slab, const Coupling* couplings, const Real* const* x, Real* const* y) {
  if (slab.block == 16) stream_product<Stream<Real, Coupling, 16, inputs, step>>(slab, couplings, x, y);
  else if (slab.block == 8) stream_product<Stream<Real, Coupling, 8, inputs, step>>(slab, couplings, x, y);
  else stream_product<Stream<Real, Coupling, 4, inputs, step>>(slab, couplings, x, y);
}

template <class Real, int inputs, int step>
void product_of(const Slab<Real>& slab, const Real* const* x, Real* const* y) {
  if constexpr (sizeof(Real) == sizeof(double)) {
    if (!slab.blocks) return product_of<Real, inputs, step>(slab, slab.singles, x, y);
  }
  product_of<Real, inputs, step>(slab, slab.blocks, x, y);
}

// sum of a b, `step` apart and neighbours, in the order of add_inner_product of batched.hpp.
template <class Real, int step>
Real inner_product(const Real* a, const Real* b, int64_t count) {
  Real total = 0;
  for (int64_t first = 0; first < count; first += rows_per_sum) {
    Real part = a[first * step] * b[first];
    for (int64_t k = first + 1; k < first + rows_per_sum; ++k) part += a[k * step] * b[k];
    total += part;
  }
  return total;
}

template <class Real, int replicas>
void stream_gradient(const Slab<Real>& slab, const Real* w, const Real* s, Real* g, Real* q, Real* scratch) {
  const int64_t count = slab.block_rows * slab.block * (slab.layered ? 2 : 1);
  const Real* x[replicas];
  Real* y[replicas];
  for (int i = 0; i < replicas; ++i) {
    x[i] = w + i;
    y[i] = scratch + i * count;
  }
  product_of<Real, replicas, replicas>(slab, x, y);
  for (int i = 0; i < replicas; ++i) q[i] = Real(0.5) * inner_product<Real, replicas>(x[i], y[i], count);
  for (int64_t k = 0; k < count; ++k)
    for (int i = 0; i < replicas; ++i) g[k * replicas + i] += s[i] * y[i][k];
}

template <class Real, int replicas>
void stream_hvp(const Slab<Real>& slab, const Real* w, const Real* v, const Real* s, const Real* ds, Real* g, Real* h,
                Real* q, Real* dq, Real* scratch) {
  const int64_t count = slab.block_rows * slab.block * (slab.layered ? 2 : 1);
  const Real* x[2 * replicas];  // w, v
  Real* out[2 * replicas];      // y, z
  for (int i = 0; i < replicas; ++i) {
    x[i] = w + i;
    x[replicas + i] = v + i;
    out[i] = scratch + i * count;
    out[replicas + i] = scratch + (replicas + i) * count;
  }
  product_of<Real, 2 * replicas, replicas>(slab, x, out);
  for (int i = 0; i < replicas; ++i) {
    q[i] = Real(0.5) * inner_product<Real, replicas>(x[i], out[i], count);
    dq[i] = inner_product<Real, replicas>(x[replicas + i], out[i], count);
  }
  for (int64_t k = 0; k < count; ++k) {
    for (int i = 0; i < replicas; ++i) {
      const Real y = out[i][k], z = out[replicas + i][k];
      const int64_t at = k * replicas + i;
      g[at] += s[i] * y;
      h[at] += s[i] * z;
      h[at] += ds[i] * y;
    }
  }
}

// By the lanes of the tile, as far as a vector has more.
template <class Real>
void few_gradient(const Slab<Real>& slab, int lanes, const Real* w, const Real* s, Real* g, Real* q, Real* scratch) {
  if (lanes == 1) stream_gradient<Real, 1>(slab, w, s, g, q, scratch);
  else if constexpr (Vector_lanes<Real> > 2) {
    if (lanes == 2) stream_gradient<Real, 2>(slab, w, s, g, q, scratch);
    else if constexpr (Vector_lanes<Real> > 4) stream_gradient<Real, 4>(slab, w, s, g, q, scratch);
  }
}

// For at most two replicas: the sums of four would not stay in registers.
template <class Real>
void few_hvp(const Slab<Real>& slab, int lanes, const Real* w, const Real* v, const Real* s, const Real* ds, Real* g,
             Real* h, Real* q, Real* dq, Real* scratch) {
  if (lanes == 1) stream_hvp<Real, 1>(slab, w, v, s, ds, g, h, q, dq, scratch);
  else if constexpr (Vector_lanes<Real> > 2) stream_hvp<Real, 2>(slab, w, v, s, ds, g, h, q, dq, scratch);
}

}  // namespace
