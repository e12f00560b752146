#include "base/shape.h"

#include <inttypes.h>
#include <stdio.h>

size_t shape_count(struct shape s) {
    return (size_t)s.h * (size_t)s.w * (size_t)s.c;
}

bool shape_equal(struct shape a, struct shape b) {
    return a.h == b.h && a.w == b.w && a.c == b.c;
}

const char *shape_text(struct shape s, char text[32]) {
    if (s.h == 1 && s.w == 1) {
        snprintf(text, 32, "%d", s.c);
    } else {
        snprintf(text, 32, "%dx%dx%d", s.c, s.h, s.w);
    }
    return text;
}

size_t dims_count(struct dims d) {
    size_t count = 1;
    for (int i = 0; i < d.rank; i++) {
        count *= (size_t)d.size[i];
    }
    return count;
}

bool dims_equal(struct dims a, struct dims b) {
    bool equal = a.rank == b.rank;
    for (int i = 0; equal && i < a.rank; i++) {
        equal = a.size[i] == b.size[i];
    }
    return equal;
}

const char *dims_text(struct dims d, char text[96]) {
    int length = snprintf(text, 96, "[");
    for (int i = 0; i < d.rank; i++) {
        length +=
            snprintf(text + length, 96 - (size_t)length, "%s%" PRId64, i ? ", " : "", d.size[i]);
    }
    snprintf(text + length, 96 - (size_t)length, "]");
    return text;
}
