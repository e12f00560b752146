// libFuzzer: whatever the bytes, the decoder answers yes or no in one line, and a picture has all
// the pixels that its shape says. The first byte chooses the colour and whether the name is a
// TGA's.
#include "datasets/picture.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct picture p;
    struct error error = {0};
    if (size == 0)
        return 0;
    enum picture_colour colour = data[0] & 1 ? PICTURE_GREY : PICTURE_RGB;
    const char *name = data[0] & 2 ? "a.tga" : "a.jpg";
    if (!picture_parse(&p, data + 1, size - 1, name, colour, &error)) {
        if (error.kind != ERROR_REQUEST || !*error.text || strchr(error.text, '\n') || p.pixels)
            abort();
        return 0;
    }
    unsigned sum = 0;
    size_t count = shape_count(p.shape);
    for (size_t i = 0; i < count; i++)
        sum += p.pixels[i];
    if (p.shape.c != (int)colour || count == 0 || sum > 255 * count)
        abort();
    picture_close(&p);
    return 0;
}
