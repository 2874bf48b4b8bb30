// One pass of many tiles over all slabs: how the work is cut into items, and in which order sums are formed.
//
// The sum over the slabs of a chunk is formed apart, the chunks are added in order: whatever the items are, the bits
// are the same. Items are groups of tiles that walk all chunks, or, where these are too few for the threads, (chunk,
// group).
#pragma once

#include <cstdint>
#include <vector>

#include "coupling_store.hpp"
#include "walks.hpp"

namespace spinscape {

// Asks for an interrupt after every few milliseconds of work.
class Patience {
 public:
  explicit Patience(const Run& run) : run_(run) {}
  void spend(std::int64_t multiplications) {
    constexpr std::int64_t limit = std::int64_t(1) << 23;
    if ((spent_ += multiplications) < limit) return;
    spent_ = 0;
    run_.check();
  }

 private:
  const Run& run_;
  std::int64_t spent_ = 0;
};

// Load: void(tile, Real* input); Finish: void(tile, const Real* results), each called once a tile.
template <class Walk, class Real, class Load, class Finish>
class Pass {
 public:
  Pass(const CouplingStore& store, std::vector<Tile> tiles, const Load& load, const Finish& finish, const Run& run)
      : store_(store), tiles_(std::move(tiles)), load_(load), finish_(finish), run_(run) {}

  void operator()() {
    if (tiles_.empty()) return;
    const std::int64_t bytes = (input_size(tiles_[0]) + 2 * result_size(tiles_[0])) * std::int64_t(sizeof(Real));
    groups_ = group_tiles(tiles_, bytes, run_.threads());
    if (run_.threads() == 1 || chunk_count() == 1 || balanced()) walk_groups();
    else walk_chunks();
  }

 private:
  std::int64_t chunk_count() const { return static_cast<std::int64_t>(store_.chunks.size()); }
  std::int64_t group_count() const { return static_cast<std::int64_t>(groups_.size()); }
  // Whether no thread that takes whole groups gets a tenth more than its share of the tiles. Sums apart for every chunk
  // would cost more (at N = 250 and 10 tiles on 2 threads a tenth of the time).
  bool balanced() const {
    const std::int64_t tiles = static_cast<std::int64_t>(tiles_.size()), threads = run_.threads();
    const std::int64_t rounds = (group_count() + threads - 1) / threads;
    const std::int64_t most = rounds * (tiles / group_count()) + std::min(rounds, tiles % group_count());
    return 10 * threads * most <= 11 * tiles;
  }
  std::int64_t block(const Tile& tile) const { return store_.layout.positions() * tile.lanes; }
  std::int64_t input_size(const Tile& tile) const { return Walk::inputs * block(tile); }
  std::int64_t result_size(const Tile& tile) const { return Walk::outputs * block(tile) + tile.lanes; }

  void walk_chunk(const Chunk& chunk, std::vector<Walk>& walks, const TileGroup& group, SlabReader<Real>& reader) {
    Patience patience(run_);
    SlabCursor cursor = chunk.first;
    reader.seek(cursor);
    for (std::int64_t k = 0; k < chunk.slabs; ++k, cursor.next()) {
      const kernel::Slab<Real> slab = reader.read(cursor);
      const int closing = k + 1 == chunk.slabs ? 0 : cursor.changes_next();
      const std::int64_t size = store_.layout.slab_size(cursor.bound());
      patience.spend(size);
      for (std::size_t t = 0; t < walks.size(); ++t) {
        walks[t].visit(cursor, slab, closing);
        patience.spend(size * tiles_[group.first + t].lanes);
      }
    }
    for (Walk& walk : walks) walk.end();
  }

