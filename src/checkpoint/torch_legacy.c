// Torch's format before 1.6: four pickles (a magic number, the protocol, facts of the machine, the
// object), a fifth with the keys of the storages, then for each key the number of elements in 8
// bytes and the elements. Numbers are little-endian whatever machine wrote them.
#include "base/xalloc.h"
#include "checkpoint/torch_content.h"
#include <stdlib.h>
#include <string.h>

enum { COUNT_SIZE = 8 };

// What is left of the file.
struct rest {
    const unsigned char *at;
    size_t size;
};

// 0x1950a86a20f9469cfc6c, as protocols from 2 on write it and as earlier ones do.
static bool is_magic(const struct torch_value *v) {
    static const unsigned char bytes[] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9,
                                          0x20, 0x6a, 0xa8, 0x50, 0x19};
    static const char digits[] = "119547037146038801333356";
    if (v->kind != TORCH_LONG)
        return false;
    return (v->count == sizeof bytes && !memcmp(v->text, bytes, sizeof bytes)) ||
           (v->count == sizeof digits - 1 && !memcmp(v->text, digits, sizeof digits - 1));
}

// Runs the next pickle; the caller closes p.
static bool next(struct torch_pickle *p, struct rest *rest, uint32_t *result, struct error *error) {
    size_t used;
    if (!torch_pickle_run(p, rest->at, rest->size, result, &used, error))
        return false;
    rest->at += used;
    rest->size -= used;
    return true;
}

static bool read_magic(struct rest *rest, struct error *error) {
    struct torch_pickle p = {0};
    uint32_t magic;
    bool good = next(&p, rest, &magic, error) &&
                (is_magic(&p.values[magic]) ||
                 error_set(error, "it is a pickle, but not one that torch.save wrote"));
    torch_pickle_close(&p);
    return good;
}

static bool read_protocol(struct rest *rest, struct error *error) {
    enum { PROTOCOL = 1001 };
    struct torch_pickle p = {0};
    uint32_t v;
    bool good = next(&p, rest, &v, error) &&
                ((p.values[v].kind == TORCH_INT && p.values[v].whole == PROTOCOL) ||
                 error_set(error, "torch's old format has only protocol %d", PROTOCOL));
    torch_pickle_close(&p);
    return good;
}

static bool skip_machine(struct rest *rest, struct error *error) {
    struct torch_pickle p = {0};
    uint32_t facts;
    bool good = next(&p, rest, &facts, error);
    torch_pickle_close(&p);
    return good;
}

// ---- Storages. Which type a key's elements have, its tensors say.

struct known {
    struct torch_key key;
    size_t size; // of one element
};

static struct known *list_known(const struct torch_pickle *p, size_t *count) {
    struct known *known = NULL;
    size_t capacity = 0;
    *count = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->values[i].kind != TORCH_STORAGE)
            continue;
        const uint32_t *items = torch_pickle_items(p, i);
        const struct torch_value *key = &p->values[items[2]];
        if (*count == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            known = xrealloc(known, capacity * sizeof *known);
        }
        known[(*count)++] =
            (struct known){{key->text, key->count}, dtype_size(p->values[items[1]].global->dtype)};
    }
    if (known)
        qsort(known, *count, sizeof *known, torch_key_compare);
    return known;
}

static bool read_storage(struct torch_content *c, const struct torch_value *key,
                         const struct known *known, size_t known_count, struct rest *rest,
                         struct error *error) {
    const struct torch_key wanted = {key->text, key->count};
    const struct known *type = NULL;
    if (key->kind == TORCH_TEXT && known_count > 0)
        type = bsearch(&wanted, known, known_count, sizeof *known, torch_key_compare);
    if (!type)
        return error_set(error, "its list of storages names one that no tensor has");
    uint64_t count;
    size_t bytes;
    if (rest->size < COUNT_SIZE)
        return error_set(error, "its storages are not all there; is the file cut short?");
    memcpy(&count, rest->at, sizeof count);
    if (__builtin_mul_overflow(count, type->size, &bytes) || bytes > rest->size - COUNT_SIZE)
        return error_set(
            error, "a storage of %llu elements reaches beyond the end; is the file cut short?",
            (unsigned long long)count);
    c->storages[c->storage_count++] = (struct torch_storage){wanted, rest->at + COUNT_SIZE, bytes};
    rest->at += COUNT_SIZE + bytes;
    rest->size -= COUNT_SIZE + bytes;
    return true;
}

// Their keys lie in the file, as all texts of pickles do: they stay when `keys` is closed.
static bool read_storages(struct torch_content *c, const struct torch_pickle *keys, uint32_t list,
                          struct rest *rest, struct error *error) {
    if (keys->values[list].kind != TORCH_LIST)
        return error_set(error, "its storages must be named by a list");
    size_t known_count, count = keys->values[list].count;
    struct known *known = list_known(&c->pickle, &known_count);
    c->storages = xcalloc(count, sizeof *c->storages);
    bool good = true;
    for (size_t i = 0; i < count && good; i++)
        good = read_storage(c, &keys->values[torch_pickle_items(keys, list)[i]], known, known_count,
                            rest, error);
    free(known);
    return good && torch_content_sort(c, error);
}

bool torch_legacy_read(struct torch_content *c, const unsigned char *data, size_t size,
                       struct error *error) {
    struct rest rest = {data, size};
    if (!read_magic(&rest, error) || !read_protocol(&rest, error) || !skip_machine(&rest, error) ||
        !next(&c->pickle, &rest, &c->root, error))
        return false;
    struct torch_pickle keys = {0};
    uint32_t list;
    bool good = next(&keys, &rest, &list, error) && read_storages(c, &keys, list, &rest, error);
    torch_pickle_close(&keys);
    return good;
}
