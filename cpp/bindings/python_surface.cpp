#include "python_surface.hpp"

#include <string>

namespace spinscape::bindings {
namespace {

void take(const char* method, const py::handle& answer, std::int64_t expected, double* out) {
  const auto values = py::array_t<double, py::array::c_style | py::array::forcecast>::ensure(answer);
  if (!values) throw py::error_already_set();
  if (values.size() != expected)
    throw std::invalid_argument(std::string("landscape: expected ") + std::to_string(expected) + " numbers from " +
                                method + ", got " + std::to_string(values.size()));
  std::copy_n(values.data(), expected, out);
}

}  // namespace

Array<double> PythonSurface::rows(const double* data, std::int64_t count) const {
  return Array<double>({count, dimension()}, data);
}

// Nobody's function is called with a block of no rows.
void PythonSurface::gradient_by(const char* method, const double* points, std::int64_t count, double* energies,
                                double* gradients) const {
  if (count == 0) return;
  const py::gil_scoped_acquire acquire;
  const py::tuple both = landscape_.attr(method)(rows(points, count));
  take(method, both[0], count, energies);
  take(method, both[1], count * dimension(), gradients);
}

void PythonSurface::product_by(const char* method, const double* points, const double* vectors, std::int64_t count,
                               double* products) const {
  if (count == 0) return;
  const py::gil_scoped_acquire acquire;
  take(method, landscape_.attr(method)(rows(points, count), rows(vectors, count)), count * dimension(), products);
}

void PythonSurface::gradient(const double* points, std::int64_t count, double* energies, double* gradients,
                             const Run&) const {
  gradient_by("energy_gradient", points, count, energies, gradients);
}

void PythonSurface::euclidean_gradient(const double* points, std::int64_t count, double* energies, double* gradients,
                                       const Run&) const {
  gradient_by("euclidean_energy_gradient", points, count, energies, gradients);
}

void PythonSurface::hvp(const double* points, const double* vectors, std::int64_t count, double* products,
                        const Run&) const {
  product_by("hvp", points, vectors, count, products);
}

void PythonSurface::euclidean_hvp(const double* points, const double* vectors, std::int64_t count, double* products,
                                  const Run&) const {
  product_by("euclidean_hvp", points, vectors, count, products);
}

void PythonSurface::hessian(const double* points, std::int64_t count, double* hessians, const Run&) const {
  if (count == 0) return;
  const py::gil_scoped_acquire acquire;
  take("hessian", landscape_.attr("hessian")(rows(points, count)), count * dimension() * dimension(), hessians);
}

}  // namespace spinscape::bindings
