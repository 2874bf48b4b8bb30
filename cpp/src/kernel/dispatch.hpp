// The kernels of the level in use.
#pragma once

#include "normals.hpp"
#include "table.hpp"

namespace spinscape::kernel {

const Table& table();
FillNormals fill_normals();

template <class Real>
const Operations<Real>& operations();
template <>
inline const Operations<float>& operations<float>() {
  return table().singles;
}
template <>
inline const Operations<double>& operations<double>() {
  return table().doubles;
}

}  // namespace spinscape::kernel
