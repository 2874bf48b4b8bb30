// How the kernels store a form: one slab per choice of all indices but the last two.
//
//     symmetric: outer indices ip >= ... >= i3, the slab is the packed triangle over i1 <= i2 <= i3 ("bound" = i3 + 1)
//     layered:   outer indices i1, ..., i(p-2), the slab is the n x n matrix of the last two layers ("bound" = n)
//
// Levels count the outer indices from the outside: level 0 is ip (i1 where layered), the last, depth() - 1, runs
// fastest. Slabs follow the public packed order, in which each one's couplings are contiguous. For the kernels a slab
// is cut into block x block squares, padded with zeros (kernel/table.hpp). Positions are indices of padded points:
// variable i, or layer * padded + i.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "spinscape/contraction.hpp"
#include "spinscape/symmetric_tensor.hpp"

namespace spinscape {

class SlabLayout {
 public:
  explicit SlabLayout(const FormShape& shape);

  const FormShape& shape() const { return shape_; }
  bool layered() const { return shape_.layered; }
  int depth() const { return shape_.order - 2; }
  int block() const { return block_; }
  std::int64_t area() const { return std::int64_t(block_) * block_; }
  std::int64_t padded() const { return block_rows(shape_.size) * block_; }
  std::int64_t block_rows(std::int64_t bound) const { return (bound + block_ - 1) / block_; }

  std::int64_t positions() const { return layered() ? shape_.order * padded() : padded(); }
  // Position of outer index i of a level; the first position of the slabs.
  std::int64_t position(int level, std::int64_t i) const { return layered() ? level * padded() + i : i; }
  std::int64_t slab_position() const { return layered() ? depth() * padded() : 0; }
  // Positions a slab of this bound covers, from slab_position().
  std::int64_t slab_positions(std::int64_t bound) const { return block_rows(bound) * block_ * (layered() ? 2 : 1); }

  // Numbers a slab of this bound takes in blocks, and in the public order.
  std::int64_t slab_size(std::int64_t bound) const;
  std::int64_t packed_slab_size(std::int64_t bound) const;
  // Numbers of all slabs in blocks; std::overflow_error past 64 bits.
  std::int64_t stored_size() const;

 private:
  FormShape shape_;
  int block_;
};

// Walks the slabs in order.
class SlabCursor {
 public:
  explicit SlabCursor(const SlabLayout& layout);  // at the first slab

  std::int64_t bound() const;
  std::int64_t index(int level) const { return indices_[level]; }
  std::int64_t packed_offset() const { return packed_offset_; }  // rank of the slab's first coupling
  std::int64_t stored_offset() const { return stored_offset_; }  // where its blocks begin
  // The outermost level that differs from the slab before (0 at the first slab), and the level that changes next:
  // all levels behind that one end with this slab. -1 where this slab is the last.
  int changed() const { return changed_; }
  int changes_next() const;
  void next();

 private:
  const SlabLayout* layout_;
  std::array<std::int64_t, max_order> indices_{};
  std::int64_t packed_offset_ = 0;
  std::int64_t stored_offset_ = 0;
  int changed_ = 0;
};

// Consecutive slabs whose sums are formed apart and added in order. Where chunks begin depends on the shape alone, so
// that no result depends on how they are shared between threads.
struct Chunk {
  SlabCursor first;
  std::int64_t slabs;
};
std::vector<Chunk> make_chunks(const SlabLayout& layout);

}  // namespace spinscape
