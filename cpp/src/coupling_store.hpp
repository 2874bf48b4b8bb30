// The couplings of a form in the blocks of slabs.hpp: stored, or regenerated slab by slab from their random stream.
#pragma once

#include <optional>
#include <vector>

#include "kernel/table.hpp"
#include "slabs.hpp"
#include "spinscape/aligned.hpp"

namespace spinscape {

struct CouplingStore {
  explicit CouplingStore(const FormShape& shape) : layout(shape), chunks(make_chunks(layout)) {}
  CouplingStore(const CouplingStore&) = delete;  // the chunks point at the layout
  CouplingStore& operator=(const CouplingStore&) = delete;

  SlabLayout layout;
  std::vector<Chunk> chunks;
  // Exactly one of the three holds the couplings.
  AlignedBuffer<float> singles;
  AlignedBuffer<double> doubles;
  std::optional<Disorder> regenerated;
};

// Consecutive couplings in public order, from an array or from their stream.
template <class Number>
class PackedReader {
 public:
  explicit PackedReader(const Number* packed) : next_(packed) {}
  PackedReader(const Disorder& disorder, std::int64_t first, std::int64_t last, const Run& run)
      : disorder_(&disorder), run_(&run), first_(first), last_(last) {}
  // The next `count` couplings; valid until the next call.
  const Number* read(std::int64_t count);

 private:
  void refill(std::int64_t count);

  const Number* next_ = nullptr;
  const Disorder* disorder_ = nullptr;
  const Run* run_ = nullptr;           // where there is a disorder
  std::int64_t first_ = 0, last_ = 0;  // of the stream, not drawn yet
  AlignedBuffer<float> drawn_;
  std::int64_t used_ = 0, end_ = 0;  // of what drawn_ holds
};

// Block rows first <= j < last of a slab, from the couplings of their rows in public order; and back.
template <class From, class To>
void pack_block_rows(const SlabLayout& layout, std::int64_t bound, std::int64_t first, std::int64_t last,
                     PackedReader<From>& couplings, To* blocks);
template <class Number>
void unpack_slab(const SlabLayout& layout, std::int64_t bound, const Number* blocks, double* packed);

// All couplings, filled in parallel.
void store_packed(CouplingStore& store, const float* packed, const Run& run);
void store_packed(CouplingStore& store, const double* packed, const Run& run);
void store_sampled(CouplingStore& store, const Disorder& disorder, const Run& run);

// Gives the kernels one slab after another, in arithmetic Real.
template <class Real>
class SlabReader {
 public:
  // streamed: for few replicas (walks.hpp), whose kernel reads float32 slabs in double arithmetic as they are stored.
  SlabReader(const CouplingStore& store, bool streamed, const Run& run)
      : store_(store), streamed_(streamed), run_(run) {}
  // The slab under the cursor. Slabs that are regenerated must be asked for in order, after seek().
  kernel::Slab<Real> read(const SlabCursor& cursor);
  void seek(const SlabCursor& cursor);
  // The same into memory of the caller, where it is not stored as Real already.
  kernel::Slab<Real> read_into(const SlabCursor& cursor, Real* buffer);
  bool needs_buffer() const;
  // Whether a slab stays readable after the next one was read: its singles, or else its blocks.
  bool keeps() const;

 private:
  template <class Number>
  void read_stored(const AlignedBuffer<Number>& stored, std::int64_t offset, std::int64_t size, Real* buffer,
                   kernel::Slab<Real>& slab) const;

  const CouplingStore& store_;
  bool streamed_;
  const Run& run_;
  AlignedBuffer<Real> buffer_;
  std::optional<PackedReader<float>> stream_;
};

}  // namespace spinscape
