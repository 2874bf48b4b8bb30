// Replicas in tiles: [position][lane], the layout of the kernels (kernel/table.hpp).
#pragma once

#include <cstdint>
#include <vector>

#include "slabs.hpp"
#include "spinscape/aligned.hpp"

namespace spinscape {

struct Tile {
  std::int64_t first;     // replica in lane 0
  std::int64_t replicas;  // lanes in use; the others compute with zeros
  int lanes;              // see kernel/table.hpp
};

// Tiles of whole vectors and about equal width; up to `few` replicas, fewer than a vector has lanes, in tiles of up to
// `widest` lanes.
std::vector<Tile> plan_tiles(std::int64_t replicas, int lanes_of_a_vector, std::int64_t few, int widest);

// Tiles shared out to groups, each of which reads a slab once for all of its tiles.
struct TileGroup {
  std::int64_t first, last;
};
std::vector<TileGroup> group_tiles(const std::vector<Tile>& tiles, std::int64_t bytes_a_tile, int threads);

// Rows (replicas, dimension) to a tile and back. Padded positions and unused lanes are zero.
template <class Real>
void load_tile(const SlabLayout& layout, const Tile& tile, const Real* points, Real* out);
template <class Real>
void store_tile(const SlabLayout& layout, const Tile& tile, const Real* in, Real* points);

}  // namespace spinscape
