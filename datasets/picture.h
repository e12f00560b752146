// One picture file, decoded to bytes: JPEG, PNG, BMP, GIF (its first frame), TGA, PNM (P1 to P6).
// The format is told by the content, TGA's (which has no mark of its own) by the file's ending.
//
// What pixels mean is as in PIL's convert("RGB") and convert("L"): alpha is dropped, not blended;
// grey is repeated in all channels; colour becomes grey by L = 0.299 R + 0.587 G + 0.114 B in PIL's
// fixed-point form. Of 16 bits the upper 8 are taken (PNM: rounded from its own maximum). EXIF
// orientation is not applied, as in torchvision. JPEGs may differ from PIL's by a few levels, as
// decoders do.
//
// The bytes are not trusted: sides, pixels and the file's size are limited and the header is
// checked before stb_image sees anything, what it allocates is limited by that and zeroed, and
// files that end early are refused, which stb_image itself would fill up silently.
#ifndef THAW_DATASETS_PICTURE_H
#define THAW_DATASETS_PICTURE_H

#include "base/error.h"
#include "base/shape.h"

enum {
    PICTURE_SIDE = 1 << 14,     // largest side, pixels
    PICTURE_PIXELS = 100000000, // in all
    PICTURE_FILE = 1 << 28,     // bytes of a file
    PICTURE_HEAD = 32,          // bytes that picture_check looks at
};

// 1 or 3 channels.
enum picture_colour { PICTURE_GREY = 1, PICTURE_RGB = 3 };

struct picture {
    struct shape shape;
    unsigned char *pixels; // [h][w][c]
};

// Whether a file's name ends like a picture's, in small or capital letters.
bool picture_named(const char *name);

// ".jpg, .jpeg, ...": what picture_named knows.
extern const char picture_endings[];

// A cheap look: whether a file exists, is a regular one of a permitted size, and begins like a
// picture. Errors do not name the file: the caller puts it in front.
bool picture_check(const char *path, struct error *error);

// The whole file. On an error (without the path) out is empty. Free with picture_close.
bool picture_read(struct picture *out, const char *path, enum picture_colour colour,
                  struct error *error);

// The same from memory; `name` tells a TGA.
bool picture_parse(struct picture *out, const void *bytes, size_t size, const char *name,
                   enum picture_colour colour, struct error *error);

void picture_close(struct picture *p);

#endif
