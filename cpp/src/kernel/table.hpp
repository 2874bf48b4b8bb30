// The door between the baseline code and the kernels compiled once per instruction-set level.
//
// A tile is a block of replicas laid out [position][lane], 64-byte aligned. Its lanes are a multiple of those of one
// SIMD vector, up to max_vectors of them (batched.hpp), or fewer than one vector has: 1, 2 or, but for hvp, 4
// (stream.hpp).
//
// Files of this folder that are compiled per level include no standard header that holds templates or inline functions:
// the linker keeps one copy of each of those for the whole library, and it could be one of the wrong level.
#pragma once

#include <stdint.h>

namespace spinscape::kernel {

inline constexpr int max_vectors =
    3;  // of one tile: 8 rows x 3 vectors of sums, 3 of w and a coupling fill 32 registers
inline constexpr int rows_per_sum = 4;  // rows whose terms of w.y are added up first, see docs/performance.md

// The couplings of the last two indices, all others fixed: a matrix S with F = 1/2 w.Sw on this slab, as block x block
// row-major blocks.
//     symmetric: the lower triangle of blocks, row after row; diagonal blocks full, their diagonal doubled
//     layered:   all block_rows^2 blocks of M, S = (0 M; M^T 0): the rows are the last layer but one
template <class Real>
struct Slab {
  const Real* blocks;    // null where only `singles` is given: few replicas read them in double
  const float* singles;  // the same slab as it is stored, where it is stored in float32 and Real is double
  const Real* next;      // memory to fetch ahead: where the slab after this one begins
  int64_t block_rows;
  int block;  // 4, 8 or 16
  bool layered;
};

template <class Real>
struct Operations {
  int lanes;  // of one SIMD vector

  // g += s y and q = 1/2 w.y with y = Sw. All pointers at the slab's first position; q, s: one number a lane.
  // scratch: one number a position of the slab, used by few replicas, for each.
  void (*gradient)(const Slab<Real>& slab, int lanes, const Real* w, const Real* s, Real* g, Real* q, Real* scratch);
  // The derivative of the same along (v, ds) beside it: with z = Sv, h += s z + ds y and dq = v.y. scratch: twice as
  // long.
  void (*hvp)(const Slab<Real>& slab, int lanes, const Real* w, const Real* v, const Real* s, const Real* ds, Real* g,
              Real* h, Real* q, Real* dq, Real* scratch);
  // h[e] += sum over slabs k of s[k] blocks[k][e] for the elements first <= e < last (multiples of 16) of the slabs'
  // blocks; s[k]: one number a lane (one, or whole vectors); h: [element][lane]. fresh: h holds nothing yet, the sums
  // begin with 0.
  void (*weigh)(const Real* const* blocks, const Real* const* s, int64_t slabs, int lanes, int64_t first, int64_t last,
                bool fresh, Real* h);
  // The same from float32 slabs.
  void (*weigh_singles)(const float* const* blocks, const Real* const* s, int64_t slabs, int lanes, int64_t first,
                        int64_t last, bool fresh, Real* h);

  // Elementwise, `count` numbers.
  void (*multiply)(Real* out, const Real* a, const Real* b, int64_t count);  // out = a b
  void (*multiply_add)(Real* out, const Real* a, const Real* b,
                       int64_t count);                   // out += a b, fused where the level can
  void (*add)(Real* out, const Real* a, int64_t count);  // out += a
  // out[k] += scale in[k] for `positions` k of one tile; scale: one number a lane.
  void (*add_scaled)(Real* out, const Real* scale, const Real* in, int64_t positions, int lanes);
  // Replicas from rows to lanes and back: lanes[k step + r] is rows[r stride + k], for k < count and r < replicas.
  void (*pack_lanes)(const Real* rows, int64_t stride, int64_t replicas, int64_t count, Real* lanes, int64_t step);
  void (*unpack_lanes)(const Real* lanes, int64_t step, int64_t replicas, int64_t count, Real* rows, int64_t stride);
  void (*convert_singles)(Real* out, const float* in, int64_t count);
  void (*convert_doubles)(Real* out, const double* in, int64_t count);

  // For benchmarks, see probes.hpp.
  Real (*probe_multiply_add)(int64_t rounds);
  Real (*probe_read)(const Real* from, int64_t count);
  int probe_flops;  // of one round
};

struct Table {
  Operations<float> singles;
  Operations<double> doubles;
};

}  // namespace spinscape::kernel
