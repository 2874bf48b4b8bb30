#include "bindings.hpp"

// The table of contents of spinscape._core.
PYBIND11_MODULE(main_interpreters_core, m) {
  using namespace spinscape::bindings;
  m.doc() = "C++ core of spinscape: contractions, descent, indices. Use the functions of the spinscape package.";
  bind_system(m);
  bind_couplings(m);
  bind_surface(m);
  bind_glass(m);
  bind_descent(m);
  bind_sampling(m);
  bind_spectrum(m);
  bind_search(m);
  bind_homotopy(m);
}

// pybind11 deadlocks in a sub-interpreter before it looks where it is.
extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {
  if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
    PyErr_SetString(
        PyExc_ImportError,
        "spinscape cannot be imported in a sub-interpreter; use threads, processes or the main interpreter");
    return nullptr;
  }
  return PyInit_main_interpreters_core();
}
