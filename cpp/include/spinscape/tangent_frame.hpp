// An orthonormal frame of the tangent space of a point, as one Householder reflector a sphere.
//
// The reflector I - v v^T maps the unit radial vector of its sphere to +-e_0, so its other size - 1 columns are an
// orthonormal basis of that sphere's tangent space. Restricting a matrix to the frame takes O(dimension^2) operations
// and removes the radial directions exactly: nothing is left that could be counted as a zero mode. Flat space needs no
// frame: nothing changes there, nor in a flat remainder.
#pragma once

#include <cstdint>
#include <vector>

#include "spinscape/domain.hpp"

namespace spinscape {

class TangentFrame {
 public:
  // w: (domain.dimension(),), every sphere's part non-zero; its length does not matter.
  TangentFrame(const Domain& domain, const double* w);

  // Dimension of the tangent space.
  std::int64_t dimension() const { return domain_.tangent_dimension(); }

  // Overwrites a symmetric matrix by its restriction: (D, D) before, contiguous (dimension, dimension) after.
  void restrict_matrix(double* matrix) const;
  // Coordinates of the tangent part of a vector of length D.
  void restrict_vector(const double* vector, double* coordinates) const;
  // The tangent vector of given coordinates.
  void lift(const double* coordinates, double* vector) const;

 private:
  void reflect(double* vector) const;

  Domain domain_;
  std::vector<double> reflectors_;  // v of every sphere, |v|^2 = 2
};

}  // namespace spinscape
