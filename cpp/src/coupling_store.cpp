#include "coupling_store.hpp"

#include <algorithm>

#include "kernel/dispatch.hpp"
#include "spinscape/parallel.hpp"

namespace spinscape {

template <class Number>
const Number* PackedReader<Number>::read(std::int64_t count) {
  if constexpr (std::is_same_v<Number, float>) {
    if (disorder_) {
      if (used_ + count > end_) refill(count);
      used_ += count;
      return drawn_.data() + used_ - count;
    }
  }
  next_ += count;
  return next_ - count;
}

template <class Number>
void PackedReader<Number>::refill(std::int64_t count) {
  constexpr std::int64_t run = std::int64_t(1) << 14;  // long enough for vectors, short enough for the nearest cache
  const std::int64_t kept = end_ - used_;
  const std::int64_t fresh = std::min(std::max(run, count), last_ - first_);
  AlignedBuffer<float> grown;
  if (kept + fresh > drawn_.size()) grown = AlignedBuffer<float>(kept + std::max(run, fresh));
  float* const target = grown.empty() ? drawn_.data() : grown.data();
  std::copy(drawn_.data() + used_, drawn_.data() + end_,
            target);  // to the front: never onto what is still to be copied
  if (!grown.empty()) drawn_ = std::move(grown);
  used_ = 0;
  end_ = kept + fresh;
  fill_couplings(*disorder_, first_, fresh, drawn_.data() + kept, *run_);
  first_ += fresh;
}

namespace {

// A row of couplings to its places in a row of blocks; the length of a whole run is known, so it is a few instructions.
template <int block, class From, class To>
void pack_row(const From* row, std::int64_t count, To* blocks) {
  constexpr int area = block * block;
  for (; count >= block; count -= block, row += block, blocks += area)
    for (int c = 0; c < block; ++c) blocks[c] = To(row[c]);
  for (std::int64_t c = 0; c < count; ++c) blocks[c] = To(row[c]);
}

template <class From, class To>
void pack_row(int block, const From* row, std::int64_t count, To* blocks) {
  if (block == 16) pack_row<16>(row, count, blocks);
  else if (block == 8) pack_row<8>(row, count, blocks);
  else pack_row<4>(row, count, blocks);
}

}  // namespace

template <class From, class To>
void pack_block_rows(const SlabLayout& layout, std::int64_t bound, std::int64_t first, std::int64_t last,
                     PackedReader<From>& couplings, To* blocks) {
  const std::int64_t block = layout.block();
  const std::int64_t area = layout.area();
  for (std::int64_t j = first; j < last; ++j) {
    const std::int64_t width = layout.layered() ? layout.block_rows(bound) : j + 1;
    To* row_of_blocks = blocks + (layout.layered() ? j * width : j * width / 2) * area;
    To* diagonal = row_of_blocks + (width - 1) * area;
    // Padding: in the last block of each row of blocks, and in all of the last one.
    std::fill((j + 1) * block > bound ? row_of_blocks : diagonal, diagonal + area, To(0));
    for (std::int64_t i = j * block; i < std::min(bound, (j + 1) * block); ++i) {
      const std::int64_t r = i % block;
      const std::int64_t count = layout.layered() ? bound : i + 1;
      pack_row(layout.block(), couplings.read(count), count, row_of_blocks + r * block);
      if (layout.layered()) continue;
      for (std::int64_t c = 0; c < r; ++c) diagonal[c * block + r] = diagonal[r * block + c];
      diagonal[r * block + r] *= 2;
    }
  }
}

template <class Number>
void unpack_slab(const SlabLayout& layout, std::int64_t bound, const Number* blocks, double* packed) {
  const std::int64_t block = layout.block();
  for (std::int64_t i = 0; i < bound; ++i) {
    const std::int64_t j = i / block, r = i % block;
    const std::int64_t width = layout.layered() ? layout.block_rows(bound) : j + 1;
    const Number* row = blocks + (layout.layered() ? j * width : j * width / 2) * layout.area() + r * block;
    const std::int64_t count = layout.layered() ? bound : i + 1;
    for (std::int64_t k = 0; k < count; ++k) {
      const double value = row[k / block * layout.area() + k % block];
      *packed++ = !layout.layered() && k == i ? value / 2 : value;
    }
  }
}

namespace {

// reader_at(first, last): couplings of these public ranks.
template <class Number, class ReaderAt>
void store_all(CouplingStore& store, Number* blocks, const Run& run, const ReaderAt& reader_at) {
  const SlabLayout& layout = store.layout;
  if (layout.depth() == 0) {  // one slab: over its block rows
    const std::int64_t size = layout.shape().size, block = layout.block();
    parallel_for(run, layout.block_rows(size), [&](std::int64_t j) {
      const auto rank_of_row = [&](std::int64_t i) { return layout.layered() ? i * size : i * (i + 1) / 2; };
      auto reader = reader_at(rank_of_row(j * block), rank_of_row(std::min(size, (j + 1) * block)));
      pack_block_rows(layout, size, j, j + 1, reader, blocks);
    });
    return;
  }
  parallel_for(run, static_cast<std::int64_t>(store.chunks.size()), [&](std::int64_t item) {
    SlabCursor cursor = store.chunks[item].first;
    const bool last = item + 1 == static_cast<std::int64_t>(store.chunks.size());
    auto reader = reader_at(cursor.packed_offset(),
                            last ? layout.shape().entries() : store.chunks[item + 1].first.packed_offset());
    for (std::int64_t slab = 0; slab < store.chunks[item].slabs; ++slab, cursor.next()) {
      if (slab % 64 == 0 || cursor.bound() > 64) run.check();
      pack_block_rows(layout, cursor.bound(), 0, layout.block_rows(cursor.bound()), reader,
                      blocks + cursor.stored_offset());
    }
  });
}

}  // namespace

void store_packed(CouplingStore& store, const float* packed, const Run& run) {
  store.singles = AlignedBuffer<float>(store.layout.stored_size());
  store_all(store, store.singles.data(), run,
            [&](std::int64_t first, std::int64_t) { return PackedReader<float>(packed + first); });
}

void store_packed(CouplingStore& store, const double* packed, const Run& run) {
  store.doubles = AlignedBuffer<double>(store.layout.stored_size());
  store_all(store, store.doubles.data(), run,
            [&](std::int64_t first, std::int64_t) { return PackedReader<double>(packed + first); });
}

void store_sampled(CouplingStore& store, const Disorder& disorder, const Run& run) {
  store.singles = AlignedBuffer<float>(store.layout.stored_size());
  store_all(store, store.singles.data(), run,
            [&](std::int64_t first, std::int64_t last) { return PackedReader<float>(disorder, first, last, run); });
}

template <class Real>
bool SlabReader<Real>::needs_buffer() const {
  if (store_.regenerated) return true;
  const bool same = std::is_same_v<Real, float> ? !store_.singles.empty() : !store_.doubles.empty();
  return !same && !(streamed_ && !store_.singles.empty());
}

template <class Real>
bool SlabReader<Real>::keeps() const {
  return !store_.singles.empty() || (std::is_same_v<Real, double> && !store_.doubles.empty());
}

template <class Real>
void SlabReader<Real>::seek(const SlabCursor& cursor) {
  if (store_.regenerated)
    stream_.emplace(*store_.regenerated, cursor.packed_offset(), store_.layout.shape().entries(), run_);
}

template <class Real>
template <class Number>
void SlabReader<Real>::read_stored(const AlignedBuffer<Number>& stored, std::int64_t offset, std::int64_t size,
                                   Real* buffer, kernel::Slab<Real>& slab) const {
  if constexpr (std::is_same_v<Number, Real>) {
    slab.blocks = stored.data() + offset;
    slab.next = slab.blocks + size;
  } else {
    if constexpr (std::is_same_v<Number, float>)
      kernel::operations<Real>().convert_singles(buffer, stored.data() + offset, size);
    else kernel::operations<Real>().convert_doubles(buffer, stored.data() + offset, size);
    slab.blocks = buffer;
  }
}

template <class Real>
kernel::Slab<Real> SlabReader<Real>::read_into(const SlabCursor& cursor, Real* buffer) {
  const SlabLayout& layout = store_.layout;
  const std::int64_t rows = layout.block_rows(cursor.bound());
  kernel::Slab<Real> slab{nullptr, nullptr, buffer, rows, layout.block(), layout.layered()};
  const std::int64_t offset = cursor.stored_offset(), size = layout.slab_size(cursor.bound());
  if (store_.regenerated) {
    pack_block_rows(layout, cursor.bound(), 0, rows, *stream_, buffer);
    slab.blocks = buffer;
  } else if (!store_.doubles.empty()) {
    read_stored(store_.doubles, offset, size, buffer, slab);
  } else {
    if (std::is_same_v<Real, double>) slab.singles = store_.singles.data() + offset;
    if (!(streamed_ && slab.singles)) read_stored(store_.singles, offset, size, buffer, slab);
  }
  return slab;
}

template <class Real>
kernel::Slab<Real> SlabReader<Real>::read(const SlabCursor& cursor) {
  if (buffer_.empty() && needs_buffer())
    buffer_ = AlignedBuffer<Real>(store_.layout.slab_size(store_.layout.shape().size));
  return read_into(cursor, buffer_.data());
}

template class PackedReader<float>;
template class PackedReader<double>;
template class SlabReader<float>;
template class SlabReader<double>;
template void unpack_slab(const SlabLayout&, std::int64_t, const float*, double*);
template void unpack_slab(const SlabLayout&, std::int64_t, const double*, double*);

}  // namespace spinscape
