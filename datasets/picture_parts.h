// What the files of the picture reader share among themselves. Errors do not name the file.
#ifndef THAW_DATASETS_PICTURE_PARTS_H
#define THAW_DATASETS_PICTURE_PARTS_H

#include "datasets/picture.h"
#include <stdint.h>

struct span {
    const unsigned char *data;
    size_t size;
};

enum picture_format {
    FORMAT_NONE,
    FORMAT_JPEG,
    FORMAT_PNG,
    FORMAT_BMP,
    FORMAT_GIF,
    FORMAT_TGA,
    FORMAT_PNM,
};

// Numbers in headers: up to 4 bytes, the lowest first; 4 bytes, the highest first.
uint32_t picture_little(const unsigned char *at, int bytes);
uint32_t picture_big(const unsigned char *at);

// By the first bytes, or by the name for TGA.
enum picture_format picture_format_of(struct span head, const char *name);

// Whether sides and pixels are within the limits.
bool picture_size_fits(int64_t w, int64_t h, struct error *error);

// Reads width and height from the header, and holds them against the limits. Not for PNM.
bool picture_header(struct span file, enum picture_format format, int *w, int *h,
                    struct error *error);

// Whether the file holds what its header, which picture_header has read, promises.
bool picture_whole(struct span file, enum picture_format format, int w, int h, struct error *error);

// Walks a JPEG's segments up to its end: width and height of the frame. An error when it ends
// early, or holds what stb_image cannot be trusted with.
bool picture_jpeg_walk(struct span file, int *w, int *h, struct error *error);

// The pixels with 1 to 4 channels (grey, grey and alpha, RGB, RGB and alpha); the caller frees.
bool picture_stb_decode(struct span file, int w, int h, struct picture *out, struct error *error);
bool picture_pnm_decode(struct span file, struct picture *out, struct error *error);

#endif
