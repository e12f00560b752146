// The bytes of a file in order, unpacked on the way if they are packed with gzip.
#ifndef THAW_DATASETS_SOURCE_H
#define THAW_DATASETS_SOURCE_H

#include "base/error.h"
#include <stddef.h>

#define ZLIB_CONST
#include <zlib.h>

struct source {
    const char *name;          // for errors
    const unsigned char *data; // what is left of the file's bytes
    size_t size;
    bool packed, ended; // ended: the packed stream is complete, its checksum right
    const char *fault;  // what is wrong with the packed stream
    z_stream z;
};

// `bytes` and `name` must outlive the source.
bool source_open(struct source *s, const void *bytes, size_t size, const char *name,
                 struct error *error);
void source_close(struct source *s);

// The next `room` bytes; fewer only where the data ends or is damaged.
size_t source_take(struct source *s, unsigned char *out, size_t room);

// After source_take gave too little: says why, with `what` was being read. Returns false.
bool source_short(const struct source *s, const char *what, struct error *error);

// An error when anything follows: more data, or bytes behind the packed stream; or when the
// checksum is missing or wrong.
bool source_done(struct source *s, struct error *error);

#endif
