// An energy surface as the searches for critical points see it: blocks of energies, gradients and Hessians at points of
// some spheres, or of flat space. A glass is one; so is whatever a caller outside the core offers.
#pragma once

#include <cstdint>

#include "spinscape/glass.hpp"
#include "spinscape/parallel.hpp"
#include "spinscape/sphere.hpp"

namespace spinscape {

class Surface {
 public:
  virtual ~Surface() = default;
  virtual const Spheres& spheres() const = 0;
  std::int64_t dimension() const { return spheres().dimension(); }

  // Riemannian throughout. points: (count, dimension).
  virtual void gradient(const double* points, std::int64_t count, double* energies, double* gradients,
                        const Run& run) const = 0;
  virtual void hvp(const double* points, const double* vectors, std::int64_t count, double* products,
                   const Run& run) const = 0;
  // Symmetric, zero along the radial directions. hessians: (count, dimension, dimension).
  virtual void hessian(const double* points, std::int64_t count, double* hessians, const Run& run) const = 0;
};

class GlassSurface : public Surface {
 public:
  explicit GlassSurface(const Glass& glass) : glass_(glass) {}
  const Spheres& spheres() const override { return glass_.spheres(); }
  void gradient(const double* points, std::int64_t count, double* energies, double* gradients,
                const Run& run) const override {
    glass_.riemannian_gradient(points, count, energies, gradients, run);
  }
  void hvp(const double* points, const double* vectors, std::int64_t count, double* products,
           const Run& run) const override {
    glass_.riemannian_hvp(points, vectors, count, products, run);
  }
  void hessian(const double* points, std::int64_t count, double* hessians, const Run& run) const override {
    glass_.riemannian_hessian(points, count, hessians, run);
  }

 private:
  const Glass& glass_;
};

}  // namespace spinscape
