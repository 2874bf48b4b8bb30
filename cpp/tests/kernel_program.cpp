// Every kernel against the loops of reference.hpp, at the level SPINSCAPE_LEVEL names, without Python: for sanitizers
// and for mutation tests. Prints what failed and returns 1; returns 77 where this machine cannot run the level.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <thread>

#include "reference.hpp"
#include "spinscape/kernel.hpp"

namespace {

using namespace spinscape;

int failures = 0;

void expect(bool condition, const std::string& what) {
  if (condition) return;
  ++failures;
  std::printf("FAILED: %s\n", what.c_str());
}

std::string name_of(const FormShape& shape) {
  return std::string(shape.layered ? "layered" : "symmetric") + " p=" + std::to_string(shape.order) +
         " size=" + std::to_string(shape.size);
}

template <class Real>
std::vector<Real> normals(std::uint64_t seed, std::int64_t count) {
  std::vector<float> drawn(count);
  fill_normals({seed, Purpose::points, 0}, 0, 0, count, drawn.data());
  return {drawn.begin(), drawn.end()};
}

// What a form computes for a block of points: energies, gradients, gradients of hvp, products, gradients of Hessians,
// Hessians, one after the other.
template <class Real>
struct Block {
  std::vector<Real> energy, gradient, gradient2, product, gradient3, hessian;

  Block(const Form& form, const Real* w, const Real* v, std::int64_t replicas, int threads) {
    const std::int64_t n = form.shape().dimension();
    const Run run(threads);
    energy.resize(replicas);
    for (auto* rows : {&gradient, &gradient2, &product, &gradient3}) rows->resize(replicas * n);
    hessian.resize(replicas * n * n);
    form.energy_gradient(w, replicas, energy.data(), gradient.data(), run);
    form.hvp(w, v, replicas, gradient2.data(), product.data(), run);
    form.hessian(w, replicas, gradient3.data(), hessian.data(), run);
  }

