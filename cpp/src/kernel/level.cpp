// The kernels at one instruction-set level. Compiled once per level with that level's flags, SPINSCAPE_TABLE naming the
// table and SPINSCAPE_VECTOR_BYTES the width of a vector. Everything but the table has internal linkage.
#include "table.hpp"

namespace {

using spinscape::kernel::Operations;
using spinscape::kernel::rows_per_sum;
using spinscape::kernel::Slab;

template <class Real, int count>
struct Lanes {
  typedef Real type __attribute__((vector_size(count * sizeof(Real)), may_alias));
};
template <class Real>
inline constexpr int Vector_lanes = SPINSCAPE_VECTOR_BYTES / int(sizeof(Real));
template <class Real>
using Vector = typename Lanes<Real, Vector_lanes<Real>>::type;

// `lanes` couplings, widened where they are stored in less than the arithmetic has.
template <class Real, class Coupling, int lanes>
inline __attribute__((always_inline)) typename Lanes<Real, lanes>::type load_widened(const Coupling* from) {
  typedef typename Lanes<Real, lanes>::type Row;
  typedef typename Lanes<Coupling, lanes>::type StoredRow;
  const StoredRow row = *reinterpret_cast<const StoredRow*>(from);
  if constexpr (sizeof(Coupling) == sizeof(Real)) return row;
#if defined(__AVX512F__)
  // __builtin_convertvector makes GCC take 512 bits apart: six instructions for this one.
  else if constexpr (lanes == 8) return Row(__builtin_ia32_cvtps2pd512_mask(row, Row{}, -1, 4));
#endif
  else return __builtin_convertvector(row, Row);
}

// Rows of a panel: as many sums as the registers hold (32 with AVX-512 and NEON, 16 before).
inline constexpr int max_panel_rows = SPINSCAPE_REGISTERS == 32 ? 8 : 4;
inline constexpr int probe_chains = max_panel_rows * spinscape::kernel::max_vectors;

}  // namespace

#include "batched.hpp"
#include "probes.hpp"
#include "stream.hpp"
#include "weigh.hpp"

