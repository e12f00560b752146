// What a picture's header says, read before any decoder sees the file.
#include "datasets/picture_parts.h"
#include <string.h>
#include <strings.h>

static bool begins(struct span head, const char *mark, size_t size) {
    return head.size >= size && memcmp(head.data, mark, size) == 0;
}

static bool ends_with(const char *name, const char *ending) {
    size_t length = strlen(name), tail = strlen(ending);
    return length > tail && strcasecmp(name + length - tail, ending) == 0;
}

enum picture_format picture_format_of(struct span head, const char *name) {
    if (begins(head, "\xff\xd8\xff", 3))
        return FORMAT_JPEG;
    if (begins(head, "\x89PNG\r\n\x1a\n", 8))
        return FORMAT_PNG;
    if (begins(head, "GIF87a", 6) || begins(head, "GIF89a", 6))
        return FORMAT_GIF;
    if (head.size >= 3 && head.data[0] == 'P' && head.data[1] >= '1' && head.data[1] <= '6' &&
        strchr(" \t\r\n\v\f#", head.data[2]) && head.data[2])
        return FORMAT_PNM;
    // TGA first: "BM" may begin one, but no BMP is called .tga.
    if (ends_with(name, ".tga"))
        return FORMAT_TGA;
    return begins(head, "BM", 2) ? FORMAT_BMP : FORMAT_NONE;
}

bool picture_size_fits(int64_t w, int64_t h, struct error *error) {
    if (w < 1 || h < 1)
        return error_set(error, "the header says %lld x %lld pixels", (long long)w, (long long)h);
    if (w > PICTURE_SIDE || h > PICTURE_SIDE || w * h > PICTURE_PIXELS)
        return error_set(error,
                         "%lld x %lld pixels are too many: at most %d on a side and %d million in "
                         "all; reduce it",
                         (long long)w, (long long)h, PICTURE_SIDE, PICTURE_PIXELS / 1000000);
    return true;
}

uint32_t picture_little(const unsigned char *at, int bytes) {
    uint32_t value = 0;
    while (bytes-- > 0)
        value = value << 8 | at[bytes];
    return value;
}

uint32_t picture_big(const unsigned char *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool too_short(struct error *error) {
    return error_set(error, "damaged: the file ends inside the header");
}

static bool png_size(struct span f, int64_t *w, int64_t *h, struct error *error) {
    if (f.size < 33)
        return too_short(error);
    if (memcmp(f.data + 12, "IHDR", 4) != 0)
        return error_set(error, "damaged: a PNG must begin with IHDR");
    *w = picture_big(f.data + 16);
    *h = picture_big(f.data + 20);
    return true;
}

static bool gif_size(struct span f, int64_t *w, int64_t *h, struct error *error) {
    if (f.size < 13)
        return too_short(error);
    *w = picture_little(f.data + 6, 2);
    *h = picture_little(f.data + 8, 2);
    return true;
}

static bool bmp_size(struct span f, int64_t *w, int64_t *h, struct error *error) {
    if (f.size < 26)
        return too_short(error);
    bool old = picture_little(f.data + 14, 4) == 12;
    *w = old ? (int64_t)picture_little(f.data + 18, 2) : (int32_t)picture_little(f.data + 18, 4);
    *h = old ? (int64_t)picture_little(f.data + 20, 2) : (int32_t)picture_little(f.data + 22, 4);
    *h = *h < 0 ? -*h : *h; // top row first
    return true;
}

static bool tga_size(struct span f, int64_t *w, int64_t *h, struct error *error) {
    if (f.size < 18)
        return too_short(error);
    *w = picture_little(f.data + 12, 2);
    *h = picture_little(f.data + 14, 2);
    return true;
}

bool picture_header(struct span file, enum picture_format format, int *w, int *h,
                    struct error *error) {
    int64_t wide = 0, high = 0;
    bool fine = false;
    if (format == FORMAT_JPEG)
        return picture_jpeg_walk(file, w, h, error);
    if (format == FORMAT_PNG)
        fine = png_size(file, &wide, &high, error);
    else if (format == FORMAT_GIF)
        fine = gif_size(file, &wide, &high, error);
    else if (format == FORMAT_BMP)
        fine = bmp_size(file, &wide, &high, error);
    else
        fine = tga_size(file, &wide, &high, error);
    if (!fine || !picture_size_fits(wide, high, error))
        return false;
    *w = (int)wide;
    *h = (int)high;
    return true;
}
