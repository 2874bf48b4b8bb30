#include "spinscape/contraction.hpp"

#include "coupling_store.hpp"
#include "passes.hpp"

namespace spinscape {

std::int64_t FormShape::entries() const { return layered ? checked_power(size, order) : packed_size(order, size); }

Form::Form(const FormShape& shape, const float* packed, const Run& run)
    : shape_(shape), store_(std::make_shared<CouplingStore>(shape)) {
  store_packed(*store_, packed, run);
}

Form::Form(const FormShape& shape, const double* packed, const Run& run)
    : shape_(shape), store_(std::make_shared<CouplingStore>(shape)) {
  store_packed(*store_, packed, run);
}

Form::Form(const FormShape& shape, const Disorder& disorder, const Run& run, Storage storage)
    : shape_(shape), store_(std::make_shared<CouplingStore>(shape)) {
  if (storage == Storage::regenerated) store_->regenerated = disorder;
  else store_sampled(*store_, disorder, run);
}

bool Form::single_precision() const { return store_->doubles.empty(); }
Storage Form::storage() const { return store_->regenerated ? Storage::regenerated : Storage::stored; }

std::int64_t Form::bytes_needed(const FormShape& shape, bool single_precision) {
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(SlabLayout(shape).stored_size(), single_precision ? 4 : 8, &bytes))
    throw std::overflow_error("a tensor size exceeds 64 bits");
  return bytes;
}

std::int64_t Form::bytes() const { return 4 * store_->singles.size() + 8 * store_->doubles.size(); }

void Form::copy_packed(double* out, const Run& run) const {
  SlabReader<double> reader(*store_, true, run);
  SlabCursor cursor(store_->layout);
  reader.seek(cursor);
  for (bool last = false; !last; cursor.next()) {
    last = cursor.changes_next() < 0;
    run.check();
    const kernel::Slab<double> slab = reader.read(cursor);
    if (slab.blocks) unpack_slab(store_->layout, cursor.bound(), slab.blocks, out + cursor.packed_offset());
    else unpack_slab(store_->layout, cursor.bound(), slab.singles, out + cursor.packed_offset());
  }
}

template <class Real>
void Form::energy_gradient(const Real* points, std::int64_t replicas, Real* energy, Real* gradient,
                           const Run& run) const {
  const SlabLayout& layout = store_->layout;
  const auto load = [&](const Tile& tile, Real* input) { load_tile(layout, tile, points, input); };
  const auto finish = [&](const Tile& tile, const Real* results) {
    if (gradient) store_tile(layout, tile, results, gradient);
    std::copy_n(results + layout.positions() * tile.lanes, tile.replicas, energy + tile.first);
  };
  run_pass<GradientWalk, Real>(*store_, replicas, load, finish, run);
}

template <class Real>
void Form::hvp(const Real* points, const Real* vectors, std::int64_t replicas, Real* gradient, Real* product,
               const Run& run) const {
  const SlabLayout& layout = store_->layout;
  const auto load = [&](const Tile& tile, Real* input) {
    load_tile(layout, tile, points, input);
    load_tile(layout, tile, vectors, input + layout.positions() * tile.lanes);
  };
  const auto finish = [&](const Tile& tile, const Real* results) {
    store_tile(layout, tile, results, gradient);
    store_tile(layout, tile, results + layout.positions() * tile.lanes, product);
  };
  run_pass<HvpWalk, Real>(*store_, replicas, load, finish, run);
}

#define SPINSCAPE_INSTANTIATE(Real)                                                               \
  template void Form::energy_gradient(const Real*, std::int64_t, Real*, Real*, const Run&) const; \
  template void Form::hvp(const Real*, const Real*, std::int64_t, Real*, Real*, const Run&) const;
SPINSCAPE_INSTANTIATE(float)
SPINSCAPE_INSTANTIATE(double)
#undef SPINSCAPE_INSTANTIATE

}  // namespace spinscape
