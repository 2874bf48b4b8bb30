// An orthonormal frame of the tangent space of a point, as one Householder reflector a sphere, less the span of some
// excluded directions, as one more reflector each.
//
// The reflector I - v v^T maps the unit radial vector of its sphere to +-e_0, so its other size - 1 columns are an
// orthonormal basis of that sphere's tangent space. Restricting a matrix to the frame takes O(dimension^2) operations
// a reflector and removes those directions exactly: nothing is left that could be counted as a zero mode. Flat space
// needs no frame: nothing changes there, nor in a flat remainder.
#pragma once

#include <cstdint>
#include <vector>

#include "spinscape/domain.hpp"

namespace spinscape {

class TangentFrame {
 public:
  // w: (domain.dimension(),), every sphere's part non-zero; its length does not matter. excluded: (count, D). What is
  // excluded is the span of their tangent parts: a direction whose tangent part is shorter than 1e-8 of the longest
  // direction is none, nor is one that lies in the span of others but for 1e-8 of its length.
  TangentFrame(const Domain& domain, const double* w, const double* excluded = nullptr, std::int64_t count = 0);

  // Of what is left of the tangent space.
  std::int64_t dimension() const { return domain_.tangent_dimension() - rank_; }
  // Of the span of the excluded directions.
  std::int64_t rank() const { return rank_; }

  // Overwrites a symmetric matrix by its restriction: (D, D) before, contiguous (dimension, dimension) after. Returns
  // the largest |A q| of the excluded basis vectors q, tangent parts only: 0 where they are null directions.
  double restrict_matrix(double* matrix) const;
  // Coordinates of the part of a vector of length D that lies in the frame.
  void restrict_vector(const double* vector, double* coordinates) const;
  // The vector of given coordinates.
  void lift(const double* coordinates, double* vector) const;
  // The part of a vector that lies in the frame, in place.
  void project(double* vector) const;
  // An orthonormal basis of the excluded directions, (rank, D).
  std::vector<double> excluded() const;

 private:
  void exclude(const double* directions, std::int64_t count);
  void reflect(double* vector) const;
  void to_tangent(const double* vector, double* coordinates) const;
  void from_tangent(const double* coordinates, double* vector) const;
  const double* reflector(std::int64_t k) const { return further_.data() + k * domain_.tangent_dimension(); }

  Domain domain_;
  std::vector<double> reflectors_;  // v of every sphere, |v|^2 = 2
  // Of the excluded directions, in coordinates of the tangent space: their product maps the span to the first `rank`.
  std::vector<double> further_;
  std::int64_t rank_ = 0;
};

}  // namespace spinscape
