// From a file's values to named tensors.
#include "checkpoint/torch_file.h"
#include "base/xalloc.h"
#include "checkpoint/torch_content.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEPTH_MAX = 32,        // of containers in one another
    GROWTH_MAX = 8,        // all tensors together, in sizes of the file
    GROWTH_FREE = 1 << 20, // bytes that are never too much
    ASIDE_SHOWN = 6,       // names
    ASIDE_NAME = 40,       // bytes of each
    TAR_MAGIC = 257,       // where a tar archive says that it is one
    VISITS_FREE = 1 << 16, // containers' items looked at, beside some for each value
};

struct walk {
    const struct torch_content *content;
    struct torch_file *file;
    struct text name; // of the value at hand
    size_t visits;    // that are left
    size_t capacity;  // of entries
    size_t bytes;     // that the tensors may still have
};

static const struct torch_value *value_of(const struct walk *w, uint32_t value) {
    return &w->content->pickle.values[value];
}

static bool is_container(const struct torch_value *v) {
    return v->kind == TORCH_DICT || v->kind == TORCH_LIST || v->kind == TORCH_TUPLE;
}

// ---- Whether there are tensors in a value. A value can be reached in many ways, also from within
// itself: visits and depth are limited.

static bool has_tensor(struct walk *w, uint32_t value, int depth) {
    const struct torch_value *v = value_of(w, value);
    if (v->kind == TORCH_TENSOR)
        return true;
    bool pairs = v->kind == TORCH_DICT;
    if (!is_container(v))
        return false;
    if (depth == DEPTH_MAX)
        return true; // who knows: walk() refuses it
    const uint32_t *items = torch_pickle_items(&w->content->pickle, value);
    for (uint32_t i = pairs; i < v->count && w->visits > 0; i += pairs ? 2 : 1) {
        w->visits--;
        if (has_tensor(w, items[i], depth + 1))
            return true;
    }
    return false;
}

// ---- The tensors.

static bool check_name(const char *name, struct error *error) {
    json_t *text = json_string(name);
    json_decref(text);
    return (text || error_set(error, "the name of tensor '%.60s' is not UTF-8", name)) &&
           tensor_check_name(name, error);
}

static bool add_tensor(struct walk *w, uint32_t value, struct error *error) {
    struct torch_file *f = w->file;
    const char *name = w->name.length ? w->name.data : "tensor";
    if (!check_name(name, error))
        return false;
    struct tensor_entry e = {0};
    if (!torch_tensor_read(w->content, value, &e, error))
        return error_prefix(error, "tensor '%s': ", name);
    if (e.bytes > w->bytes)
        return error_set(error,
                         "tensor '%s': up to it, the tensors come to more than %d times the "
                         "file: views that repeat their elements; save a .clone() of them",
                         name, GROWTH_MAX);
    w->bytes -= e.bytes;
    if ((size_t)f->count == w->capacity) {
        w->capacity = w->capacity ? 2 * w->capacity : 64;
        f->entries = xrealloc(f->entries, w->capacity * sizeof *f->entries);
    }
    e.name = xstrdup(name);
    f->entries[f->count++] = e;
    return true;
}

// Adds a key to the name. What is neither text nor a whole number has no place in a name.
static bool add_key(struct walk *w, uint32_t key, struct error *error) {
    const struct torch_value *v = value_of(w, key);
    const char *dot = w->name.length ? "." : "";
    if (v->kind == TORCH_INT) {
        text_add(&w->name, "%s%" PRId64, dot, v->whole);
        return true;
    }
    if (v->kind != TORCH_TEXT)
        return error_set(error, "a dictionary with tensors has a key that is neither text nor a "
                                "whole number");
    if (v->count > TENSOR_NAME_MAX || memchr(v->text, '\0', v->count))
        return error_set(error, "a dictionary with tensors has a key of %u bytes that is no name",
                         v->count);
    text_add(&w->name, "%s%.*s", dot, (int)v->count, (const char *)v->text);
    return true;
}

