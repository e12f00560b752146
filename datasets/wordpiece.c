#include "datasets/wordpiece.h"

#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "datasets/unicode.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_MAX = 100 }; // characters; a longer word is [UNK]

struct wordpiece {
    struct wordpiece_settings settings;
    int unknown;
};

// A word in the making, and where its pieces go.
struct word {
    const struct tokenizer *tokenizer;
    const struct wordpiece *self;
    struct tokens *out;
    int count;                   // characters; beyond WORD_MAX they are counted, not kept
    size_t bytes;                // of what is kept
    int at[WORD_MAX + 1];        // where each character begins
    char text[2 + 4 * WORD_MAX]; // from text + 2 on: room for "##" in front
};

// Greedy longest match first. The "##" of a piece that continues the word is written over the bytes
// in front of it, which have been taken already.
static void cut_word(struct word *w) {
    const struct vocabulary *v = &w->tokenizer->vocabulary;
    size_t first = w->out->count;
    bool known = w->count <= WORD_MAX;
    for (int start = 0; start < w->count && known;) {
        const char *from = w->text + 2 + w->at[start];
        if (start > 0)
            from = memcpy(w->text + w->at[start], "##", 2);
        int id = -1, end = w->count + 1;
        while (id < 0 && --end > start)
            id = vocabulary_find(v, from, (size_t)(w->text + 2 + w->at[end] - from));
        known = id >= 0;
        tokens_add(w->out, id);
        start = end;
    }
    if (!known) {
        w->out->count = first;
        tokens_add(w->out, w->self->unknown);
    }
}

static void end_word(struct word *w) {
    if (w->count > 0)
        cut_word(w);
    w->count = 0;
    w->bytes = 0;
}

static void add_character(struct word *w, int32_t code) {
    if (w->count < WORD_MAX) {
        w->bytes += (size_t)unicode_write(code, w->text + 2 + w->bytes);
        w->at[w->count + 1] = (int)w->bytes;
    }
    w->count++;
}

// All of ASCII that is neither letter, digit, space nor control counts as punctuation, `$` too.
static bool is_punctuation(int32_t code) {
    if (code < 0x80)
        return code > ' ' && code < 0x7f && !unicode_letter(code) && !unicode_number(code);
    return unicode_punctuation(code);
}

