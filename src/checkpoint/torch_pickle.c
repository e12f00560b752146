// Values, the stack, and the loop over a pickle's opcodes.
#include "checkpoint/torch_pickle.h"
#include "base/xalloc.h"
#include "checkpoint/torch_machine.h"
#include <stdlib.h>
#include <string.h>

uint32_t torch_machine_add(struct torch_pickle *p, enum torch_kind kind) {
    if (p->count == p->capacity) {
        p->capacity = p->capacity ? 2 * p->capacity : 256;
        p->values = xrealloc(p->values, p->capacity * sizeof *p->values);
    }
    p->values[p->count] = (struct torch_value){.kind = kind};
    return (uint32_t)p->count++;
}

void torch_list_add(struct torch_list *list, uint32_t item) {
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 64;
        list->items = xrealloc(list->items, list->capacity * sizeof *list->items);
    }
    list->items[list->count++] = item;
}

void torch_machine_push(struct torch_pickle *p, uint32_t value) {
    torch_list_add(&p->stack, value);
}

size_t torch_machine_floor(const struct torch_pickle *p) {
    return p->marks.count ? p->marks.items[p->marks.count - 1] : 0;
}

bool torch_machine_pop(struct torch_pickle *p, uint32_t *value, struct error *error) {
    if (p->stack.count == torch_machine_floor(p))
        return error_set(error, "the stack is empty");
    *value = p->stack.items[--p->stack.count];
    return true;
}

// Room doubles whenever the count is a power of two from 4 on.
void torch_machine_append(struct torch_pickle *p, uint32_t to, uint32_t item) {
    struct torch_value *v = &p->values[to];
    if (v->count == 0 || (v->count >= 4 && (v->count & (v->count - 1)) == 0))
        v->items = xrealloc(v->items, (v->count ? 2 * (size_t)v->count : 4) * sizeof *v->items);
    v->items[v->count++] = item;
}

void torch_machine_tuple(struct torch_pickle *p, size_t first) {
    uint32_t tuple = TORCH_THE_EMPTY_TUPLE;
    if (first < p->stack.count) {
        tuple = torch_machine_add(p, TORCH_TUPLE);
        p->values[tuple].first = (uint32_t)p->fixed.count;
        p->values[tuple].count = (uint32_t)(p->stack.count - first);
        for (size_t i = first; i < p->stack.count; i++)
            torch_list_add(&p->fixed, p->stack.items[i]);
    }
    p->stack.count = first;
    torch_machine_push(p, tuple);
}

const uint32_t *torch_pickle_items(const struct torch_pickle *p, uint32_t value) {
    const struct torch_value *v = &p->values[value];
    bool grows = v->kind == TORCH_LIST || v->kind == TORCH_DICT;
    return grows ? v->items : p->fixed.items + v->first;
}

bool torch_pickle_is(const struct torch_pickle *p, uint32_t value, const char *text) {
    const struct torch_value *v = &p->values[value];
    return v->kind == TORCH_TEXT && v->count == strlen(text) && !memcmp(v->text, text, v->count);
}

static void add_shared(struct torch_pickle *p) {
    static const enum torch_kind kinds[TORCH_SHARED] = {
        [TORCH_THE_NONE] = TORCH_NONE,         [TORCH_THE_FALSE] = TORCH_BOOL,
        [TORCH_THE_TRUE] = TORCH_BOOL,         [TORCH_THE_OTHER] = TORCH_OTHER,
        [TORCH_THE_EMPTY_TUPLE] = TORCH_TUPLE,
    };
    for (int i = 0; i < TORCH_SHARED; i++)
        torch_machine_add(p, kinds[i]);
    p->values[TORCH_THE_TRUE].whole = 1;
    torch_list_add(&p->fixed, TORCH_THE_NONE); // so that there are items to point to
}

bool torch_pickle_run(struct torch_pickle *p, const unsigned char *data, size_t size,
                      uint32_t *result, size_t *used, struct error *error) {
    if (size > TORCH_PICKLE_MAX)
        size = TORCH_PICKLE_MAX;
    p->begin = p->at = data;
    p->end = data + size;
    add_shared(p);
    while (p->at < p->end) {
        unsigned char op = *p->at++;
        size_t place = (size_t)(p->at - 1 - p->begin);
        if (op != '.' && !torch_opcode_run(p, op, error))
            return error_prefix(error, "pickle, byte %zu: ", place);
        if (op == '.') {
            *used = (size_t)(p->at - p->begin);
            return torch_machine_pop(p, result, error) ||
                   error_prefix(error, "pickle, byte %zu: ", place);
        }
    }
    return error_set(error, size == TORCH_PICKLE_MAX
                                ? "its pickle has more than 64 MiB, which no model's names need"
                                : "its pickle has no end; is the file cut short?");
}

void torch_pickle_close(struct torch_pickle *p) {
    for (size_t i = 0; i < p->count; i++)
        if (p->values[i].kind == TORCH_LIST || p->values[i].kind == TORCH_DICT)
            free(p->values[i].items);
    free(p->values);
    free(p->stack.items);
    free(p->marks.items);
    free(p->memo.items);
    free(p->fixed.items);
    *p = (struct torch_pickle){0};
}
