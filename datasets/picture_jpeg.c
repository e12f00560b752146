// The segments of a JPEG (ITU-T T.81, B.1): marker FF xx, then a length of two bytes that counts
// itself, then its content; after a scan's header come coded bytes, in which FF is followed by 00
// or a restart marker.
#include "datasets/picture_parts.h"

enum {
    MARKER_DHT = 0xc4,
    MARKER_RST0 = 0xd0,
    MARKER_RST7 = 0xd7,
    MARKER_EOI = 0xd9,
    MARKER_SOS = 0xda,
};

static bool is_frame(int marker) {
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

static bool ends_early(struct error *error) {
    return error_set(error, "damaged: the JPEG stops before its end, as after a broken download");
}

// The next marker at or after `at`, which moves behind it; -1 where the file ends.
static int next_marker(struct span f, size_t *at) {
    while (*at + 1 < f.size) {
        int code = f.data[*at + 1];
        if (f.data[*at] != 0xff || code == 0x00 || code == 0xff) {
            ++*at;
            continue;
        }
        *at += 2;
        if (code < MARKER_RST0 || code > MARKER_RST7)
            return code;
    }
    return -1;
}

static bool read_frame(struct span content, int marker, int *w, int *h, struct error *error) {
    if (marker != 0xc0 && marker != 0xc1 && marker != 0xc2)
        return error_set(error, "a lossless or arithmetic JPEG (SOF%d), which is not supported",
                         marker - 0xc0);
    if (*w)
        return error_set(error, "damaged: a JPEG with two frames");
    if (content.size < 6)
        return error_set(error, "damaged: the JPEG's frame header is too short");
    *h = content.data[1] << 8 | content.data[2];
    *w = content.data[3] << 8 | content.data[4];
    return picture_size_fits(*w, *h, error);
}

// The code tables of one segment: a byte, 16 counts, as many values as the counts add up to.
// stb_image 2.27 writes beyond its own table when they add up to more than 256.
static bool tables_fit(const unsigned char *content, size_t length) {
    while (length > 0) {
        size_t values = 0;
        for (size_t i = 1; i <= 16 && i < length; i++)
            values += content[i];
        if (length < 17 || values > 256 || values > length - 17)
            return false;
        content += 17 + values;
        length -= 17 + values;
    }
    return true;
}

// What is between two markers: `content` of a segment.
static bool check_segment(struct span content, int marker, int *w, int *h, struct error *error) {
    if (marker == MARKER_DHT && !tables_fit(content.data, content.size))
        return error_set(error, "damaged: a code table of the JPEG is wrong");
    if (marker == MARKER_SOS && !*w)
        return error_set(error, "damaged: a JPEG whose scan comes before its frame");
    return !is_frame(marker) || read_frame(content, marker, w, h, error);
}

bool picture_jpeg_walk(struct span f, int *w, int *h, struct error *error) {
    size_t at = 2; // behind the start mark
    bool scanned = false;
    *w = *h = 0;
    for (;;) {
        int marker = next_marker(f, &at);
        if (marker == MARKER_EOI && scanned)
            return true;
        if (marker < 0 || marker == MARKER_EOI || f.size - at < 2)
            return ends_early(error);
        size_t length = (size_t)(f.data[at] << 8 | f.data[at + 1]);
        if (length < 2)
            return error_set(error, "damaged: a segment of the JPEG has the length %zu", length);
        if (length > f.size - at)
            return ends_early(error);
        if (!check_segment((struct span){f.data + at + 2, length - 2}, marker, w, h, error))
            return false;
        scanned |= marker == MARKER_SOS;
        at += length;
    }
}
