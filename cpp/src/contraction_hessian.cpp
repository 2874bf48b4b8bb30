// Euclidean Hessians of tiles of replicas.
//
// With the recursion of walks.hpp, let Y_d be the gradient of Q_d. Going up one level,
//     Q_d = sum of w_i Q_{d+1},     Y_d = sum of (w_i Y_{d+1} + e_i Q_{d+1}),
//     Hessian of Q_d = sum of (w_i Hessian of Q_{d+1} + e_i Y_{d+1}^T + Y_{d+1} e_i^T),
// so the Hessian has two parts: rows, which add s_d Y_{d+1} to row i at every level, and the weighted sum of the slabs
// themselves, s_depth S. The first costs a gradient pass, the second half of one; its sums stay in registers (weigh).
// Slabs are taken in order, a tile at a time, so the bits do not depend on threads.
#include <algorithm>
#include <optional>

#include "coupling_store.hpp"
#include "passes.hpp"
#include "tiles.hpp"

namespace spinscape {
namespace {

template <class Real>
class HessianTile {
 public:
  HessianTile(const CouplingStore& store, const Tile& tile, const Real* points, const Run& run)
      : store_(store),
        layout_(store.layout),
        tile_(tile),
        run_(run),
        w_(layout_.positions() * tile.lanes),
        levels_((layout_.depth() + 1) * tile.lanes),
        values_((layout_.depth() + 1) * tile.lanes),
        gradients_((layout_.depth() + 1) * layout_.positions() * tile.lanes),
        ones_(tile.lanes),
        rows_(layout_.depth() == 0 ? 0 : row_start(layout_.depth(), 0) * tile.lanes),
        slab_sum_(layout_.slab_size(layout_.shape().size) * tile.lanes),
        scratch_(streamed<Real>(tile) ? layout_.slab_positions(layout_.shape().size) : 0) {
    load_tile(layout_, tile, points, w_.data());
    values_.fill(0);
    gradients_.fill(0);
    ones_.fill(1);
    rows_.fill(0);
    std::copy_n(ones_.data(), tile.lanes, s(0));
  }

  void compute() {
    SlabReader<Real> reader(store_, streamed<Real>(tile_), run_);
    SlabCursor cursor(layout_);
    reader.seek(cursor);
    for (bool last = false; !last;) last = add_slabs(reader, cursor);
  }

  void store(Real* gradient, Real* hessian) const {
    store_tile(layout_, tile_, gradient_of(0), gradient);
    const std::int64_t n = layout_.shape().dimension();
    if (layout_.layered()) std::fill_n(hessian + tile_.first * n * n, tile_.replicas * n * n, Real(0));
    AlignedBuffer<Real> rows(row_run * layout_.positions() * tile_.lanes);
    const int layers =
        layout_.layered() ? layout_.depth() + 1 : 1;  // the last layer's rows are in the columns of the others
    const std::int64_t size = layout_.shape().size;
    for (int layer = 0; layer < layers; ++layer)
      for (std::int64_t i = 0; i < size; i += row_run)
        store_rows(layer, i, std::min(row_run, size - i), rows.data(), hessian);
  }

 private:
  static constexpr std::int64_t row_run = 16;

  Real* s(int d) { return levels_.data() + d * tile_.lanes; }
  Real* q(int d) { return values_.data() + d * tile_.lanes; }
  Real* gradient_of(int d) { return gradients_.data() + d * layout_.positions() * tile_.lanes; }
  const Real* gradient_of(int d) const { return gradients_.data() + d * layout_.positions() * tile_.lanes; }

  // Columns of the row of outer index i at level d: all positions that can lie further inside.
  std::int64_t first_column(int d) const { return layout_.layered() ? (d + 1) * layout_.padded() : 0; }
  std::int64_t columns(int d, std::int64_t i) const {
    return layout_.layered() ? layout_.positions() - first_column(d) : i + 1;
  }
  // Where that row begins in rows_, which has one row a variable (symmetric) or a (layer, index).
  std::int64_t row_start(int d, std::int64_t i) const {
    if (!layout_.layered()) return d == layout_.depth() ? row_start(0, layout_.shape().size) : i * (i + 1) / 2;
    std::int64_t start = 0;
    for (int level = 0; level < d; ++level) start += layout_.shape().size * columns(level, 0);
    return start + (d < layout_.depth() ? i * columns(d, i) : 0);
  }

