#include "threads.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace {

// How long a thread without work looks out for some before it sleeps. A training step has hundreds of loops,
// most of them closer to each other than this, and to wake a sleeping thread takes as long as many a loop.
constexpr std::chrono::microseconds kPatience(100);

// Waits until `done`, or for kPatience; whoever else wants the processor gets it meanwhile.
template <typename Done>
void look_out(const Done& done) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!done() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
}

// Threads that wait for work for as long as the process lives.
class Pool {
 public:
  explicit Pool(int threads) : threads_(threads) {
    for (int i = 1; i < threads; i++) std::thread([this] { work(); }).detach();
  }

  int threads() const { return threads_; }

  // Calls body(part) for every part; a thread that is done with one takes the next.
  void run(int parts, const std::function<void(int)>& body) {
    std::lock_guard<std::mutex> one_at_a_time(entry_);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      body_ = &body;
      parts_ = parts;
      next_ = 0;
      unfinished_ = parts;
      generation_++;
    }
    wake_.notify_all();
    std::unique_lock<std::mutex> lock(mutex_);
    take(lock);
    wait(lock, done_, [this] { return unfinished_ == 0; });
  }

 private:
  void work() {
    uint64_t seen = 0;
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wait(lock, wake_, [&] { return generation_ != seen; });
      seen = generation_;
      take(lock);
    }
  }

  // `done` reads nothing but atomics.
  template <typename Done>
  void wait(std::unique_lock<std::mutex>& lock, std::condition_variable& signal, const Done& done) {
    if (done()) return;
    lock.unlock();
    look_out(done);
    lock.lock();
    signal.wait(lock, done);
  }

  void take(std::unique_lock<std::mutex>& lock) {
    while (next_ < parts_) {
      const int part = next_++;
      const auto* body = body_;
      lock.unlock();
      (*body)(part);
      lock.lock();
      if (--unfinished_ == 0) done_.notify_one();
    }
  }

  const int threads_;
  std::mutex entry_, mutex_;
  std::condition_variable wake_, done_;
  const std::function<void(int)>* body_ = nullptr;
  int parts_ = 0;
  int next_ = 0;
  std::atomic<int> unfinished_{0};
  std::atomic<uint64_t> generation_{0};
};

// Never destroyed: its threads may still wait when the process ends.
Pool& pool() {
  static Pool* it = new Pool(std::max(1u, std::thread::hardware_concurrency()));
  return *it;
}

}  // namespace

// More parts than threads: one that is held up by other programs does not hold up the rest.
int max_parts() { return 4 * pool().threads(); }

void parallel_for(int64_t count, int64_t grain,
                  const std::function<void(int, int64_t, int64_t)>& body) {
  const int64_t wanted = count / std::max<int64_t>(1, grain);
  const int parts = static_cast<int>(std::clamp<int64_t>(wanted, 1, max_parts()));
  if (parts == 1) return body(0, 0, count);
  pool().run(parts, [&](int part) {
    body(part, count * part / parts, count * (part + 1) / parts);
  });
}
