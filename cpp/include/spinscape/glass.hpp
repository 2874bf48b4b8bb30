// A spherical glass: a weighted sum of homogeneous forms and rank-one terms on one sphere or a product of spheres.
//
//     H(w) = sum_f scale_f F_f(w)  -  sum_s strength_s D (w.v_s / D)^{k_s},      D = dimension, |v_s|^2 = D
//
// Two layers of functions: Euclidean ones (any w), and
// Riemannian ones on the spheres of radius sqrt(size):
//     gradient   g = grad H - (w.grad H / size) w                        per sphere
//     Hessian    P (grad^2 H) P - (w.grad H / size) P                    per sphere block
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "spinscape/contraction.hpp"
#include "spinscape/parallel.hpp"
#include "spinscape/surface.hpp"

namespace spinscape {

class Glass : public Surface {
 public:
  // On `count` spheres of `size` coordinates.
  Glass(std::int64_t count, std::int64_t size);
  void add_form(std::shared_ptr<const Form> form, double scale);
  // direction: dimension() numbers, rescaled here to |v|^2 = dimension.
  void add_spike(std::vector<double> direction, double strength, int order);

  // Coordinates of each sphere.
  std::int64_t size() const { return domain().spheres().front().size; }
  // Independent couplings of all forms together: an evaluation takes about four operations each a replica.
  std::int64_t cost() const override;

  // energy: (replicas,); gradient (Euclidean): (replicas, dimension) or nullptr.
  template <class Real>
  void energy_gradient(const Real* points, std::int64_t replicas, Real* energy, Real* gradient, const Run& run) const;
  // Euclidean gradient, and Euclidean Hessian times one vector a replica; any points.
  template <class Real>
  void gradient_product(const Real* points, const Real* vectors, std::int64_t replicas, Real* gradient, Real* product,
                        const Run& run) const;
  // The same as energy_gradient with the Riemannian gradient.
  template <class Real>
  void riemannian_gradient(const Real* points, std::int64_t replicas, Real* energy, Real* gradient,
                           const Run& run) const;
  // Riemannian Hessian times the tangent part of each vector.
  template <class Real>
  void riemannian_hvp(const Real* points, const Real* vectors, std::int64_t replicas, Real* product,
                      const Run& run) const;
  // Riemannian Hessian, (replicas, dimension, dimension), zero along w of each sphere.
  template <class Real>
  void riemannian_hessian(const Real* points, std::int64_t replicas, Real* hessian, const Run& run) const;

  // The Surface's evaluations, in both dtypes.
#define SPINSCAPE_EVALUATIONS(Real)                                                                                \
  void gradient(const Real* points, std::int64_t count, Real* energies, Real* gradients, const Run& run)           \
      const override {                                                                                             \
    riemannian_gradient(points, count, energies, gradients, run);                                                  \
  }                                                                                                                \
  void hvp(const Real* points, const Real* vectors, std::int64_t count, Real* products, const Run& run)            \
      const override {                                                                                             \
    riemannian_hvp(points, vectors, count, products, run);                                                         \
  }                                                                                                                \
  void hessian(const Real* points, std::int64_t count, Real* hessians, const Run& run) const override {            \
    riemannian_hessian(points, count, hessians, run);                                                              \
  }                                                                                                                \
  void euclidean_gradient(const Real* points, std::int64_t count, Real* energies, Real* gradients, const Run& run) \
      const override {                                                                                             \
    energy_gradient(points, count, energies, gradients, run);                                                      \
  }                                                                                                                \
  void euclidean_hvp(const Real* points, const Real* vectors, std::int64_t count, Real* products, const Run& run)  \
      const override {                                                                                             \
    std::vector<Real> gradients(count * dimension());                                                              \
    gradient_product(points, vectors, count, gradients.data(), products, run);                                     \
  }
  SPINSCAPE_EVALUATIONS(double)
  SPINSCAPE_EVALUATIONS(float)
#undef SPINSCAPE_EVALUATIONS

  struct WeightedForm {
    std::shared_ptr<const Form> form;
    double scale;
  };
  const std::vector<WeightedForm>& forms() const { return forms_; }
  // Adds the spikes' part of energies and Euclidean gradients (either may be nullptr).
  template <class Real>
  void add_spikes(const Real* points, std::int64_t replicas, Real* energy, Real* gradient) const;

 private:
  struct Spike {
    std::vector<double> direction;
    double strength;
    int order;
  };
  // Adds a form's Euclidean gradients and Hessians; fresh: writes them.
  template <class Real>
  void add_form_hessian(const WeightedForm& term, bool fresh, const Real* points, std::int64_t replicas, Real* gradient,
                        Real* hessian, const Run& run) const;

  std::vector<WeightedForm> forms_;
  std::vector<Spike> spikes_;
};

}  // namespace spinscape
