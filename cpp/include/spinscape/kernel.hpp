// Which instruction-set level the contraction kernels run at.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace spinscape {

// Levels of this build that this machine can run, best first: "x86-64-v4", "x86-64-v3", "x86-64"; elsewhere one, named
// after its vector unit. The levels with fused multiply-add give the same bits.
std::vector<std::string> kernel_levels();

// The level in use: the best one, or the one the environment variable SPINSCAPE_LEVEL names (read once, at first use).
// std::invalid_argument where it names none of kernel_levels().
std::string kernel_level();

// Rates of one thread at the level in use, for benchmarks: 1e9 floating-point operations per second of independent
// fused multiply-adds, and 1e9 bytes per second of reading `bytes` of memory over and over; best of `repeats`.
double probe_peak(bool single_precision, int repeats);
double probe_read(std::int64_t bytes, int repeats);

}  // namespace spinscape
