#include "datasets/vocabulary.h"

#include "base/hash.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "datasets/unicode.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static bool is(const struct vocabulary *v, uint32_t bucket, const char *piece, size_t length) {
    const char *other = v->piece[bucket - 1];
    return strncmp(other, piece, length) == 0 && other[length] == '\0';
}

// The bucket that holds the piece, or the empty one where it belongs.
static uint32_t *bucket_of(const struct vocabulary *v, const char *piece, size_t length) {
    size_t at = hash_bytes(piece, length) & v->mask;
    while (v->bucket[at] && !is(v, v->bucket[at], piece, length))
        at = (at + 1) & v->mask;
    return &v->bucket[at];
}

void vocabulary_make(struct vocabulary *v, char **piece, int size) {
    size_t buckets = 16;
    while (buckets < 2 * (size_t)size)
        buckets *= 2;
    *v = (struct vocabulary){.size = size, .piece = piece, .mask = buckets - 1};
    v->bucket = xcalloc(buckets, sizeof *v->bucket);
    for (int i = 0; i < size; i++) {
        size_t length = strlen(piece[i]);
        *bucket_of(v, piece[i], length) = (uint32_t)i + 1;
        v->longest = length > v->longest ? length : v->longest;
    }
}

static void free_pieces(char **piece, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(piece[i]);
    free(piece);
}

void vocabulary_close(struct vocabulary *v) {
    free_pieces(v->piece, (size_t)v->size);
    free(v->bucket);
    *v = (struct vocabulary){0};
}

int vocabulary_find(const struct vocabulary *v, const char *piece, size_t length) {
    return length > v->longest ? -1 : (int)*bucket_of(v, piece, length) - 1;
}

static size_t count_lines(const char *data, size_t size) {
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += data[i] == '\n';
    return count + (size > 0 && data[size - 1] != '\n');
}

bool vocabulary_text(const char *data, size_t size, const char *name, struct error *error) {
    if (size > VOCABULARY_BYTES_MAX)
        return error_set(error, "%s: larger than %d MiB", name, VOCABULARY_BYTES_MAX >> 20);
    size_t fault = unicode_valid(data, size);
    const char *zero = memchr(data, 0, fault);
    if (zero)
        fault = (size_t)(zero - data);
    if (fault < size)
        return error_set(error, "%s: no text in UTF-8: byte %zu, in line %zu", name, fault,
                         count_lines(data, fault) + (fault == 0 || data[fault - 1] == '\n'));
    return true;
}

static bool refuse_size(const char *name, size_t size, struct error *error) {
    return error_set(error, "%s: %zu pieces in it; 1 to %d would be right", name, size,
                     VOCABULARY_MAX);
}

bool vocabulary_lines(struct vocabulary *v, const char *data, size_t size, const char *name,
                      struct error *error) {
    *v = (struct vocabulary){0};
    if (!vocabulary_text(data, size, name, error))
        return false;
    text_skip_mark(&data, &size);
    size_t count = count_lines(data, size);
    if (count == 0 || count > VOCABULARY_MAX)
        return refuse_size(name, count, error);
    char **piece = xmalloc(count * sizeof *piece);
    const char *at = data, *end = data + size;
    for (size_t i = 0; i < count; i++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end, *next = newline ? newline + 1 : end;
        if (stop > at && stop[-1] == '\r')
            stop--;
        piece[i] = xstrndup(at, (size_t)(stop - at));
        at = next;
    }
    vocabulary_make(v, piece, (int)count);
    return true;
}

static bool read_ids(json_t *root, char **piece, size_t count, const char *name,
                     struct error *error) {
    const char *key;
    json_t *value;
    if (count == 0 || count > VOCABULARY_MAX)
        return refuse_size(name, count, error);
    json_object_foreach(root, key, value) {
        json_int_t id = json_is_integer(value) ? json_integer_value(value) : -1;
        if (id < 0 || id >= (json_int_t)count || piece[id])
            return error_set(error,
                             "%s: the id of \"%.40s\" is none of 0 to %zu, or is another piece's",
                             name, key, count - 1);
        piece[id] = xstrdup(key);
    }
    return true;
}

bool vocabulary_json(struct vocabulary *v, const char *data, size_t size, const char *name,
                     struct error *error) {
    *v = (struct vocabulary){0};
    json_error_t why;
    if (!vocabulary_text(data, size, name, error))
        return false;
    text_skip_mark(&data, &size);
    json_t *root = json_loadb(data, size, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(root)) {
        error_set(error, "%s:%d: %s", name, root ? 1 : why.line,
                  root ? "an object of pieces and their ids would be right" : why.text);
        json_decref(root);
        return false;
    }
    size_t count = json_object_size(root);
    char **piece = xcalloc(count, sizeof *piece);
    bool fine = read_ids(root, piece, count, name, error);
    json_decref(root);
    if (fine)
        vocabulary_make(v, piece, (int)count);
    else
        free_pieces(piece, count);
    return fine;
}
