// A landscape of Python's as a surface: its methods are called back with the GIL, one call at a time.
#pragma once

#include "bindings.hpp"
#include "spinscape/surface.hpp"

namespace spinscape::bindings {

// The landscape is what spinscape.landscape.as_landscape returns: every answer is a float64 array of the right shape.
class PythonSurface : public Surface {
 public:
  PythonSurface(py::object landscape, const Domain& domain, double energy_scale)
      : Surface(domain, energy_scale), landscape_(std::move(landscape)) {}
  std::int64_t cost() const override { return 0; }
  bool concurrent() const override { return false; }

  void gradient(const double* points, std::int64_t count, double* energies, double* gradients,
                const Run&) const override;
  void hvp(const double* points, const double* vectors, std::int64_t count, double* products,
           const Run&) const override;
  void hessian(const double* points, std::int64_t count, double* hessians, const Run&) const override;
  void euclidean_gradient(const double* points, std::int64_t count, double* energies, double* gradients,
                          const Run&) const override;
  void euclidean_hvp(const double* points, const double* vectors, std::int64_t count, double* products,
                     const Run&) const override;

 private:
  Array<double> rows(const double* data, std::int64_t count) const;
  void gradient_by(const char* method, const double* points, std::int64_t count, double* energies,
                   double* gradients) const;
  void product_by(const char* method, const double* points, const double* vectors, std::int64_t count,
                  double* products) const;

  py::object landscape_;
};

}  // namespace spinscape::bindings
