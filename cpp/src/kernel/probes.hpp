// What the machine can do at this level, for the benchmarks: fused multiply-adds that wait for nothing, and plain
// reading.
#pragma once

namespace {

// rounds x probe_chains independent vector multiply-adds.
template <class Real>
Real probe_multiply_add(int64_t rounds) {
  Vector<Real> sums[probe_chains] = {};
  Vector<Real> a = Vector<Real>{} + Real(1e-3), b = Vector<Real>{} + Real(0.999);
  __asm__ volatile("" : "+m"(a), "+m"(b));  // values the compiler cannot know
  const Vector<Real> x = a, y = b;
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 24
    for (int k = 0; k < probe_chains; ++k) sums[k] = sums[k] * y + x;
  }
  for (int k = 1; k < probe_chains; ++k) sums[0] += sums[k];
  return sums[0][0];
}

// Sum of count numbers (a multiple of 8 vectors) in free order.
template <class Real>
Real probe_read(const Real* from, int64_t count) {
  Vector<Real> sums[8] = {};
  auto next = reinterpret_cast<const Vector<Real>*>(from);
  for (int64_t k = 0; k < count / Vector_lanes<Real>; k += 8) {
#pragma GCC unroll 8
    for (int v = 0; v < 8; ++v) sums[v] += next[k + v];
  }
  for (int v = 1; v < 8; ++v) sums[0] += sums[v];
  return sums[0][0];
}

}  // namespace
