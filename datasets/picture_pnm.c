// PNM, all six kinds (netpbm's pbm(5), pgm(5), ppm(5)): P1 and P4 bits (1 is black), P2 and P5
// grey, P3 and P6 colour; P1 to P3 as text. Samples of more than 8 bits have two bytes, the upper
// one first.
#include "base/xalloc.h"
#include "datasets/picture_parts.h"
#include <stdlib.h>
#include <string.h>

struct pnm {
    struct span file;
    size_t at;
    int kind, w, h, c, most;
};

static bool is_space(int c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// The next character that belongs to no space and no comment; -1 at the end. It is not passed.
static int peek(struct pnm *p) {
    bool comment = false;
    for (; p->at < p->file.size; p->at++) {
        int c = p->file.data[p->at];
        comment = comment ? c != '\n' : c == '#';
        if (!comment && !is_space(c))
            return c;
    }
    return -1;
}

// A number of digits; -1 without one, or above `most`. In P1 one digit is a number.
static int64_t number(struct pnm *p, int64_t most, bool single) {
    int64_t value = -1;
    peek(p);
    while (p->at < p->file.size && p->file.data[p->at] >= '0' && p->file.data[p->at] <= '9') {
        value = (value < 0 ? 0 : value) * 10 + (p->file.data[p->at++] - '0');
        if (value > most)
            return -1;
        if (single)
            break;
    }
    return value;
}

static bool read_head(struct pnm *p, struct error *error) {
    p->kind = p->file.data[1] - '0';
    p->at = 2;
    p->c = p->kind == 3 || p->kind == 6 ? 3 : 1;
    int64_t w = number(p, INT32_MAX, false), h = number(p, INT32_MAX, false);
    int64_t most = p->kind == 1 || p->kind == 4 ? 1 : number(p, 65535, false);
    if (w < 0 || h < 0 || most < 1)
        return error_set(error, "damaged: the PNM header is wrong; width, height and a largest "
                                "value of 1 to 65535 would be right");
    if (!picture_size_fits(w, h, error))
        return false;
    p->w = (int)w;
    p->h = (int)h;
    p->most = (int)most;
    return true;
}

static unsigned char scale(const struct pnm *p, int64_t value) {
    value = value > p->most ? p->most : value;
    return (unsigned char)((value * 255 * 2 + p->most) / (2 * p->most));
}

static bool read_text(struct pnm *p, unsigned char *out, size_t count, struct error *error) {
    for (size_t i = 0; i < count; i++) {
        int64_t value = number(p, p->kind == 1 ? 1 : 65535, p->kind == 1);
        if (value < 0)
            return error_set(error, "damaged: the PNM has a wrong or missing value (number %zu)",
                             i + 1);
        out[i] = p->kind == 1 ? (unsigned char)(value ? 0 : 255) : scale(p, value);
    }
    return true;
}

static void read_bits(const struct pnm *p, const unsigned char *from, unsigned char *out) {
    size_t line = ((size_t)p->w + 7) / 8;
    for (int y = 0; y < p->h; y++)
        for (int x = 0; x < p->w; x++)
            *out++ = from[(size_t)y * line + (size_t)x / 8] >> (7 - x % 8) & 1 ? 0 : 255;
}

static bool read_binary(struct pnm *p, unsigned char *out, size_t count, struct error *error) {
    size_t bytes = p->kind == 4    ? ((size_t)p->w + 7) / 8 * (size_t)p->h
                   : p->most > 255 ? 2 * count
                                   : count;
    p->at++; // the one space behind the header
    if (p->at > p->file.size || p->file.size - p->at < bytes)
        return error_set(error, "damaged: the PNM ends early");
    const unsigned char *from = p->file.data + p->at;
    if (p->kind == 4)
        read_bits(p, from, out);
    else if (p->most > 255)
        for (size_t i = 0; i < count; i++)
            out[i] = scale(p, from[2 * i] << 8 | from[2 * i + 1]);
    else
        for (size_t i = 0; i < count; i++)
            out[i] = scale(p, from[i]);
    return true;
}

bool picture_pnm_decode(struct span file, struct picture *out, struct error *error) {
    struct pnm p = {.file = file};
    if (!read_head(&p, error))
        return false;
    size_t count = (size_t)p.w * (size_t)p.h * (size_t)p.c;
    // A value takes at least a bit: no header can ask for much more than the file has.
    if (count / 8 > file.size)
        return error_set(error, "damaged: the PNM ends early");
    unsigned char *pixels = xmalloc(count);
    bool fine =
        p.kind <= 3 ? read_text(&p, pixels, count, error) : read_binary(&p, pixels, count, error);
    if (fine)
        *out = (struct picture){{p.h, p.w, p.c}, pixels};
    else
        free(pixels);
    return fine;
}
