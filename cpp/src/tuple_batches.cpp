#include "tuple_batches.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "spinscape/symmetric_tensor.hpp"

namespace spinscape {
namespace {

// The tuple after this one: ascending indices in colexicographic order, or row-major order of the full tensor.
void next_tuple(const FormShape& shape, std::vector<std::int64_t>& tuple) {
  const int p = shape.order;
  if (shape.layered) {
    int k = p - 1;
    while (k > 0 && tuple[k] + 1 == shape.size) tuple[k--] = 0;
    ++tuple[k];
    return;
  }
  int k = 0;
  while (k + 1 < p && tuple[k] == tuple[k + 1]) ++k;
  ++tuple[k];
  std::fill(tuple.begin(), tuple.begin() + k, 0);
}

}  // namespace

ShuffledTuples::ShuffledTuples(const Form& form, double scale) : shape_(form.shape()), scale_(scale) {
  const std::int64_t entries = shape_.entries(), p = shape_.order;
  if (entries > std::numeric_limits<std::uint32_t>::max()) throw std::overflow_error("more than 2^32 tuples");
  values_.resize(entries);
  form.copy_packed(values_.data());
  indices_.resize(entries * p);
  std::vector<std::int64_t> tuple(p, 0);
  for (std::int64_t rank = 0; rank < entries; ++rank) {
    for (std::int64_t k = 0; k < p; ++k)
      indices_[rank * p + k] = static_cast<std::uint32_t>(tuple[k] + (shape_.layered ? k * shape_.size : 0));
    if (rank + 1 < entries) next_tuple(shape_, tuple);
  }
  ranks_.resize(entries);
  std::iota(ranks_.begin(), ranks_.end(), std::uint32_t(0));
}

void ShuffledTuples::shuffle(std::uint64_t seed, std::uint32_t epoch) {
  const std::uint32_t subject = static_cast<std::uint32_t>(shape_.order) | (shape_.layered ? 0x100u : 0u);
  const Stream stream{seed, Purpose::order, subject};
  Words words{};
  std::uint64_t held = std::numeric_limits<std::uint64_t>::max();
  for (std::uint64_t j = ranks_.size(); j-- > 1;) {
    if (j / 4 != held) words = stream.words(held = j / 4, epoch);
    std::swap(ranks_[j], ranks_[(words[j % 4] * (j + 1)) >> 32]);
  }
}

void ShuffledTuples::choose(std::int64_t batch, std::int64_t batches) {
  const std::int64_t entries = static_cast<std::int64_t>(ranks_.size());
  chosen_.assign(ranks_.begin() + entries * batch / batches, ranks_.begin() + entries * (batch + 1) / batches);
  std::sort(chosen_.begin(), chosen_.end());
}

template <class Real, int lanes>
void ShuffledTuples::add_gradient(const Real* points, double weight, Real* gradients) const {
  const int p = shape_.order;
  Real before[max_order + 1][lanes];  // products of the coordinates in front of a slot
  for (const std::uint32_t rank : chosen_) {
    const std::uint32_t* index = indices_.data() + std::int64_t(rank) * p;
    const Real coupling(weight * scale_ * values_[rank]);
    for (int lane = 0; lane < lanes; ++lane) before[0][lane] = coupling;
    for (int k = 0; k + 1 < p; ++k) {
      const Real* w = points + std::int64_t(index[k]) * lanes;
      for (int lane = 0; lane < lanes; ++lane) before[k + 1][lane] = before[k][lane] * w[lane];
    }
    Real behind[lanes];
    for (int lane = 0; lane < lanes; ++lane) behind[lane] = 1;
    for (int k = p - 1; k >= 0; --k) {
      const Real* w = points + std::int64_t(index[k]) * lanes;
      Real* g = gradients + std::int64_t(index[k]) * lanes;
      for (int lane = 0; lane < lanes; ++lane) g[lane] += before[k][lane] * behind[lane];
      for (int lane = 0; lane < lanes; ++lane) behind[lane] *= w[lane];
    }
  }
}

TupleBatches::TupleBatches(const Glass& glass, int batches, bool reshuffle, std::uint64_t seed)
    : glass_(glass), batches_(batches), reshuffle_(reshuffle), seed_(seed) {
  for (const Glass::WeightedForm& term : glass.forms()) {
    forms_.emplace_back(*term.form, term.scale);
    forms_.back().shuffle(seed, 0);
  }
}

void TupleBatches::prepare(std::uint64_t turn) {
  const std::uint64_t batches = static_cast<std::uint64_t>(batches_);
  while (reshuffle_ && epoch_ < turn / batches) {
    ++epoch_;
    for (ShuffledTuples& form : forms_) form.shuffle(seed_, static_cast<std::uint32_t>(epoch_));
  }
  for (ShuffledTuples& form : forms_) form.choose(static_cast<std::int64_t>(turn % batches), batches_);
}

template <class Real>
void TupleBatches::riemannian_gradient(const Real* points, std::int64_t replicas, Real* energies, Real* gradients,
                                       const Run& run) const {
  constexpr int lanes = 16;
  const std::int64_t n = glass_.dimension();
  parallel_for(run, (replicas + lanes - 1) / lanes, [&](std::int64_t item) {
    run.check();
    const std::int64_t first = item * lanes, count = std::min<std::int64_t>(lanes, replicas - first);
    std::vector<Real> across(n * lanes, Real(0)), sums(n * lanes, Real(0));
    for (std::int64_t r = 0; r < count; ++r)
      for (std::int64_t k = 0; k < n; ++k) across[k * lanes + r] = points[(first + r) * n + k];
    for (const ShuffledTuples& form : forms_)
      form.add_gradient<Real, lanes>(across.data(), double(batches_), sums.data());
    for (std::int64_t r = 0; r < count; ++r)
      for (std::int64_t k = 0; k < n; ++k) gradients[(first + r) * n + k] = sums[k * lanes + r];
  });
  glass_.add_spikes<Real>(points, replicas, nullptr, gradients);
  std::fill(energies, energies + replicas, Real(0));
  for (std::int64_t r = 0; r < replicas; ++r)
    project(glass_.domain(), points + r * n, gradients + r * n, gradients + r * n);
}

template void TupleBatches::riemannian_gradient(const float*, std::int64_t, float*, float*, const Run&) const;
template void TupleBatches::riemannian_gradient(const double*, std::int64_t, double*, double*, const Run&) const;

}  // namespace spinscape
