#include "processor.h"

#include <cstdlib>
#include <string>

#if defined(__x86_64__)
int processor_level() {
  static const int level = [] {
    __builtin_cpu_init();
    const char* wish = std::getenv("CRYPTS_PROCESSOR");
    const std::string most = wish ? wish : "x86-64-v4";
    const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512cd");
    const bool narrow = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                        __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    if (wide && narrow && most == "x86-64-v4") return 4;
    return narrow && most != "x86-64" ? 3 : 1;
  }();
  return level;
}
#else
int processor_level() { return 0; }
#endif
