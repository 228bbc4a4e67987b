// Winograd's minimal filtering (Lavin and Gray 2016) for 3 x 3 filters with stride 1, 4 x 4 outputs at a
// time: 36 multiplications in place of 144.
//
// A tile of 6 x 6 inputs and the filter are evaluated at the points 0, A, -A, B, -B and infinity in both
// directions, multiplied point by point, summed over the channels, and interpolated back. The usual
// points 1 and 2 lose 4 bits; 3/4 and 3/2 keep the powers near 1 and lose one to two. The filter gradient
// is the same evaluation with the 4 x 4 outputs' gradient in the filter's place.
#ifndef CRYPTS_WINOGRAD_H_
#define CRYPTS_WINOGRAD_H_

#include "processor.h"

constexpr int kTile = 4, kSide = 6, kPoints = kSide * kSide;
// One cache line more from point to point, so that the points do not all fall on the same set of the cache.
constexpr int64_t kLine = 16;

constexpr float kA = 0.75f, kB = 1.5f, kA2 = kA * kA, kB2 = kB * kB;
// One over the product of a point's distances from the others.
constexpr float kScale0 = 1 / (kA2 * kB2);
constexpr float kScaleA = 1 / (2 * kA2 * (kA2 - kB2));
constexpr float kScaleB = 1 / (2 * kB2 * (kB2 - kA2));

// Images [samples, height, width, channels] whose outputs are cut into tiles, row by row.
struct Grid {
  int64_t height, width, channels, tiles_y, tiles_x, pad_top, pad_left;
};

// The places of the side x side pixels that belong to a tile; `outside` stands for those beyond the border.
template <int side, typename Float>
INLINE void find_pixels(Float* images, const Grid& g, int64_t tile, Float* outside, Float** pixels) {
  const int64_t tx = tile % g.tiles_x, rest = tile / g.tiles_x;
  const int64_t top = rest % g.tiles_y * kTile - g.pad_top, left = tx * kTile - g.pad_left;
  Float* image = images + rest / g.tiles_y * g.height * g.width * g.channels;
  for (int r = 0; r < side; r++) {
    const int64_t y = top + r;
    for (int s = 0; s < side; s++) {
      const int64_t x = left + s;
      const bool inside = y >= 0 && y < g.height && x >= 0 && x < g.width;
      pixels[r * side + s] = inside ? image + (y * g.width + x) * g.channels : outside;
    }
  }
}

#endif  // CRYPTS_WINOGRAD_H_
