// Many replicas at once: replicas are the SIMD lanes, a coupling is a broadcast scalar.
//
// So a block serves as S and, read the other way, as S^T, nothing is packed and nothing is summed across lanes. A panel
// of rows keeps its y in registers over the whole sum, then adds itself to the gradient: y never reaches memory. The
// order is canonical: y_j is one chain of fused multiply-adds over k = 0, 1, ..., whoever computes it.
#pragma once

namespace {

template <class Real, int panel_rows, int vectors>
struct Sums {
  Vector<Real> y[panel_rows][vectors];
};

// y += (a block of couplings) w, for panel_rows rows of the block, `row_step` numbers apart, columns column_step apart.
template <class Real, int block, int panel_rows, int vectors, int row_step, int column_step>
inline __attribute__((always_inline)) void add_block(Sums<Real, panel_rows, vectors>& sums, const Real* coupling,
                                                     const Vector<Real>* w) {
  constexpr int unrolled = 4;  // columns at a time: more would only be more code
#pragma GCC unroll 1
  for (int first = 0; first < block; first += unrolled, coupling += unrolled * column_step, w += unrolled * vectors) {
#pragma GCC unroll 4
    for (int k = 0; k < unrolled; ++k) {
#pragma GCC unroll 8
      for (int r = 0; r < panel_rows; ++r) {
        const Real j = coupling[r * row_step + k * column_step];
#pragma GCC unroll 3
        for (int v = 0; v < vectors; ++v) sums.y[r][v] += j * w[k * vectors + v];
      }
    }
  }
}

// The next slab, brought near while this one is worked on. Transposed blocks are read first, and in an order no
// hardware foresees. Every panel fetches its share, a little with every block.
template <class Real, int block, int panel_rows>
struct Prefetch {
  static constexpr int line = 64 / sizeof(Real);
  static constexpr int share = block * panel_rows / 2 / line;  // lines a block: panels x blocks cover half of a square
  const Real* next;
  inline __attribute__((always_inline)) void advance() {
#pragma GCC unroll 4
    for (int k = 0; k < (share ? share : 1); ++k) __builtin_prefetch(next + k * line, 0, 2);
    next += block * panel_rows / 2;
  }
};

// y of panel_rows rows from row `row` (a multiple of panel_rows) of the slab's matrix S.
template <class Real, int block, int panel_rows, int vectors>
inline __attribute__((always_inline)) void panel_product(const Slab<Real>& slab, int64_t row, const Vector<Real>* w,
                                                         Prefetch<Real, block, panel_rows>& prefetch,
                                                         Sums<Real, panel_rows, vectors>& result) {
  constexpr int64_t area = block * block;
  const int64_t count = slab.block_rows;
  const int64_t j = row / block;  // block row of S
  const int64_t within = row % block;
  Sums<Real, panel_rows, vectors> sums = {};
  if (j < count) {  // blocks (j, k), as they are stored
    const Real* coupling = slab.blocks + (slab.layered ? j * count : j * (j + 1) / 2) * area + within * block;
    const int64_t stored = slab.layered ? count : j + 1;
    const Vector<Real>* x = slab.layered ? w + count * block * vectors : w;
    for (int64_t k = 0; k < stored; ++k, coupling += area, x += block * vectors) {
      prefetch.advance();
      add_block<Real, block, panel_rows, vectors, block, 1>(sums, coupling, x);
    }
  }
  // Blocks (k, j) below the diagonal, read as their transpose.
  const int64_t column = slab.layered ? j - count : j;
  if (column >= 0) {
    int64_t k = slab.layered ? 0 : j + 1;
    const Real* coupling = slab.blocks + ((slab.layered ? 0 : k * (k + 1) / 2) + column) * area + within;
    for (; k < count; ++k) {
      prefetch.advance();
      add_block<Real, block, panel_rows, vectors, 1, block>(sums, coupling, w + k * block * vectors);
      coupling += (slab.layered ? count : k + 1) * area;
    }
  }
  result = sums;
}

// total += sum over the panel of w y, the terms of every rows_per_sum rows added up first.
template <class Real, int panel_rows, int vectors>
inline __attribute__((always_inline)) void add_inner_product(Vector<Real>* total, const Vector<Real>* w,
                                                             const Sums<Real, panel_rows, vectors>& sums) {
  for (int v = 0; v < vectors; ++v) {
    for (int first = 0; first < panel_rows; first += rows_per_sum) {
      Vector<Real> part = w[first * vectors + v] * sums.y[first][v];
      for (int r = first + 1; r < first + rows_per_sum; ++r) part += w[r * vectors + v] * sums.y[r][v];
      total[v] += part;
    }
  }
}

template <class Real, int panel_rows, int vectors>
inline __attribute__((always_inline)) void add_scaled(Vector<Real>* out, const Vector<Real>* scale,
                                                      const Sums<Real, panel_rows, vectors>& sums) {
  for (int r = 0; r < panel_rows; ++r)
    for (int v = 0; v < vectors; ++v) out[r * vectors + v] += scale[v] * sums.y[r][v];
}

template <class Real>
constexpr int panel_rows_of(int block) {
  return block < max_panel_rows ? block : max_panel_rows;
}

template <class Real, int block, int vectors>
void batched_gradient(const Slab<Real>& slab, const Real* w_, const Real* s_, Real* g_, Real* q_) {
  constexpr int panel_rows = panel_rows_of<Real>(block);
  auto w = reinterpret_cast<const Vector<Real>*>(w_);
  auto s = reinterpret_cast<const Vector<Real>*>(s_);
  auto g = reinterpret_cast<Vector<Real>*>(g_);
  auto q = reinterpret_cast<Vector<Real>*>(q_);
  Vector<Real> total[vectors] = {};
  const int64_t rows = slab.block_rows * block * (slab.layered ? 2 : 1);
  Prefetch<Real, block, panel_rows> prefetch{slab.next};
  for (int64_t row = 0; row < rows; row += panel_rows) {
    Sums<Real, panel_rows, vectors> y;
    panel_product<Real, block, panel_rows, vectors>(slab, row, w, prefetch, y);
    add_inner_product<Real>(total, w + row * vectors, y);
    add_scaled<Real>(g + row * vectors, s, y);
  }
  for (int v = 0; v < vectors; ++v) q[v] = Real(0.5) * total[v];
}

template <class Real, int block, int vectors>
void batched_hvp(const Slab<Real>& slab, const Real* w_, const Real* v_, const Real* s_, const Real* ds_, Real* g_,
                 Real* h_, Real* q_, Real* dq_) {
  constexpr int panel_rows = panel_rows_of<Real>(block);
  auto w = reinterpret_cast<const Vector<Real>*>(w_);
  auto x = reinterpret_cast<const Vector<Real>*>(v_);
  auto s = reinterpret_cast<const Vector<Real>*>(s_);
  auto ds = reinterpret_cast<const Vector<Real>*>(ds_);
  auto g = reinterpret_cast<Vector<Real>*>(g_);
  auto h = reinterpret_cast<Vector<Real>*>(h_);
  Vector<Real> total[vectors] = {}, derivative[vectors] = {};
  const int64_t rows = slab.block_rows * block * (slab.layered ? 2 : 1);
  Prefetch<Real, block, panel_rows> prefetch{slab.next};
  for (int64_t row = 0; row < rows; row += panel_rows) {
    Sums<Real, panel_rows, vectors> products[2];  // y, z
#pragma GCC unroll 1
    for (int k = 0; k < 2; ++k)
      panel_product<Real, block, panel_rows, vectors>(slab, row, k == 0 ? w : x, prefetch, products[k]);
    add_inner_product<Real>(total, w + row * vectors, products[0]);
    add_inner_product<Real>(derivative, x + row * vectors, products[0]);
    add_scaled<Real>(g + row * vectors, s, products[0]);
    add_scaled<Real>(h + row * vectors, s, products[1]);
    add_scaled<Real>(h + row * vectors, ds, products[0]);
  }
  for (int v = 0; v < vectors; ++v) {
    reinterpret_cast<Vector<Real>*>(q_)[v] = Real(0.5) * total[v];
    reinterpret_cast<Vector<Real>*>(dq_)[v] = derivative[v];
  }
}

}  // namespace