  // As many slabs as can be held; true after the last one. The weighted sum reads them a second time: one replica,
  // which waits for memory only, from the cache, so that it takes few; many replicas from wherever they are.
  bool add_slabs(SlabReader<Real>& reader, SlabCursor& cursor) {
    constexpr std::int64_t most_slabs = 4096, most_numbers = std::int64_t(1) << 22;
    const std::int64_t largest = layout_.slab_size(layout_.shape().size);
    const bool buffered = !reader.keeps();
    const std::int64_t capacity = buffered || streamed<Real>(tile_)
                                      ? std::clamp(most_numbers / largest, std::int64_t(4), most_slabs)
                                      : most_slabs;
    AlignedBuffer<Real> buffer(buffered ? std::min(capacity * largest, std::max(4 * largest, most_numbers)) : 0);
    std::vector<kernel::Slab<Real>> slabs;
    std::vector<AlignedBuffer<Real>> scales;
    Patience patience(run_);
    bool last = false;
    for (std::int64_t used = 0; !last && std::int64_t(slabs.size()) < capacity; cursor.next()) {
      last = cursor.changes_next() < 0;
      slabs.push_back(buffered ? reader.read_into(cursor, buffer.data() + used) : reader.read(cursor));
      if (buffered) used += layout_.slab_size(cursor.bound());
      visit(cursor, slabs.back());
      scales.emplace_back(tile_.lanes);
      std::copy_n(s(layout_.depth()), tile_.lanes, scales.back().data());
      patience.spend(layout_.slab_size(cursor.bound()) * tile_.lanes);
    }
    if (slabs[0].singles) weigh(ops_.weigh_singles, &kernel::Slab<Real>::singles, slabs, scales);
    else weigh(ops_.weigh, &kernel::Slab<Real>::blocks, slabs, scales);
    fresh_ = false;
    return last;
  }

  void visit(const SlabCursor& cursor, const kernel::Slab<Real>& slab) {
    const int depth = layout_.depth();
    const std::int64_t lanes = tile_.lanes;
    for (int d = cursor.changed(); d < depth; ++d)
      ops_.multiply(s(d + 1), s(d), w_.data() + layout_.position(d, cursor.index(d)) * lanes, lanes);
    const std::int64_t leaf = layout_.slab_position() * lanes;
    ops_.gradient(slab, tile_.lanes, w_.data() + leaf, ones_.data(), gradient_of(depth) + leaf, q(depth),
                  scratch_.data());
    for (int d = depth - 1; d >= std::max(cursor.changes_next(), 0); --d) close(d, cursor.index(d));
  }

  // Takes level d + 1, complete for index i of level d, up into level d.
  void close(int d, std::int64_t i) {
    const std::int64_t lanes = tile_.lanes;
    const std::int64_t at = layout_.position(d, i) * lanes;
    const Real* w = w_.data() + at;
    const std::int64_t first = first_column(d), count = columns(d, i);
    Real* row = rows_.data() + row_start(d, i) * lanes;
    Real* inner = gradient_of(d + 1) + first * lanes;
    Real* outer = gradient_of(d) + first * lanes;
    ops_.add_scaled(row, s(d), inner, count, tile_.lanes);
    ops_.add_scaled(outer, w, inner, count, tile_.lanes);
    // e_i Y^T and Y e_i^T meet on the diagonal.
    if (!layout_.layered()) ops_.multiply_add(row + i * lanes, s(d), inner + i * lanes, lanes);
    ops_.add(gradient_of(d) + at, q(d + 1), lanes);
    ops_.multiply_add(q(d), w, q(d + 1), lanes);
    std::fill_n(inner, count * lanes, Real(0));
    if (d + 1 < layout_.depth()) std::fill_n(q(d + 1), lanes, Real(0));
  }

  // slab_sum_ += sum of scale * slab, by block rows: a row of blocks is missing in slabs of a smaller bound.
  template <class Coupling, class Weigh>
  void weigh(Weigh weigh_blocks, const Coupling* kernel::Slab<Real>::* couplings,
             const std::vector<kernel::Slab<Real>>& slabs, const std::vector<AlignedBuffer<Real>>& scales) {
    const auto start_of = [&](std::int64_t j) {
      return (layout_.layered() ? j * layout_.block_rows(layout_.shape().size) : j * (j + 1) / 2) * layout_.area();
    };
    parallel_for(run_, layout_.block_rows(layout_.shape().size), [&](std::int64_t j) {
      std::vector<const Coupling*> blocks;
      std::vector<const Real*> factors;
      for (std::size_t k = 0; k < slabs.size(); ++k) {
        if (slabs[k].block_rows <= j) continue;
        blocks.push_back(slabs[k].*couplings);
        factors.push_back(scales[k].data());
      }
      if (!blocks.empty() || fresh_)
        weigh_blocks(blocks.data(), factors.data(), std::int64_t(blocks.size()), tile_.lanes, start_of(j),
                     start_of(j + 1), fresh_, slab_sum_.data());
    });
  }

