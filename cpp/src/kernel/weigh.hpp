// Weighted sums of slabs, the part of a Hessian within the last two indices: h[e] += sum over slabs of s blocks[e].
//
// Every element is one chain of fused multiply-adds over the slabs, kept in registers, so nothing but couplings is
// read.
#pragma once

namespace {

// The couplings of a panel in arithmetic Real. Floats are widened in registers and put down on the stack, where each is
// broadcast from: a double copy of all slabs would cost more memory traffic than the sums cost arithmetic.
template <class Real, class Coupling, int elements>
inline __attribute__((always_inline)) const Real* panel_couplings(const Coupling* from, Real* widened) {
  if constexpr (sizeof(Coupling) == sizeof(Real)) return from;
  else {
    constexpr int lanes = Vector_lanes<Real>;
    for (int e = 0; e < elements; e += lanes)
      *reinterpret_cast<Vector<Real>*>(widened + e) = load_widened<Real, Coupling, lanes>(from + e);
    return widened;
  }
}

template <class Real, class Coupling, int elements, int vectors>
void weigh_panel(const Coupling* const* blocks, const Real* const* s, int64_t slabs, int64_t element, bool fresh,
                 Real* h) {
  auto out = reinterpret_cast<Vector<Real>*>(h) + element * vectors;
  Vector<Real> sum[elements][vectors];
  for (int e = 0; e < elements; ++e)
    for (int v = 0; v < vectors; ++v) sum[e][v] = fresh ? Vector<Real>{} : out[e * vectors + v];
  alignas(64) Real widened[elements];
  for (int64_t slab = 0; slab < slabs; ++slab) {
    // The panels after this one lie in the same slabs, right behind: too far apart for the hardware to foresee.
    __builtin_prefetch(blocks[slab] + element + 64 / sizeof(Coupling));
    const Real* coupling = panel_couplings<Real, Coupling, elements>(blocks[slab] + element, widened);
    auto scale = reinterpret_cast<const Vector<Real>*>(s[slab]);
#pragma GCC unroll 8
    for (int e = 0; e < elements; ++e)
#pragma GCC unroll 3
      for (int v = 0; v < vectors; ++v) sum[e][v] += coupling[e] * scale[v];
  }
  for (int e = 0; e < elements; ++e)
    for (int v = 0; v < vectors; ++v) out[e * vectors + v] = sum[e][v];
}

// In squares of elements and slabs: their sums stay in the second cache while the slabs pass, the factors of the slabs
// in the first. Without them a Hessian of N = 500 took twice the time.
template <class Real, class Coupling, int vectors>
void batched_weigh(const Coupling* const* blocks, const Real* const* s, int64_t slabs, int64_t first, int64_t last,
                   bool fresh, Real* h) {
  constexpr int64_t elements_a_square = 256, slabs_a_square = 64;
  for (int64_t start = first; start < last; start += elements_a_square) {
    const int64_t end = last < start + elements_a_square ? last : start + elements_a_square;
    int64_t slab = 0;
    do {
      const int64_t count = slabs - slab < slabs_a_square ? slabs - slab : slabs_a_square;
      for (int64_t element = start; element < end; element += max_panel_rows)
        weigh_panel<Real, Coupling, max_panel_rows, vectors>(blocks + slab, s + slab, count, element,
                                                             fresh && slab == 0, h);
      slab += count;
    } while (slab < slabs);
  }
}

// One replica: the lanes are elements.
template <class Real, class Coupling, int vectors>
void weigh_elements(const Coupling* const* blocks, const Real* const* s, int64_t slabs, int64_t element, bool fresh,
                    Real* h) {
  constexpr int lanes = Vector_lanes<Real>;
  auto out = reinterpret_cast<Vector<Real>*>(h + element);
  Vector<Real> sum[vectors];
  for (int v = 0; v < vectors; ++v) sum[v] = fresh ? Vector<Real>{} : out[v];
  for (int64_t slab = 0; slab < slabs; ++slab) {
    const Coupling* coupling = blocks[slab] + element;
#pragma GCC unroll 8
    for (int l = 0; l < vectors * lanes; l += 64 / int(sizeof(Coupling)))
      __builtin_prefetch(coupling + vectors * lanes + l);
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) sum[v] += load_widened<Real, Coupling, lanes>(coupling + v * lanes) * s[slab][0];
  }
  for (int v = 0; v < vectors; ++v) out[v] = sum[v];
}

template <class Real, class Coupling>
void single_weigh(const Coupling* const* blocks, const Real* const* s, int64_t slabs, int64_t first, int64_t last,
                  bool fresh, Real* h) {
  constexpr int lanes = Vector_lanes<Real>;
  int64_t element = first;
  for (; element + 8 * lanes <= last; element += 8 * lanes)
    weigh_elements<Real, Coupling, 8>(blocks, s, slabs, element, fresh, h);
  for (; element < last; element += lanes) weigh_elements<Real, Coupling, 1>(blocks, s, slabs, element, fresh, h);
}

}  // namespace
