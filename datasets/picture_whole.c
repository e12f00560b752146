// Whether a picture's file holds all that its header promises. stb_image fills up what is missing
// in BMP, TGA and GIF files silently, and checks no checksum of a PNG.
#include "datasets/picture_parts.h"
#include <string.h>
#include <zlib.h>

static bool ends_early(struct error *error) {
    return error_set(error, "damaged: the file ends early, as after a broken download");
}

// Chunks of a length, a name, that many bytes, and a checksum over name and bytes (PNG, 5.3).
static bool png_whole(struct span f, struct error *error) {
    for (size_t at = 8; f.size - at >= 12;) {
        size_t length = picture_big(f.data + at);
        if (length > f.size - at - 12)
            break;
        const unsigned char *name = f.data + at + 4;
        if (crc32(0, name, (uInt)length + 4) != picture_big(name + 4 + length))
            return error_set(error, "damaged: a checksum of the PNG is wrong");
        if (memcmp(name, "IEND", 4) == 0)
            return true;
        at += 12 + length;
    }
    return ends_early(error);
}

// Rows of whole groups of 4 bytes.
static bool bmp_whole(struct span f, int w, int h, struct error *error) {
    bool old = picture_little(f.data + 14, 4) == 12;
    if (f.size < 34)
        return ends_early(error);
    uint64_t offset = picture_little(f.data + 10, 4),
             bits = picture_little(f.data + (old ? 24 : 28), 2);
    uint64_t row = ((uint64_t)w * bits + 31) / 32 * 4;
    // A file may lack the last row's filling.
    return offset + row * (uint64_t)h <= (uint64_t)f.size + 3 || ends_early(error);
}

// Packets of one pixel to repeat, or of pixels as they are, up to 128 of them.
static bool packets_whole(struct span f, size_t at, size_t pixel, int64_t pixels) {
    while (pixels > 0 && at < f.size) {
        size_t count = (f.data[at] & 127u) + 1;
        at += 1 + (f.data[at] & 128u ? pixel : count * pixel);
        pixels -= (int64_t)count;
    }
    return pixels <= 0 && at <= f.size;
}

static bool tga_whole(struct span f, int w, int h, struct error *error) {
    size_t pixel = (f.data[16] + 7u) / 8;
    size_t at = 18 + (size_t)f.data[0] + picture_little(f.data + 5, 2) * ((f.data[7] + 7u) / 8);
    int64_t pixels = (int64_t)w * h;
    if (f.data[2] & 8)
        return packets_whole(f, at, pixel, pixels) || ends_early(error);
    return at + (size_t)pixels * pixel <= f.size || ends_early(error);
}

// Behind the blocks at `at`, each with its length in front; beyond the file where they end early.
static size_t skip_blocks(struct span f, size_t at) {
    while (at < f.size && f.data[at] != 0)
        at += 1 + (size_t)f.data[at];
    return at + 1;
}

// A table of colours, if the flags say that there is one.
static size_t table_size(unsigned flags) {
    return flags & 0x80 ? 3u * (2u << (flags & 7)) : 0;
}

// Up to the end of the first frame (GIF89a, 20 to 22).
static bool gif_whole(struct span f, struct error *error) {
    size_t at = 13 + table_size(f.data[10]);
    while (at < f.size) {
        if (f.data[at] == 0x21) { // an extension
            at = skip_blocks(f, at + 2);
            continue;
        }
        if (f.data[at] != 0x2c || f.size - at < 11)
            break;
        if (picture_little(f.data + at + 5, 2) == 0 || picture_little(f.data + at + 7, 2) == 0)
            return error_set(error, "damaged: the GIF's first frame is empty");
        at += 10 + table_size(f.data[at + 9]);
        return skip_blocks(f, at + 1) <= f.size || ends_early(error);
    }
    return ends_early(error);
}

bool picture_whole(struct span file, enum picture_format format, int w, int h,
                   struct error *error) {
    switch (format) {
    case FORMAT_PNG:
        return png_whole(file, error);
    case FORMAT_BMP:
        return bmp_whole(file, w, h, error);
    case FORMAT_TGA:
        return tga_whole(file, w, h, error);
    case FORMAT_GIF:
        return gif_whole(file, error);
    default: // a JPEG's walk and the PNM's reader see to theirs
        return true;
    }
}