  // The bits of one replica.
  bool same(std::int64_t mine, const Block& other, std::int64_t theirs, std::int64_t n) const {
    const auto rows = [&](const std::vector<Real>& a, const std::vector<Real>& b, std::int64_t width) {
      return std::memcmp(a.data() + mine * width, b.data() + theirs * width, width * sizeof(Real)) == 0;
    };
    return rows(energy, other.energy, 1) && rows(gradient, other.gradient, n) && rows(gradient2, other.gradient2, n) &&
           rows(product, other.product, n) && rows(gradient3, other.gradient3, n) &&
           rows(hessian, other.hessian, n * n);
  }
};

template <class Real>
bool close(const Real* actual, const reference::Results& expected, std::size_t from, std::int64_t count) {
  const double tolerance = sizeof(Real) == 4 ? 1e-5 : 1e-13;
  for (std::int64_t k = 0; k < count; ++k)
    if (!(std::abs(double(actual[k]) - expected.values[from + k]) <= tolerance * expected.sizes[from + k]))
      return false;
  return true;
}

template <class Real>
void check_form(const Form& form, const std::string& name) {
  constexpr std::int64_t replicas = 55;
  const std::int64_t n = form.shape().dimension();
  const std::vector<Real> w = normals<Real>(1, replicas * n), v = normals<Real>(2, replicas * n);
  std::vector<double> couplings(form.shape().entries());
  form.copy_packed(couplings.data());
  const Block<Real> all(form, w.data(), v.data(), replicas, 1);
  for (const std::int64_t r : {0, 15, 16, 54}) {
    const reference::Results expected = reference::evaluate(form.shape(), couplings, &w[r * n], &v[r * n]);
    expect(close(&all.energy[r], expected, 0, 1), name + ": energy");
    expect(close(&all.gradient[r * n], expected, 1, n), name + ": gradient");
    expect(close(&all.gradient2[r * n], expected, 1, n), name + ": gradient of hvp");
    expect(close(&all.gradient3[r * n], expected, 1, n), name + ": gradient of the Hessian");
    expect(close(&all.product[r * n], expected, 1 + n, n), name + ": hvp");
    expect(close(&all.hessian[r * n * n], expected, 1 + 2 * n, n * n), name + ": Hessian");
  }
  const Block<Real> threaded(form, w.data(), v.data(), replicas, 3);
  for (std::int64_t r = 0; r < replicas; ++r) expect(all.same(r, threaded, r, n), name + ": bits over threads");
  for (const std::int64_t size : {1, 2, 3, 4, 5, 20, 33}) {
    const std::int64_t first = 7;
    const Block<Real> part(form, &w[first * n], &v[first * n], size, 1);
    for (std::int64_t r = 0; r < size; ++r)
      expect(all.same(first + r, part, r, n), name + ": bits alone and in a block of " + std::to_string(size));
  }
}

void check_shape(const FormShape& shape) {
  const Disorder disorder{{LawKind::gaussian, 0}, 42, shape.order, shape.layered};
  const Run run(2);
  const Form stored(shape, disorder, run);
  const Form regenerated(shape, disorder, run, Storage::regenerated);
  const std::vector<double> given = normals<double>(9, shape.entries());
  const Form doubles(shape, given.data(), run);
  std::vector<double> back(given.size());
  doubles.copy_packed(back.data());
  expect(back == given, name_of(shape) + ": couplings come back");
  expect(stored.bytes() == Form::bytes_needed(shape, true), name_of(shape) + ": bytes");
  for (const auto& [form, name] :
       {std::pair(&stored, "stored"), std::pair(&regenerated, "regenerated"), std::pair(&doubles, "double")}) {
    check_form<float>(*form, name_of(shape) + " " + name + " float");
    check_form<double>(*form, name_of(shape) + " " + name + " double");
  }
  const std::int64_t n = shape.dimension();
  const std::vector<double> w = normals<double>(1, 20 * n), v = normals<double>(2, 20 * n);
  const Block<double> a(stored, w.data(), v.data(), 20, 2), b(regenerated, w.data(), v.data(), 20, 1);
  for (int r = 0; r < 20; ++r) expect(a.same(r, b, r, n), name_of(shape) + ": bits stored and regenerated");
}

// The vectorised normals against the scalar ones, which serve short requests.
void check_normals() {
  const Stream stream{77, Purpose::couplings, 3};
  for (const std::uint64_t first : {std::uint64_t(0), std::uint64_t(3), (std::uint64_t(1) << 34) - 120}) {
    std::vector<float> together(5000);
    fill_normals(stream, 4, first, 5000, together.data());
    for (std::int64_t k = 0; k < 5000; ++k) {
      float one = 0;
      fill_normals(stream, 4, first + k, 1, &one);
      expect(std::memcmp(&one, &together[k], sizeof one) == 0, "normals: bits one by one and together");
    }
  }
  // Known answer of Random123's Philox4x32-10.
  expect(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
             Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
         "philox: known answer");
}

// Several threads share one form: what a thread sanitizer looks at, also without OpenMP.
void check_sharing() {
  const FormShape shape{3, 40, false};
  const Form form(shape, Disorder{{LawKind::gaussian, 0}, 1, 3, false}, Run(1));
  const std::vector<double> w = normals<double>(1, 9 * 40);
  std::vector<std::vector<double>> gradients(4, std::vector<double>(9 * 40));
  std::vector<std::thread> threads;
  for (auto& gradient : gradients)
    threads.emplace_back([&] {
      std::vector<double> energy(9);
      form.energy_gradient(w.data(), 9, energy.data(), gradient.data(), Run(1));
    });
  for (std::thread& thread : threads) thread.join();
  for (const auto& gradient : gradients) expect(gradient == gradients[0], "sharing: one result");
}

void check_interrupt() {
  const FormShape shape{3, 120, false};
  const Form form(shape, Disorder{{LawKind::gaussian, 0}, 1, 3, false}, Run(1), Storage::regenerated);
  const std::vector<float> w = normals<float>(1, 600 * 120);
  std::vector<float> energy(600), gradient(600 * 120);
  bool stopped = false;
  Run run(1, [] { return true; });
  std::this_thread::sleep_for(std::chrono::milliseconds(60));  // the first poll is due
  try {
    form.energy_gradient(w.data(), 600, energy.data(), gradient.data(), run);
  } catch (const Interrupted&) {
    stopped = true;
  }
  expect(stopped, "interrupt: a pass stops");
}

}  // namespace

int main() {
  const char* wanted = std::getenv("SPINSCAPE_LEVEL");
  bool known = !wanted;
  for (const std::string& level : kernel_levels()) known |= wanted && level == wanted;
  if (!known) return 77;
  std::printf("level %s\n", kernel_level().c_str());
  check_normals();
  check_sharing();
  check_interrupt();
  // Sizes for every block width, with and without padding; depths 0 to 4.
  for (const auto& [order, size] : {std::pair(2, 1),
                                    {2, 21},
                                    {2, 90},
                                    {2, 260},
                                    {3, 1},
                                    {3, 7},
                                    {3, 13},
                                    {3, 21},
                                    {3, 95},
                                    {4, 2},
                                    {4, 9},
                                    {5, 6},
                                    {6, 4}})
    check_shape({order, size, false});
  for (const auto& [order, size] : {std::pair(2, 5), {2, 85}, {3, 6}, {4, 3}, {4, 5}}) check_shape({order, size, true});
  std::printf("%d failures\n", failures);
  return failures ? 1 : 0;
}
