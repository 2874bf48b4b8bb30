#include "spinscape/glass.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace spinscape {
namespace {

template <class Real>
void add_scaled(Real* out, const Real* term, Real scale, std::int64_t count) {
  for (std::int64_t k = 0; k < count; ++k) out[k] += scale * term[k];
}

template <class Real>
double overlap(const std::vector<double>& direction, const Real* w) {
  double sum = 0;
  for (std::size_t k = 0; k < direction.size(); ++k) sum += direction[k] * static_cast<double>(w[k]);
  return sum / static_cast<double>(direction.size());
}

// q^power, 0 for a negative power (the derivative of a term that is gone).
double power_or_zero(double q, int power) { return power < 0 ? 0.0 : std::pow(q, power); }

// w.gradient / size of the sphere that starts at `first`.
template <class Real>
Real radial(std::int64_t size, const Real* w, const Real* gradient, std::int64_t first) {
  return dot(w + first, gradient + first, size) / Real(size);
}

// matrix <- P matrix P - radial P, with P the projector on the tangent spaces at w. gradient: Euclidean; matrix:
// symmetric, and so to the last bit afterwards. With spheres s, t of size n, m = M_st w_t and
//     c_st = m - w_s (w_s.m + [s = t] n radial_s) / 2n     the entries become     M_ij - (w_i c_ts,j + c_st,i w_j) / n,
// diagonal entries less radial_s: the matrix is read for the m and rewritten once.
template <class Real>
void make_riemannian(std::int64_t count, std::int64_t size, const Real* w, const Real* gradient, Real* matrix) {
  const std::int64_t n = count * size;
  std::vector<Real> c(count * n), shift(count);  // c_st at [t][coordinates of s]
  for (std::int64_t s = 0; s < count; ++s) shift[s] = radial(size, w, gradient, s * size);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t t = 0; t < count; ++t) c[t * n + i] = dot(matrix + i * n + t * size, w + t * size, size);
  for (std::int64_t t = 0; t < count; ++t) {
    for (std::int64_t s = 0; s < count; ++s) {
      Real* part = c.data() + t * n + s * size;
      const Real along = dot(w + s * size, part, size) / Real(size);
      add_scaled(part, w + s * size, -(along + (s == t ? shift[s] : Real(0))) / 2, size);
    }
  }
  for (Real& x : c) x /= Real(size);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t s = i / size;
    for (std::int64_t t = 0; t < count; ++t) {
      const Real *along = w + t * size, *back = c.data() + s * n + t * size;  // w_t, c_ts
      const Real own = w[i], other = c[t * n + i];
      Real* row = matrix + i * n + t * size;
      for (std::int64_t k = 0; k < size; ++k) row[k] -= own * back[k] + other * along[k];
    }
    matrix[i * n + i] -= shift[s];
  }
}

}  // namespace

Glass::Glass(std::int64_t count, std::int64_t size)
    : Surface(Domain(std::vector<std::int64_t>(count, size)), static_cast<double>(size)) {}

void Glass::add_form(std::shared_ptr<const Form> form, double scale) {
  if (form->shape().dimension() != dimension()) throw std::invalid_argument("form: its dimension is not the glass's");
  forms_.push_back({std::move(form), scale});
}

void Glass::add_spike(std::vector<double> direction, double strength, int order) {
  if (static_cast<std::int64_t>(direction.size()) != dimension())
    throw std::invalid_argument("direction: its length is not the glass's dimension");
  double square = 0;
  for (const double x : direction) square += x * x;
  if (!(square > 0)) throw std::invalid_argument("direction: expected a non-zero vector");
  for (double& x : direction) x *= std::sqrt(static_cast<double>(dimension()) / square);
  spikes_.push_back({std::move(direction), strength, order});
}

std::int64_t Glass::cost() const {
  std::int64_t sum = 0;
  for (const WeightedForm& term : forms_) sum += term.form->shape().entries();
  return sum;
}

