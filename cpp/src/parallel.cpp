#include "spinscape/parallel.hpp"

#include <pthread.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <mutex>
#include <string>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace spinscape {
namespace {

std::atomic<bool> forked{false};

// libgomp's thread pool does not survive fork(): the child must not enter a parallel region (it would wait forever).
const int fork_guard = pthread_atfork(nullptr, nullptr, [] { forked.store(true); });

// Processors granted by the container's quota (cgroup v2, then v1), or "no limit".
int quota_threads() {
  constexpr int no_limit = std::numeric_limits<int>::max();
  double quota = -1, period = 0;
  std::string first;
  if (std::ifstream v2("/sys/fs/cgroup/cpu.max"); v2 >> first >> period) {
    quota = first == "max" ? -1 : std::strtod(first.c_str(), nullptr);
  } else {
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") >> quota;
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_period_us") >> period;
  }
  if (quota <= 0 || period <= 0) return no_limit;
  return std::max(1, static_cast<int>(std::ceil(quota / period)));
}

// The error of the lowest item that failed.
class FirstError {
 public:
  void keep(std::int64_t item, std::exception_ptr error) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!error_ || item < item_) {
      item_ = item;
      error_ = std::move(error);
    }
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  std::int64_t item_ = 0;
  std::exception_ptr error_;
};

}  // namespace

bool is_forked_child() { return forked.load(); }

int default_threads() {
#ifdef _OPENMP
  static const int quota = quota_threads();
  return is_forked_child() ? 1 : std::min(omp_get_max_threads(), quota);
#else
  return 1;
#endif
}

Run::Run(int n_threads, std::function<bool()> interrupted) : state_(std::make_shared<State>()), threads_(n_threads) {
  if (n_threads < 1) throw std::invalid_argument("n_threads must be at least 1");
#ifdef _OPENMP
  if (is_forked_child()) threads_ = 1;
#else
  threads_ = 1;
#endif
  state_->owner = std::this_thread::get_id();
  state_->interrupted = std::move(interrupted);
  state_->next_poll = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
}

Run Run::serial() const {
  Run copy = *this;
  copy.threads_ = 1;
  return copy;
}

void Run::poll() const {
  if (!state_->interrupted || std::this_thread::get_id() != state_->owner) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < state_->next_poll) return;
  state_->next_poll = now + std::chrono::milliseconds(50);
  if (state_->interrupted()) stop();
}

void Run::check() const {
  poll();
  if (state_->stopped.load(std::memory_order_relaxed)) throw Interrupted();
}

void parallel_for(const Run& run, std::int64_t count, const std::function<void(std::int64_t)>& body) {
  const int threads = static_cast<int>(std::min<std::int64_t>(run.threads(), count));
  if (threads <= 1) {
    for (std::int64_t item = 0; item < count; ++item) {
      run.check();
      body(item);
    }
    return;
  }
#ifdef _OPENMP
  std::atomic<std::int64_t> next{0};
  std::atomic<int> working{threads};
  FirstError first_error;
#pragma omp parallel num_threads(threads)
  {
    // An exception may not leave the region: it is kept, the other threads stop at their next item.
    for (std::int64_t item; (item = next.fetch_add(1)) < count;) {
      try {
        run.check();
        body(item);
      } catch (...) {
        first_error.keep(item, std::current_exception());
        next.store(count);
      }
    }
    working.fetch_sub(1);
    // The thread that came from Python goes on polling for an interrupt while the others finish; it sleeps, because
    // a spinning thread would take a core from them on a machine with fewer cores than threads.
    while (omp_get_thread_num() == 0 && working.load() > 0) {
      run.poll();
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  }
  first_error.rethrow();
#endif
}

}  // namespace spinscape
