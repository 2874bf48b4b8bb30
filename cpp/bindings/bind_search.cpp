#include <algorithm>

#include "bindings.hpp"
#include "spinscape/refinement.hpp"
#include "spinscape/saddle_search.hpp"
#include "spinscape/surface.hpp"

namespace spinscape::bindings {
namespace {

Array<double> copied(const Array<double>& points) {
  Array<double> copy = empty<double>({points.shape(0), points.shape(1)});
  std::copy_n(points.data(), points.size(), copy.mutable_data());
  return copy;
}

py::dict refine_points(const Surface& surface, const Array<double>& starts, const Exclusion& exclusion,
                       const RefineOptions& options, const py::object& progress, int n_threads) {
  const Array<double> points = copied(starts);
  double* w = const_cast<double*>(points.data());
  Refined refined;
  const auto finished = std::make_shared<std::atomic<std::int64_t>>(0);
  const Run run = reporting_run(n_threads, progress, finished, starts.shape(0));
  without_gil([&] { refined = refine(surface, w, starts.shape(0), exclusion, options, finished.get(), run); });
  py::dict out;
  out["points"] = points;
  out["energy"] = column<double>(refined.energy);
  out["gradient_norm"] = column<double>(refined.gradient_norm);
  out["steps"] = column<std::int64_t>(refined.steps);
  out["stop"] = column<int>(refined.stop);
  return out;
}

py::dict move_points(const Surface& surface, const Array<double>& starts, const Array<double>& targets,
                     const Exclusion& exclusion, const LevelOptions& options, int n_threads) {
  const Array<double> points = copied(starts);
  double* w = const_cast<double*>(points.data());
  const double* energies = targets.data();
  std::vector<char> arrived;
  const Run run = make_run(n_threads);
  without_gil([&] { arrived = move_to_energy(surface, w, starts.shape(0), energies, exclusion, options, run); });
  py::dict out;
  out["points"] = points;
  out["arrived"] = column<bool>(arrived);
  return out;
}

py::dict follow_points(const Surface& surface, const Array<double>& starts, const Array<std::int64_t>& index,
                       const Exclusion& exclusion, const FollowOptions& options, const py::object& progress,
                       int n_threads) {
  const Array<double> points = copied(starts);
  double* w = const_cast<double*>(points.data());
  const std::int64_t* wanted = index.data();
  Followed followed;
  const auto finished = std::make_shared<std::atomic<std::int64_t>>(0);
  const Run run = reporting_run(n_threads, progress, finished, starts.shape(0));
  without_gil([&] {
    followed = follow_to_saddle(surface, w, starts.shape(0), wanted, exclusion, options, finished.get(), run);
  });
  py::dict out;
  out["points"] = points;
  out["index"] = column<std::int64_t>(followed.index);
  out["steps"] = column<std::int64_t>(followed.steps);
  out["arrived"] = column<bool>(followed.arrived);
  return out;
}

// directions(points) -> (replicas, count, dimension), checked by Python.
Exclusion called_exclusion(const py::function& directions, std::int64_t dimension, std::int64_t count) {
  // The last owner may be a thread without the GIL.
  const std::shared_ptr<py::function> function(new py::function(directions), [](py::function* owned) {
    const py::gil_scoped_acquire acquire;
    delete owned;
  });
  return {count, [function, dimension, count](const double* points, std::int64_t replicas, double* out) {
            const py::gil_scoped_acquire acquire;
            const Array<double> found = (*function)(Array<double>({replicas, dimension}, points)).cast<Array<double>>();
            if (found.size() != replicas * count * dimension)
              throw std::invalid_argument("exclude: its directions have the wrong shape");
            std::copy_n(found.data(), found.size(), out);
          }};
}

void bind_options(py::module_& m) {
  py::class_<RefineOptions>(m, "RefineOptions")
      .def(py::init([](double tolerance, std::int64_t max_steps, double max_move, bool matrix_free, std::int64_t tile) {
             return RefineOptions{tolerance, max_steps, max_move, matrix_free, tile};
           }),
           py::arg("tolerance"), py::arg("max_steps"), py::arg("max_move"), py::arg("matrix_free"), py::arg("tile"));
  py::class_<LevelOptions>(m, "LevelOptions")
      .def(py::init([](std::int64_t max_steps) {
             LevelOptions options;
             options.max_steps = max_steps;
             return options;
           }),
           py::arg("max_steps"));
  py::class_<FollowOptions>(m, "FollowOptions")
      .def(py::init([](std::int64_t max_steps, bool matrix_free, std::int64_t lanczos_steps, std::int64_t tile) {
             FollowOptions options;
             options.max_steps = max_steps;
             options.matrix_free = matrix_free;
             options.lanczos_steps = lanczos_steps;
             options.tile = tile;
             return options;
           }),
           py::arg("max_steps"), py::arg("matrix_free"), py::arg("lanczos_steps"), py::arg("tile"));
}

}  // namespace

void bind_search(py::module_& m) {
  py::class_<Exclusion>(m, "Exclusion")
      .def(py::init<>())
      .def(py::init(&called_exclusion), py::arg("directions"), py::arg("dimension"), py::arg("count"))
      .def_property_readonly("count", &Exclusion::count);
  bind_options(m);
  m.def("refine", &refine_points, py::arg("surface"), py::arg("starts").noconvert(), py::arg("exclusion"),
        py::arg("options"), py::arg("progress"), py::arg("n_threads"));
  m.def("move_to_energy", &move_points, py::arg("surface"), py::arg("starts").noconvert(),
        py::arg("targets").noconvert(), py::arg("exclusion"), py::arg("options"), py::arg("n_threads"));
  m.def("follow_to_saddle", &follow_points, py::arg("surface"), py::arg("starts").noconvert(),
        py::arg("index").noconvert(), py::arg("exclusion"), py::arg("options"), py::arg("progress"),
        py::arg("n_threads"));
}

}  // namespace spinscape::bindings
