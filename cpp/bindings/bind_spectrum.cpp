#include <algorithm>
#include <vector>

#include "bindings.hpp"
#include "spinscape/hessian_index.hpp"
#include "spinscape/inertia.hpp"
#include "spinscape/lanczos.hpp"

namespace spinscape::bindings {
namespace {

py::dict columns(const std::vector<Inertia>& counts) {
  py::dict out;
  out["negative"] = column<std::int64_t>(counts, [](const Inertia& x) { return x.negative; });
  out["zero"] = column<std::int64_t>(counts, [](const Inertia& x) { return x.zero; });
  out["positive"] = column<std::int64_t>(counts, [](const Inertia& x) { return x.positive; });
  out["certified"] = column<bool>(counts, [](const Inertia& x) { return x.certified; });
  out["margin"] = column<double>(counts, [](const Inertia& x) { return x.margin; });
  return out;
}

py::dict columns(const std::vector<LanczosCount>& counts) {
  std::vector<Inertia> inertias;
  for (const LanczosCount& count : counts) inertias.push_back(count.inertia);
  py::dict out = columns(inertias);
  out["unresolved"] = column<std::int64_t>(counts, [](const LanczosCount& x) { return x.unresolved; });
  out["converged"] = column<bool>(counts, [](const LanczosCount& x) { return x.converged; });
  out["residual"] = column<double>(counts, [](const LanczosCount& x) { return x.residual; });
  out["asymmetry"] = column<double>(counts, [](const LanczosCount& x) { return x.asymmetry; });
  out["norm"] = column<double>(counts, [](const LanczosCount& x) { return x.norm; });
  out["products"] = column<std::int64_t>(counts, [](const LanczosCount& x) { return x.products; });
  out["runs"] = column<std::int64_t>(counts, [](const LanczosCount& x) { return x.runs; });
  return out;
}

py::dict matrix_index(const Array<double>& matrices, double zero_tol, InertiaMethod method, int n_threads) {
  const std::int64_t count = matrices.shape(0), n = matrices.shape(1);
  const double* data = matrices.data();
  std::vector<Inertia> counts(count);
  const Run run = make_run(n_threads);
  without_gil([&] {
    parallel_for(run, count, [&](std::int64_t r) {
      std::vector<double> work(data + r * n * n, data + (r + 1) * n * n);
      counts[r] = symmetric_inertia(work.data(), n, zero_tol, method, run);
    });
  });
  return columns(counts);
}

template <class Count>
py::dict columns(const IndexCounts<Count>& found) {
  py::dict out = columns(found.counts);
  out["excluded"] = column<double>(found.excluded);
  return out;
}

py::dict surface_index(const Surface& surface, const Array<double>& points, double zero_tol, InertiaMethod method,
                       const Exclusion& exclusion, std::int64_t tile, const py::object& progress, int n_threads) {
  const double* w = points.data();
  const std::int64_t replicas = points.shape(0);
  IndexCounts<Inertia> found;
  const auto finished = std::make_shared<std::atomic<std::int64_t>>(0);
  const Run run = reporting_run(n_threads, progress, finished, replicas);
  without_gil(
      [&] { found = count_index(surface, w, replicas, zero_tol, method, exclusion, tile, finished.get(), run); });
  return columns(found);
}

py::dict surface_lanczos(const Surface& surface, const Array<double>& points, double zero_tol,
                         const Exclusion& exclusion, const LanczosOptions& options, const py::object& progress,
                         int n_threads) {
  const double* w = points.data();
  const std::int64_t replicas = points.shape(0);
  IndexCounts<LanczosCount> found;
  const auto finished = std::make_shared<std::atomic<std::int64_t>>(0);
  const Run run = reporting_run(n_threads, progress, finished, replicas);
  without_gil([&] { found = lanczos_index(surface, w, replicas, zero_tol, exclusion, options, finished.get(), run); });
  return columns(found);
}

// Python's multiply(vectors) -> products, both (count, n) float64, as an operator of the core.
SymmetricOperator from_python(const py::function& multiply, std::int64_t n) {
  return [&multiply, n](const double* vectors, std::int64_t count, double* products) {
    const py::gil_scoped_acquire acquire;
    const Array<double> result = multiply(Array<double>({count, n}, vectors)).cast<Array<double>>();
    if (result.size() != count * n) throw std::invalid_argument("operator: its products have the wrong shape");
    std::copy_n(result.data(), count * n, products);
  };
}

SearchSpace space_without(const Array<double>& excluded) {
  return {excluded.shape(1), {excluded.data(), excluded.data() + excluded.size()}};
}

py::dict lanczos_from_python(const py::function& multiply, const Array<double>& excluded, double zero_tol,
                             const LanczosOptions& options) {
  const SearchSpace space = space_without(excluded);
  const SymmetricOperator apply = from_python(multiply, space.n);
  std::vector<LanczosCount> counts;
  const Run run = make_run(1);
  without_gil([&] { counts.push_back(lanczos_count(apply, space, zero_tol, options, run)); });
  return columns(counts);
}

py::dict extremes_from_python(const py::function& multiply, const Array<double>& excluded, std::int64_t count,
                              bool largest, double tolerance, const LanczosOptions& options) {
  const SearchSpace space = space_without(excluded);
  const SymmetricOperator apply = from_python(multiply, space.n);
  RitzPairs pairs;
  const Run run = make_run(1);
  without_gil([&] { pairs = extreme_eigenvalues(apply, space, count, largest, tolerance, options, run); });
  py::dict out;
  const py::ssize_t found = static_cast<py::ssize_t>(pairs.values.size());
  out["values"] = py::array_t<double>(found, pairs.values.data());
  out["residuals"] = py::array_t<double>(found, pairs.residuals.data());
  out["vectors"] = py::array_t<double>({found, static_cast<py::ssize_t>(space.n)}, pairs.vectors.data());
  out["converged"] = pairs.converged;
  out["asymmetry"] = pairs.asymmetry;
  out["norm"] = pairs.norm;
  out["products"] = pairs.products;
  out["runs"] = pairs.runs;
  return out;
}

}  // namespace

void bind_spectrum(py::module_& m) {
  py::native_enum<InertiaMethod>(m, "InertiaMethod", "enum.Enum")
      .value("tridiagonal", InertiaMethod::tridiagonal)
      .value("cholesky", InertiaMethod::cholesky)
      .finalize();
  py::class_<LanczosOptions>(m, "LanczosOptions")
      .def(py::init([](std::int64_t max_steps, std::int64_t block_size, std::uint64_t seed, double epsilon,
                       double norm) { return LanczosOptions{max_steps, block_size, seed, epsilon, norm}; }),
           py::arg("max_steps"), py::arg("block_size"), py::arg("seed"), py::arg("epsilon"), py::arg("norm") = 0.0);
  m.def("matrix_index", &matrix_index, py::arg("matrices").noconvert(), py::arg("zero_tol"), py::arg("method"),
        py::arg("n_threads"));
  m.def("surface_index", &surface_index, py::arg("surface"), py::arg("points").noconvert(), py::arg("zero_tol"),
        py::arg("method"), py::arg("exclusion"), py::arg("tile"), py::arg("progress"), py::arg("n_threads"));
  m.def("surface_lanczos", &surface_lanczos, py::arg("surface"), py::arg("points").noconvert(), py::arg("zero_tol"),
        py::arg("exclusion"), py::arg("options"), py::arg("progress"), py::arg("n_threads"));
  m.def("lanczos_count", &lanczos_from_python, py::arg("multiply"), py::arg("excluded").noconvert(),
        py::arg("zero_tol"), py::arg("options"));
  m.def("extreme_eigenvalues", &extremes_from_python, py::arg("multiply"), py::arg("excluded").noconvert(),
        py::arg("count"), py::arg("largest"), py::arg("tolerance"), py::arg("options"));
}

}  // namespace spinscape::bindings
