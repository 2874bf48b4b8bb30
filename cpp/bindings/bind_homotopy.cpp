#include <pybind11/complex.h>

#include <utility>

#include "bindings.hpp"
#include "spinscape/homotopy.hpp"

namespace spinscape::bindings {
namespace {

using Complex = std::complex<double>;

PolynomialOnSphere polynomial(std::int64_t n, const std::vector<std::pair<int, Array<double>>>& terms) {
  std::vector<PolynomialTerm> packed;
  for (const auto& [order, entries] : terms)
    packed.push_back({order, {entries.data(), entries.data() + entries.size()}});
  return {n, std::move(packed)};
}

py::dict ends(const PolynomialOnSphere& of, const Array<Complex>& start, Complex gamma, const Array<Complex>& chart,
              const std::vector<std::int64_t>& numbers, double accuracy, std::int64_t max_steps, int n_threads) {
  const HomotopyConstants constants{
      {start.data(), start.data() + start.size()}, gamma, {chart.data(), chart.data() + chart.size()}};
  std::vector<PathEnd> found;
  const Run run = make_run(n_threads);
  without_gil([&] { found = track_paths(of, constants, numbers, {accuracy, max_steps}, run); });
  py::array_t<Complex> s({static_cast<py::ssize_t>(found.size()), static_cast<py::ssize_t>(of.size())});
  std::fill_n(s.mutable_data(), s.size(), Complex(0));
  for (std::size_t k = 0; k < found.size(); ++k)
    std::copy(found[k].s.begin(), found[k].s.end(), s.mutable_data() + k * of.size());
  py::dict out;
  out["s"] = s;
  out["finished"] = column<bool>(found, [](const PathEnd& x) { return x.finished; });
  out["certified"] = column<bool>(found, [](const PathEnd& x) { return x.certified; });
  out["error"] = column<double>(found, [](const PathEnd& x) { return x.error; });
  out["real"] = column<bool>(found, [](const PathEnd& x) { return x.reality == Reality::real; });
  out["complex"] = column<bool>(found, [](const PathEnd& x) { return x.reality == Reality::complex; });
  return out;
}

}  // namespace

void bind_homotopy(py::module_& m) {
  py::class_<PolynomialOnSphere>(m, "PolynomialOnSphere")
      .def(py::init(&polynomial), py::arg("n"), py::arg("terms"))
      .def("paired", &PolynomialOnSphere::paired)
      .def("track_paths", &ends, py::arg("start"), py::arg("gamma"), py::arg("chart"), py::arg("numbers"),
           py::arg("accuracy"), py::arg("max_steps"), py::arg("n_threads"));
}

}  // namespace spinscape::bindings
