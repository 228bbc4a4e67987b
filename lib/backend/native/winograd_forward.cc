// The 3 x 3 convolution with stride 1 by Winograd's filtering, and its input gradient, which is the same
// with the filter flipped and transposed.
#include <vector>

#include "ending.h"
#include "kernel.h"
#include "scratch.h"
#include "threads.h"
#include "winograd.h"

namespace {

struct Settings {
  std::vector<int64_t> pads = std::vector<int64_t>(4);  // top, bottom, left, right
  int32_t flipped = 0, activation = kNone;
  explicit Settings(TF_OpKernelConstruction* construction) {
    TF_Status* status = TF_NewStatus();
    TF_OpKernelConstruction_GetAttrInt64List(construction, "pads", pads.data(), 4, status);
    TF_OpKernelConstruction_GetAttrInt32(construction, "flipped", &flipped, status);
    if (TF_OpKernelConstruction_HasAttr(construction, "activation", status))
      TF_OpKernelConstruction_GetAttrInt32(construction, "activation", &activation, status);
    TF_DeleteStatus(status);
  }
};

// What all kernels work on.
struct Work {
  const float *x, *filter;
  float* y;
  Grid inputs, outputs;
  int64_t in, out, tiles;
  bool flipped;
  Ending ending;
};

struct Kernels {
  // Of a vector, tiles of a panel, outputs of a block.
  int64_t lanes, rows, width;
  void (*evaluate_filter_blocks)(const Work&, float* u, int64_t stride, int64_t begin, int64_t end);
  void (*convolve_panels)(const Work&, const float* u, int64_t u_stride, int64_t group, int64_t begin,
                          int64_t end);
  void (*evaluate_panels)(const Work&, float* v, int64_t stride, int64_t first, int64_t begin,
                          int64_t end);
  void (*convolve_block)(const Work&, const float* v, int64_t v_stride, int64_t first, int64_t panels,
                         int64_t block);
};

// More than this many bytes of evaluated filter do not stay near the processor while tiles go by.
constexpr int64_t kSmallFilter = 1 << 20;
// Bytes of evaluated tiles that are worked on at once: by one thread, and by all.
constexpr int64_t kOwnTiles = 384 << 10, kSharedTiles = 4 << 20;

}  // namespace

#define KERNELS "winograd_forward_kernels.h"
#include "every_processor.h"

namespace {

// Each thread takes tiles through all steps; the filter is evaluated once.
void convolve_by_tiles(const Kernels& kernels, const Work& w, int64_t depth, int64_t all) {
  const int64_t stride = w.in * all + kLine, panels = (w.tiles + kernels.rows - 1) / kernels.rows;
  float* u = scratch(kShared, kPoints * stride);
  parallel_for((all + kernels.width - 1) / kernels.width, 1, [&](int, int64_t begin, int64_t end) {
    kernels.evaluate_filter_blocks(w, u, stride, begin, end);
  });
  const int64_t bytes = sizeof(float) * kPoints * kernels.rows * (depth + all);
  const int64_t group = std::max<int64_t>(1, kOwnTiles / bytes);
  parallel_for(panels, 1, [&](int, int64_t begin, int64_t end) {
    kernels.convolve_panels(w, u, stride, group, begin, end);
  });
}

// Each thread takes blocks of outputs, whose filter it evaluates, through tiles that all have evaluated.
void convolve_by_outputs(const Kernels& kernels, const Work& w, int64_t depth, int64_t all) {
  const int64_t blocks = (all + kernels.width - 1) / kernels.width;
  const int64_t bytes = sizeof(float) * kPoints * kernels.rows * depth;
  const int64_t panels = (w.tiles + kernels.rows - 1) / kernels.rows;
  const int64_t group = std::clamp<int64_t>(kSharedTiles / bytes, 1, panels);
  const int64_t stride = group * kernels.rows * depth + kLine;
  float* v = scratch(kShared, kPoints * stride);
  for (int64_t panel = 0; panel < panels; panel += group) {
    const int64_t count = std::min(group, panels - panel), first = panel * kernels.rows;
    parallel_for(count, 1, [&](int, int64_t begin, int64_t end) {
      kernels.evaluate_panels(w, v, stride, first, begin, end);
    });
    parallel_for(blocks, 1, [&](int, int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; block++)
        kernels.convolve_block(w, v, stride, first, count, block);
    });
  }
}

template <bool activated>
void conv3x3(const Settings& settings, Call& call) {
  TF_Tensor *input = call.tensor(0), *filter = call.tensor(1);
  const auto shape = Call::shape(input), taps = Call::shape(filter);
  const auto& pads = settings.pads;
  const int64_t height = shape[1] + pads[0] + pads[1] - 2, width = shape[2] + pads[2] + pads[3] - 2;
  const int64_t in = shape[3], out = settings.flipped ? taps[2] : taps[3];
  const int64_t tiles_y = (height + kTile - 1) / kTile, tiles_x = (width + kTile - 1) / kTile;
  Work work;
  work.x = static_cast<float*>(TF_TensorData(input));
  work.filter = static_cast<float*>(TF_TensorData(filter));
  work.y = call.output(0, {shape[0], height, width, out});
  work.inputs = {shape[1], shape[2], in, tiles_y, tiles_x, pads[0], pads[2]};
  work.outputs = {height, width, out, tiles_y, tiles_x, 0, 0};
  work.in = in;
  work.out = out;
  work.tiles = shape[0] * tiles_y * tiles_x;
  work.flipped = settings.flipped != 0;
  const GivenEnding ending(activated, settings.activation, call, out);
  work.ending = ending;
  const Kernels& kernels = WIDEST(kernels);
  const auto whole = [&](int64_t n) { return (n + kernels.lanes - 1) / kernels.lanes * kernels.lanes; };
  const int64_t depth = whole(in), all = whole(out);
  const bool small = static_cast<int64_t>(sizeof(float)) * kPoints * in * all <= kSmallFilter;
  (small ? convolve_by_tiles : convolve_by_outputs)(kernels, work, depth, all);
}

const bool registered = [] {
  register_operation<Settings, conv3x3<false>>({"CryptsConv3x3",
                                                {"x: float", "filter: float"},
                                                {"y: float"},
                                                {"pads: list(int)", "flipped: int"}});
  register_operation<Settings, conv3x3<true>>(
      {"CryptsConv3x3Activated",
       {"x: float", "filter: float", "bias: float"},
       {"y: float"},
       {"pads: list(int)", "flipped: int", "activation: int"}});
  return true;
}();

}  // namespace
