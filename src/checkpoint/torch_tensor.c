// From a storage, an offset, sizes and strides to a tensor whose every element lies in the file.
#include "base/xalloc.h"
#include "checkpoint/torch_content.h"
#include <stdlib.h>
#include <string.h>

void torch_content_close(struct torch_content *c) {
    torch_pickle_close(&c->pickle);
    free(c->storages);
    *c = (struct torch_content){0};
}

int torch_key_compare(const void *a, const void *b) {
    const struct torch_key *x = a, *y = b;
    int order = memcmp(x->bytes, y->bytes, x->length < y->length ? x->length : y->length);
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

bool torch_content_sort(struct torch_content *c, struct error *error) {
    if (c->storage_count > 1)
        qsort(c->storages, c->storage_count, sizeof *c->storages, torch_key_compare);
    for (size_t i = 1; i < c->storage_count; i++)
        if (torch_key_compare(&c->storages[i - 1], &c->storages[i]) == 0)
            return error_set(error, "two of its storages have the same key");
    return true;
}

const struct torch_storage *torch_content_find(const struct torch_content *c,
                                               struct torch_key key) {
    if (c->storage_count == 0)
        return NULL;
    return bsearch(&key, c->storages, c->storage_count, sizeof *c->storages, torch_key_compare);
}

// ---- The elements that a tensor may use.

struct span {
    const unsigned char *data;
    uint64_t count; // elements
};

static bool find_storage(const struct torch_content *c, const uint32_t *id, enum dtype dtype,
                         struct span *span, struct error *error) {
    const struct torch_value *values = c->pickle.values, *key = &values[id[2]];
    const struct torch_storage *storage =
        torch_content_find(c, (struct torch_key){key->text, key->count});
    *span = (struct span){0};
    int shown = key->count < 40 ? (int)key->count : 40;
    if (!storage)
        return error_set(error, "its storage %.*s is not in the file", shown,
                         (const char *)key->text);
    span->data = storage->data;
    span->count = (uint64_t)values[id[4]].whole;
    if (span->count > storage->size / dtype_size(dtype))
        return error_set(error,
                         "its storage has %zu bytes, too few for %llu elements of %s; is the "
                         "file cut short?",
                         storage->size, (unsigned long long)span->count, dtype_name(dtype));
    return true;
}

// Files from before 0.4 name parts of storages: key, offset, number of elements.
static bool cut_view(const struct torch_pickle *p, uint32_t view, enum dtype dtype,
                     struct span *span, struct error *error) {
    const struct torch_value *v = &p->values[view];
    if (v->kind == TORCH_NONE)
        return true;
    const uint32_t *items = torch_pickle_items(p, view);
    if (v->kind != TORCH_TUPLE || v->count != 3 || p->values[items[1]].kind != TORCH_INT ||
        p->values[items[2]].kind != TORCH_INT)
        return error_set(error, "its part of a storage must be a key, an offset and a size");
    uint64_t offset = (uint64_t)p->values[items[1]].whole;
    uint64_t count = (uint64_t)p->values[items[2]].whole;
    if (offset > span->count || count > span->count - offset)
        return error_set(error, "its part of a storage reaches beyond it");
    span->data += offset * dtype_size(dtype);
    span->count = count;
    return true;
}

static bool find_span(const struct torch_content *c, uint32_t storage, struct tensor_entry *e,
                      struct span *span, struct error *error) {
    const struct torch_pickle *p = &c->pickle;
    const uint32_t *id = torch_pickle_items(p, storage);
    e->dtype = p->values[id[1]].global->dtype;
    return find_storage(c, id, e->dtype, span, error) &&
           (p->values[storage].count < 6 || cut_view(p, id[5], e->dtype, span, error));
}

// ---- Sizes and strides.

static bool read_numbers(const struct torch_pickle *p, uint32_t tuple, const char *what,
                         int64_t numbers[DIMS_MAX], struct error *error) {
    const uint32_t *items = torch_pickle_items(p, tuple);
    for (uint32_t i = 0; i < p->values[tuple].count; i++) {
        const struct torch_value *v = &p->values[items[i]];
        if (v->kind != TORCH_INT || v->whole < 0)
            return error_set(error, "%s %u must be a whole number >= 0", what, i);
        numbers[i] = v->whole;
    }
    return true;
}

static bool read_dims(const struct torch_pickle *p, uint32_t sizes, uint32_t strides,
                      struct tensor_entry *e, struct error *error) {
    uint32_t rank = p->values[sizes].count;
    if (rank > DIMS_MAX)
        return error_set(error, "the shape has %u dimensions; at most %d are supported", rank,
                         DIMS_MAX);
    if (p->values[strides].count != rank)
        return error_set(error, "%u sizes, but %u strides", rank, p->values[strides].count);
    e->dims.rank = (int)rank;
    return read_numbers(p, sizes, "size", e->dims.size, error) &&
           read_numbers(p, strides, "stride", e->stride, error);
}

static bool count_bytes(struct tensor_entry *e, struct error *error) {
    char text[96];
    e->bytes = dtype_size(e->dtype);
    for (int i = 0; i < e->dims.rank; i++)
        if (__builtin_mul_overflow(e->bytes, (size_t)e->dims.size[i], &e->bytes))
            return error_set(error, "shape %s is too large", dims_text(e->dims, text));
    return true;
}

// Notes whether the elements lie in order; a stride along a single element does not matter.
static void note_order(struct tensor_entry *e) {
    uint64_t step = 1;
    for (int i = e->dims.rank - 1; i >= 0; i--) {
        if (e->dims.size[i] == 1)
            e->stride[i] = 0;
        else if ((uint64_t)e->stride[i] != step)
            e->strided = true;
        step *= (uint64_t)e->dims.size[i];
    }
}

// The last element must lie in the storage; then all do, as no stride is negative.
static bool place(struct tensor_entry *e, struct span span, uint64_t offset, struct error *error) {
    uint64_t last = offset;
    bool inside = true;
    e->data = span.data;
    if (e->bytes == 0)
        return true;
    for (int i = 0; i < e->dims.rank; i++) {
        uint64_t reach;
        inside = inside &&
                 !__builtin_mul_overflow((uint64_t)e->dims.size[i] - 1, (uint64_t)e->stride[i],
                                         &reach) &&
                 !__builtin_add_overflow(last, reach, &last);
    }
    char text[96];
    if (!inside || last >= span.count)
        return error_set(error,
                         "shape %s from element %llu on reaches beyond its storage of %llu "
                         "elements",
                         dims_text(e->dims, text), (unsigned long long)offset,
                         (unsigned long long)span.count);
    e->data = span.data + offset * dtype_size(e->dtype);
    note_order(e);
    return true;
}

// A seventh argument holds what is still to be done to the elements: conjugate, negate.
static bool is_pending(const struct torch_pickle *p, uint32_t value) {
    return p->values[value].count > 6 &&
           p->values[torch_pickle_items(p, value)[6]].kind != TORCH_NONE &&
           p->values[torch_pickle_items(p, value)[6]].count > 0;
}

bool torch_tensor_read(const struct torch_content *c, uint32_t value, struct tensor_entry *e,
                       struct error *error) {
    const struct torch_pickle *p = &c->pickle;
    const uint32_t *items = torch_pickle_items(p, value);
    int64_t offset = p->values[items[1]].whole;
    struct span span;
    if (is_pending(p, value))
        return error_set(error, "it is a conjugate or negated view; save a .clone() of it");
    if (offset < 0)
        return error_set(error, "its offset must be >= 0");
    if (!find_span(c, items[0], e, &span, error) || !read_dims(p, items[2], items[3], e, error) ||
        !count_bytes(e, error) || !place(e, span, (uint64_t)offset, error))
        return false;
    e->swapped = c->swapped && dtype_size(e->dtype) > 1;
    return true;
}
