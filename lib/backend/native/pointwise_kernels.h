// Compiled for each processor by pointwise.cc.

// Vectors of columns, and rows, in one step of the products: as many as there are registers for.
constexpr int kVectors = 2, kRows = LANES == 16 ? 8 : 6;
// Rows of the left matrix that stay near the processor while all columns go by, in bytes.
constexpr int64_t kNear = 128 << 10;

// Columns [first, first + columns) of the right matrix to [inner][columns], zeros beyond its last. Turned,
// the matrix lies as [column][inner].
INLINE void pack_columns(const Matrices& m, int64_t first, int64_t columns, float* packed) {
  const int64_t valid = std::min(columns, m.columns - first);
  if (!m.turned) {
    for (int64_t k = 0; k < m.inner; k++, packed += columns) {
      const float* row = m.right + k * m.columns + first;
      std::copy(row, row + valid, packed);
      std::fill(packed + valid, packed + columns, 0.0f);
    }
    return;
  }
  for (int64_t c = 0; c < columns; c += lanes) {
    for (int64_t k = 0; k < m.inner; k += lanes) {
      const float* square = m.right + (first + c) * m.inner + k;
      float* to = packed + k * columns + c;
      if (c + lanes <= valid && k + lanes <= m.inner) {
        transpose(square, m.inner, to, columns);
        continue;
      }
      for (int64_t i = 0; i < lanes && k + i < m.inner; i++)
        for (int64_t j = 0; j < lanes; j++)
          to[i * columns + j] = c + j < valid ? square[j * m.inner + i] : 0.0f;
    }
  }
}

// kRows rows of the left matrix times a packed block of columns from `first` on; `result` may be a part of
// the product or a copy.
template <int vectors>
INLINE void product(const float* left, int64_t inner, const float* packed, const Ending& ending,
                    int64_t first, float* result, int64_t step) {
  V sum[kRows][vectors] = {};
  for (int64_t k = 0; k < inner; k++, packed += vectors * lanes) {
    V right[vectors];
    UNROLL
    for (int j = 0; j < vectors; j++) right[j] = load(packed + j * lanes);
    UNROLL
    for (int i = 0; i < kRows; i++) {
      const V value = every(left[i * inner + k]);
      UNROLL
      for (int j = 0; j < vectors; j++) sum[i][j] += value * right[j];
    }
  }
  UNROLL
  for (int i = 0; i < kRows; i++) {
    UNROLL
    for (int j = 0; j < vectors; j++)
      store(result + i * step + j * lanes, finish(sum[i][j], ending, first + j * lanes));
  }
}

// Rows [row, row + count) times a packed block of columns from `first` on. `spare` is for rows and columns
// that are not there: kRows * (inner + kVectors * lanes) floats.
INLINE void multiply_rows(const Matrices& m, int64_t row, int64_t count, const float* packed,
                          int64_t first, int64_t columns, float* spare) {
  const float* left = m.left + row * m.inner;
  float* result = m.result + row * m.columns + first;
  const int64_t valid = std::min(columns, m.columns - first);
  const bool whole_rows = count == kRows, whole = whole_rows && valid == columns;
  if (!whole_rows) {
    std::copy(left, left + count * m.inner, spare);
    std::fill(spare + count * m.inner, spare + kRows * m.inner, 0.0f);
    left = spare;
  }
  float* copy = spare + kRows * m.inner;
  float* to = whole ? result : copy;
  const int64_t step = whole ? m.columns : columns;
  if (columns > lanes) product<kVectors>(left, m.inner, packed, m.ending, first, to, step);
  else product<1>(left, m.inner, packed, m.ending, first, to, step);
  for (int64_t i = 0; !whole && i < count; i++)
    std::copy(copy + i * columns, copy + i * columns + valid, result + i * m.columns);
}

// Blocks [begin, end) of the right matrix, to [block][inner][columns].
void pack_blocks(const Matrices& m, float* packed, int64_t begin, int64_t end) {
  const int64_t width = kVectors * lanes, all = whole(m.columns);
  for (int64_t c = begin * width; c < std::min(end * width, all); c += width)
    pack_columns(m, c, std::min(width, all - c), packed + c * m.inner);
}