  // One row of the finished matrix, (columns, lanes): row i of a layer, columns as in columns(). Returns how many.
  std::int64_t finished_row(int layer, std::int64_t i, Real* out) const {
    const std::int64_t lanes = tile_.lanes, block = layout_.block();
    const bool from_slabs = !layout_.layered() || layer == layout_.depth();
    const bool from_rows = layout_.depth() > 0 && layer < layout_.depth();
    const std::int64_t count = from_slabs && layout_.layered() ? layout_.shape().size : columns(layer, i);
    std::fill_n(out, count * lanes, Real(0));
    if (from_rows) ops_.add(out, rows_.data() + row_start(layer, i) * lanes, count * lanes);
    if (!from_slabs) return count;
    const std::int64_t j = i / block;
    const std::int64_t width = layout_.layered() ? layout_.block_rows(layout_.shape().size) : j + 1;
    const Real* row = slab_sum_.data() +
                      ((layout_.layered() ? j * width : j * width / 2) * layout_.area() + i % block * block) * lanes;
    for (std::int64_t k = 0; k < count; k += block)
      ops_.add(out + k * lanes, row + k * block * lanes, std::min(block, count - k) * lanes);
    return count;
  }

  // Rows first .. first + count - 1 of a layer to every replica's matrix, and their mirror image, in squares of
  // row_run.
  void store_rows(int layer, std::int64_t first, std::int64_t count, Real* rows, Real* hessian) const {
    const std::int64_t size = layout_.shape().size;
    const std::int64_t stride = layout_.positions() * tile_.lanes;  // of rows in `rows`
    std::int64_t positions = 0;
    for (std::int64_t k = 0; k < count; ++k) positions = finished_row(layer, first + k, rows + k * stride);
    const std::int64_t row = layout_.layered() ? layer * size + first : first;
    const int column_layers =
        layout_.layered() ? static_cast<int>((positions + layout_.padded() - 1) / layout_.padded()) : 1;
    for (int l = 0; l < column_layers; ++l) {
      const std::int64_t column = layout_.layered() ? (layer + 1 + l) * size : 0;
      const Real* from = rows + l * layout_.padded() * tile_.lanes;
      const std::int64_t width = std::min(size, positions - l * layout_.padded());
      for (std::int64_t c = 0; c < width; c += row_run)
        store_square(row, count, column + c, std::min(row_run, width - c), from + c * tile_.lanes, stride, hessian);
    }
  }

  void store_square(std::int64_t row, std::int64_t height, std::int64_t column, std::int64_t width, const Real* from,
                    std::int64_t stride, Real* hessian) const {
    const std::int64_t n = layout_.shape().dimension(), lanes = tile_.lanes;
    Real* matrices = hessian + tile_.first * n * n;
    for (std::int64_t k = 0; k < height; ++k) {
      const std::int64_t end = layout_.layered() ? width : std::min(width, row + k - column + 1);
      if (end > 0)
        ops_.unpack_lanes(from + k * stride, lanes, tile_.replicas, end, matrices + (row + k) * n + column, n * n);
    }
    for (std::int64_t c = 0; c < width; ++c) {
      const std::int64_t start = layout_.layered() ? 0 : std::max(std::int64_t(0), column + c - row);
      if (start < height)
        ops_.unpack_lanes(from + start * stride + c * lanes, stride, tile_.replicas, height - start,
                          matrices + (column + c) * n + row + start, n * n);
    }
  }

  const kernel::Operations<Real>& ops_ = kernel::operations<Real>();
  const CouplingStore& store_;
  const SlabLayout& layout_;
  Tile tile_;
  const Run& run_;
  AlignedBuffer<Real> w_, levels_, values_;
  AlignedBuffer<Real> gradients_;  // Y_d, (depth + 1) blocks of positions x lanes
  AlignedBuffer<Real> ones_, rows_, slab_sum_, scratch_;
  bool fresh_ = true;  // slab_sum_ holds nothing yet
};

}  // namespace

template <class Real>
void Form::hessian(const Real* points, std::int64_t replicas, Real* gradient, Real* hessian, const Run& run) const {
  constexpr std::int64_t few = 3;  // measured: four, one by one, cost what a vector costs
  const std::vector<Tile> tiles = plan_tiles(replicas, kernel::operations<Real>().lanes, few, 1);
  const auto compute = [&](const Tile& tile, const Run& inner) {
    HessianTile<Real> matrices(*store_, tile, points, inner);
    matrices.compute();
    matrices.store(gradient, hessian);
  };
  if (static_cast<std::int64_t>(tiles.size()) >= run.threads()) {
    const Run serial = run.serial();
    parallel_for(run, static_cast<std::int64_t>(tiles.size()), [&](std::int64_t t) { compute(tiles[t], serial); });
  } else {
    for (const Tile& tile : tiles) compute(tile, run);
  }
}

template void Form::hessian(const float*, std::int64_t, float*, float*, const Run&) const;
template void Form::hessian(const double*, std::int64_t, double*, double*, const Run&) const;

}  // namespace spinscape
