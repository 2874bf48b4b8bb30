// What algorithms know of a landscape: blocks of energies, gradients, products and Hessians at points of a domain. A
// glass answers by its kernels; whatever else a caller offers is called back, a block a call.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <utility>

#include "spinscape/domain.hpp"
#include "spinscape/parallel.hpp"

namespace spinscape {

// Evaluations in one dtype; those that a landscape does not offer in it throw. points: (count, dimension).
template <class Real>
class Evaluations {
 public:
  virtual ~Evaluations() = default;

  // Riemannian: tangent vectors; Hessians symmetric, zero along the radial directions, (count, dimension, dimension).
  virtual void gradient(const Real* /*points*/, std::int64_t /*count*/, Real* /*energies*/, Real* /*gradients*/,
                        const Run&) const {
    missing();
  }
  virtual void hvp(const Real* /*points*/, const Real* /*vectors*/, std::int64_t /*count*/, Real* /*products*/,
                   const Run&) const {
    missing();
  }
  virtual void hessian(const Real* /*points*/, std::int64_t /*count*/, Real* /*hessians*/, const Run&) const {
    missing();
  }
  // Of the energy as a function of all of space, at any points.
  virtual void euclidean_gradient(const Real* /*points*/, std::int64_t /*count*/, Real* /*energies*/,
                                  Real* /*gradients*/, const Run&) const {
    missing();
  }
  virtual void euclidean_hvp(const Real* /*points*/, const Real* /*vectors*/, std::int64_t /*count*/,
                             Real* /*products*/, const Run&) const {
    missing();
  }

 private:
  [[noreturn]] static void missing() { throw std::logic_error("landscape: not offered in this dtype"); }
};

class Surface : public Evaluations<double>, public Evaluations<float> {
 public:
  Surface(Domain domain, double energy_scale) : domain_(std::move(domain)), energy_scale_(energy_scale) {}

  const Domain& domain() const { return domain_; }
  std::int64_t dimension() const { return domain_.dimension(); }
  // What an energy is divided by to give the energy density.
  double energy_scale() const { return energy_scale_; }

  // A quarter of the operations of a gradient of one replica, by which work is shared out to threads.
  virtual std::int64_t cost() const = 0;
  // False for what is called back: one call at a time, on the calling thread, for all live replicas.
  virtual bool concurrent() const { return true; }

  using Evaluations<double>::gradient, Evaluations<float>::gradient;
  using Evaluations<double>::hvp, Evaluations<float>::hvp;
  using Evaluations<double>::hessian, Evaluations<float>::hessian;
  using Evaluations<double>::euclidean_gradient, Evaluations<float>::euclidean_gradient;
  using Evaluations<double>::euclidean_hvp, Evaluations<float>::euclidean_hvp;

 private:
  Domain domain_;
  double energy_scale_;
};

}  // namespace spinscape
