// What the passes of Winograd's convolution share: the tiles of a batch, views of them in a map,
// and the batch of 36 matrix products.
#ifndef THAW_OPS_CONV2D_TILES_H
#define THAW_OPS_CONV2D_TILES_H

#include "base/shape.h"
#include <stdbool.h>
#include <stddef.h>

enum {
    TILE_SIDE = 4,    // of a tile of the output
    TILE_WINDOW = 6,  // of what it reads
    TILE_POINTS = 36, // entries of a transformed tile: products
    TILE_TAPS = 9,    // weights
};

// The 4x4 tiles of maps of one shape, numbered through the batch; those at the right and lower edge
// may reach beyond it.
struct conv2d_tiles {
    int across, down, count; // per row, per column, of `n` samples
};

struct conv2d_tiles conv2d_tiles(struct shape shape, int n);

// Of a tile: the sample, and the pixel of its upper left corner. Passed by pointers and made
// inline: as a value it is loaded by eight bytes after it was stored by four, which waits until
// every store before has reached the cache.
struct conv2d_tile {
    int sample, y, x;
};

static inline struct conv2d_tile conv2d_tile_at(const struct conv2d_tiles *tiles, int index) {
    const int row = index / tiles->across;
    return (struct conv2d_tile){row / tiles->down, row % tiles->down * TILE_SIDE,
                                index % tiles->across * TILE_SIDE};
}

// Pixels of a map, rows and pixels so many floats apart.
struct conv2d_view {
    const float *at;
    size_t row, column;
};

// Floats of a pixel with whole vectors of channels.
size_t conv2d_tile_pixel(int channels);

// side x side pixels from (y, x) on of a sample of `map` ([n][shape]), which may lie beyond its
// edges, where zeros stand; channels first .. first + channels - 1, and readable up to the end of
// their vector. In place where that is possible, otherwise a copy in `patch`, which has
// conv2d_patch_floats(side, channels) floats.
struct conv2d_view conv2d_tile_view(const float *map, const struct shape *shape,
                                    const struct conv2d_tile *tile, int side, int first,
                                    int channels, float *patch);
size_t conv2d_patch_floats(int side, int channels);

// Whether all side x side pixels lie in the map.
bool conv2d_tile_inside(const struct shape *shape, const struct conv2d_tile *tile, int side);

// Distance between the 36 matrices of `rows` rows of `pixel` floats: not a power of two, which
// would bring them all into a few sets of the cache.
size_t conv2d_points_step(int rows, size_t pixel);

#endif
