// Value, gradient, Hessian-vector product and Hessian of one homogeneous form, for blocks of replicas.
//
//     symmetric, order p in N variables:   F(w) = sum over i1 <= ... <= ip of J[i1..ip] w[i1] ... w[ip]
//     layered,   p layers of n variables:  F(w) = sum over i1..ip of X[i1..ip] w1[i1] ... wp[ip],  w = (w1, ..., wp)
//
// Points are rows: (replicas, dimension), contiguous; dimension = N, or p n where layered. Nothing here is scaled by
// N^{-(p-1)/2} and nothing knows the sphere: see glass.hpp.
//
// The bits of a replica's results depend on the couplings, its point and the dtype alone: not on the other replicas,
// the number of threads, nor on whether the couplings are stored or regenerated; they are the same at every
// instruction-set level with fused multiply-add (kernel.hpp). docs/performance.md explains the design.
#pragma once

#include <cstdint>
#include <memory>

#include "spinscape/parallel.hpp"
#include "spinscape/random_streams.hpp"

namespace spinscape {

struct FormShape {
  int order = 2;
  std::int64_t size = 1;  // N, or n where layered
  bool layered = false;

  std::int64_t dimension() const { return layered ? order * size : size; }
  std::int64_t entries() const;  // independent couplings; std::overflow_error past 64 bits
};

struct CouplingStore;

enum class Storage { stored, regenerated };

class Form {
 public:
  // Couplings in packed order (row-major order of the full tensor where layered).
  Form(const FormShape& shape, const float* packed, const Run& run = Run());
  Form(const FormShape& shape, const double* packed, const Run& run = Run());
  // Sampled couplings, float32 values. Regenerated ones take no memory: every evaluation draws them again, slab by
  // slab.
  Form(const FormShape& shape, const Disorder& disorder, const Run& run, Storage storage = Storage::stored);

  const FormShape& shape() const { return shape_; }
  bool single_precision() const;
  Storage storage() const;
  // Bytes the couplings take here, and those that a form of this shape will take: more than entries() numbers, because
  // the kernels keep them in padded blocks.
  std::int64_t bytes() const;
  static std::int64_t bytes_needed(const FormShape& shape, bool single_precision);
  // The couplings in packed order, entries() of them.
  void copy_packed(double* out, const Run& run = Run()) const;

  // energy: (replicas,); gradient: (replicas, dimension), or nullptr where only the energy is wanted.
  template <class Real>
  void energy_gradient(const Real* points, std::int64_t replicas, Real* energy, Real* gradient, const Run& run) const;
  // gradient and the product of the Euclidean Hessian with one vector a replica: all (replicas, dimension).
  template <class Real>
  void hvp(const Real* points, const Real* vectors, std::int64_t replicas, Real* gradient, Real* product,
           const Run& run) const;
  // gradient: (replicas, dimension); hessian: (replicas, dimension, dimension), both triangles.
  template <class Real>
  void hessian(const Real* points, std::int64_t replicas, Real* gradient, Real* hessian, const Run& run) const;

 private:
  FormShape shape_;
  std::shared_ptr<CouplingStore> store_;
};

}  // namespace spinscape
