#include <memory>

#include "bindings.hpp"
#include "spinscape/glass.hpp"

namespace spinscape::bindings {
namespace {

template <class Real>
Array<Real> energy(const Glass& glass, const Array<Real>& points, int n_threads) {
  const py::ssize_t replicas = points.shape(0);
  Array<Real> out = empty<Real>({replicas});
  const Real* w = points.data();
  Real* e = out.mutable_data();
  const Run run = make_run(n_threads);
  without_gil([&] { glass.energy_gradient<Real>(w, replicas, e, nullptr, run); });
  return out;
}

template <class Real>
py::tuple energy_gradient(const Glass& glass, const Array<Real>& points, bool riemannian, int n_threads) {
  const py::ssize_t replicas = points.shape(0);
  Array<Real> energies = empty<Real>({replicas});
  Array<Real> gradients = empty<Real>({replicas, points.shape(1)});
  const Real* w = points.data();
  Real* e = energies.mutable_data();
  Real* g = gradients.mutable_data();
  const Run run = make_run(n_threads);
  without_gil([&] {
    if (riemannian) glass.riemannian_gradient(w, replicas, e, g, run);
    else glass.energy_gradient(w, replicas, e, g, run);
  });
  return py::make_tuple(energies, gradients);
}

template <class Real>
Array<Real> hvp(const Glass& glass, const Array<Real>& points, const Array<Real>& vectors, int n_threads) {
  Array<Real> out = empty<Real>({points.shape(0), points.shape(1)});
  const Real* w = points.data();
  const Real* v = vectors.data();
  Real* product = out.mutable_data();
  const Run run = make_run(n_threads);
  without_gil([&] { glass.riemannian_hvp(w, v, out.shape(0), product, run); });
  return out;
}

template <class Real>
Array<Real> hessian(const Glass& glass, const Array<Real>& points, int n_threads) {
  Array<Real> out = empty<Real>({points.shape(0), points.shape(1), points.shape(1)});
  const Real* w = points.data();
  Real* matrix = out.mutable_data();
  const Run run = make_run(n_threads);
  without_gil([&] { glass.riemannian_hessian(w, out.shape(0), matrix, run); });
  return out;
}

template <class Real>
void bind_evaluations(py::class_<Glass, Surface, std::shared_ptr<Glass>>& glass) {
  glass.def("energy", &energy<Real>, py::arg("points").noconvert(), py::arg("n_threads"))
      .def("energy_gradient", &energy_gradient<Real>, py::arg("points").noconvert(), py::arg("riemannian"),
           py::arg("n_threads"))
      .def("hvp", &hvp<Real>, py::arg("points").noconvert(), py::arg("vectors").noconvert(), py::arg("n_threads"))
      .def("hessian", &hessian<Real>, py::arg("points").noconvert(), py::arg("n_threads"));
}

}  // namespace

void bind_glass(py::module_& m) {
  py::class_<Glass, Surface, std::shared_ptr<Glass>> glass(m, "Glass");
  glass.def(py::init<std::int64_t, std::int64_t>(), py::arg("spheres"), py::arg("size"))
      .def(
          "add_form",
          [](Glass& self, std::shared_ptr<Form> form, double scale) { self.add_form(std::move(form), scale); },
          py::arg("form"), py::arg("scale"))
      .def("add_spike", &Glass::add_spike, py::arg("direction"), py::arg("strength"), py::arg("order"))
      .def_property_readonly("dimension", &Glass::dimension);
  bind_evaluations<float>(glass);
  bind_evaluations<double>(glass);
}

}  // namespace spinscape::bindings
