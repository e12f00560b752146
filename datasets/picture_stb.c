// The one file that includes stb_image. It decodes from memory only, and only the formats for which
// picture_header has looked at the sizes; PNM, where stb_image 2.27 writes beyond its buffer, is
// read by picture_pnm.c.
#include "base/text.h"
#include "datasets/picture_parts.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

// The largest block that the picture at hand can need. Without it a small file can ask for
// gigabytes.
static _Thread_local size_t block_most;

// Zeroed, so that pixels which a damaged file leaves out are the same in every run.
static void *guarded_malloc(size_t size) {
    return size > block_most ? NULL : calloc(1, size ? size : 1);
}

static void *guarded_realloc(void *old, size_t old_size, size_t size) {
    if (size > block_most)
        return NULL;
    char *block = realloc(old, size ? size : 1);
    if (block && size > old_size)
        memset(block + old_size, 0, size - old_size);
    return block;
}

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_ONLY_GIF
#define STBI_ONLY_TGA
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_MAX_DIMENSIONS PICTURE_SIDE
#define STBI_MALLOC(size) guarded_malloc(size)
#define STBI_REALLOC_SIZED(old, old_size, size) guarded_realloc(old, old_size, size)
#define STBI_FREE(block) free(block)
#ifdef __clang__
// What clang's sanitizer would report on damaged files without harm coming of it: NULL + 0 for an
// empty IDAT; in a JPEG whose codes run out, shifts by too much and (with -fwrapv,
// datasets/meson.build) sums that wrap. Accesses stay checked.
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow", "shift"))),            \
                             apply_to = function)
#endif
// The library's own style is not ours to judge. Some of these are told at the file's end.
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#include <stb_image.h>
#ifdef __clang__
#pragma clang attribute pop
#endif

// Four channels of 16 bits, blocks of a JPEG's coefficients, filter bytes of each row: all stay
// below.
static size_t most_for(struct span file, int w, int h) {
    size_t pixels = ((size_t)w + 64) * ((size_t)h + 64);
    return 16 * pixels + 4 * file.size + (1 << 20);
}

bool picture_stb_decode(struct span file, int w, int h, struct picture *out, struct error *error) {
    int got_w, got_h, channels;
    if (file.size > INT_MAX)
        return error_set(error, "the file is too large");
    block_most = most_for(file, w, h);
    unsigned char *pixels =
        stbi_load_from_memory(file.data, (int)file.size, &got_w, &got_h, &channels, 0);
    if (!pixels)
        return error_set(error, "damaged, or a kind that is not supported (%s)",
                         stbi_failure_reason());
    if (got_w != w || got_h != h || channels < 1 || channels > 4) {
        free(pixels);
        return error_set(error, "damaged: its parts disagree on its size");
    }
    *out = (struct picture){{got_h, got_w, channels}, pixels};
    return true;
}
