// Uninitialised memory for SIMD: aligned to a cache line (to a large page where it is large).
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace spinscape {

template <class T>
class AlignedBuffer {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::int64_t size) : size_(size), data_(allocate(size)) {}

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::int64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& operator[](std::int64_t k) { return data_.get()[k]; }
  const T& operator[](std::int64_t k) const { return data_.get()[k]; }
  void fill(T value) { std::fill(data(), data() + size_, value); }

 private:
  struct Free {
    void operator()(T* memory) const { std::free(memory); }
  };

  static T* allocate(std::int64_t size) {
    constexpr std::size_t line = 64, page = std::size_t(2) << 20;
    std::size_t bytes = static_cast<std::size_t>(size) * sizeof(T);
    const std::size_t alignment = bytes >= 8 * page ? page : line;
    bytes = std::max((bytes + alignment - 1) / alignment, std::size_t(1)) * alignment;
    void* memory = std::aligned_alloc(alignment, bytes);
    if (!memory) throw std::bad_alloc();
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    // Large pages: a slab row of the Hessian's sums touches a new page every few couplings.
    if (alignment == page) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    return static_cast<T*>(memory);
  }

  std::int64_t size_ = 0;
  std::unique_ptr<T, Free> data_;
};

}  // namespace spinscape
