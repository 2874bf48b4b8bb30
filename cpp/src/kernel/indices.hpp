// Compile-time lists 0, 1, ..., n - 1, for shuffles (no standard header may be used here, see table.hpp).
#pragma once

namespace {

template <int... index>
struct Indices {};

template <int n, int... index>
struct Count : Count<n - 1, n - 1, index...> {};
template <int... index>
struct Count<0, index...> {
  static constexpr Indices<index...> indices() { return {}; }
};

}  // namespace