static bool walk(struct walk *w, uint32_t value, int depth, struct error *error);

static bool walk_item(struct walk *w, uint32_t container, uint32_t i, int depth,
                      struct error *error) {
    const struct torch_pickle *p = &w->content->pickle;
    bool pairs = value_of(w, container)->kind == TORCH_DICT;
    uint32_t item = torch_pickle_items(p, container)[i];
    size_t length = w->name.length;
    bool good = true;
    bool wanted = has_tensor(w, item, depth);
    if (w->visits == 0)
        return error_set(error, "its containers stand in one another too often");
    w->visits--;
    if (!wanted)
        return true;
    if (pairs)
        good = add_key(w, torch_pickle_items(p, container)[i - 1], error);
    else
        text_add(&w->name, "%s%u", length ? "." : "", i);
    good = good && walk(w, item, depth + 1, error);
    w->name.length = length;
    if (w->name.data)
        w->name.data[length] = '\0';
    return good;
}

static bool walk(struct walk *w, uint32_t value, int depth, struct error *error) {
    const struct torch_value *v = value_of(w, value);
    if (v->kind == TORCH_TENSOR)
        return add_tensor(w, value, error);
    if (!is_container(v))
        return true;
    if (depth == DEPTH_MAX)
        return error_set(error, "containers stand more than %d deep in one another", DEPTH_MAX);
    uint32_t step = v->kind == TORCH_DICT ? 2 : 1;
    for (uint32_t i = step - 1; i < v->count; i += step)
        if (!walk_item(w, value, i, depth, error))
            return false;
    return true;
}

// ---- Which part of a checkpoint is the model.

static const char *const usual_parts[] = {
    "state_dict", "model_state_dict", "model_state", "model",
    "net",        "network",          "weights",     "params"};

// The place of the item with that key among a dictionary's items, or -1. The last one counts.
static int64_t find_item(const struct walk *w, uint32_t dict, const char *key) {
    const struct torch_pickle *p = &w->content->pickle;
    const uint32_t *items = torch_pickle_items(p, dict);
    for (uint32_t i = value_of(w, dict)->count; i >= 2; i -= 2)
        if (torch_pickle_is(p, items[i - 2], key))
            return i - 1;
    return -1;
}

static bool holds_tensors_itself(const struct walk *w, uint32_t dict) {
    const uint32_t *items = torch_pickle_items(&w->content->pickle, dict);
    for (uint32_t i = 1; i < value_of(w, dict)->count; i += 2)
        if (value_of(w, items[i])->kind == TORCH_TENSOR)
            return true;
    return false;
}

static int64_t find_part(struct walk *w, uint32_t dict) {
    if (value_of(w, dict)->kind != TORCH_DICT || holds_tensors_itself(w, dict))
        return -1;
    const uint32_t *items = torch_pickle_items(&w->content->pickle, dict);
    for (size_t i = 0; i < sizeof usual_parts / sizeof *usual_parts; i++) {
        int64_t at = find_item(w, dict, usual_parts[i]);
        if (at >= 0 && value_of(w, items[at])->kind == TORCH_DICT && has_tensor(w, items[at], 0))
            return at;
    }
    return -1;
}

static void note_aside(struct walk *w, uint32_t dict, uint32_t taken, struct text *aside) {
    const uint32_t *items = torch_pickle_items(&w->content->pickle, dict);
    uint32_t shown = 0, others = value_of(w, dict)->count / 2 - 1;
    for (uint32_t i = 1; i < value_of(w, dict)->count && shown < ASIDE_SHOWN; i += 2) {
        const struct torch_value *key = value_of(w, items[i - 1]);
        if (i == taken || key->kind != TORCH_TEXT)
            continue;
        text_add(aside, "%s", aside->length ? ", " : "");
        for (uint32_t k = 0; k < key->count && k < ASIDE_NAME; k++)
            text_add(aside, "%c", key->text[k] >= ' ' && key->text[k] < 0x7f ? key->text[k] : '?');
        shown++;
    }
    if (shown < others)
        text_add(aside, "%s%u more", shown ? " and " : "", others - shown);
}