// Panels [begin, end) of kRows rows for all columns, which are packed.
void multiply_panels(const Matrices& m, const float* packed, int64_t begin, int64_t end) {
  const int64_t width = kVectors * lanes, all = whole(m.columns);
  const int64_t group = std::max<int64_t>(1, kNear / (kRows * m.inner * sizeof(float)));
  float* spare = scratch(kOwn, kRows * (m.inner + width));
  for (int64_t from = begin; from < end; from += group) {
    for (int64_t c = 0; c < all; c += width) {
      for (int64_t p = from; p < std::min(from + group, end); p++)
        multiply_rows(m, p * kRows, std::min<int64_t>(kRows, m.rows - p * kRows),
                      packed + c * m.inner, c, std::min(width, all - c), spare);
    }
  }
}

// All rows for blocks [begin, end) of the columns.
void multiply_blocks(const Matrices& m, int64_t begin, int64_t end) {
  const int64_t width = kVectors * lanes, all = whole(m.columns);
  float* packed = scratch(kOwn, width * whole(m.inner) + kRows * (m.inner + width));
  float* spare = packed + width * whole(m.inner);
  for (int64_t c = begin * width; c < std::min(end * width, all); c += width) {
    const int64_t columns = std::min(width, all - c);
    pack_columns(m, c, columns, packed);
    for (int64_t row = 0; row < m.rows; row += kRows)
      multiply_rows(m, row, std::min<int64_t>(kRows, m.rows - row), packed, c, columns, spare);
  }
}

// Adds (or, if fresh, writes) products of `count` rows of x and dy, `x_step` and `dy_step` floats apart, to
// `rows` x vectors sums.
template <int rows, int vectors>
INLINE void add_outer(const float* x, int64_t x_step, const float* dy, int64_t dy_step, int64_t count,
                      bool fresh, float* sums, int64_t step) {
  V sum[rows][vectors] = {};
  for (int64_t p = 0; p < count; p++, x += x_step, dy += dy_step) {
    V right[vectors];
    UNROLL
    for (int j = 0; j < vectors; j++) right[j] = load(dy + j * lanes);
    UNROLL
    for (int i = 0; i < rows; i++) {
      const V value = every(x[i]);
      UNROLL
      for (int j = 0; j < vectors; j++) sum[i][j] += value * right[j];
    }
  }
  UNROLL
  for (int i = 0; i < rows; i++) {
    UNROLL
    for (int j = 0; j < vectors; j++) {
      float* to = sums + i * step + j * lanes;
      store(to, fresh ? sum[i][j] : sum[i][j] + load(to));
    }
  }
}

// Pixels [begin, end) of x, inputs [from, to) and all outputs: sums [to - from rounded up to kSumRows]
// [outputs rounded up].
void outer_products(const Outer& m, int64_t from, int64_t to, int64_t begin, int64_t end,
                    float* sums) {
  constexpr int64_t rows = kSumRows;
  const int64_t all = whole(m.out), ins = (to - from + rows - 1) / rows * rows;
  const int64_t group = std::max<int64_t>(16, kNear / ((ins + all) * sizeof(float)));
  const bool copy_x = ins != to - from, copy_dy = all != m.out;
  float* x_copy = scratch(kOwn, group * (ins + all));
  float* dy_copy = x_copy + group * ins;
  for (int64_t first = begin; first < end; first += group) {
    const int64_t count = std::min(group, end - first);
    const float *x = m.x + first * m.in + from, *dy = m.dy + first * m.out;
    for (int64_t p = 0; copy_x && p < count; p++) {
      std::copy(x + p * m.in, x + p * m.in + to - from, x_copy + p * ins);
      std::fill(x_copy + p * ins + to - from, x_copy + (p + 1) * ins, 0.0f);
    }
    for (int64_t p = 0; copy_dy && p < count; p++) {
      std::copy(dy + p * m.out, dy + (p + 1) * m.out, dy_copy + p * all);
      std::fill(dy_copy + p * all + m.out, dy_copy + (p + 1) * all, 0.0f);
    }
    const float *left = copy_x ? x_copy : x, *right = copy_dy ? dy_copy : dy;
    const int64_t x_step = copy_x ? ins : m.in, dy_step = copy_dy ? all : m.out;
    for (int64_t i = 0; i < ins; i += rows) {
      for (int64_t c = 0; c < all; c += kVectors * lanes) {
        float* at = sums + i * all + c;
        if (all - c > lanes)
          add_outer<rows, kVectors>(left + i, x_step, right + c, dy_step, count, first == begin, at, all);
        else
          add_outer<rows, 1>(left + i, x_step, right + c, dy_step, count, first == begin, at, all);
      }
    }
  }
}

const Kernels kernels = {lanes,           kRows,          kVectors * lanes, pack_blocks,
                         multiply_panels, multiply_blocks, outer_products};
