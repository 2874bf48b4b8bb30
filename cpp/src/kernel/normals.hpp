// The door to the normals of random_streams.hpp, compiled once per instruction-set level.
#pragma once

#include <stdint.h>

namespace spinscape::kernel {

inline constexpr int normal_blocks = 16;  // Philox blocks of one step: a vector of 32-bit words at the widest level

// Normals of Philox blocks first .. first + count - 1, four each, count a multiple of normal_blocks. Counter and key as
// in random_streams.hpp; the bits are those of its scalar functions, at every level: the file is compiled without
// contraction.
typedef void (*FillNormals)(uint64_t seed, uint32_t draw, uint32_t tag, uint64_t first, int64_t count, float* out);

}  // namespace spinscape::kernel
