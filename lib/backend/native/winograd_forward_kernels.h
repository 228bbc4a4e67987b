// Compiled for each processor by winograd_forward.cc.
#include "winograd_points.h"

// Evaluates the filter for `columns` outputs (whole vectors) from `first` on, to [POINTS][in][columns].
INLINE void evaluate_filter_block(const Work& w, int64_t first, int64_t columns, float* u,
                                  int64_t stride) {
  const int64_t size = w.in * w.out;
  float staged[9][LANES * LANES];
  for (int64_t c0 = 0; c0 < w.in; c0 += lanes) {
    const int64_t count = std::min(lanes, w.in - c0);
    for (int64_t v = 0; v < columns; v += lanes) {
      const int64_t o = first + v, valid = std::min(lanes, w.out - o);
      const float* taps[9];
      for (int tap = 0; tap < 9; tap++) {
        // Flipped, the filter lies as [9 from the last][out][in].
        const float* from = w.flipped ? w.filter + (8 - tap) * size + o * w.in + c0
                                      : w.filter + tap * size + c0 * w.out + o;
        taps[tap] = w.flipped || valid < lanes ? staged[tap] : from;
        if (w.flipped && valid == lanes && count == lanes) {
          transpose(from, w.in, staged[tap], lanes);
        } else if (taps[tap] != from) {
          const int64_t by_in = w.flipped ? 1 : w.out, by_out = w.flipped ? w.in : 1;
          for (int64_t k = 0; k < count; k++)
            for (int64_t i = 0; i < lanes; i++)
              staged[tap][k * lanes + i] = i < valid ? from[k * by_in + i * by_out] : 0.0f;
        }
      }
      const int64_t step = w.flipped || valid < lanes ? lanes : w.out;
      for (int64_t k = 0; k < count; k++) {
        V e[3 * kSide];
        UNROLL
        for (int s = 0; s < 3; s++)
          evaluate_filter(load(taps[s] + k * step), load(taps[3 + s] + k * step),
                          load(taps[6 + s] + k * step), e + s, 3);
        float* to = u + (c0 + k) * columns + v;
        UNROLL
        for (int r = 0; r < kSide; r++) {
          V row[kSide];
          evaluate_filter(e[3 * r], e[3 * r + 1], e[3 * r + 2], row, 1);
          UNROLL
          for (int s = 0; s < kSide; s++) store(to + (r * kSide + s) * stride, row[s]);
        }
      }
    }
  }
}

// The product of kRows tiles v [chunk][row][lane] and u [in][vectors] at one point to m, whose rows are
// `step` apart.
template <int vectors>
INLINE void product(const float* v, const float* u, int64_t in, float* m, int64_t step) {
  V sum[kRows][vectors] = {};
  for (int64_t c0 = 0; c0 < in; c0 += lanes, v += kRows * lanes) {
    const int64_t count = std::min(lanes, in - c0);
    for (int64_t k = 0; k < count; k++, u += vectors * lanes) {
      V right[vectors];
      UNROLL
      for (int j = 0; j < vectors; j++) right[j] = load(u + j * lanes);
      UNROLL
      for (int i = 0; i < kRows; i++) {
        const V left = every(v[i * lanes + k]);
        UNROLL
        for (int j = 0; j < vectors; j++) sum[i][j] += left * right[j];
      }
    }
  }
  UNROLL
  for (int i = 0; i < kRows; i++) {
    UNROLL
    for (int j = 0; j < vectors; j++) store(m + i * step + j * lanes, sum[i][j]);
  }
}

// All points of `panels` panels for a block of one or two vectors of outputs, to m [POINTS][tile][step].
INLINE void multiply_block(const float* v, int64_t v_stride, const float* u, int64_t u_stride,
                           int64_t columns, float* m, int64_t m_stride, int64_t step,
                           int64_t panels, int64_t in) {
  const int64_t panel = whole(in) * kRows;
  for (int point = 0; point < kPoints; point++) {
    const float *left = v + point * v_stride, *right = u + point * u_stride;
    float* to = m + point * m_stride;
    for (int64_t p = 0; p < panels; p++, left += panel, to += kRows * step) {
      if (columns > lanes) product<kVectors>(left, right, in, to, step);
      else product<1>(left, right, in, to, step);
    }
  }
}