template <class Real>
void Glass::energy_gradient(const Real* points, std::int64_t replicas, Real* energy, Real* gradient,
                            const Run& run) const {
  const std::int64_t n = dimension();
  std::fill(energy, energy + replicas, Real(0));
  if (gradient) std::fill(gradient, gradient + replicas * n, Real(0));
  std::vector<Real> form_energy(replicas);
  std::vector<Real> form_gradient(gradient ? replicas * n : 0);
  for (const WeightedForm& term : forms_) {
    term.form->energy_gradient(points, replicas, form_energy.data(), gradient ? form_gradient.data() : nullptr, run);
    add_scaled(energy, form_energy.data(), Real(term.scale), replicas);
    if (gradient) add_scaled(gradient, form_gradient.data(), Real(term.scale), replicas * n);
  }
  add_spikes(points, replicas, energy, gradient);
}

template <class Real>
void Glass::add_spikes(const Real* points, std::int64_t replicas, Real* energy, Real* gradient) const {
  const std::int64_t n = dimension();
  for (const Spike& spike : spikes_) {
    for (std::int64_t r = 0; r < replicas; ++r) {
      const double q = overlap(spike.direction, points + r * n);
      if (energy) energy[r] -= Real(spike.strength * double(n) * power_or_zero(q, spike.order));
      const Real slope = Real(-spike.strength * spike.order * power_or_zero(q, spike.order - 1));
      for (std::int64_t k = 0; gradient && k < n; ++k) gradient[r * n + k] += slope * Real(spike.direction[k]);
    }
  }
}

template <class Real>
void Glass::riemannian_gradient(const Real* points, std::int64_t replicas, Real* energy, Real* gradient,
                                const Run& run) const {
  energy_gradient(points, replicas, energy, gradient, run);
  for (std::int64_t r = 0; r < replicas; ++r) {
    Real* g = gradient + r * dimension();
    project(domain(), points + r * dimension(), g, g);
  }
}

template <class Real>
void Glass::gradient_product(const Real* points, const Real* vectors, std::int64_t replicas, Real* gradient,
                             Real* product, const Run& run) const {
  const std::int64_t n = dimension();
  std::vector<Real> form_gradient(replicas * n), form_product(replicas * n);
  std::fill(gradient, gradient + replicas * n, Real(0));
  std::fill(product, product + replicas * n, Real(0));
  for (const WeightedForm& term : forms_) {
    term.form->hvp(points, vectors, replicas, form_gradient.data(), form_product.data(), run);
    add_scaled(gradient, form_gradient.data(), Real(term.scale), replicas * n);
    add_scaled(product, form_product.data(), Real(term.scale), replicas * n);
  }
  add_spikes<Real>(points, replicas, nullptr, gradient);
  for (const Spike& spike : spikes_) {
    for (std::int64_t r = 0; r < replicas; ++r) {
      const double q = overlap(spike.direction, points + r * n);
      const int k = spike.order;
      const Real curvature =
          Real(-spike.strength * k * (k - 1) * power_or_zero(q, k - 2) * overlap(spike.direction, vectors + r * n));
      for (std::int64_t i = 0; i < n; ++i) product[r * n + i] += curvature * Real(spike.direction[i]);
    }
  }
}

template <class Real>
void Glass::riemannian_hvp(const Real* points, const Real* vectors, std::int64_t replicas, Real* product,
                           const Run& run) const {
  const std::int64_t n = dimension();
  std::vector<Real> tangent(replicas * n), gradient(replicas * n);
  for (std::int64_t r = 0; r < replicas; ++r)
    project(domain(), points + r * n, vectors + r * n, tangent.data() + r * n);
  gradient_product(points, tangent.data(), replicas, gradient.data(), product, run);
  for (std::int64_t r = 0; r < replicas; ++r) {
    const Real* w = points + r * n;
    const Real* v = tangent.data() + r * n;
    const Real* g = gradient.data() + r * n;
    Real* out = product + r * n;
    for (std::int64_t first = 0; first < n; first += size())
      add_scaled(out + first, v + first, -radial(size(), w, g, first), size());
    project(domain(), w, out, out);
  }
}

