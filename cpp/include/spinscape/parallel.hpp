// Threads, errors and interrupts of one call into the core.
//
// Every entry point of the core receives a Run. It carries the thread budget of the call (never a global state: a
// second OpenMP runtime in the process would not see it), and the way an interrupt gets out: the thread that made the
// Run polls a callback at most every 50 ms, the others watch a flag.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>

namespace spinscape {

// Thrown out of a computation whose interrupt callback asked it to stop.
class Interrupted : public std::runtime_error {
 public:
  Interrupted() : std::runtime_error("interrupted") {}
};

// Threads a call uses when it is not told: what OpenMP allows the calling thread, but not more than the
// container's processor quota; 1 without OpenMP and in a forked child, where OpenMP regions would hang.
int default_threads();

// True in a process that was forked from one in which this library was loaded.
bool is_forked_child();

class Run {
 public:
  // interrupted: called on the constructing thread only; true asks the computation to stop. May be empty.
  explicit Run(int n_threads = 1, std::function<bool()> interrupted = {});

  int threads() const { return threads_; }
  // The same call seen by one worker of an outer parallel loop: nested loops run on that worker alone.
  Run serial() const;

  // To be called often (at least every few milliseconds of work) from any thread; throws Interrupted after a stop.
  void check() const;
  void stop() const { state_->stopped.store(true, std::memory_order_relaxed); }
  // Polls from the constructing thread; does nothing on any other.
  void poll() const;

 private:
  struct State {
    std::atomic<bool> stopped{false};
    std::thread::id owner;
    std::function<bool()> interrupted;
    std::chrono::steady_clock::time_point next_poll;
  };
  std::shared_ptr<State> state_;
  int threads_;
};

// body(item) for every item of [0, count), in any order, on run.threads() threads. The first error any item throws
// (the lowest item's, so that it does not depend on timing where one item alone fails) is rethrown to the caller.
void parallel_for(const Run& run, std::int64_t count, const std::function<void(std::int64_t)>& body);

}  // namespace spinscape
