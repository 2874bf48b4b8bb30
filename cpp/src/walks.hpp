// One tile on its way along the slabs of a chunk: the recursion over the outer indices.
//
// Level d of slabs.hpp multiplies the form below it by w at its index:  Q_d = sum over i_d of w_{i_d} Q_{d+1}(i_d),
// with Q_depth = q, the slab's 1/2 w.Sw, and Q_0 the energy. Going down, s_{d+1} = s_d w_{i_d} collects the outer
// factors; the slab adds s_depth Sw to the gradient. Coming back up, level d adds s_d Q_{d+1} to the gradient at i_d.
// The derivative along v of all this is the Hessian-vector product (HvpWalk).
#pragma once

#include <algorithm>

#include "kernel/dispatch.hpp"
#include "tiles.hpp"

namespace spinscape {

// Whether the tile is narrower than a vector, so that its kernels are those of stream.hpp.
template <class Real>
bool streamed(const Tile& tile) {
  return tile.lanes < kernel::operations<Real>().lanes;
}

template <class Real>
class GradientWalk {
 public:
  static constexpr int inputs = 1;         // blocks of `positions` x `lanes` numbers: w
  static constexpr int outputs = 1;        // the gradient; the energies follow it
  static constexpr int widest_stream = 4;  // lanes of tiles narrower than a vector

  GradientWalk(const SlabLayout& layout, const Tile& tile, const Real* input)
      : layout_(layout),
        tile_(tile),
        w_(input),
        scales_((layout.depth() + 1) * tile.lanes),
        values_((layout.depth() + 1) * tile.lanes),
        scratch_(streamed<Real>(tile) ? layout.slab_positions(layout.shape().size) * tile.lanes : 0) {}

  // Starts a chunk, whose sums go to results.
  void begin(Real* results) {
    const std::int64_t size = layout_.positions() * tile_.lanes;
    std::fill(results, results + size + tile_.lanes, Real(0));
    gradient_ = results;
    values_.fill(0);
    std::fill(s(0), s(0) + tile_.lanes, Real(1));
    fresh_ = true;
  }

  // The slab under the cursor; all levels behind `closing` end with it.
  void visit(const SlabCursor& cursor, const kernel::Slab<Real>& slab, int closing) {
    const int depth = layout_.depth();
    for (int d = fresh_ ? 0 : cursor.changed(); d < depth; ++d)
      ops_.multiply(s(d + 1), s(d), w_ + at(cursor, d), tile_.lanes);
    fresh_ = false;
    const std::int64_t leaf = layout_.slab_position() * tile_.lanes;
    ops_.gradient(slab, tile_.lanes, w_ + leaf, s(depth), gradient_ + leaf, q(depth), scratch_.data());
    for (int d = depth - 1; d >= closing; --d) {
      ops_.multiply_add(gradient_ + at(cursor, d), s(d), q(d + 1), tile_.lanes);
      ops_.multiply_add(q(d), w_ + at(cursor, d), q(d + 1), tile_.lanes);
      if (d + 1 < depth) std::fill(q(d + 1), q(d + 1) + tile_.lanes, Real(0));
    }
  }

  void end() { std::copy(q(0), q(0) + tile_.lanes, gradient_ + layout_.positions() * tile_.lanes); }

 private:
  std::int64_t at(const SlabCursor& cursor, int d) const { return layout_.position(d, cursor.index(d)) * tile_.lanes; }
  Real* s(int d) { return scales_.data() + d * tile_.lanes; }
  Real* q(int d) { return values_.data() + d * tile_.lanes; }

  const kernel::Operations<Real>& ops_ = kernel::operations<Real>();
  const SlabLayout& layout_;
  Tile tile_;
  const Real* w_;
  AlignedBuffer<Real> scales_, values_, scratch_;
  Real* gradient_ = nullptr;
  bool fresh_ = true;
};

template <class Real>
class HvpWalk {
 public:
  static constexpr int inputs = 2;   // w, v
  static constexpr int outputs = 2;  // gradient, product; then the energies
  static constexpr int widest_stream = 2;

  HvpWalk(const SlabLayout& layout, const Tile& tile, const Real* input)
      : layout_(layout),
        tile_(tile),
        block_(layout.positions() * tile.lanes),
        w_(input),
        v_(input + block_),
        levels_(4 * (layout.depth() + 1) * tile.lanes),
        scratch_(streamed<Real>(tile) ? 2 * layout.slab_positions(layout.shape().size) * tile.lanes : 0) {}

  void begin(Real* results) {
    std::fill(results, results + 2 * block_ + tile_.lanes, Real(0));
    gradient_ = results;
    product_ = results + block_;
    levels_.fill(0);
    std::fill(s(0), s(0) + tile_.lanes, Real(1));
    fresh_ = true;
  }

  void visit(const SlabCursor& cursor, const kernel::Slab<Real>& slab, int closing) {
    const int depth = layout_.depth();
    const std::int64_t lanes = tile_.lanes;
    for (int d = fresh_ ? 0 : cursor.changed(); d < depth; ++d) {
      const std::int64_t i = at(cursor, d);
      ops_.multiply(s(d + 1), s(d), w_ + i, lanes);
      ops_.multiply(ds(d + 1), ds(d), w_ + i, lanes);
      ops_.multiply_add(ds(d + 1), s(d), v_ + i, lanes);
    }
    fresh_ = false;
    const std::int64_t leaf = layout_.slab_position() * lanes;
    ops_.hvp(slab, tile_.lanes, w_ + leaf, v_ + leaf, s(depth), ds(depth), gradient_ + leaf, product_ + leaf, q(depth),
             dq(depth), scratch_.data());
    for (int d = depth - 1; d >= closing; --d) {
      const std::int64_t i = at(cursor, d);
      ops_.multiply_add(gradient_ + i, s(d), q(d + 1), lanes);
      ops_.multiply_add(product_ + i, s(d), dq(d + 1), lanes);
      ops_.multiply_add(product_ + i, ds(d), q(d + 1), lanes);
      ops_.multiply_add(q(d), w_ + i, q(d + 1), lanes);
      ops_.multiply_add(dq(d), w_ + i, dq(d + 1), lanes);
      ops_.multiply_add(dq(d), v_ + i, q(d + 1), lanes);
      if (d + 1 == depth) continue;
      std::fill(q(d + 1), q(d + 1) + lanes, Real(0));
      std::fill(dq(d + 1), dq(d + 1) + lanes, Real(0));
    }
  }

  void end() { std::copy(q(0), q(0) + tile_.lanes, gradient_ + 2 * block_); }

 private:
  std::int64_t at(const SlabCursor& cursor, int d) const { return layout_.position(d, cursor.index(d)) * tile_.lanes; }
  Real* level(int kind, int d) { return levels_.data() + (kind * (layout_.depth() + 1) + d) * tile_.lanes; }
  Real* s(int d) { return level(0, d); }
  Real* ds(int d) { return level(1, d); }
  Real* q(int d) { return level(2, d); }
  Real* dq(int d) { return level(3, d); }

  const kernel::Operations<Real>& ops_ = kernel::operations<Real>();
  const SlabLayout& layout_;
  Tile tile_;
  std::int64_t block_;
  const Real* w_;
  const Real* v_;
  AlignedBuffer<Real> levels_, scratch_;
  Real* gradient_ = nullptr;
  Real* product_ = nullptr;
  bool fresh_ = true;
};

}  // namespace spinscape
