#include "spinscape/symmetric_tensor.hpp"

#include <algorithm>
#include <stdexcept>

namespace spinscape {
namespace {

[[noreturn]] void throw_overflow() { throw std::overflow_error("a tensor size exceeds 64 bits"); }

std::int64_t checked_product(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) throw_overflow();
  return product;
}

std::int64_t checked_sum(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) throw_overflow();
  return sum;
}

__extension__ typedef __int128 Wide;

// C(n, k), or 2^63 - 1 where that is exceeded.
std::int64_t saturating_binomial(std::int64_t n, std::int64_t k) {
  if (k < 0 || n < k) return 0;
  k = std::min(k, n - k);
  Wide value = 1;
  for (std::int64_t j = 1; j <= k; ++j) {
    value = value * (n - k + j) / j;  // exact: a product of j consecutive integers is divisible by j!
    if (value >= INT64_MAX) return INT64_MAX;
  }
  return static_cast<std::int64_t>(value);
}

// The largest n with C(n, k) <= rank.
std::int64_t largest_with_binomial_at_most(std::int64_t rank, int k) {
  std::int64_t low = k - 1;  // C(k - 1, k) = 0
  std::int64_t high = k;
  while (saturating_binomial(high, k) <= rank) {
    low = high;
    high = high < INT64_MAX / 2 ? 2 * high : INT64_MAX;
    if (low == high) return low;
  }
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (saturating_binomial(middle, k) <= rank ? low : high) = middle;
  }
  return low;
}

}  // namespace

std::int64_t binomial(std::int64_t n, std::int64_t k) {
  const std::int64_t value = saturating_binomial(n, k);
  if (value == INT64_MAX) throw_overflow();
  return value;
}

std::int64_t packed_size(int order, std::int64_t size) { return binomial(checked_sum(size, order - 1), order); }

std::int64_t packed_rank(const std::int64_t* indices, int order) {
  std::int64_t rank = 0;
  for (int k = 0; k < order; ++k) rank = checked_sum(rank, binomial(checked_sum(indices[k], k), k + 1));
  return rank;
}

void packed_unrank(std::int64_t rank, int order, std::int64_t* indices) {
  for (int k = order; k >= 1; --k) {
    const std::int64_t n = largest_with_binomial_at_most(rank, k);
    indices[k - 1] = n - (k - 1);
    rank -= binomial(n, k);
  }
}

std::int64_t multiplicity(const std::int64_t* indices, int order) {
  std::int64_t count = 1;
  std::int64_t repeat = 0;
  for (int k = 0; k < order; ++k) {
    repeat = (k > 0 && indices[k] == indices[k - 1]) ? repeat + 1 : 1;
    count = count * (k + 1) / repeat;  // exact: the number of orderings of the first k + 1 indices
  }
  return count;
}

std::int64_t checked_power(std::int64_t base, int order) {
  std::int64_t value = 1;
  for (int k = 0; k < order; ++k) value = checked_product(value, base);
  return value;
}

}  // namespace spinscape
