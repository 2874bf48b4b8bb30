// Indices of critical points: the inertia of the Riemannian Hessian on the tangent space, for blocks of replicas.
#pragma once

#include <cstdint>
#include <vector>

#include "spinscape/inertia.hpp"
#include "spinscape/lanczos.hpp"
#include "spinscape/surface.hpp"

namespace spinscape {

// The radial directions are never counted: each count adds up to the dimension of the tangent space. points: (replicas,
// dimension). Hessians are formed `tile` replicas at a time; the tile does not change a bit of the result.
std::vector<Inertia> count_index(const Surface& surface, const double* points, std::int64_t replicas, double zero_tol,
                                 InertiaMethod method, std::int64_t tile, const Run& run);

// Where the tangent vectors of a point lie: everywhere but along the radial directions; on flat space everywhere.
SearchSpace tangent_space(const Domain& domain, const double* w);

// The same through Hessian-vector products only, one replica a thread.
std::vector<LanczosCount> lanczos_index(const Surface& surface, const double* points, std::int64_t replicas,
                                        double zero_tol, const LanczosOptions& options, const Run& run);

}  // namespace spinscape
