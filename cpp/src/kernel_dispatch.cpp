#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <stdexcept>

#include "kernel/dispatch.hpp"
#include "spinscape/aligned.hpp"
#include "spinscape/kernel.hpp"

#if defined(__x86_64__) && !defined(SPINSCAPE_BASE_LEVEL_ONLY)
#define SPINSCAPE_X86_LEVELS
#include <cpuid.h>
#endif

extern "C" {
#ifdef SPINSCAPE_X86_LEVELS
extern const spinscape::kernel::Table spinscape_kernel_v4;
extern const spinscape::kernel::Table spinscape_kernel_v3;
extern const spinscape::kernel::FillNormals spinscape_normals_v4;
extern const spinscape::kernel::FillNormals spinscape_normals_v3;
#endif
extern const spinscape::kernel::Table spinscape_kernel_base;
extern const spinscape::kernel::FillNormals spinscape_normals_base;
}

namespace spinscape {
namespace {

struct Level {
  const char* name;
  const kernel::Table* table;
  kernel::FillNormals fill_normals;
  bool supported;
};

#ifdef SPINSCAPE_X86_LEVELS

struct Registers {
  unsigned a = 0, b = 0, c = 0, d = 0;
};

Registers cpuid(unsigned leaf) {
  Registers r;
  __get_cpuid_count(leaf, 0, &r.a, &r.b, &r.c, &r.d);
  return r;
}

// Register files the operating system saves and restores: bits of XCR0.
unsigned saved_state() {
  constexpr unsigned osxsave = 1u << 27;
  if (!(cpuid(1).c & osxsave)) return 0;
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool has(unsigned flags, unsigned needed) { return (flags & needed) == needed; }

// x86-64-v3: AVX, AVX2, BMI1, BMI2, F16C, FMA, LZCNT, MOVBE.
bool runs_v3() {
  const Registers one = cpuid(1), seven = cpuid(7), extended = cpuid(0x80000001u);
  return has(saved_state(), 0x6) && has(one.c, 1u << 12 | 1u << 22 | 1u << 28 | 1u << 29) &&
         has(seven.b, 1u << 3 | 1u << 5 | 1u << 8) && has(extended.c, 1u << 5);
}

// x86-64-v4: v3 and AVX-512 F, DQ, CD, BW, VL.
bool runs_v4() {
  return runs_v3() && has(saved_state(), 0xe6) && has(cpuid(7).b, 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31);
}

#endif

std::vector<Level> levels() {
#ifdef SPINSCAPE_X86_LEVELS
  const std::vector<Level> all = {{"x86-64-v4", &spinscape_kernel_v4, spinscape_normals_v4, runs_v4()},
                                  {"x86-64-v3", &spinscape_kernel_v3, spinscape_normals_v3, runs_v3()},
                                  {"x86-64", &spinscape_kernel_base, spinscape_normals_base, true}};
#elif defined(__aarch64__)
  const std::vector<Level> all = {{"neon", &spinscape_kernel_base, spinscape_normals_base, true}};
#elif defined(__x86_64__)
  const std::vector<Level> all = {{"x86-64", &spinscape_kernel_base, spinscape_normals_base, true}};
#else
  const std::vector<Level> all = {{"baseline", &spinscape_kernel_base, spinscape_normals_base, true}};
#endif
  std::vector<Level> supported;
  for (const Level& level : all)
    if (level.supported) supported.push_back(level);
  return supported;
}

Level chosen_level() {
  const std::vector<Level> choices = levels();
  const char* wanted = std::getenv("SPINSCAPE_LEVEL");
  if (!wanted || !*wanted) return choices.front();
  std::string names;
  for (const Level& level : choices) {
    if (std::string(wanted) == level.name) return level;
    names += (names.empty() ? "" : ", ") + std::string(level.name);
  }
  throw std::invalid_argument("SPINSCAPE_LEVEL: expected one of " + names + ", got '" + wanted + "'");
}

const Level& level_in_use() {
  static const Level level = chosen_level();
  return level;
}

}  // namespace

std::vector<std::string> kernel_levels() {
  std::vector<std::string> names;
  for (const Level& level : levels()) names.emplace_back(level.name);
  return names;
}

std::string kernel_level() { return level_in_use().name; }

const kernel::Table& kernel::table() { return *level_in_use().table; }
kernel::FillNormals kernel::fill_normals() { return level_in_use().fill_normals; }

namespace {

// Processor time of this thread: what a busy machine takes away from it does not count.
double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

template <class Body>
double best_seconds(int repeats, const Body& body) {
  double best = 1e300;
  for (int k = 0; k < repeats; ++k) {
    const double start = thread_seconds();
    body();
    best = std::min(best, thread_seconds() - start);
  }
  return best;
}

template <class Real>
double peak(int repeats) {
  constexpr std::int64_t rounds = 1 << 16;
  volatile Real sink = 0;
  const auto& ops = kernel::operations<Real>();
  return double(rounds) * ops.probe_flops / best_seconds(repeats, [&] { sink = ops.probe_multiply_add(rounds); }) / 1e9;
}

}  // namespace

double probe_peak(bool single_precision, int repeats) {
  return single_precision ? peak<float>(repeats) : peak<double>(repeats);
}

double probe_read(std::int64_t bytes, int repeats) {
  AlignedBuffer<float> memory(std::max(bytes / 512, std::int64_t(1)) * 128);
  memory.fill(1);
  volatile float sink = 0;
  const auto& ops = kernel::operations<float>();
  return double(memory.size()) * 4 /
         best_seconds(repeats, [&] { sink = ops.probe_read(memory.data(), memory.size()); }) / 1e9;
}

}  // namespace spinscape
