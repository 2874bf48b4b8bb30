#include <algorithm>
#include <limits>
#include <memory>

#include "bindings.hpp"
#include "spinscape/descent.hpp"
#include "spinscape/splitting.hpp"

namespace spinscape::bindings {
namespace {

// The arrays a descent fills, and the keywords under which Python receives them.
template <class Real>
struct Outputs {
  Outputs(const Array<Real>& starts, const DescentOptions& options) : replicas(starts.shape(0)) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const py::ssize_t levels = static_cast<py::ssize_t>(options.ladder.size());
    points = empty<Real>({replicas, starts.shape(1)});
    std::copy(starts.data(), starts.data() + starts.size(), points.mutable_data());
    energy_density = filled<double>({replicas}, nan);
    gradient_norm = filled<double>({replicas}, nan);
    stop_reason = filled<std::int8_t>({replicas}, 0);
    steps = filled<std::int64_t>({replicas}, 0);
    evaluations = filled<std::int64_t>({replicas}, 0);
    halting_steps = filled<std::int64_t>({replicas, levels}, -1);
    halting_energy = filled<double>({replicas, levels}, nan);
    trace_energy = filled<double>({replicas, options.trace_columns()}, nan);
    trace_norm = filled<double>({replicas, options.trace_columns()}, nan);
  }

  DescentRows<Real> rows() {
    return {replicas,
            points.mutable_data(),
            energy_density.mutable_data(),
            gradient_norm.mutable_data(),
            stop_reason.mutable_data(),
            steps.mutable_data(),
            evaluations.mutable_data(),
            halting_steps.mutable_data(),
            halting_energy.mutable_data(),
            trace_energy.mutable_data(),
            trace_norm.mutable_data()};
  }

  py::dict dict() const {
    using namespace py::literals;
    return py::dict("points"_a = points, "energy_density"_a = energy_density, "gradient_norm"_a = gradient_norm,
                    "stop_reason"_a = stop_reason, "steps"_a = steps, "evaluations"_a = evaluations,
                    "halting_steps"_a = halting_steps, "halting_energy"_a = halting_energy,
                    "trace_energy_density"_a = trace_energy, "trace_gradient_norm"_a = trace_norm);
  }

