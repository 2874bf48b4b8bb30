// Mini-batches of the tuples of a glass's couplings, and their gradients.
#pragma once

#include <cstdint>
#include <vector>

#include "spinscape/glass.hpp"
#include "spinscape/random_streams.hpp"

namespace spinscape {

// The tuples of one form in a shuffled order: after Fisher and Yates, entry j (from the last down) changes places with
// entry floor(word (j + 1) / 2^32), the word number j of draw `epoch` of the stream (seed, Purpose::order, subject),
// subject = order, + 256 where layered. Every epoch shuffles what the last one left.
class ShuffledTuples {
 public:
  explicit ShuffledTuples(const Form& form, double scale);

  void shuffle(std::uint64_t seed, std::uint32_t epoch);
  // The tuples of one of `batches` parts, in ascending rank.
  void choose(std::int64_t batch, std::int64_t batches);

  // Adds the chosen tuples' Euclidean gradients, times `weight`: points and gradients are (dimension, lanes).
  template <class Real, int lanes>
  void add_gradient(const Real* points, double weight, Real* gradients) const;

 private:
  FormShape shape_;
  double scale_;
  std::vector<double> values_;          // by rank
  std::vector<std::uint32_t> indices_;  // (entries, order): coordinates, by rank
  std::vector<std::uint32_t> ranks_;    // shuffled
  std::vector<std::uint32_t> chosen_;
};

class TupleBatches {
 public:
  TupleBatches(const Glass& glass, int batches, bool reshuffle, std::uint64_t seed);

  // Makes ready the batch of a turn; turns come in ascending order.
  void prepare(std::uint64_t turn);
  // Riemannian gradients of the batch at the points, times the number of batches; energies are set to 0.
  template <class Real>
  void riemannian_gradient(const Real* points, std::int64_t replicas, Real* energies, Real* gradients,
                           const Run& run) const;

 private:
  const Glass& glass_;
  int batches_;
  bool reshuffle_;
  std::uint64_t seed_, epoch_ = 0;
  std::vector<ShuffledTuples> forms_;
};

}  // namespace spinscape
