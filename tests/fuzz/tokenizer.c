// libFuzzer: whatever the vocabulary and the text, a tokenizer opens or says why in one line; its
// ids are the vocabulary's, no more than asked for, also where "[MASK]" is a token; and what BPE
// makes of a text decodes to its bytes.
//
// The first byte chooses: a WordPiece vocabulary from the input, BPE merges from the input, or BPE
// with both files from it. Parts of the input end with a zero byte; the last one is the text.
#include "base/text.h"
#include "base/xalloc.h"
#include "datasets/bpe.h"
#include "datasets/unicode.h"
#include "datasets/wordpiece.h"
#include <stdlib.h>
#include <string.h>

enum { MOST = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Takes the bytes up to the next zero byte.
static struct bpe_file take(const uint8_t **data, size_t *size) {
    const uint8_t *zero = memchr(*data, 0, *size);
    size_t length = zero ? (size_t)(zero - *data) : *size, taken = length + (zero != NULL);
    struct bpe_file part = {(const char *)*data, length, "fuzz"};
    *data += taken;
    *size -= taken;
    return part;
}

// A vocabulary of all bytes and of what the merges make.
static char *make_vocabulary(const struct bpe_file *merges) {
    struct text t = {0};
    int id = 0;
    for (int byte = 0, others = 0; byte < 256; byte++) {
        bool prints = (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte != 0xad);
        text_add(&t, "%s\"\\u%04x\":%d", byte ? "," : "{", prints ? byte : 256 + others++, id++);
    }
    const char *at = merges->data, *end = at + merges->size;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
        const char *space = memchr(at, ' ', (size_t)(stop - at));
        bool plain = space && !memchr(at, '"', (size_t)(stop - at)) &&
                     !memchr(at, '\\', (size_t)(stop - at));
        if (plain)
            text_add(&t, ",\"%.*s%.*s\":%d", (int)(space - at), at, (int)(stop - space - 1),
                     space + 1, id++);
        at = newline ? newline + 1 : end;
    }
    text_add(&t, "}");
    return t.data;
}

static struct tokenizer *open_bpe(int kind, const uint8_t **data, size_t *size,
                                  struct error *error) {
    struct bpe_file merges = take(data, size);
    if (kind == 2) {
        struct bpe_file vocabulary = take(data, size);
        return bpe_parse(&vocabulary, &merges, error);
    }
    char *made = make_vocabulary(&merges);
    struct bpe_file vocabulary = {made, strlen(made), "fuzz"};
    struct tokenizer *t = bpe_parse(&vocabulary, &merges, error);
    free(made);
    return t;
}

static void check_round_trip(const struct tokenizer *t, const char *text, size_t size) {
    struct tokens out = {0};
    size_t back_size;
    if (!tokenizer_encode(t, text, size, size + 1, &out))
        abort();
    char *back = bpe_decode(t, out.id, out.count, &back_size);
    if (back_size != size || memcmp(back, text, size) != 0)
        abort();
    free(back);
    tokens_free(&out);
}

static void check(struct tokenizer *t, bool bpe, const char *text, size_t size) {
    struct tokens out = {0};
    size_t back_size;
    if (!bpe)
        t->mask = tokenizer_find_mask(t);
    tokenizer_encode(t, text, size, MOST, &out);
    if (out.count > MOST)
        abort();
    for (size_t i = 0; i < out.count; i++)
        if (out.id[i] < 0 || out.id[i] >= t->vocabulary.size)
            abort();
    char *back = t->decode(t, out.id, out.count, &back_size);
    if (strlen(back) != back_size && !bpe)
        abort();
    free(back);
    tokens_free(&out);
    if (bpe)
        check_round_trip(t, text, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error error = {0};
    if (size == 0)
        return 0;
    int kind = data[0] % 3;
    data++;
    size--;
    struct bpe_file lines = kind == 0 ? take(&data, &size) : (struct bpe_file){0};
    struct tokenizer *t = kind == 0
                              ? wordpiece_parse(lines.data, lines.size, lines.name, NULL, &error)
                              : open_bpe(kind, &data, &size, &error);
    if (!t && (error.kind != ERROR_REQUEST || !*error.text || strchr(error.text, '\n')))
        abort();
    if (t)
        check(t, kind > 0, (const char *)data, unicode_valid((const char *)data, size));
    tokenizer_close(t);
    return 0;
}
