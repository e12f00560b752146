#include "datasets/bpe.h"

#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "datasets/bpe_merge.h"
#include "datasets/unicode.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = 256, SPELLED = 2 * BYTES }; // all characters that spell a byte are below SPELLED

struct bpe {
    int byte_id[BYTES];
    int16_t byte_of[SPELLED]; // by character; -1: spells none
    struct bpe_pairs pairs;
};

// Bytes that print as themselves in Latin-1 are spelled so, the others in order from U+0100 on.
static int32_t spell(int byte, int *others) {
    bool prints = (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return prints ? byte : BYTES + (*others)++;
}

static bool find_bytes(struct bpe *self, const struct vocabulary *v, const char *name,
                       struct error *error) {
    int others = 0;
    memset(self->byte_of, -1, sizeof self->byte_of);
    for (int byte = 0; byte < BYTES; byte++) {
        char piece[4];
        int32_t code = spell(byte, &others);
        int length = unicode_write(code, piece);
        self->byte_of[code] = (int16_t)byte;
        self->byte_id[byte] = vocabulary_find(v, piece, (size_t)length);
        if (self->byte_id[byte] < 0)
            return error_set(error,
                             "%s: there is no piece \"%.*s\" in it, which spells the byte %d; a "
                             "byte-level vocabulary has one for every byte",
                             name, length, piece, byte);
    }
    return true;
}

// The text goes on to the end of the line.
static bool read_merge(struct bpe *self, const struct vocabulary *v, const char *line, size_t size,
                       int rank, struct error *error) {
    const char *space = memchr(line, ' ', size);
    if (!space || space == line || space + 1 == line + size ||
        memchr(space + 1, ' ', (size_t)(line + size - space - 1)))
        return error_set(error, "two pieces with a space between them would be right");
    size_t left = (size_t)(space - line), right = size - left - 1;
    char *both = xmalloc(left + right);
    memcpy(both, line, left);
    memcpy(both + left, space + 1, right);
    struct bpe_pair pair = {vocabulary_find(v, line, left), vocabulary_find(v, space + 1, right),
                            rank, vocabulary_find(v, both, left + right)};
    free(both);
    if (pair.left < 0 || pair.right < 0 || pair.id < 0)
        return error_set(error, "the vocabulary lacks one of the two pieces, or what they become");
    bpe_pairs_add(&self->pairs, pair);
    return true;
}

static bool read_merges(struct bpe *self, const struct vocabulary *v, const struct bpe_file *file,
                        struct error *error) {
    if (!vocabulary_text(file->data, file->size, file->name, error))
        return false;
    const char *at = file->data;
    size_t lines = 1, size = file->size;
    text_skip_mark(&at, &size);
    const char *end = at + size;
    for (size_t i = 0; i < size; i++)
        lines += at[i] == '\n';
    bpe_pairs_open(&self->pairs, lines);
    for (int line = 1; at < end; line++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
        const char *next = newline ? newline + 1 : end;
        if (stop > at && stop[-1] == '\r')
            stop--;
        bool version = line == 1 && stop - at >= 8 && memcmp(at, "#version", 8) == 0;
        if (stop > at && !version && !read_merge(self, v, at, (size_t)(stop - at), line, error))
            return error_prefix(error, "%s:%d: ", file->name, line);
        at = next;
    }
    return true;
}

static void encode(const struct tokenizer *t, const char *text, size_t size, size_t most,
                   struct tokens *out) {
    const struct bpe *self = t->self;
    size_t first = out->count, length;
    for (; size > 0 && out->count - first <= most; text += length, size -= length) {
        length = bpe_word(text, size);
        size_t start = out->count;
        for (size_t i = 0; i < length; i++)
            tokens_add(out, self->byte_id[(unsigned char)text[i]]);
        out->count = start + (size_t)bpe_merge(&self->pairs, out->id + start, (int)length);
    }
}

// One token's bytes.
static size_t decode_piece(const struct bpe *self, const char *piece, char *out) {
    const char *end = piece + strlen(piece);
    size_t size = 0;
    while (piece < end) {
        int32_t code;
        piece += unicode_read(piece, end, &code);
        if (code < SPELLED && self->byte_of[code] >= 0)
            out[size++] = (char)self->byte_of[code];
    }
    return size;
}

char *bpe_decode(const struct tokenizer *t, const int *id, size_t count, size_t *size) {
    size_t room = 1;
    for (size_t i = 0; i < count; i++)
        room += strlen(t->vocabulary.piece[id[i]]);
    char *out = xmalloc(room);
    *size = 0;
    for (size_t i = 0; i < count; i++)
        *size += decode_piece(t->self, t->vocabulary.piece[id[i]], out + *size);
    out[*size] = '\0';
    return out;
}

static void release(struct tokenizer *t) {
    struct bpe *self = t->self;
    bpe_pairs_close(&self->pairs);
    free(self);
}

struct tokenizer *bpe_parse(const struct bpe_file *vocabulary, const struct bpe_file *merges,
                            struct error *error) {
    struct tokenizer *t = xcalloc(1, sizeof *t);
    struct bpe *self = xcalloc(1, sizeof *self);
    *t = (struct tokenizer){.before = -1,
                            .after = -1,
                            .mask = -1,
                            .encode = encode,
                            .decode = bpe_decode,
                            .release = release,
                            .self = self};
    if (vocabulary_json(&t->vocabulary, vocabulary->data, vocabulary->size, vocabulary->name,
                        error) &&
        find_bytes(self, &t->vocabulary, vocabulary->name, error) &&
        read_merges(self, &t->vocabulary, merges, error))
        return t;
    tokenizer_close(t);
    return NULL;
}

struct tokenizer *bpe_open(const char *vocabulary, const char *merges, struct error *error) {
    struct mapping v, m;
    if (!mapping_open(&v, vocabulary, error))
        return NULL;
    struct tokenizer *t = NULL;
    if (mapping_open(&m, merges, error)) {
        struct bpe_file files[] = {{(const char *)v.data, v.size, vocabulary},
                                   {(const char *)m.data, m.size, merges}};
        t = bpe_parse(&files[0], &files[1], error);
        mapping_close(&m);
    }
    mapping_close(&v);
    return t;
}
