#include <limits>

#include "bindings.hpp"
#include "spinscape/sampling.hpp"

namespace spinscape::bindings {
namespace {

using namespace py::literals;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

template <class Real>
Array<Real> copied(const Array<Real>& starts, std::vector<py::ssize_t> shape) {
  Array<Real> points = empty<Real>(std::move(shape));
  std::copy(starts.data(), starts.data() + starts.size(), points.mutable_data());
  return points;
}

py::ssize_t columns(std::int64_t steps, std::int64_t every) { return every > 0 ? steps / every + 1 : 0; }

template <class Real>
py::dict sampled(const Surface& surface, const Array<Real>& starts, const std::vector<ThermalLevel>& levels,
                 const ThermalOptions& options, const py::object& progress, int n_threads) {
  const py::ssize_t replicas = starts.shape(0), D = starts.shape(1), count = static_cast<py::ssize_t>(levels.size());
  std::int64_t steps = 0;
  for (const ThermalLevel& level : levels) steps += level.steps;
  Array<Real> points = copied(starts, {replicas, D});
  Array<Real> kept = empty<Real>({replicas, options.keep_every > 0 ? steps / options.keep_every : 0, D});
  Array<double> energy = filled<double>({replicas}, nan);
  Array<double> trace = filled<double>({replicas, columns(steps, options.trace_every)}, nan);
  Array<double> level_energy = filled<double>({replicas, count}, 0), acceptance = filled<double>({replicas, count}, 0),
                epsilon = filled<double>({replicas, count}, nan);
  const ThermalRows<Real> rows{replicas,
                               points.mutable_data(),
                               energy.mutable_data(),
                               trace.mutable_data(),
                               kept.mutable_data(),
                               level_energy.mutable_data(),
                               acceptance.mutable_data(),
                               epsilon.mutable_data()};
  const auto done = std::make_shared<std::atomic<std::int64_t>>(0);
  const Run run = reporting_run(n_threads, progress, done, replicas * steps);
  without_gil([&] { sample(surface, levels, options, rows, done.get(), run); });
  return py::dict("points"_a = points, "energy_density"_a = energy, "trace"_a = trace, "kept"_a = kept,
                  "level_energy"_a = level_energy, "acceptance"_a = acceptance, "epsilon"_a = epsilon);
}

// starts: (replicas, betas, dimension).
template <class Real>
py::dict tempered(const Surface& surface, const Array<Real>& starts, const Ladder& ladder,
                  const ThermalOptions& options, const py::object& progress, int n_threads) {
  const py::ssize_t replicas = starts.shape(0), rungs = starts.shape(1);
  Array<Real> points = copied(starts, {replicas, rungs, starts.shape(2)});
  Array<double> energy = filled<double>({replicas, rungs}, nan);
  Array<double> trace = filled<double>({replicas, rungs, columns(ladder.steps, options.trace_every)}, nan);
  Array<double> mean = filled<double>({replicas, rungs}, 0), acceptance = filled<double>({replicas, rungs}, 0);
  Array<double> swaps = filled<double>({replicas, rungs - 1}, 0);
  Array<std::int64_t> round_trips = filled<std::int64_t>({replicas}, 0);
  const LadderRows<Real> rows{replicas,
                              points.mutable_data(),
                              energy.mutable_data(),
                              trace.mutable_data(),
                              mean.mutable_data(),
                              acceptance.mutable_data(),
                              swaps.mutable_data(),
                              round_trips.mutable_data()};
  const auto done = std::make_shared<std::atomic<std::int64_t>>(0);
  const Run run = reporting_run(n_threads, progress, done, replicas * rungs * ladder.steps);
  without_gil([&] { temper(surface, ladder, options, rows, done.get(), run); });
  return py::dict("points"_a = points, "energy_density"_a = energy, "trace"_a = trace, "mean_energy"_a = mean,
                  "acceptance"_a = acceptance, "swap_acceptance"_a = swaps, "round_trips"_a = round_trips);
}

template <class Real>
void bind_samplers(py::module_& m) {
  m.def("sample", &sampled<Real>, py::arg("surface"), py::arg("starts").noconvert(), py::arg("levels"),
        py::arg("options"), py::arg("progress"), py::arg("n_threads"));
  m.def("temper", &tempered<Real>, py::arg("surface"), py::arg("starts").noconvert(), py::arg("ladder"),
        py::arg("options"), py::arg("progress"), py::arg("n_threads"));
}

}  // namespace

void bind_sampling(py::module_& m) {
  py::class_<ThermalLevel>(m, "ThermalLevel")
      .def(py::init([](double beta, std::int64_t steps, double epsilon) { return ThermalLevel{beta, steps, epsilon}; }),
           py::arg("beta"), py::arg("steps"), py::arg("epsilon"));
  py::class_<ThermalOptions>(m, "ThermalOptions")
      .def(py::init([](int leapfrogs, bool adjusted, double target, std::uint64_t seed, std::int64_t first_step,
                       std::int64_t first_replica, std::int64_t trace_every, std::int64_t keep_every) {
             return ThermalOptions{leapfrogs,  adjusted,      target,      seed,
                                   first_step, first_replica, trace_every, keep_every};
           }),
           py::arg("leapfrogs"), py::arg("adjusted"), py::arg("target"), py::arg("seed"), py::arg("first_step"),
           py::arg("first_replica"), py::arg("trace_every"), py::arg("keep_every"));
  py::class_<Ladder>(m, "Ladder")
      .def(py::init([](std::vector<double> betas, std::vector<double> epsilons, std::int64_t steps,
                       std::int64_t swap_every) {
             return Ladder{std::move(betas), std::move(epsilons), steps, swap_every};
           }),
           py::arg("betas"), py::arg("epsilons"), py::arg("steps"), py::arg("swap_every"));
  bind_samplers<float>(m);
  bind_samplers<double>(m);
}

}  // namespace spinscape::bindings
