// The filter gradient of the 3 x 3 convolution with stride 1 by Winograd's filtering.
#include <vector>

#include "kernel.h"
#include "scratch.h"
#include "threads.h"
#include "winograd.h"

namespace {

struct Settings {
  std::vector<int64_t> pads = std::vector<int64_t>(4);  // top, bottom, left, right
  explicit Settings(TF_OpKernelConstruction* construction) {
    TF_Status* status = TF_NewStatus();
    TF_OpKernelConstruction_GetAttrInt64List(construction, "pads", pads.data(), 4, status);
    TF_DeleteStatus(status);
  }
};

// What all kernels work on.
struct Work {
  const float *x, *dy;
  float* dw;
  Grid inputs, outputs;
  int64_t in, out, tiles;
};

struct Kernels {
  int64_t lanes;
  void (*own_products)(const Work&, int64_t group, int64_t begin, int64_t end, float* m);
  void (*evaluate_shared)(const Work&, int64_t first, int64_t begin, int64_t end, int64_t size,
                          float* v, float* e);
  void (*shared_products)(const Work&, const float* v, const float* e, int64_t size, int64_t count,
                          bool fresh, int64_t begin, int64_t end, float* m);
  void (*interpolate_inputs)(const Work&, const float* m, int64_t parts, int64_t begin, int64_t end);
};

// Up to as many bytes of products, each thread has sums of its own.
constexpr int64_t kSmallProducts = 640 << 10;
// Bytes of evaluated tiles that are worked on at once: by one thread, and by all.
constexpr int64_t kOwnTiles = 384 << 10, kSharedTiles = 4 << 20;

}  // namespace

#define KERNELS "winograd_filter_kernels.h"
#include "every_processor.h"

namespace {

void filter_gradient(const Work& w) {
  const Kernels& kernels = WIDEST(kernels);
  const auto whole = [&](int64_t n) { return (n + kernels.lanes - 1) / kernels.lanes * kernels.lanes; };
  const int64_t depth = whole(w.in), all = whole(w.out), size = kPoints * depth * all;
  const int64_t bytes = sizeof(float) * kPoints * (depth + all);
  int64_t parts = 1;
  float* m;
  if (static_cast<int64_t>(sizeof(float)) * size <= kSmallProducts) {
    const int64_t group = std::clamp<int64_t>(kOwnTiles / bytes, 1, w.tiles);
    parts = std::clamp<int64_t>(w.tiles / group, 1, max_parts());
    m = scratch(kShared, parts * size);
    parallel_for(parts, 1, [&](int, int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; part++)
        kernels.own_products(w, group, w.tiles * part / parts, w.tiles * (part + 1) / parts,
                             m + part * size);
    });
  } else {
    const int64_t group = std::clamp<int64_t>(kSharedTiles / bytes, 1, w.tiles);
    const int64_t v_size = kPoints * (group * depth + kLine);
    m = scratch(kShared, size + v_size + kPoints * (group * all + kLine));
    float *v = m + size, *e = v + v_size;
    for (int64_t first = 0; first < w.tiles; first += group) {
      const int64_t count = std::min(group, w.tiles - first);
      parallel_for(count, 1, [&](int, int64_t begin, int64_t end) {
        kernels.evaluate_shared(w, first, begin, end, group, v, e);
      });
      parallel_for(kPoints * depth / kernels.lanes, 1, [&](int, int64_t begin, int64_t end) {
        kernels.shared_products(w, v, e, group, count, first == 0, begin, end, m);
      });
    }
  }
  parallel_for(w.in, 8, [&](int, int64_t begin, int64_t end) {
    kernels.interpolate_inputs(w, m, parts, begin, end);
  });
}

void conv3x3_filter_grad(const Settings& settings, Call& call) {
  TF_Tensor *input = call.tensor(0), *gradient = call.tensor(1);
  const auto shape = Call::shape(input), dy = Call::shape(gradient);
  const auto& pads = settings.pads;
  const int64_t tiles_y = (dy[1] + kTile - 1) / kTile, tiles_x = (dy[2] + kTile - 1) / kTile;
  Work work;
  work.x = static_cast<float*>(TF_TensorData(input));
  work.dy = static_cast<float*>(TF_TensorData(gradient));
  work.dw = call.output(0, {3, 3, shape[3], dy[3]});
  work.inputs = {shape[1], shape[2], shape[3], tiles_y, tiles_x, pads[0], pads[2]};
  work.outputs = {dy[1], dy[2], dy[3], tiles_y, tiles_x, 0, 0};
  work.in = shape[3];
  work.out = dy[3];
  work.tiles = shape[0] * tiles_y * tiles_x;
  filter_gradient(work);
}

const bool registered = [] {
  register_operation<Settings, conv3x3_filter_grad>({"CryptsConv3x3FilterGrad",
                                                     {"x: float", "dy: float"},
                                                     {"dw: float"},
                                                     {"pads: list(int)"}});
  return true;
}();

}  // namespace
