// What a decoder's block starts with: a map of twice the height and width, each pixel four times (nearest
// neighbours), joined with skip connections along the channels, in one pass over memory; and its gradient.
#include <vector>

#include "kernel.h"
#include "threads.h"
#include "vector.h"

namespace {

// Values that are worth a thread.
constexpr int64_t kGrain = 1 << 14;

struct Joined {
  int64_t skips = 0;
  // Of the map that is upsampled and of each skip connection; the gradient is told.
  std::vector<int64_t> channels;
  explicit Joined(TF_OpKernelConstruction* construction) {
    TF_Status* status = TF_NewStatus();
    TF_OpKernelConstruction_GetAttrInt64(construction, "skips", &skips, status);
    channels.resize(1 + skips);
    if (TF_OpKernelConstruction_HasAttr(construction, "channels", status))
      TF_OpKernelConstruction_GetAttrInt64List(construction, "channels", channels.data(), 1 + skips,
                                               status);
    TF_DeleteStatus(status);
  }
};

// Every tensor has `channels` of its own in each pixel; `all` are those of the joined pixels.
struct Part {
  int64_t channels, all;
};

// `width` pixels of x, each to two neighbours of the joined row `to`.
FOR_EVERY_PROCESSOR
void double_row(const float* x, int64_t width, const Part& part, float* to) {
  for (int64_t p = 0; p < width; p++, x += part.channels, to += 2 * part.all) {
    each_vector(0, part.channels, [&](int64_t c, int64_t n) ALWAYS_INLINE {
      const Vector values = get(x + c, n);
      put(to + c, values, n);
      put(to + part.all + c, values, n);
    });
  }
}

// `width` pixels from one row to another, in each of which a pixel takes `from_step` and `to_step` floats.
FOR_EVERY_PROCESSOR
void copy_row(const float* from, int64_t from_step, int64_t width, int64_t channels, float* to,
              int64_t to_step) {
  for (int64_t p = 0; p < width; p++, from += from_step, to += to_step) {
    each_vector(0, channels,
                [&](int64_t c, int64_t n) ALWAYS_INLINE { put(to + c, get(from + c, n), n); });
  }
}

// The sums over 2 x 2 pixels of the joined rows `dy` and `below`.
FOR_EVERY_PROCESSOR
void halve_rows(const float* dy, const float* below, int64_t width, const Part& part, float* dx) {
  const int64_t next = part.all;
  for (int64_t p = 0; p < width; p++, dx += part.channels, dy += 2 * next, below += 2 * next) {
    each_vector(0, part.channels, [&](int64_t c, int64_t n) ALWAYS_INLINE {
      put(dx + c, get(dy + c, n) + get(dy + next + c, n) + (get(below + c, n) + get(below + next + c, n)),
          n);
    });
  }
}

void upsample_concat(const Joined& joined, Call& call) {
  TF_Tensor* input = call.tensor(0);
  const auto shape = Call::shape(input);
  const float* x = static_cast<float*>(TF_TensorData(input));
  std::vector<const float*> skips;
  std::vector<int64_t> channels;
  int64_t all = shape[3];
  for (int64_t i = 0; i < joined.skips; i++) {
    TF_Tensor* skip = call.tensor(1 + i);
    skips.push_back(static_cast<float*>(TF_TensorData(skip)));
    channels.push_back(TF_Dim(skip, 3));
    all += channels[i];
  }
  const int64_t width = 2 * shape[2], rows = shape[0] * 2 * shape[1];
  float* y = call.output(0, {shape[0], 2 * shape[1], width, all});
  const Part part = {shape[3], all};
  parallel_for(rows, kGrain / (width * all), [&](int, int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      // An even number of rows in each image: rows of all images may be counted through.
      float* to = y + r * width * all;
      double_row(x + r / 2 * shape[2] * shape[3], shape[2], part, to);
      to += shape[3];
      for (int64_t i = 0; i < joined.skips; to += channels[i++])
        copy_row(skips[i] + r * width * channels[i], channels[i], width, channels[i], to, all);
    }
  });
}

void upsample_concat_grad(const Joined& joined, Call& call) {
  TF_Tensor* input = call.tensor(0);
  const auto shape = Call::shape(input);
  const float* dy = static_cast<float*>(TF_TensorData(input));
  const int64_t width = shape[2], all = shape[3], half = width / 2;
  const std::vector<int64_t>& channels = joined.channels;
  float* dx = call.output(0, {shape[0], shape[1] / 2, half, channels[0]});
  std::vector<float*> skips;
  for (int64_t i = 1; i <= joined.skips; i++)
    skips.push_back(call.output(i, {shape[0], shape[1], width, channels[i]}));
  const Part part = {channels[0], all};
  const int64_t pairs = shape[0] * shape[1] / 2;
  parallel_for(pairs, kGrain / (2 * width * all), [&](int, int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      const float* rows = dy + 2 * r * width * all;
      halve_rows(rows, rows + width * all, half, part, dx + r * half * channels[0]);
      const float* from = rows + channels[0];
      for (int64_t i = 1; i <= joined.skips; from += channels[i++])
        copy_row(from, all, 2 * width, channels[i], skips[i - 1] + 2 * r * width * channels[i],
                 channels[i]);
    }
  });
}

const bool registered = [] {
  register_operation<Joined, upsample_concat>({"CryptsUpsampleConcat",
                                               {"x: float", "skip: skips * float"},
                                               {"y: float"},
                                               {"skips: int >= 0"}});
  register_operation<Joined, upsample_concat_grad>({"CryptsUpsampleConcatGrad",
                                                    {"dy: float"},
                                                    {"dx: float", "dskip: skips * float"},
                                                    {"skips: int >= 0", "channels: list(int)"}});
  return true;
}();

}  // namespace
