#include "tiles.hpp"

#include <algorithm>

#include "kernel/dispatch.hpp"

namespace spinscape {
std::vector<Tile> plan_tiles(std::int64_t replicas, int lanes_of_a_vector, std::int64_t few, int widest) {
  std::vector<Tile> tiles;
  std::int64_t first = 0;
  if (replicas <= few && replicas < lanes_of_a_vector) {
    const std::int64_t width = std::min(widest, lanes_of_a_vector / 2);
    for (; first < replicas; first += width) {
      const std::int64_t count = std::min(width, replicas - first);
      tiles.push_back({first, count, count == 3 ? 4 : static_cast<int>(count)});  // there is no kernel for three
    }
    return tiles;
  }
  const std::int64_t vectors = (replicas + lanes_of_a_vector - 1) / lanes_of_a_vector;
  const std::int64_t count = (vectors + kernel::max_vectors - 1) / kernel::max_vectors;
  for (std::int64_t t = 0; t < count; ++t) {
    const int lanes = static_cast<int>(vectors / count + (t < vectors % count)) * lanes_of_a_vector;
    tiles.push_back({first, std::min<std::int64_t>(lanes, replicas - first), lanes});
    first += lanes;
  }
  return tiles;
}

std::vector<TileGroup> group_tiles(const std::vector<Tile>& tiles, std::int64_t bytes_a_tile, int threads) {
  // Wide enough to share what a slab costs, narrow enough for points and gradients to stay in a core's cache.
  constexpr std::int64_t cache = std::int64_t(1) << 20, widest = 8;
  const std::int64_t count = static_cast<std::int64_t>(tiles.size());
  const std::int64_t width = std::clamp(cache / bytes_a_tile, std::int64_t(1), widest);
  std::int64_t groups = (count + width - 1) / width;
  if (groups > 1) groups = std::min(count, (groups + threads - 1) / threads * threads);
  std::vector<TileGroup> result;
  for (std::int64_t g = 0; g < groups; ++g) result.push_back({g * count / groups, (g + 1) * count / groups});
  return result;
}

template <class Real>
void load_tile(const SlabLayout& layout, const Tile& tile, const Real* points, Real* out) {
  const std::int64_t dimension = layout.shape().dimension(), size = layout.shape().size;
  if (tile.lanes != tile.replicas || layout.padded() != size)
    std::fill(out, out + layout.positions() * tile.lanes, Real(0));
  for (std::int64_t layer = 0; layer * size < dimension; ++layer)
    kernel::operations<Real>().pack_lanes(points + tile.first * dimension + layer * size, dimension, tile.replicas,
                                          size, out + layer * layout.padded() * tile.lanes, tile.lanes);
}

template <class Real>
void store_tile(const SlabLayout& layout, const Tile& tile, const Real* in, Real* points) {
  const std::int64_t dimension = layout.shape().dimension(), size = layout.shape().size;
  for (std::int64_t layer = 0; layer * size < dimension; ++layer)
    kernel::operations<Real>().unpack_lanes(in + layer * layout.padded() * tile.lanes, tile.lanes, tile.replicas, size,
                                            points + tile.first * dimension + layer * size, dimension);
}

template void load_tile(const SlabLayout&, const Tile&, const float*, float*);
template void load_tile(const SlabLayout&, const Tile&, const double*, double*);
template void store_tile(const SlabLayout&, const Tile&, const float*, float*);
template void store_tile(const SlabLayout&, const Tile&, const double*, double*);

}  // namespace spinscape
