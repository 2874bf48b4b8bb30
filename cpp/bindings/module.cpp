#include "bindings.hpp"

// The table of contents of spinscape._core.
PYBIND11_MODULE(_core, m) {
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