// Interpolates outputs [first, first + columns) of a tile from m and writes those that are there.
INLINE void write_tile(const Work& w, int64_t tile, int64_t first, int64_t columns, const float* m,
                       int64_t stride, float* outside) {
  float* pixels[kTile * kTile];
  float rest[kTile * kTile * lanes];
  find_pixels<kTile>(w.y, w.outputs, tile, outside, pixels);
  for (int64_t c = first; c < first + columns && c < w.out; c += lanes, m += lanes) {
    V e[kTile * kSide];
    UNROLL
    for (int s = 0; s < kSide; s++) {
      V column[kSide];
      UNROLL
      for (int r = 0; r < kSide; r++) column[r] = load(m + (r * kSide + s) * stride);
      interpolate(column, e + s, 1, kSide);
    }
    const bool full = c + lanes <= w.out;
    UNROLL
    for (int r = 0; r < kTile; r++) {
      V row[kTile];
      interpolate(e + r * kSide, row, 1, 1);
      UNROLL
      for (int s = 0; s < kTile; s++) {
        const int i = r * kTile + s;
        store(full ? pixels[i] + c : rest + i * lanes, finish(row[s], w.ending, c));
      }
    }
    for (int i = 0; !full && i < kTile * kTile; i++)
      for (int64_t k = c; k < w.out; k++) pixels[i][k] = rest[i * lanes + k - c];
  }
}

// Tiles [first, first + count) to v [POINTS][panel][chunk][row][lane].
INLINE void evaluate_tiles(const Work& w, int64_t first, int64_t count, const float* zeros, float* v,
                           int64_t stride) {
  for (int64_t t = 0; t < count; t++) {
    float* to = v + t / kRows * whole(w.in) * kRows + t % kRows * lanes;
    evaluate_tile(w.x, w.inputs, first + t, zeros, to, stride, kRows * lanes);
  }
}

// Blocks [begin, end) of the filter to u [POINTS][block][in][columns].
void evaluate_filter_blocks(const Work& w, float* u, int64_t stride, int64_t begin, int64_t end) {
  const int64_t width = kVectors * lanes;
  for (int64_t block = begin; block < end; block++) {
    const int64_t columns = std::min(width, whole(w.out) - block * width);
    evaluate_filter_block(w, block * width, columns, u + block * width * w.in, stride);
  }
}

// Panels [begin, end) of kRows tiles, `group` at a time, for all outputs.
void convolve_panels(const Work& w, const float* u, int64_t u_stride, int64_t group, int64_t begin,
                     int64_t end) {
  const int64_t depth = whole(w.in), all = whole(w.out), width = kVectors * lanes;
  const int64_t v_stride = group * kRows * depth + kLine, m_stride = group * kRows * all + kLine;
  float* v = scratch(kOwn, kPoints * (v_stride + m_stride) + depth + all);
  float *m = v + kPoints * v_stride, *zeros = m + kPoints * m_stride, *outside = zeros + depth;
  std::fill(zeros, zeros + depth, 0.0f);
  for (int64_t panel = begin; panel < end; panel += group) {
    const int64_t panels = std::min(group, end - panel), first = panel * kRows;
    const int64_t count = std::min(panels * kRows, w.tiles - first);
    evaluate_tiles(w, first, count, zeros, v, v_stride);
    for (int64_t c = 0; c < all; c += width)
      multiply_block(v, v_stride, u + c * w.in, u_stride, std::min(width, all - c), m + c, m_stride,
                     all, panels, w.in);
    for (int64_t t = 0; t < count; t++)
      write_tile(w, first + t, 0, all, m + t * all, m_stride, outside);
  }
}

// Evaluates panels [begin, end) of those from tile `first` on.
void evaluate_panels(const Work& w, float* v, int64_t stride, int64_t first, int64_t begin,
                     int64_t end) {
  const int64_t depth = whole(w.in);
  float* zeros = scratch(kOwn, depth);
  std::fill(zeros, zeros + depth, 0.0f);
  const int64_t from = first + begin * kRows, to = std::min(first + end * kRows, w.tiles);
  evaluate_tiles(w, from, to - from, zeros, v + begin * kRows * depth, stride);
}

// Block `block` of outputs for `panels` panels from tile `first` on, whose values v has.
void convolve_block(const Work& w, const float* v, int64_t v_stride, int64_t first, int64_t panels,
                    int64_t block) {
  const int64_t width = kVectors * lanes, c = block * width;
  const int64_t columns = std::min(width, whole(w.out) - c);
  const int64_t u_stride = w.in * columns + kLine, m_stride = panels * kRows * columns + kLine;
  float* u = scratch(kOwn, kPoints * (u_stride + m_stride) + whole(w.out));
  float *m = u + kPoints * u_stride, *outside = m + kPoints * m_stride;
  evaluate_filter_block(w, c, columns, u, u_stride);
  multiply_block(v, v_stride, u, u_stride, columns, m, m_stride, columns, panels, w.in);
  const int64_t count = std::min(panels * kRows, w.tiles - first);
  for (int64_t t = 0; t < count; t++)
    write_tile(w, first + t, c, columns, m + t * columns, m_stride, outside);
}

const Kernels kernels = {lanes,           kRows,           kVectors * lanes, evaluate_filter_blocks,
                         convolve_panels, evaluate_panels, convolve_block};
