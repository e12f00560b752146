#include "data/crop.h"

#include <math.h>

enum { TRIES = 10 };

static const double narrow = 3.0 / 4, broad = 4.0 / 3;

bool crop_try(float least, float area_draw, float ratio_draw, int h, int w, struct box *out) {
    float low = logf((float)narrow), high = logf((float)broad);
    double share = (double)(least + area_draw * (1 - least));
    double area = (double)h * w * share;
    double ratio = (double)expf(low + ratio_draw * (high - low));
    // rint rounds halves to even, as Python does.
    double box_w = rint(sqrt(area * ratio)), box_h = rint(sqrt(area / ratio));
    if (box_w < 1 || box_h < 1 || box_w > w || box_h > h)
        return false;
    out->h = (int)box_h;
    out->w = (int)box_w;
    return true;
}

struct box crop_centre(int h, int w) {
    struct box box = {0, 0, h, w};
    double ratio = (double)w / h;
    if (ratio < narrow)
        box.h = (int)rint(w / narrow);
    else if (ratio > broad)
        box.w = (int)rint(h * broad);
    box.h = box.h > h ? h : box.h < 1 ? 1 : box.h;
    box.w = box.w > w ? w : box.w < 1 ? 1 : box.w;
    box.top = (h - box.h) / 2;
    box.left = (w - box.w) / 2;
    return box;
}

struct box crop_fit(int h, int w, int shorter, int size, int *full_h, int *full_w) {
    *full_h = h <= w ? shorter : (int)((int64_t)shorter * h / w);
    *full_w = w <= h ? shorter : (int)((int64_t)shorter * w / h);
    return (struct box){(int)rint((*full_h - size) / 2.0), (int)rint((*full_w - size) / 2.0), size,
                        size};
}

struct box crop_box(const struct crop *c, int h, int w) {
    struct box box;
    for (int i = 0; i < TRIES; i++) {
        uint64_t draw = CROP_FIRST + 4 * (uint64_t)i;
        if (!crop_try(c->least, random_uniform(c->key, c->sample, c->view, draw),
                      random_uniform(c->key, c->sample, c->view, draw + 1), h, w, &box))
            continue;
        uint32_t rows = (uint32_t)(h - box.h + 1), columns = (uint32_t)(w - box.w + 1);
        box.top = (int)random_below(c->key, c->sample, c->view, draw + 2, rows);
        box.left = (int)random_below(c->key, c->sample, c->view, draw + 3, columns);
        return box;
    }
    return crop_centre(h, w);
}