static bool is_cjk(int32_t code) {
    static const int32_t ranges[][2] = {
        {0x4e00, 0x9fff},   {0x3400, 0x4dbf},   {0x20000, 0x2a6df}, {0x2a700, 0x2b73f},
        {0x2b740, 0x2b81f}, {0x2b820, 0x2ceaf}, {0xf900, 0xfaff},   {0x2f800, 0x2fa1f},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (code >= ranges[i][0] && code <= ranges[i][1])
            return true;
    return false;
}

static void add_split(struct word *w, int32_t code) {
    bool alone = is_punctuation(code);
    if (alone)
        end_word(w);
    add_character(w, code);
    if (alone)
        end_word(w);
}

// After lower-casing and stripping, which come before the split at punctuation.
static void add_normal(struct word *w, int32_t code) {
    const struct wordpiece_settings *s = &w->self->settings;
    int32_t part[UNICODE_PARTS];
    int count = 1;
    part[0] = s->lower_case ? unicode_lower(code) : code;
    if (s->strip_accents)
        count = unicode_decompose(part[0], part);
    for (int i = 0; i < count; i++)
        if (!s->strip_accents || !unicode_nonspacing(part[i]))
            add_split(w, part[i]);
}

static void add_clean(struct word *w, int32_t code) {
    bool blank = code == '\t' || code == '\n' || code == '\r';
    if (code == UNICODE_BAD || (!blank && unicode_other(code)))
        return;
    bool alone = w->self->settings.split_cjk && is_cjk(code);
    if (blank || alone || unicode_space(code))
        end_word(w);
    if (!blank && !unicode_space(code))
        add_normal(w, code);
    if (alone)
        end_word(w);
}

static void encode(const struct tokenizer *t, const char *text, size_t size, size_t most,
                   struct tokens *out) {
    struct word w = {.tokenizer = t, .self = t->self, .out = out};
    size_t first = out->count;
    for (const char *at = text, *end = text + size; at < end && out->count - first <= most;) {
        int32_t code;
        at += unicode_read(at, end, &code);
        add_clean(&w, code);
    }
    end_word(&w);
}

// Pieces between spaces, but for those that continue a word.
static char *decode(const struct tokenizer *t, const int *id, size_t count, size_t *size) {
    struct text out = {0};
    for (size_t i = 0; i < count; i++) {
        const char *piece = t->vocabulary.piece[id[i]];
        const bool continues = i > 0 && strncmp(piece, "##", 2) == 0;
        text_add(&out, "%s%s", i > 0 && !continues ? " " : "", continues ? piece + 2 : piece);
    }
    *size = out.length;
    return out.data ? out.data : xstrdup("");
}

static void release(struct tokenizer *t) {
    free(t->self);
}

static bool has_capitals(const struct vocabulary *v) {
    for (int i = 0; i < v->size; i++)
        if (v->piece[i][0] != '[' && strpbrk(v->piece[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
            return true;
    return false;
}

static bool find_special(const struct vocabulary *v, const char *piece, int *id, const char *name,
                         struct error *error) {
    *id = vocabulary_find(v, piece, strlen(piece));
    return *id >= 0 || error_set(error,
                                 "%s: there is no %s in it; a BERT vocabulary has a piece a line, "
                                 "[UNK], [CLS] and [SEP] among them",
                                 name, piece);
}

static bool fill(struct tokenizer *t, struct wordpiece *self, const char *name,
                 const struct wordpiece_settings *settings, struct error *error) {
    const struct vocabulary *v = &t->vocabulary;
    bool lower = !has_capitals(v);
    self->settings = settings ? *settings : (struct wordpiece_settings){lower, lower, true};
    return find_special(v, "[UNK]", &self->unknown, name, error) &&
           find_special(v, "[CLS]", &t->before, name, error) &&
           find_special(v, "[SEP]", &t->after, name, error);
}

struct tokenizer *wordpiece_parse(const char *data, size_t size, const char *name,
                                  const struct wordpiece_settings *settings, struct error *error) {
    struct tokenizer *t = xcalloc(1, sizeof *t);
    struct wordpiece *self = xcalloc(1, sizeof *self);
    *t = (struct tokenizer){
        .mask = -1, .encode = encode, .decode = decode, .release = release, .self = self};
    if (vocabulary_lines(&t->vocabulary, data, size, name, error) &&
        fill(t, self, name, settings, error))
        return t;
    tokenizer_close(t);
    return NULL;
}

// Leaves *value where the object has no such key, or null.
static bool read_flag(json_t *object, const char *key, bool *value, const char *name,
                      struct error *error) {
    json_t *flag = json_object_get(object, key);
    if (!flag || json_is_null(flag))
        return true;
    *value = json_is_true(flag);
    return json_is_boolean(flag) || error_set(error, "%s: %s must be true or false", name, key);
}

static bool parse_config(const char *data, size_t size, const char *name,
                         struct wordpiece_settings *s, struct error *error) {
    json_error_t why;
    text_skip_mark(&data, &size);
    json_t *root = json_loadb(data, size, 0, &why);
    bool fine = json_is_object(root) || error_set(error, "%s:%d: %s", name, root ? 1 : why.line,
                                                  root ? "an object would be right" : why.text);
    fine = fine && read_flag(root, "do_lower_case", &s->lower_case, name, error);
    s->strip_accents = s->lower_case;
    fine = fine && read_flag(root, "strip_accents", &s->strip_accents, name, error) &&
           read_flag(root, "tokenize_chinese_chars", &s->split_cjk, name, error);
    json_decref(root);
    return fine;
}

static bool read_config(const char *path, struct wordpiece_settings *s, struct error *error) {
    struct mapping file;
    if (!mapping_open(&file, path, error))
        return false;
    bool fine = parse_config((const char *)file.data, file.size, path, s, error);
    mapping_close(&file);
    return fine;
}

struct tokenizer *wordpiece_open(const char *vocabulary, const char *config, struct error *error) {
    struct mapping file;
    if (!mapping_open(&file, vocabulary, error))
        return NULL;
    struct tokenizer *t =
        wordpiece_parse((const char *)file.data, file.size, vocabulary, NULL, error);
    mapping_close(&file);
    struct wordpiece *self = t ? t->self : NULL;
    if (t && config && !read_config(config, &self->settings, error)) {
        tokenizer_close(t);
        return NULL;
    }
    return t;
}
