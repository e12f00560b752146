#include "ops/conv2d_tiles.h"
#include "base/kernels.h"
#include <string.h>

struct conv2d_tiles conv2d_tiles(struct shape shape, int n) {
    struct conv2d_tiles t = {.across = (shape.w + TILE_SIDE - 1) / TILE_SIDE,
                             .down = (shape.h + TILE_SIDE - 1) / TILE_SIDE};
    t.count = n * t.across * t.down;
    return t;
}

size_t conv2d_tile_pixel(int channels) {
    const size_t width = (size_t)kernels()->width;
    return ((size_t)channels + width - 1) / width * width;
}

size_t conv2d_patch_floats(int side, int channels) {
    return (size_t)(side * side) * conv2d_tile_pixel(channels);
}

size_t conv2d_points_step(int rows, size_t pixel) {
    return (size_t)rows * pixel + (size_t)kernels()->width;
}

bool conv2d_tile_inside(const struct shape *shape, const struct conv2d_tile *tile, int side) {
    return tile->y >= 0 && tile->x >= 0 && tile->y + side <= shape->h && tile->x + side <= shape->w;
}

static const float *conv2d_pixel(const float *map, const struct shape *s, int sample, int y,
                                 int x) {
    const size_t row = (size_t)sample * (size_t)s->h + (size_t)y;
    return map + (row * (size_t)s->w + (size_t)x) * (size_t)s->c;
}

static void conv2d_patch(const float *map, const struct shape *s, const struct conv2d_tile *tile,
                         int side, int first, int channels, float *patch) {
    const size_t pixel = conv2d_tile_pixel(channels), bytes = (size_t)channels * sizeof *patch;
    memset(patch, 0, conv2d_patch_floats(side, channels) * sizeof *patch);
    const int left = tile->x < 0 ? -tile->x : 0,
              right = s->w - tile->x < side ? s->w - tile->x : side;
    const bool whole = pixel == (size_t)s->c && right > left; // a row is contiguous on both sides
    for (int i = 0; i < side; i++) {
        const int y = tile->y + i;
        if (y < 0 || y >= s->h)
            continue;
        float *row = patch + (size_t)(i * side) * pixel;
        if (whole)
            memcpy(row + (size_t)left * pixel,
                   conv2d_pixel(map, s, tile->sample, y, tile->x + left),
                   (size_t)(right - left) * bytes);
        for (int j = left; !whole && j < right; j++)
            memcpy(row + (size_t)j * pixel,
                   conv2d_pixel(map, s, tile->sample, y, tile->x + j) + first, bytes);
    }
}

struct conv2d_view conv2d_tile_view(const float *map, const struct shape *shape,
                                    const struct conv2d_tile *tile, int side, int first,
                                    int channels, float *patch) {
    const size_t pixel = conv2d_tile_pixel(channels), c = (size_t)shape->c;
    if (conv2d_tile_inside(shape, tile, side) && pixel == (size_t)channels) {
        const float *at = conv2d_pixel(map, shape, tile->sample, tile->y, tile->x) + first;
        return (struct conv2d_view){at, (size_t)shape->w * c, c};
    }
    conv2d_patch(map, shape, tile, side, first, channels, patch);
    return (struct conv2d_view){patch, (size_t)side * pixel, pixel};
}