  void walk_groups() {
    parallel_for(run_, group_count(), [&](std::int64_t g) {
      const TileGroup& group = groups_[g];
      std::vector<AlignedBuffer<Real>> inputs, sums, totals;
      std::vector<Walk> walks;
      for (std::int64_t t = group.first; t < group.last; ++t) {
        inputs.emplace_back(input_size(tiles_[t]));
        load_(tiles_[t], inputs.back().data());
        sums.emplace_back(result_size(tiles_[t]));
        if (chunk_count() > 1) totals.emplace_back(result_size(tiles_[t]));
        walks.emplace_back(store_.layout, tiles_[t], inputs.back().data());
      }
      SlabReader<Real> reader(store_, streamed<Real>(tiles_[group.first]), run_);
      for (std::int64_t c = 0; c < chunk_count(); ++c) {
        std::vector<AlignedBuffer<Real>>& target = c == 0 && chunk_count() > 1 ? totals : sums;
        for (std::size_t t = 0; t < walks.size(); ++t) walks[t].begin(target[t].data());
        walk_chunk(store_.chunks[c], walks, group, reader);
        for (std::size_t t = 0; c > 0 && t < walks.size(); ++t)
          kernel::operations<Real>().add(totals[t].data(), sums[t].data(), sums[t].size());
      }
      for (std::size_t t = 0; t < walks.size(); ++t)
        finish_(tiles_[group.first + t], (chunk_count() > 1 ? totals : sums)[t].data());
    });
  }

  // In waves of chunks, whose sums fit in a bounded memory.
  void walk_chunks() {
    std::vector<AlignedBuffer<Real>> inputs(tiles_.size()), totals(tiles_.size());
    std::int64_t numbers = 0;
    for (const Tile& tile : tiles_) numbers += result_size(tile);
    parallel_for(run_, static_cast<std::int64_t>(tiles_.size()), [&](std::int64_t t) {
      inputs[t] = AlignedBuffer<Real>(input_size(tiles_[t]));
      load_(tiles_[t], inputs[t].data());
    });
    constexpr std::int64_t memory = std::int64_t(1) << 26;
    const std::int64_t wave = std::clamp(memory / (numbers * std::int64_t(sizeof(Real))), std::int64_t(run_.threads()),
                                         std::max(chunk_count(), std::int64_t(run_.threads())));
    for (std::int64_t first = 0; first < chunk_count(); first += wave)
      walk_wave(first, std::min(first + wave, chunk_count()), inputs, totals);
  }

  void walk_wave(std::int64_t first, std::int64_t last, const std::vector<AlignedBuffer<Real>>& inputs,
                 std::vector<AlignedBuffer<Real>>& totals) {
    std::vector<std::vector<AlignedBuffer<Real>>> sums(last - first);
    for (auto& chunk : sums) chunk.resize(tiles_.size());
    parallel_for(run_, (last - first) * group_count(), [&](std::int64_t item) {
      const TileGroup& group = groups_[item % group_count()];
      auto& chunk_sums = sums[item / group_count()];
      std::vector<Walk> walks;
      for (std::int64_t t = group.first; t < group.last; ++t) {
        chunk_sums[t] = AlignedBuffer<Real>(result_size(tiles_[t]));
        walks.emplace_back(store_.layout, tiles_[t], inputs[t].data());
        walks.back().begin(chunk_sums[t].data());
      }
      SlabReader<Real> reader(store_, streamed<Real>(tiles_[group.first]), run_);
      walk_chunk(store_.chunks[first + item / group_count()], walks, group, reader);
    });
    parallel_for(run_, static_cast<std::int64_t>(tiles_.size()), [&](std::int64_t t) {
      std::size_t chunk = 0;
      if (first == 0) totals[t] = std::move(sums[chunk++][t]);
      for (; chunk < sums.size(); ++chunk)
        kernel::operations<Real>().add(totals[t].data(), sums[chunk][t].data(), totals[t].size());
      if (last == chunk_count()) finish_(tiles_[t], totals[t].data());
    });
  }

  const CouplingStore& store_;
  std::vector<Tile> tiles_;
  std::vector<TileGroup> groups_;
  const Load& load_;
  const Finish& finish_;
  const Run& run_;
};

template <template <class> class Walk, class Real, class Load, class Finish>
void run_pass(const CouplingStore& store, std::int64_t replicas, const Load& load, const Finish& finish,
              const Run& run) {
  const std::int64_t few = store.layout.block() == 4 ? 2 : 4;  // measured: more are faster as a vector
  std::vector<Tile> tiles = plan_tiles(replicas, kernel::operations<Real>().lanes, few, Walk<Real>::widest_stream);
  Pass<Walk<Real>, Real, Load, Finish> pass(store, std::move(tiles), load, finish, run);
  pass();
}

}  // namespace spinscape
