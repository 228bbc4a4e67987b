// Compiled for each processor by winograd_filter.cc.
#include "winograd_points.h"

// One tile of the outputs' gradient to the points; vectors of channels go `chunk` floats apart.
INLINE void evaluate_gradient_tile(const float* dy, const Grid& g, int64_t tile, const float* zeros,
                                   float* e, int64_t stride, int64_t chunk) {
  const float* pixels[kTile * kTile];
  float rest[kTile * kTile * lanes];
  find_pixels<kTile>(dy, g, tile, zeros, pixels);
  for (int64_t c = 0; c < g.channels; c += lanes, e += chunk) {
    int64_t at = c;
    if (c + lanes > g.channels) {
      copy_rest<kTile * kTile>(pixels, c, g.channels, rest);
      at = 0;
    }
    V rows[kTile * kSide];
    UNROLL
    for (int s = 0; s < kTile; s++)
      evaluate_gradient(load(pixels[s] + at), load(pixels[kTile + s] + at),
                        load(pixels[2 * kTile + s] + at), load(pixels[3 * kTile + s] + at), rows + s,
                        kTile);
    UNROLL
    for (int r = 0; r < kSide; r++) {
      const V* row = rows + r * kTile;
      V points[kSide];
      evaluate_gradient(row[0], row[1], row[2], row[3], points, 1);
      UNROLL
      for (int s = 0; s < kSide; s++) store(e + (r * kSide + s) * stride, points[s]);
    }
  }
}

// Tiles [begin, end) of those from `first` on, of inputs to v and of the outputs' gradient to e, both
// [POINTS][chunk][size][lane].
INLINE void evaluate_both(const Work& w, int64_t first, int64_t begin, int64_t end, int64_t size,
                          const float* zeros, float* v, int64_t v_stride, float* e,
                          int64_t e_stride) {
  for (int64_t t = begin; t < end; t++)
    evaluate_tile(w.x, w.inputs, first + t, zeros, v + t * lanes, v_stride, size * lanes);
  for (int64_t t = begin; t < end; t++)
    evaluate_gradient_tile(w.dy, w.outputs, first + t, zeros, e + t * lanes, e_stride, size * lanes);
}

// Adds to (or, if fresh, writes to) `rows` x vectors sums the products of `count` tiles.
template <int rows, int vectors>
INLINE void add_products(const float* v, const float* e, int64_t chunk, int64_t count, bool fresh,
                         float* m, int64_t step) {
  V sum[rows][vectors] = {};
  for (int64_t t = 0; t < count; t++, v += lanes, e += lanes) {
    V right[vectors];
    UNROLL
    for (int j = 0; j < vectors; j++) right[j] = load(e + j * chunk);
    UNROLL
    for (int i = 0; i < rows; i++) {
      const V left = every(v[i]);
      UNROLL
      for (int j = 0; j < vectors; j++) sum[i][j] += left * right[j];
    }
  }
  UNROLL
  for (int i = 0; i < rows; i++) {
    UNROLL
    for (int j = 0; j < vectors; j++) {
      float* to = m + i * step + j * lanes;
      store(to, fresh ? sum[i][j] : sum[i][j] + load(to));
    }
  }
}

// One point and one vector of inputs: m [lane][all] from `count` tiles; vectors of channels lie `chunk`
// floats apart.
INLINE void add_point(const float* v, const float* e, int64_t chunk, int64_t count, int64_t all,
                      bool fresh, float* m) {
  // Half a vector of inputs at a time: then there are registers for two vectors of outputs.
  constexpr int rows = LANES / 2;
  for (int half = 0; half < lanes; half += rows) {
    for (int64_t c = 0; c < all; c += kVectors * lanes) {
      const float *left = v + half, *right = e + c / lanes * chunk;
      float* to = m + half * all + c;
      if (all - c > lanes) add_products<rows, kVectors>(left, right, chunk, count, fresh, to, all);
      else add_products<rows, 1>(left, right, chunk, count, fresh, to, all);
    }
  }
}

// The products of tiles [begin, end) to m [POINTS][in][out], whole vectors both, `group` at a time.
void own_products(const Work& w, int64_t group, int64_t begin, int64_t end, float* m) {
  const int64_t depth = whole(w.in), all = whole(w.out), chunk = group * lanes;
  const int64_t v_stride = group * depth + kLine, e_stride = group * all + kLine;
  float* v = scratch(kOwn, kPoints * (v_stride + e_stride) + std::max(depth, all));
  float *e = v + kPoints * v_stride, *zeros = e + kPoints * e_stride;
  std::fill(zeros, zeros + std::max(depth, all), 0.0f);
  for (int64_t first = begin; first < end; first += group) {
    const int64_t count = std::min(group, end - first);
    evaluate_both(w, first, 0, count, group, zeros, v, v_stride, e, e_stride);
    for (int point = 0; point < kPoints; point++)
      for (int64_t c = 0; c < depth; c += lanes)
        add_point(v + point * v_stride + c * group, e + point * e_stride, chunk, count, all,
                  first == begin, m + (point * depth + c) * all);
  }
}

// Tiles [begin, end) of the `size` from `first` on.
void evaluate_shared(const Work& w, int64_t first, int64_t begin, int64_t end, int64_t size, float* v,
                     float* e) {
  const int64_t depth = whole(w.in), all = whole(w.out);
  float* zeros = scratch(kOwn, std::max(depth, all));
  std::fill(zeros, zeros + std::max(depth, all), 0.0f);
  evaluate_both(w, first, begin, end, size, zeros, v, size * depth + kLine, e, size * all + kLine);
}

// Parts [begin, end) of m: one point and one vector of inputs each.
void shared_products(const Work& w, const float* v, const float* e, int64_t size, int64_t count,
                     bool fresh, int64_t begin, int64_t end, float* m) {
  const int64_t depth = whole(w.in), all = whole(w.out), chunks = depth / lanes;
  const int64_t v_stride = size * depth + kLine, e_stride = size * all + kLine;
  for (int64_t part = begin; part < end; part++) {
    const int64_t point = part / chunks, c = part % chunks * lanes;
    add_point(v + point * v_stride + c * size, e + point * e_stride, size * lanes, count, all, fresh,
              m + (point * depth + c) * all);
  }
}

// The taps of inputs [begin, end) from the sum of `parts` products.
void interpolate_inputs(const Work& w, const float* m, int64_t parts, int64_t begin, int64_t end) {
  const int64_t depth = whole(w.in), all = whole(w.out), size = kPoints * depth * all;
  for (int64_t c = begin; c < end; c++) {
    for (int64_t o = 0; o < w.out; o += lanes) {
      V total[kPoints];
      for (int point = 0; point < kPoints; point++) {
        const float* at = m + (point * depth + c) * all + o;
        total[point] = load(at);
        for (int64_t part = 1; part < parts; part++) total[point] += load(at + part * size);
      }
      V e[3 * kSide], taps[9];
      UNROLL
      for (int s = 0; s < kSide; s++) interpolate_taps(total + s, e + s, kSide, kSide);
      UNROLL
      for (int r = 0; r < 3; r++) interpolate_taps(e + r * kSide, taps + 3 * r, 1, 1);
      for (int tap = 0; tap < 9; tap++) {
        float* to = w.dw + (tap * w.in + c) * w.out + o;
        if (o + lanes <= w.out) store(to, taps[tap]);
        else memcpy(to, &taps[tap], (w.out - o) * sizeof(float));
      }
    }
  }
}

const Kernels kernels = {lanes, own_products, evaluate_shared, shared_products, interpolate_inputs};
