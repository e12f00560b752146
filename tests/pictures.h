// The pictures of tests/torch/make_pictures.py, and files that tests write.
#ifndef THAW_TESTS_PICTURES_H
#define THAW_TESTS_PICTURES_H

#include "base/files.h"
#include "base/shape.h"
#include "base/xalloc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Pixel (x, y), channel c.
static inline unsigned char formula_pixel(int x, int y, int c) {
    return (unsigned char)((x * 37 + y * 91 + c * 53 + x * y * 7) % 256);
}

static inline unsigned char *formula_picture(struct shape s) {
    unsigned char *out = xmalloc(shape_count(s)), *to = out;
    for (int y = 0; y < s.h; y++)
        for (int x = 0; x < s.w; x++)
            for (int c = 0; c < s.c; c++)
                *to++ = formula_pixel(x, y, c);
    return out;
}

// Writes a file whose folders may be missing; a temporary tree's place is `root`.
static inline void put_file(const char *root, const char *name, const void *data, size_t size) {
    char *path = files_join(root, name), *slash = strrchr(path, '/');
    *slash = '\0';
    if (!files_make_directory(path, NULL))
        abort();
    *slash = '/';
    if (!files_write(path, data, size, NULL))
        abort();
    free(path);
}

// A P6 picture, each with pixels of its own.
static inline void put_picture(const char *root, const char *name, int w, int h, int seed) {
    unsigned char data[4096];
    int at = snprintf((char *)data, sizeof data, "P6 %d %d 255\n", w, h);
    for (int i = 0; i < w * h * 3; i++)
        data[at + i] = (unsigned char)(i * (seed + 3) + seed * 17);
    put_file(root, name, data, (size_t)(at + w * h * 3));
}

#endif
