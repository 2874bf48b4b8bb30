#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "bindings.hpp"
#include "spinscape/contraction.hpp"
#include "spinscape/random_streams.hpp"
#include "spinscape/symmetric_tensor.hpp"

namespace spinscape::bindings {
namespace {

template <class Real>
std::shared_ptr<Form> form_from_packed(const FormShape& shape, const Array<Real>& packed,
                                       std::optional<int> n_threads) {
  if (packed.size() != shape.entries())
    throw std::invalid_argument("packed: its length is not the number of couplings");
  const Run run = make_run(n_threads.value_or(default_threads()));
  const Real* data = packed.data();
  std::shared_ptr<Form> form;
  without_gil([&] { form = std::make_shared<Form>(shape, data, run); });
  return form;
}

std::shared_ptr<Form> sampled_form(const FormShape& shape, const Disorder& disorder, int n_threads, bool stored) {
  const Run run = make_run(n_threads);
  std::shared_ptr<Form> form;
  without_gil(
      [&] { form = std::make_shared<Form>(shape, disorder, run, stored ? Storage::stored : Storage::regenerated); });
  return form;
}

template <class Real>
py::tuple energy_gradient(const Form& form, const Array<Real>& points, int n_threads) {
  Array<Real> energies = empty<Real>({points.shape(0)});
  Array<Real> gradients = empty<Real>({points.shape(0), points.shape(1)});
  const Run run = make_run(n_threads);
  const Real* w = points.data();
  Real* e = energies.mutable_data();
  Real* g = gradients.mutable_data();
  without_gil([&] { form.energy_gradient(w, energies.shape(0), e, g, run); });
  return py::make_tuple(energies, gradients);
}

template <class Real>
py::tuple hvp(const Form& form, const Array<Real>& points, const Array<Real>& vectors, int n_threads) {
  Array<Real> gradients = empty<Real>({points.shape(0), points.shape(1)});
  Array<Real> products = empty<Real>({points.shape(0), points.shape(1)});
  const Run run = make_run(n_threads);
  const Real* w = points.data();
  const Real* v = vectors.data();
  Real* g = gradients.mutable_data();
  Real* h = products.mutable_data();
  without_gil([&] { form.hvp(w, v, gradients.shape(0), g, h, run); });
  return py::make_tuple(gradients, products);
}

template <class Real>
py::tuple hessian(const Form& form, const Array<Real>& points, int n_threads) {
  Array<Real> gradients = empty<Real>({points.shape(0), points.shape(1)});
  Array<Real> matrices = empty<Real>({points.shape(0), points.shape(1), points.shape(1)});
  const Run run = make_run(n_threads);
  const Real* w = points.data();
  Real* g = gradients.mutable_data();
  Real* h = matrices.mutable_data();
  without_gil([&] { form.hessian(w, gradients.shape(0), g, h, run); });
  return py::make_tuple(gradients, matrices);
}

// The bare forms, for the tests of the kernels; a Glass scales, adds and projects them.
template <class Real>
void bind_evaluations(py::class_<Form, std::shared_ptr<Form>>& form) {
  form.def("energy_gradient", &energy_gradient<Real>, py::arg("points").noconvert(), py::arg("n_threads"))
      .def("hvp", &hvp<Real>, py::arg("points").noconvert(), py::arg("vectors").noconvert(), py::arg("n_threads"))
      .def("hessian", &hessian<Real>, py::arg("points").noconvert(), py::arg("n_threads"));
}

Array<float> couplings_at(const Disorder& disorder, std::int64_t first, std::int64_t count) {
  Array<float> out = empty<float>({count});
  float* data = out.mutable_data();
  const Run run = make_run(1);
  without_gil([&] { fill_couplings(disorder, first, count, data, run); });
  return out;
}

Array<float> normals(std::uint64_t seed, Purpose purpose, std::uint32_t subject, std::uint32_t draw,
                     std::uint64_t first, std::int64_t count) {
  constexpr std::int64_t step = std::int64_t(1) << 20;
  Array<float> out = empty<float>({count});
  float* data = out.mutable_data();
  const Run run = make_run(1);
  without_gil([&] {
    for (std::int64_t done = 0; done < count; done += step) {
      run.check();
      fill_normals({seed, purpose, subject}, draw, first + done, std::min(step, count - done), data + done);
    }
  });
  return out;
}

std::int64_t rank_of(const std::vector<std::int64_t>& indices) {
  return packed_rank(indices.data(), static_cast<int>(indices.size()));
}

std::vector<std::int64_t> unrank(std::int64_t rank, int order) {
  std::vector<std::int64_t> indices(order);
  packed_unrank(rank, order, indices.data());
  return indices;
}

}  // namespace

void bind_couplings(py::module_& m) {
  py::native_enum<Purpose>(m, "Purpose", "enum.Enum")
      .value("couplings", Purpose::couplings)
      .value("points", Purpose::points)
      .value("parts", Purpose::parts)
      .value("order", Purpose::order)
      .value("starts", Purpose::starts)
      .value("thermal", Purpose::thermal)
      .value("homotopy", Purpose::homotopy)
      .finalize();
  py::native_enum<LawKind>(m, "LawKind", "enum.Enum")
      .value("gaussian", LawKind::gaussian)
      .value("rademacher", LawKind::rademacher)
      .value("uniform", LawKind::uniform)
      .value("exponential", LawKind::exponential)
      .value("student_t", LawKind::student_t)
      .finalize();
  py::class_<FormShape>(m, "FormShape")
      .def(py::init([](int order, std::int64_t size, bool layered) { return FormShape{order, size, layered}; }),
           py::arg("order"), py::arg("size"), py::arg("layered") = false)
      .def_readonly("order", &FormShape::order)
      .def_readonly("size", &FormShape::size)
      .def_readonly("layered", &FormShape::layered)
      .def("dimension", &FormShape::dimension)
      .def("entries", &FormShape::entries);
  py::class_<Disorder>(m, "Disorder")
      .def(py::init([](LawKind law, double nu, std::uint64_t seed, int order, bool layered) {
             return Disorder{{law, nu}, seed, order, layered};
           }),
           py::arg("law"), py::arg("nu"), py::arg("seed"), py::arg("order"), py::arg("layered") = false);
  py::class_<Form, std::shared_ptr<Form>> form(m, "Form");
  form.def_static("from_packed", &form_from_packed<float>, py::arg("shape"), py::arg("packed").noconvert(),
                  py::arg("n_threads") = py::none())
      .def_static("from_packed", &form_from_packed<double>, py::arg("shape"), py::arg("packed").noconvert(),
                  py::arg("n_threads") = py::none())
      .def_static("sampled", &sampled_form, py::arg("shape"), py::arg("disorder"), py::arg("n_threads"),
                  py::arg("stored") = true)
      .def_static("bytes_needed", &Form::bytes_needed, py::arg("shape"), py::arg("single_precision"))
      .def_property_readonly("shape", &Form::shape)
      .def_property_readonly("bytes", &Form::bytes)
      .def_property_readonly("stored", [](const Form& self) { return self.storage() == Storage::stored; })
      .def_property_readonly("single_precision", &Form::single_precision)
      .def("packed", [](const Form& self) {
        Array<double> out = empty<double>({self.shape().entries()});
        double* data = out.mutable_data();
        const Run run = make_run(1);
        without_gil([&] { self.copy_packed(data, run); });
        return out;
      });
  bind_evaluations<float>(form);
  bind_evaluations<double>(form);
  m.def("couplings_at", &couplings_at, py::arg("disorder"), py::arg("first"), py::arg("count"));
  m.def("normals", &normals, py::arg("seed"), py::arg("purpose"), py::arg("subject"), py::arg("draw"), py::arg("first"),
        py::arg("count"));
  m.def("philox4x32", &philox4x32, py::arg("counter"), py::arg("key"));
  m.def("packed_rank", &rank_of, py::arg("indices"));
  m.def("packed_unrank", &unrank, py::arg("rank"), py::arg("order"));
  m.def("packed_size", &packed_size, py::arg("order"), py::arg("size"));
  m.def(
      "multiplicity",
      [](const std::vector<std::int64_t>& indices) {
        return multiplicity(indices.data(), static_cast<int>(indices.size()));
      },
      py::arg("indices"));
  m.attr("max_order") = max_order;
}

}  // namespace spinscape::bindings