  py::ssize_t replicas;
  Array<Real> points;
  Array<double> energy_density, gradient_norm;
  Array<std::int8_t> stop_reason;
  Array<std::int64_t> steps, evaluations, halting_steps;
  Array<double> halting_energy, trace_energy, trace_norm;
};

// Runs descent(rows, finished, run) without the GIL.
template <class Real, class Descent>
py::dict descended(const Array<Real>& starts, const DescentOptions& options, const py::object& progress, int n_threads,
                   const Descent& descent) {
  Outputs<Real> outputs(starts, options);
  const DescentRows<Real> rows = outputs.rows();
  const auto finished = std::make_shared<std::atomic<std::int64_t>>(0);
  const Run run = reporting_run(n_threads, progress, finished, outputs.replicas);
  without_gil([&] { descent(rows, finished.get(), run); });
  return outputs.dict();
}

template <class Real>
py::dict gradient(const Surface& surface, const Array<Real>& starts, double step, double decay,
                  const DescentOptions& options, const py::object& progress, int n_threads) {
  return descended(starts, options, progress, n_threads, [&](const auto& rows, auto* finished, const Run& run) {
    descend_gradient(surface, step, decay, options, rows, finished, run);
  });
}

template <class Real>
py::dict scheduled(const Surface& surface, const Array<Real>& starts,
                   const std::vector<std::shared_ptr<Surface>>& parts, const Schedule& schedule,
                   const DescentOptions& options, const py::object& progress, int n_threads) {
  std::vector<const Surface*> pointers;
  for (const std::shared_ptr<Surface>& part : parts) pointers.push_back(part.get());
  return descended(starts, options, progress, n_threads, [&](const auto& rows, auto* finished, const Run& run) {
    descend_schedule(surface, pointers, schedule, options, rows, finished, run);
  });
}

template <class Real>
py::dict tuples(const Glass& glass, const Array<Real>& starts, int batches, const Schedule& schedule,
                const DescentOptions& options, const py::object& progress, int n_threads) {
  return descended(starts, options, progress, n_threads, [&](const auto& rows, auto* finished, const Run& run) {
    descend_tuples(glass, batches, schedule, options, rows, finished, run);
  });
}

template <class Real>
py::dict lbfgs(const Surface& surface, const Array<Real>& starts, double first_step, int history,
               const DescentOptions& options, const py::object& progress, int n_threads) {
  return descended(starts, options, progress, n_threads, [&](const auto& rows, auto* finished, const Run& run) {
    descend_lbfgs(surface, LbfgsOptions{first_step, history}, options, rows, finished, run);
  });
}

template <class Real>
py::dict momentum(const Surface& surface, const Array<Real>& starts, double step, double decay, double mu,
                  const DescentOptions& options, const py::object& progress, int n_threads) {
  return descended(starts, options, progress, n_threads, [&](const auto& rows, auto* finished, const Run& run) {
    descend_momentum(surface, MomentumOptions{step, decay, mu}, options, rows, finished, run);
  });
}

template <class Real>
py::dict flow(const Surface& surface, const Array<Real>& starts, double accuracy, double duration,
              const DescentOptions& options, const py::object& progress, int n_threads) {
  return descended(starts, options, progress, n_threads, [&](const auto& rows, auto* finished, const Run& run) {
    descend_flow(surface, FlowOptions{accuracy, duration}, options, rows, finished, run);
  });
}

template <class Real>
py::dict power(const Surface& surface, const Array<Real>& starts, int order, double shift,
               const DescentOptions& options, const py::object& progress, int n_threads) {
  return descended(starts, options, progress, n_threads, [&](const auto& rows, auto* finished, const Run& run) {
    descend_power(surface, order, shift, options, rows, finished, run);
  });
}

template <class Real>
py::dict trust(const Surface& surface, const Array<Real>& starts, double radius, const DescentOptions& options,
               const py::object& progress, int n_threads) {
  return descended(starts, options, progress, n_threads, [&](const auto& rows, auto* finished, const Run& run) {
    descend_trust(surface, radius, options, rows, finished, run);
  });
}

template <class Real>
py::dict saddle_free(const Surface& surface, const Array<Real>& starts, std::int64_t krylov,
                     const DescentOptions& options, const py::object& progress, int n_threads) {
  return descended(starts, options, progress, n_threads, [&](const auto& rows, auto* finished, const Run& run) {
    descend_saddle_free(surface, krylov, options, rows, finished, run);
  });
}

template <class Real>
py::dict ascent(const Surface& surface, const Array<Real>& starts, std::int64_t krylov, const DescentOptions& options,
                const py::object& progress, int n_threads) {
  return descended(starts, options, progress, n_threads, [&](const auto& rows, auto* finished, const Run& run) {
    descend_ascent(surface, krylov, options, rows, finished, run);
  });
}

std::vector<std::shared_ptr<Form>> split(const FormShape& shape, const Disorder& disorder, std::uint64_t seed,
                                         int parts, int n_threads) {
  const Run run = make_run(n_threads);
  std::vector<std::shared_ptr<Form>> forms;
  without_gil([&] { forms = split_form(shape, disorder, seed, parts, run); });
  return forms;
}

template <class Real>
void bind_methods(py::module_& m) {
  m.def("descend_gradient", &gradient<Real>, py::arg("surface"), py::arg("starts").noconvert(), py::arg("step"),
        py::arg("decay"), py::arg("options"), py::arg("progress"), py::arg("n_threads"));
  m.def("descend_schedule", &scheduled<Real>, py::arg("surface"), py::arg("starts").noconvert(), py::arg("parts"),
        py::arg("schedule"), py::arg("options"), py::arg("progress"), py::arg("n_threads"));
  m.def("descend_tuples", &tuples<Real>, py::arg("glass"), py::arg("starts").noconvert(), py::arg("batches"),
        py::arg("schedule"), py::arg("options"), py::arg("progress"), py::arg("n_threads"));
  m.def("descend_lbfgs", &lbfgs<Real>, py::arg("surface"), py::arg("starts").noconvert(), py::arg("first_step"),
        py::arg("history"), py::arg("options"), py::arg("progress"), py::arg("n_threads"));
  m.def("descend_momentum", &momentum<Real>, py::arg("surface"), py::arg("starts").noconvert(), py::arg("step"),
        py::arg("decay"), py::arg("momentum"), py::arg("options"), py::arg("progress"), py::arg("n_threads"));
  m.def("descend_flow", &flow<Real>, py::arg("surface"), py::arg("starts").noconvert(), py::arg("accuracy"),
        py::arg("duration"), py::arg("options"), py::arg("progress"), py::arg("n_threads"));
  m.def("descend_power", &power<Real>, py::arg("surface"), py::arg("starts").noconvert(), py::arg("order"),
        py::arg("shift"), py::arg("options"), py::arg("progress"), py::arg("n_threads"));
  m.def("descend_trust", &trust<Real>, py::arg("surface"), py::arg("starts").noconvert(), py::arg("radius"),
        py::arg("options"), py::arg("progress"), py::arg("n_threads"));
  m.def("descend_saddle_free", &saddle_free<Real>, py::arg("surface"), py::arg("starts").noconvert(), py::arg("krylov"),
        py::arg("options"), py::arg("progress"), py::arg("n_threads"));
  m.def("descend_ascent", &ascent<Real>, py::arg("surface"), py::arg("starts").noconvert(), py::arg("krylov"),
        py::arg("options"), py::arg("progress"), py::arg("n_threads"));
}

}  // namespace

