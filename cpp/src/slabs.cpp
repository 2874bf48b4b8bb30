#include "slabs.hpp"

#include <algorithm>
#include <stdexcept>

namespace spinscape {
namespace {

// The smallest blocks pad least (at N = 100, p = 3: 3 % of the arithmetic with 4, 10 % with 8); larger ones read memory
// in longer runs, which pays where slabs are large. Measured in docs/performance.md.
int block_of(const FormShape& shape) {
  const std::int64_t n = shape.size;
  const bool large_slabs = shape.layered || shape.order <= 3;
  if (large_slabs && n >= 256) return 16;
  if (large_slabs && n >= 80) return 8;
  return 4;
}

// Slabs of a symmetric form with exactly this bound: ways to choose the outer indices i4 <= ... <= ip from bound - 1
// on.
std::int64_t slabs_with(const FormShape& shape, std::int64_t bound) {
  if (shape.order == 2) return bound == shape.size;
  if (shape.order == 3) return 1;
  return packed_size(shape.order - 3, shape.size - bound + 1);
}

}  // namespace

SlabLayout::SlabLayout(const FormShape& shape) : shape_(shape), block_(block_of(shape)) {}

std::int64_t SlabLayout::slab_size(std::int64_t bound) const {
  const std::int64_t rows = block_rows(bound);
  return (layered() ? rows * rows : rows * (rows + 1) / 2) * area();
}

std::int64_t SlabLayout::packed_slab_size(std::int64_t bound) const {
  return layered() ? bound * bound : bound * (bound + 1) / 2;
}

std::int64_t SlabLayout::stored_size() const {
  if (depth() == 0) return slab_size(shape_.size);
  std::int64_t total = 0;
  bool overflow = false;
  const auto add_slabs = [&](std::int64_t slabs, std::int64_t bound) {
    std::int64_t numbers = 0;
    overflow |= __builtin_mul_overflow(slabs, slab_size(bound), &numbers);
    overflow |= __builtin_add_overflow(total, numbers, &total);
  };
  if (layered()) add_slabs(checked_power(shape_.size, depth()), shape_.size);
  else
    for (std::int64_t bound = 1; bound <= shape_.size && !overflow; ++bound)
      add_slabs(slabs_with(shape_, bound), bound);
  if (overflow) throw std::overflow_error("a tensor size exceeds 64 bits");
  return total;
}

SlabCursor::SlabCursor(const SlabLayout& layout) : layout_(&layout) {}

std::int64_t SlabCursor::bound() const {
  const int depth = layout_->depth();
  return depth == 0 || layout_->layered() ? layout_->shape().size : indices_[depth - 1] + 1;
}

int SlabCursor::changes_next() const {
  int level = layout_->depth() - 1;
  const std::int64_t size = layout_->shape().size;
  // Ascending tuples: an index stops at the one outside of it.
  while (level >= 0 && indices_[level] == (level == 0 || layout_->layered() ? size - 1 : indices_[level - 1])) --level;
  return level;
}

void SlabCursor::next() {
  const int level = changes_next();
  packed_offset_ += layout_->packed_slab_size(bound());
  stored_offset_ += layout_->slab_size(bound());
  changed_ = std::max(level, 0);
  if (level < 0) return;
  ++indices_[level];
  std::fill(indices_.begin() + level + 1, indices_.begin() + layout_->depth(), 0);
}

std::vector<Chunk> make_chunks(const SlabLayout& layout) {
  // Enough chunks for every core of a large machine, but no more than pay for their private gradients.
  constexpr std::int64_t most = 64, couplings_a_chunk = std::int64_t(1) << 16;
  const std::int64_t total = layout.stored_size();
  const std::int64_t count = std::clamp(total / couplings_a_chunk, std::int64_t(1), most);
  std::vector<Chunk> chunks;
  SlabCursor cursor(layout);
  for (bool last = false; !last; cursor.next()) {
    last = cursor.changes_next() < 0;
    const bool full =
        chunks.empty() || cursor.stored_offset() >= total / count * static_cast<std::int64_t>(chunks.size());
    if (full) chunks.push_back({cursor, 0});
    ++chunks.back().slabs;
  }
  return chunks;
}

}  // namespace spinscape
