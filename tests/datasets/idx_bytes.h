// Builds idx files for tests.
#ifndef THAW_TESTS_IDX_BYTES_H
#define THAW_TESTS_IDX_BYTES_H

#include "base/xalloc.h"
#include <stdint.h>
#include <string.h>
#include <zlib.h>

struct bytes {
    unsigned char *data;
    size_t size;
};

// Header with these sizes (0 ends the list, at most 4), then `count` bytes i * 7 % modulus.
static inline struct bytes idx_bytes(const uint32_t size[4], size_t count, int modulus) {
    struct bytes b = {xcalloc(1, 20 + count), 4};
    b.data[2] = 8;
    for (int i = 0; i < 4 && size[i]; i++, b.data[3]++)
        for (int shift = 24; shift >= 0; shift -= 8)
            b.data[b.size++] = (unsigned char)(size[i] >> shift);
    for (size_t i = 0; i < count; i++)
        b.data[b.size++] = (unsigned char)(i * 7 % (size_t)modulus);
    return b;
}

// Packed with gzip.
static inline struct bytes gzip_bytes(struct bytes plain) {
    z_stream z = {0};
    deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    size_t room = deflateBound(&z, plain.size);
    struct bytes b = {xmalloc(room), 0};
    z.next_in = plain.data;
    z.avail_in = (uInt)plain.size;
    z.next_out = b.data;
    z.avail_out = (uInt)room;
    deflate(&z, Z_FINISH);
    b.size = room - z.avail_out;
    deflateEnd(&z);
    return b;
}

#endif
