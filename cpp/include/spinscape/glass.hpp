// A spherical glass: a weighted sum of homogeneous forms and rank-one terms on one sphere or a product of spheres.
//
//     H(w) = sum_f scale_f F_f(w)  -  sum_s strength_s D (w.v_s / D)^{k_s},      D = dimension, |v_s|^2 = D
//
// This is the one energy the algorithms of the core know. Two layers of functions: Euclidean ones (any w), and
// Riemannian ones on the spheres of radius sqrt(size):
//     gradient   g = grad H - (w.grad H / size) w                        per sphere
//     Hessian    P (grad^2 H) P - (w.grad H / size) P                    per sphere block
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "spinscape/contraction.hpp"
#include "spinscape/parallel.hpp"
#include "spinscape/sphere.hpp"

namespace spinscape {

class Glass {
 public:
  explicit Glass(const Spheres& spheres) : spheres_(spheres) {}
  void add_form(std::shared_ptr<const Form> form, double scale);
  // direction: dimension() numbers, rescaled here to |v|^2 = dimension.
  void add_spike(std::vector<double> direction, double strength, int order);

  const Spheres& spheres() const { return spheres_; }
  std::int64_t dimension() const { return spheres_.dimension(); }
  // Independent couplings of all forms together: an evaluation costs about four operations each a replica.
  std::int64_t couplings() const;

  // energy: (replicas,); gradient (Euclidean): (replicas, dimension) or nullptr.
  template <class Real>
  void energy_gradient(const Real* points, std::int64_t replicas, Real* energy, Real* gradient, const Run& run) const;
  // Euclidean gradient, and Euclidean Hessian times one vector a replica; any points.
  template <class Real>
  void hvp(const Real* points, const Real* vectors, std::int64_t replicas, Real* gradient, Real* product,
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

  Spheres spheres_;
  std::vector<WeightedForm> forms_;
  std::vector<Spike> spikes_;
};

}  // namespace spinscape