template <class Real>
void Glass::add_form_hessian(const WeightedForm& term, bool fresh, const Real* points, std::int64_t replicas,
                             Real* gradient, Real* hessian, const Run& run) const {
  const std::int64_t n = dimension();
  const Real scale(term.scale);
  if (fresh) {  // straight into the result: the matrices may fill most of the memory
    term.form->hessian(points, replicas, gradient, hessian, run);
    parallel_for(run, replicas, [&](std::int64_t r) {
      for (std::int64_t k = 0; k < n; ++k) gradient[r * n + k] *= scale;
      for (std::int64_t k = 0; k < n * n; ++k) hessian[r * n * n + k] *= scale;
    });
    return;
  }
  // As many replicas at once as fill the kernels, where their matrices stay small.
  constexpr std::int64_t full = 24, most_bytes = std::int64_t(1) << 26;
  const std::int64_t tile = std::clamp(most_bytes / (n * n * std::int64_t(sizeof(Real))), std::int64_t(1), full);
  std::vector<Real> matrices(std::min(tile, replicas) * n * n), gradients(std::min(tile, replicas) * n);
  for (std::int64_t first = 0; first < replicas; first += tile) {
    const std::int64_t count = std::min(tile, replicas - first);
    term.form->hessian(points + first * n, count, gradients.data(), matrices.data(), run);
    add_scaled(gradient + first * n, gradients.data(), scale, count * n);
    parallel_for(run, count, [&](std::int64_t r) {
      add_scaled(hessian + (first + r) * n * n, matrices.data() + r * n * n, scale, n * n);
    });
  }
}

template <class Real>
void Glass::riemannian_hessian(const Real* points, std::int64_t replicas, Real* hessian, const Run& run) const {
  const std::int64_t n = dimension();
  std::vector<Real> gradient(replicas * n, 0);
  if (forms_.empty()) std::fill(hessian, hessian + replicas * n * n, Real(0));
  for (std::size_t f = 0; f < forms_.size(); ++f)
    add_form_hessian(forms_[f], f == 0, points, replicas, gradient.data(), hessian, run);
  parallel_for(run, replicas, [&](std::int64_t r) {
    const Real* w = points + r * n;
    for (const Spike& spike : spikes_) {
      const double q = overlap(spike.direction, w);
      const int k = spike.order;
      const Real slope = Real(-spike.strength * k * power_or_zero(q, k - 1));
      const Real curvature = Real(-spike.strength * k * (k - 1) * power_or_zero(q, k - 2) / double(n));
      for (std::int64_t i = 0; i < n; ++i) {
        gradient[r * n + i] += slope * Real(spike.direction[i]);
        for (std::int64_t j = 0; j < n; ++j)
          hessian[(r * n + i) * n + j] += curvature * Real(spike.direction[i]) * Real(spike.direction[j]);
      }
    }
    make_riemannian(domain().count(), size(), w, gradient.data() + r * n, hessian + r * n * n);
  });
}

#define SPINSCAPE_INSTANTIATE(Real)                                                                              \
  template void Glass::energy_gradient(const Real*, std::int64_t, Real*, Real*, const Run&) const;               \
  template void Glass::riemannian_gradient(const Real*, std::int64_t, Real*, Real*, const Run&) const;           \
  template void Glass::add_spikes(const Real*, std::int64_t, Real*, Real*) const;                                \
  template void Glass::gradient_product(const Real*, const Real*, std::int64_t, Real*, Real*, const Run&) const; \
  template void Glass::riemannian_hvp(const Real*, const Real*, std::int64_t, Real*, const Run&) const;          \
  template void Glass::riemannian_hessian(const Real*, std::int64_t, Real*, const Run&) const;
SPINSCAPE_INSTANTIATE(float)
SPINSCAPE_INSTANTIATE(double)
#undef SPINSCAPE_INSTANTIATE

}  // namespace spinscape
