#include "threads.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace {

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
    done_.wait(lock, [this] { return unfinished_ == 0; });
  }

 private:
  void work() {
    uint64_t seen = 0;
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return generation_ != seen; });
      seen = generation_;
      take(lock);
    }
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
  int unfinished_ = 0;
  uint64_t generation_ = 0;
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
