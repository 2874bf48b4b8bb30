// What every binding file shares: array types, the GIL-free Run of a call, and the list of binding functions.
#pragma once

#include <pybind11/native_enum.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "spinscape/parallel.hpp"

namespace spinscape::bindings {

namespace py = pybind11;

// Contiguous input of exactly this dtype; Python checks shapes, dtypes and values before it calls.
template <class Real>
using Array = py::array_t<Real, py::array::c_style>;

template <class Real>
Array<Real> empty(std::vector<py::ssize_t> shape) {
  return Array<Real>(std::move(shape));
}

template <class T>
Array<T> filled(std::vector<py::ssize_t> shape, T value) {
  Array<T> array = empty<T>(std::move(shape));
  std::fill(array.mutable_data(), array.mutable_data() + array.size(), value);
  return array;
}

// One array of what `get` takes from every item.
template <class Value, class Items, class Get>
py::array_t<Value> column(const Items& items, Get&& get) {
  py::array_t<Value> out(static_cast<py::ssize_t>(items.size()));
  std::transform(items.begin(), items.end(), out.mutable_data(), get);
  return out;
}
template <class Value, class Items>
py::array_t<Value> column(const Items& items) {
  return column<Value>(items, [](const auto& x) { return static_cast<Value>(x); });
}

// A Run whose interrupt callback runs Python's signal handlers. Call it with the GIL held; the callback takes the GIL
// itself. A pending KeyboardInterrupt comes out of the call as py::error_already_set.
Run make_run(int n_threads);

// A Run that also tells `progress` (None or a callable) how much of how much is done, from Python's thread. An
// exception of the callable ends the computation and comes out of it.
Run reporting_run(int n_threads, const py::object& progress, std::shared_ptr<std::atomic<std::int64_t>> done,
                  std::int64_t all);

// The interpreter may end while another thread (a daemon thread) is in the core. Python ends such a thread where it
// asks for the GIL, in the middle of our frames, and with it the process: abort. So at exit, while the GIL can still be
// had, every thread is asked to leave the core, and waited for. It comes out with SystemExit, which threads end with
// silently.
class Visit {
 public:
  Visit();  // throws where the interpreter is ending
  ~Visit();
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

  // Whether this thread is to leave the core.
  static bool over();
  [[noreturn]] static void end();  // needs the GIL
};

// Runs the body without the GIL; turns Interrupted back into the Python exception that caused it.
template <class Body>
void without_gil(Body&& body) {
  const Visit visit;
  try {
    py::gil_scoped_release release;
    body();
  } catch (const Interrupted&) {
    if (PyErr_Occurred()) throw py::error_already_set();
    if (Visit::over()) Visit::end();
    throw;
  }
  if (PyErr_Occurred()) throw py::error_already_set();  // an interrupt that came when all the work was done
}

void bind_system(py::module_& m);
void bind_couplings(py::module_& m);
void bind_surface(py::module_& m);
void bind_glass(py::module_& m);
void bind_descent(py::module_& m);
void bind_sampling(py::module_& m);
void bind_spectrum(py::module_& m);
void bind_search(py::module_& m);
void bind_homotopy(py::module_& m);

}  // namespace spinscape::bindings
