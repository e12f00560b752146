#include "datasets/source.h"

#include <limits.h>
#include <string.h>

bool source_open(struct source *s, const void *bytes, size_t size, const char *name,
                 struct error *error) {
    *s = (struct source){.name = name, .data = bytes, .size = size};
    s->packed = size >= 2 && s->data[0] == 0x1f && s->data[1] == 0x8b;
    // 16 asks zlib for gzip's header and checksum.
    if (s->packed && inflateInit2(&s->z, 16 + MAX_WBITS) != Z_OK)
        return error_run(error, "%s: no memory to unpack it", name);
    return true;
}

void source_close(struct source *s) {
    if (s->packed)
        inflateEnd(&s->z);
}

// Gives zlib what is left of the file, once. False when that brought nothing more.
static bool unpack_some(struct source *s) {
    uInt give = s->size < INT_MAX ? (uInt)s->size : INT_MAX;
    s->z.next_in = s->data;
    s->z.avail_in = give;
    int result = inflate(&s->z, Z_NO_FLUSH);
    s->data += give - s->z.avail_in;
    s->size -= give - s->z.avail_in;
    if (result == Z_STREAM_END)
        s->ended = true;
    else if (result != Z_OK && result != Z_BUF_ERROR)
        s->fault = s->z.msg ? s->z.msg : "no valid stream";
    return result == Z_OK;
}

static size_t unpack(struct source *s, unsigned char *out, size_t room) {
    size_t done = 0;
    while (done < room && !s->ended && !s->fault) {
        uInt piece = room - done < INT_MAX ? (uInt)(room - done) : INT_MAX;
        s->z.next_out = out + done;
        s->z.avail_out = piece;
        bool more = unpack_some(s);
        done += piece - s->z.avail_out;
        if (!more)
            break;
    }
    return done;
}

size_t source_take(struct source *s, unsigned char *out, size_t room) {
    if (s->packed)
        return unpack(s, out, room);
    size_t got = room < s->size ? room : s->size;
    memcpy(out, s->data, got);
    s->data += got;
    s->size -= got;
    return got;
}

bool source_short(const struct source *s, const char *what, struct error *error) {
    if (s->fault)
        return error_set(error, "%s: damaged gzip data (%s)", s->name, s->fault);
    return error_set(error, "%s: the file ends inside %s", s->name, what);
}

bool source_done(struct source *s, struct error *error) {
    unsigned char more;
    size_t got = source_take(s, &more, 1);
    if (got == 0 && s->packed && !s->ended)
        return source_short(s, "the checksum of the gzip data", error);
    if (got > 0 || s->size > 0)
        return error_set(error, "%s: more bytes follow than the header's sizes say", s->name);
    return true;
}
