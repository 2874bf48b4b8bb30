#include <string>

#include "bindings.hpp"
#include "python_surface.hpp"

namespace spinscape::bindings {

void bind_surface(py::module_& m) {
  py::class_<Domain>(m, "Domain")
      .def(py::init<const std::vector<std::int64_t>&, std::int64_t>(), py::arg("sizes"), py::arg("flat"))
      .def_property_readonly("dimension", &Domain::dimension)
      .def_property_readonly("tangent_dimension", &Domain::tangent_dimension);
  py::class_<Surface, std::shared_ptr<Surface>>(m, "Surface")
      .def_property_readonly("dimension", &Surface::dimension)
      .def_property_readonly("concurrent", &Surface::concurrent);
  py::class_<PythonSurface, Surface, std::shared_ptr<PythonSurface>>(m, "PythonSurface")
      .def(py::init<py::object, const Domain&, double>(), py::arg("landscape"), py::arg("domain"),
           py::arg("energy_scale"));
}

}  // namespace spinscape::bindings