void bind_descent(py::module_& m) {
  py::native_enum<StopReason>(m, "StopReason", "enum.IntEnum", "Why an algorithm ended for a replica.")
      .value("converged", StopReason::converged)
      .value("max_steps", StopReason::max_steps)
      .value("completed", StopReason::completed)
      .value("stalled", StopReason::stalled)
      .value("line_search_failed", StopReason::line_search_failed)
      .value("not_finite", StopReason::not_finite)
      .value("no_pass", StopReason::no_pass)
      .value("linked", StopReason::converged)  // names of 0.1.0, of connections
      .value("max_rounds", StopReason::max_steps)
      .finalize();
  py::class_<DescentOptions>(m, "DescentOptions")
      .def(py::init([](double tol, std::int64_t max_steps, std::vector<double> ladder, std::int64_t trace_every) {
             return DescentOptions{tol, max_steps, std::move(ladder), trace_every};
           }),
           py::arg("tol"), py::arg("max_steps"), py::arg("ladder"), py::arg("trace_every"))
      .def_readonly("tol", &DescentOptions::tol)
      .def_readonly("max_steps", &DescentOptions::max_steps)
      .def_readonly("ladder", &DescentOptions::ladder)
      .def_readonly("trace_every", &DescentOptions::trace_every)
      .def("trace_columns", &DescentOptions::trace_columns);
  py::class_<Stage>(m, "Stage")
      .def(py::init([](std::int64_t steps, double step, double decay, bool on_parts) {
             return Stage{steps, step, decay, on_parts};
           }),
           py::arg("steps"), py::arg("step"), py::arg("decay"), py::arg("on_parts"));
  py::class_<Schedule>(m, "Schedule")
      .def(py::init([](std::vector<Stage> stages, bool random_order, std::uint64_t order_seed) {
             return Schedule{std::move(stages), random_order, order_seed};
           }),
           py::arg("stages"), py::arg("random_order"), py::arg("order_seed"));
  bind_methods<float>(m);
  bind_methods<double>(m);
  m.def("split_form", &split, py::arg("shape"), py::arg("disorder"), py::arg("seed"), py::arg("parts"),
        py::arg("n_threads"));
}

}  // namespace spinscape::bindings
