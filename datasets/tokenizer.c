#include "datasets/tokenizer.h"

#include "base/files.h"
#include "base/xalloc.h"
#include "datasets/bpe.h"
#include "datasets/embedded.h"
#include "datasets/wordpiece.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void tokens_add(struct tokens *t, int id) {
    if (t->count == t->room) {
        t->room = t->room ? 2 * t->room : 64;
        t->id = xrealloc(t->id, t->room * sizeof *t->id);
    }
    t->id[t->count++] = id;
}

void tokens_free(struct tokens *t) {
    free(t->id);
    *t = (struct tokens){0};
}

// The files as they ship. Beside `vocabulary` lies `other`: the merges, or a configuration, which
// may be missing.
static const struct kind {
    const char *vocabulary, *other;
    bool needs_other;
    struct tokenizer *(*open)(const char *vocabulary, const char *other, struct error *error);
} kinds[] = {
    {"vocab.txt", "tokenizer_config.json", false, wordpiece_open},
    {"vocab.json", "merges.txt", true, bpe_open},
    {"encoder.json", "vocab.bpe", true, bpe_open},
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static bool has(const char *folder, const char *name) {
    char *path = files_join(folder, name);
    bool there = files_exist(path);
    free(path);
    return there;
}

static const struct kind *find_kind(const char *folder) {
    for (int i = 0; i < KINDS; i++)
        if (has(folder, kinds[i].vocabulary) &&
            (!kinds[i].needs_other || has(folder, kinds[i].other)))
            return &kinds[i];
    return NULL;
}

bool tokenizer_here(const char *folder) {
    return find_kind(folder) != NULL;
}

static struct tokenizer *open_in(const struct kind *kind, const char *folder,
                                 const char *vocabulary, struct error *error) {
    char *path = files_join(folder, vocabulary), *other = files_join(folder, kind->other);
    bool there = kind->needs_other || files_exist(other);
    struct tokenizer *t = kind->open(path, there ? other : NULL, error);
    free(path);
    free(other);
    return t;
}

// A vocabulary file of any name: its ending tells the kind, and what belongs to it lies beside it.
static const struct kind *kind_of_file(const char *name, const char *folder) {
    const char *dot = strrchr(name, '.');
    const struct kind *found = NULL;
    for (int i = 0; i < KINDS && dot; i++) {
        if (strcmp(dot, strrchr(kinds[i].vocabulary, '.')) != 0)
            continue;
        if (strcmp(name, kinds[i].vocabulary) == 0 || has(folder, kinds[i].other))
            return &kinds[i];
        found = found ? found : &kinds[i];
    }
    return found;
}

const struct tokenizer_built_in tokenizers_built_in[] = {
    {"wordnet", "8,000 pieces of lower-case English, made from WordNet's definitions",
     embedded_wordnet_vocabulary},
    {0},
};

static struct tokenizer *open_built_in(const char *name, struct error *error) {
    const struct tokenizer_built_in *b = tokenizers_built_in;
    while (b->name && strcmp(b->name, name) != 0)
        b++;
    char *data;
    size_t size;
    if (!b->name) {
        error_set(error,
                  "there is no tokenizer \"%s\": wordnet, or a folder or file, written with a "
                  "slash or a dot (./%s), would be right",
                  name, name);
        return NULL;
    }
    if (!embedded_unpack(b->file(), name, &data, &size, error))
        return NULL;
    struct tokenizer *t = wordpiece_parse(data, size, name, NULL, error);
    free(data);
    return t;
}

static struct tokenizer *open_path(const char *path, struct error *error) {
    struct stat info;
    bool folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    if (folder) {
        const struct kind *kind = find_kind(path);
        if (kind)
            return open_in(kind, path, kind->vocabulary, error);
        error_set(error, "%s: no vocab.txt in it, nor vocab.json with merges.txt", path);
        return NULL;
    }
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *beside = files_directory(path);
    const struct kind *kind = kind_of_file(name, beside);
    struct tokenizer *t = NULL;
    if (kind)
        t = open_in(kind, beside, name, error);
    else
        error_set(error,
                  "%s: a folder with vocab.txt, or with vocab.json and merges.txt, or such a file, "
                  "would be right",
                  path);
    free(beside);
    return t;
}

struct tokenizer *tokenizer_open(const char *name, struct error *error) {
    return strpbrk(name, "/.") ? open_path(name, error) : open_built_in(name, error);
}

void tokenizer_close(struct tokenizer *t) {
    if (!t)
        return;
    if (t->release)
        t->release(t);
    vocabulary_close(&t->vocabulary);
    free(t);
}

int tokenizer_find_mask(const struct tokenizer *t) {
    return vocabulary_find(&t->vocabulary, TOKENIZER_MASK, strlen(TOKENIZER_MASK));
}

static const char *next_mask(const char *text, size_t size) {
    return memmem(text, size, TOKENIZER_MASK, strlen(TOKENIZER_MASK));
}

// What stands between masks is encoded by itself.
static void encode(const struct tokenizer *t, const char *text, size_t size, size_t most,
                   struct tokens *out) {
    const char *end = text + size, *mask;
    const size_t first = out->count;
    while (t->mask >= 0 && out->count - first <= most &&
           (mask = next_mask(text, (size_t)(end - text)))) {
        t->encode(t, text, (size_t)(mask - text), most - (out->count - first), out);
        tokens_add(out, t->mask);
        text = mask + strlen(TOKENIZER_MASK);
    }
    if (out->count - first <= most)
        t->encode(t, text, (size_t)(end - text), most - (out->count - first), out);
}

bool tokenizer_encode(const struct tokenizer *t, const char *text, size_t size, size_t most,
                      struct tokens *out) {
    size_t around = (size_t)(t->before >= 0) + (size_t)(t->after >= 0);
    assert(most > around);
    if (t->before >= 0)
        tokens_add(out, t->before);
    size_t first = out->count, room = most - around;
    encode(t, text, size, room, out);
    bool fits = out->count - first <= room;
    if (!fits)
        out->count = first + room;
    if (t->after >= 0)
        tokens_add(out, t->after);
    return fits;
}
