#include <pthread.h>

#include <Eigen/Version>
#include <chrono>
#include <map>
#include <string>
#include <thread>

#include "bindings.hpp"
#include "spinscape/kernel.hpp"
#include "spinscape/random_streams.hpp"

namespace spinscape::bindings {

namespace {

std::atomic<bool> ending{false};
std::atomic<int> visitors{0};
thread_local bool ends_the_interpreter = false;  // its own exit functions may use the core

// A forked child has none of the threads that were in the core.
const int fork_reset = pthread_atfork(nullptr, nullptr, [] { visitors.store(0); });

constexpr auto longest_wait = std::chrono::seconds(5);  // for a Python function called from the core

void end_visits() {
  ends_the_interpreter = true;
  ending.store(true);
  py::gil_scoped_release release;
  const auto latest = std::chrono::steady_clock::now() + longest_wait;
  while (visitors.load() > 0 && std::chrono::steady_clock::now() < latest) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

Visit::Visit() {
  if (over()) end();
  visitors.fetch_add(1);
}

Visit::~Visit() { visitors.fetch_sub(1); }

bool Visit::over() { return ending.load(std::memory_order_relaxed) && !ends_the_interpreter; }

void Visit::end() {
  PyErr_SetString(PyExc_SystemExit, "the interpreter is ending");
  throw py::error_already_set();
}

Run make_run(int n_threads) {
  return Run(n_threads, [] {
    if (Visit::over()) return true;
    py::gil_scoped_acquire acquire;
    return PyErr_CheckSignals() != 0;
  });
}

Run reporting_run(int n_threads, const py::object& progress, std::shared_ptr<std::atomic<std::int64_t>> done,
                  std::int64_t all) {
  if (progress.is_none()) return make_run(n_threads);
  return Run(n_threads, [handle = py::handle(progress), done, all] {
    if (Visit::over()) return true;
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
  py::module_::import("atexit").attr("register")(py::cpp_function(&end_visits));
  m.def("default_threads", &default_threads, "Threads a call uses when n_threads is None.");
  m.def("build_info", &build_info, "Compiler, OpenMP, instruction-set level and stream version of this build.");
  m.def("kernel_levels", &kernel_levels,
        "Instruction-set levels this machine can run, best first (SPINSCAPE_LEVEL chooses).");
  m.def("probe_peak", &probe_peak, py::arg("single_precision"), py::arg("repeats"),
        "Peak GFLOP/s of one thread at the level in use.");
  m.def("probe_read", &probe_read, py::arg("bytes"), py::arg("repeats"), "GB/s of one thread reading this many bytes.");
}

}  // namespace spinscape::bindings
