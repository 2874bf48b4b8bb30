// The packed order of a symmetric tensor of order p in N variables.
//
// The independent entries are those with i1 <= i2 <= ... <= ip, indices from 0. Their rank is colexicographic,
//
//     rank(i1..ip) = C(i1, 1) + C(i2 + 1, 2) + ... + C(ip + p - 1, p),
//
// so the entries with all indices below N are exactly the first C(N + p - 1, p) ranks: a rank does not depend on N.
// For fixed outer indices (i3 <= ... <= ip) the entries form one contiguous packed lower triangle over i1 <= i2 <= i3.
// All sizes are 64-bit and checked: what does not fit throws std::overflow_error.
#pragma once

#include <cstdint>
#include <vector>

namespace spinscape {

inline constexpr int max_order = 20;  // 20! is the largest factorial in 64 bits

// C(n, k); std::overflow_error past 2^63 - 1.
std::int64_t binomial(std::int64_t n, std::int64_t k);

// Number of packed entries C(N + p - 1, p).
std::int64_t packed_size(int order, std::int64_t size);

// Rank of ascending indices.
std::int64_t packed_rank(const std::int64_t* indices, int order);

// The ascending indices of a rank.
void packed_unrank(std::int64_t rank, int order, std::int64_t* indices);

// Number of distinct orderings p! / prod(m_j!) of ascending indices with multiplicities m_j.
std::int64_t multiplicity(const std::int64_t* indices, int order);

// base^order, checked.
std::int64_t checked_power(std::int64_t base, int order);

}  // namespace spinscape
