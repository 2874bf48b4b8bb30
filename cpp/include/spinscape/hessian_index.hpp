// Indices of critical points: the inertia of the Riemannian Hessian on the tangent space, for blocks of replicas.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "spinscape/exclusion.hpp"
#include "spinscape/inertia.hpp"
#include "spinscape/lanczos.hpp"
#include "spinscape/surface.hpp"
#include "spinscape/tangent_frame.hpp"

namespace spinscape {

template <class Count>
struct IndexCounts {
  std::vector<Count> counts;
  // Largest |H q| of an orthonormal basis q of the excluded directions, tangent parts: 0 where they are null
  // directions.
  std::vector<double> excluded;
};

// Radial and excluded directions are not counted: each count adds up to the dimension of the tangent space less the
// rank of the excluded directions. points: (replicas, dimension). Hessians are formed `tile` replicas at a time; the
// tile does not change a bit of the result. What the halves of a Hessian differ by widens the zone of doubt of its
// certificate; std::invalid_argument where it is more than rounding. finished: counts replicas; may be nullptr.
IndexCounts<Inertia> count_index(const Surface& surface, const double* points, std::int64_t replicas, double zero_tol,
                                 InertiaMethod method, const Exclusion& exclusion, std::int64_t tile,
                                 std::atomic<std::int64_t>* finished, const Run& run);

// The same through Hessian-vector products only, one replica a thread.
IndexCounts<LanczosCount> lanczos_index(const Surface& surface, const double* points, std::int64_t replicas,
                                        double zero_tol, const Exclusion& exclusion, const LanczosOptions& options,
                                        std::atomic<std::int64_t>* finished, const Run& run);

// Where the tangent vectors of a point lie: everywhere but along the radial directions and the excluded ones.
SearchSpace search_space(const Domain& domain, const double* w, const TangentFrame& frame);

}  // namespace spinscape
