#include <Eigen/Version>
#include <map>
#include <string>

#include "bindings.hpp"
#include "spinscape/kernel.hpp"
#include "spinscape/random_streams.hpp"

namespace spinscape::bindings {

Run make_run(int n_threads) {
  return Run(n_threads, [] {
    py::gil_scoped_acquire acquire;
    return PyErr_CheckSignals() != 0;
  });
}

Run reporting_run(int n_threads, const py::object& progress, std::shared_ptr<std::atomic<std::int64_t>> done,
                  std::int64_t all) {
  if (progress.is_none()) return make_run(n_threads);
  return Run(n_threads, [handle = py::handle(progress), done, all] {
    py::gil_scoped_acquire acquire;
    if (PyErr_CheckSignals() != 0) return true;
    try {
      handle(done->load(), all);
      return false;
    } catch (py::error_already_set& error) {
      error.restore();
      return true;
    }
  });
}

namespace {

std::map<std::string, std::string> build_info() {
  return {
#ifdef __clang__
      {"compiler", std::string("clang ") + __clang_version__},
#else
      {"compiler", std::string("gcc ") + __VERSION__},
#endif
#ifdef _OPENMP
      {"openmp", std::to_string(_OPENMP)},
#else
      {"openmp", "off"},
#endif
      {"eigen", EIGEN_VERSION_STRING},
      {"level", kernel_level()},
      {"stream_version", std::to_string(stream_version)},
  };
}

}  // namespace

void bind_system(py::module_& m) {
  m.def("default_threads", &default_threads, "Threads a call uses when n_threads is None.");
  m.def("build_info", &build_info, "Compiler, OpenMP, instruction-set level and stream version of this build.");
  m.def("kernel_levels", &kernel_levels,
        "Instruction-set levels this machine can run, best first (SPINSCAPE_LEVEL chooses).");
  m.def("probe_peak", &probe_peak, py::arg("single_precision"), py::arg("repeats"),
        "Peak GFLOP/s of one thread at the level in use.");
  m.def("probe_read", &probe_read, py::arg("bytes"), py::arg("repeats"), "GB/s of one thread reading this many bytes.");
}

}  // namespace spinscape::bindings