// Goes down to the model's part, which may itself stand in a part.
static uint32_t choose_part(struct walk *w) {
    struct text part = {0}, aside = {0};
    uint32_t value = w->content->root;
    int64_t at;
    for (int depth = 0; depth < DEPTH_MAX && (at = find_part(w, value)) >= 0; depth++) {
        const uint32_t *items = torch_pickle_items(&w->content->pickle, value);
        const struct torch_value *key = value_of(w, items[at - 1]);
        text_add(&part, "%s%.*s", part.length ? "." : "", (int)key->count, (const char *)key->text);
        note_aside(w, value, (uint32_t)at, &aside);
        value = items[at];
    }
    w->file->part = part.data;
    w->file->aside = aside.data;
    return value;
}

// ---- The file.

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool check_distinct(const struct torch_file *f, struct error *error) {
    char **names = xcalloc((size_t)f->count, sizeof *names);
    for (int i = 0; i < f->count; i++)
        names[i] = f->entries[i].name;
    qsort(names, (size_t)f->count, sizeof *names, compare_names);
    bool good = true;
    for (int i = 1; i < f->count && good; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            good = error_set(error, "two tensors are called '%s'", names[i]);
    free(names);
    return good;
}

static bool collect(struct torch_file *f, const struct torch_content *c, size_t size,
                    struct error *error) {
    struct walk w = {.content = c, .file = f, .visits = VISITS_FREE + 64 * c->pickle.count};
    w.bytes = GROWTH_FREE > GROWTH_MAX * size ? GROWTH_FREE : GROWTH_MAX * size;
    bool good = walk(&w, choose_part(&w), 0, error);
    text_free(&w.name);
    if (good && f->count == 0)
        return error_set(error, "there is no tensor in it");
    return good && check_distinct(f, error);
}

static bool is_zip(const unsigned char *bytes, size_t size) {
    return size >= 4 && memcmp(bytes, "PK\3\4", 4) == 0;
}

static bool is_tar(const unsigned char *bytes, size_t size) {
    return size >= TAR_MAGIC + 5 && memcmp(bytes + TAR_MAGIC, "ustar", 5) == 0;
}

// From protocol 2 on a pickle says so; before, torch's begins with its magic number in digits.
static bool is_pickle(const unsigned char *bytes, size_t size) {
    return size >= 2 &&
           ((bytes[0] == 0x80 && bytes[1] <= 5) || (bytes[0] == 'L' && bytes[1] == '1'));
}

bool torch_file_begins(const void *data, size_t size) {
    return is_zip(data, size) || is_pickle(data, size) || is_tar(data, size);
}

static bool read_content(struct torch_content *c, const void *data, size_t size, bool legacy,
                         struct error *error) {
    if (is_tar(data, size))
        return error_set(error, "it is of torch's first format (tar, before 0.1.10); load and save "
                                "it again with a newer torch");
    return legacy ? torch_legacy_read(c, data, size, error) : torch_zip_read(c, data, size, error);
}

bool torch_file_parse(struct torch_file *f, const void *data, size_t size, struct error *error) {
    *f = (struct torch_file){.legacy = !is_zip(data, size)};
    struct torch_content content = {0};
    bool good =
        read_content(&content, data, size, f->legacy, error) && collect(f, &content, size, error);
    torch_content_close(&content);
    if (!good)
        torch_file_close(f);
    return good;
}

void torch_file_close(struct torch_file *f) {
    for (int i = 0; i < f->count; i++)
        free(f->entries[i].name);
    free(f->entries);
    free(f->part);
    free(f->aside);
    *f = (struct torch_file){0};
}
