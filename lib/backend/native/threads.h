// A loop divided among all processors.
#ifndef CRYPTS_THREADS_H_
#define CRYPTS_THREADS_H_

#include <cstdint>
#include <functional>

// Calls body(part, begin, end) for consecutive parts of [0, count), each at least `grain` long, on as
// many threads as there are processors, and returns when all are done. Parts are numbered from 0.
void parallel_for(int64_t count, int64_t grain,
                  const std::function<void(int part, int64_t begin, int64_t end)>& body);

// The largest number of parts that parallel_for makes.
int max_parts();

#endif  // CRYPTS_THREADS_H_