namespace {

template <class Real, int block>
void gradient_of_block(const Slab<Real>& slab, int lanes, const Real* w, const Real* s, Real* g, Real* q) {
  constexpr int L = Vector_lanes<Real>;
  if (lanes == 3 * L) batched_gradient<Real, block, 3>(slab, w, s, g, q);
  else if (lanes == 2 * L) batched_gradient<Real, block, 2>(slab, w, s, g, q);
  else batched_gradient<Real, block, 1>(slab, w, s, g, q);
}

template <class Real>
void gradient(const Slab<Real>& slab, int lanes, const Real* w, const Real* s, Real* g, Real* q, Real* scratch) {
  if (lanes < Vector_lanes<Real>) few_gradient<Real>(slab, lanes, w, s, g, q, scratch);
  else if (slab.block == 16) gradient_of_block<Real, 16>(slab, lanes, w, s, g, q);
  else if (slab.block == 8) gradient_of_block<Real, 8>(slab, lanes, w, s, g, q);
  else gradient_of_block<Real, 4>(slab, lanes, w, s, g, q);
}

template <class Real, int block>
void hvp_of_block(const Slab<Real>& slab, int lanes, const Real* w, const Real* v, const Real* s, const Real* ds,
                  Real* g, Real* h, Real* q, Real* dq) {
  constexpr int L = Vector_lanes<Real>;
  if (lanes == 3 * L) batched_hvp<Real, block, 3>(slab, w, v, s, ds, g, h, q, dq);
  else if (lanes == 2 * L) batched_hvp<Real, block, 2>(slab, w, v, s, ds, g, h, q, dq);
  else batched_hvp<Real, block, 1>(slab, w, v, s, ds, g, h, q, dq);
}

template <class Real>
void hvp(const Slab<Real>& slab, int lanes, const Real* w, const Real* v, const Real* s, const Real* ds, Real* g,
         Real* h, Real* q, Real* dq, Real* scratch) {
  if (lanes < Vector_lanes<Real>) few_hvp<Real>(slab, lanes, w, v, s, ds, g, h, q, dq, scratch);
  else if (slab.block == 16) hvp_of_block<Real, 16>(slab, lanes, w, v, s, ds, g, h, q, dq);
  else if (slab.block == 8) hvp_of_block<Real, 8>(slab, lanes, w, v, s, ds, g, h, q, dq);
  else hvp_of_block<Real, 4>(slab, lanes, w, v, s, ds, g, h, q, dq);
}

template <class Real, class Coupling>
void weigh(const Coupling* const* blocks, const Real* const* s, int64_t slabs, int lanes, int64_t first, int64_t last,
           bool fresh, Real* h) {
  constexpr int L = Vector_lanes<Real>;
  if (lanes == 1) single_weigh<Real, Coupling>(blocks, s, slabs, first, last, fresh, h);
  else if (lanes == 3 * L) batched_weigh<Real, Coupling, 3>(blocks, s, slabs, first, last, fresh, h);
  else if (lanes == 2 * L) batched_weigh<Real, Coupling, 2>(blocks, s, slabs, first, last, fresh, h);
  else batched_weigh<Real, Coupling, 1>(blocks, s, slabs, first, last, fresh, h);
}

template <class Real>
void multiply(Real* out, const Real* a, const Real* b, int64_t count) {
  for (int64_t k = 0; k < count; ++k) out[k] = a[k] * b[k];
}

template <class Real>
void multiply_add(Real* out, const Real* a, const Real* b, int64_t count) {
  for (int64_t k = 0; k < count; ++k) out[k] += a[k] * b[k];
}

template <class Real>
void add(Real* out, const Real* a, int64_t count) {
  for (int64_t k = 0; k < count; ++k) out[k] += a[k];
}

template <class Real, int vectors>
void add_scaled_tile(Real* out, const Real* scale_, const Real* in, int64_t positions) {
  constexpr int lanes = Vector_lanes<Real>;
  Vector<Real> scale[vectors];
  for (int v = 0; v < vectors; ++v) scale[v] = *reinterpret_cast<const Vector<Real>*>(scale_ + v * lanes);
  for (int64_t k = 0; k < positions; ++k)
    for (int v = 0; v < vectors; ++v)
      *reinterpret_cast<Vector<Real>*>(out + (k * vectors + v) * lanes) +=
          scale[v] * *reinterpret_cast<const Vector<Real>*>(in + (k * vectors + v) * lanes);
}

template <class Real>
void add_scaled(Real* out, const Real* scale, const Real* in, int64_t positions, int lanes) {
  constexpr int L = Vector_lanes<Real>;
  if (lanes == 3 * L) add_scaled_tile<Real, 3>(out, scale, in, positions);
  else if (lanes == 2 * L) add_scaled_tile<Real, 2>(out, scale, in, positions);
  else if (lanes == L) add_scaled_tile<Real, 1>(out, scale, in, positions);
  else
    for (int64_t k = 0; k < positions; ++k)
      for (int l = 0; l < lanes; ++l) out[k * lanes + l] += scale[l] * in[k * lanes + l];
}

template <class Real, class Number>
void convert(Real* out, const Number* in, int64_t count) {
  for (int64_t k = 0; k < count; ++k) out[k] = Real(in[k]);
}

template <class Real>
constexpr Operations<Real> operations() {
  return {
      Vector_lanes<Real>,     &gradient<Real>,           &hvp<Real>,          &weigh<Real, Real>,
      &weigh<Real, float>,    &multiply<Real>,           &multiply_add<Real>, &add<Real>,
      &add_scaled<Real>,      &pack_lanes<Real>,         &unpack_lanes<Real>, &convert<Real, float>,
      &convert<Real, double>, &probe_multiply_add<Real>, &probe_read<Real>,   2 * probe_chains * Vector_lanes<Real>};
}

}  // namespace

extern "C" const spinscape::kernel::Table SPINSCAPE_TABLE;
extern "C" const spinscape::kernel::Table SPINSCAPE_TABLE = {operations<float>(), operations<double>()};
