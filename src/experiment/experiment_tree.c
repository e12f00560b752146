#include "experiment/experiment_tree.h"
#include "base/files.h"
#include "base/xalloc.h"
#include "experiment/experiment_parts.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20 }; // bytes
enum { ITEMS_MAX = 4096 };   // in all lists: names are compared pairwise

struct reader {
    const char *path, *key;
    yaml_document_t document;
    int items; // so far
    struct error *error;
};

static bool fail_at(struct reader *r, yaml_mark_t at) {
    return error_prefix(r->error, "%s:%zu:%zu: ", r->path, at.line + 1, at.column + 1);
}

static const char *scalar_of(const yaml_node_t *node) {
    return (const char *)node->data.scalar.value;
}

static bool is_name(const char *text) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    return *text && text[strspn(text, letters)] == '\0' && strlen(text) < EXPERIMENT_SHOWN;
}

static bool read_list(struct reader *r, const yaml_node_t *node, struct experiment_tree *to);

static bool read_value(struct reader *r, const yaml_node_t *node, struct experiment_tree *to) {
    if (node->type == YAML_SEQUENCE_NODE)
        return read_list(r, node, to);
    if (node->type == YAML_SCALAR_NODE && *scalar_of(node)) {
        to->text = xstrdup(scalar_of(node));
        return true;
    }
    error_set(r->error, "there must be a text here, such as relu, or a list");
    return fail_at(r, node->start_mark);
}

// "NAME: value", the only pair of its mapping.
static bool read_named(struct reader *r, const yaml_node_t *node, struct experiment_tree *to) {
    const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
    const yaml_node_t *name = node->data.mapping.pairs.top == pair + 1
                                  ? yaml_document_get_node(&r->document, pair->key)
                                  : NULL;
    if (!name || name->type != YAML_SCALAR_NODE) {
        error_set(r->error, "an item has one name; begin each with a dash of its own");
        return fail_at(r, node->start_mark);
    }
    if (!is_name(scalar_of(name))) {
        char shown[EXPERIMENT_SHOWN];
        error_set(r->error, "'%s' is not a name; use letters, digits and _",
                  experiment_text_shown(scalar_of(name), shown));
        return fail_at(r, name->start_mark);
    }
    to->name = xstrdup(scalar_of(name));
    return read_value(r, yaml_document_get_node(&r->document, pair->value), to);
}

static bool read_item(struct reader *r, const yaml_node_t *node, struct experiment_tree *to) {
    to->line = node->start_mark.line + 1;
    to->column = node->start_mark.column + 1;
    if (node->type == YAML_MAPPING_NODE)
        return read_named(r, node, to);
    if (node->type == YAML_SCALAR_NODE)
        return read_value(r, node, to);
    error_set(r->error, "a list inside a list needs a name: NAME: [...]");
    return fail_at(r, node->start_mark);
}

// Whether an item's name is that of an item before it, whose name may be its index.
static bool is_taken(const struct experiment_tree *list, int index, const char *name) {
    char number[12];
    for (int i = 0; i < index; i++) {
        snprintf(number, sizeof number, "%d", i);
        if (strcmp(list->items[i].name ? list->items[i].name : number, name) == 0)
            return true;
    }
    return false;
}

static bool check_name(struct reader *r, const struct experiment_tree *list, int index,
                       yaml_mark_t at) {
    char number[12];
    snprintf(number, sizeof number, "%d", index);
    const char *name = list->items[index].name ? list->items[index].name : number;
    if (!is_taken(list, index, name))
        return true;
    error_set(r->error, "there is a '%s' before it in this list; give it another name", name);
    return fail_at(r, at);
}

static bool read_list(struct reader *r, const yaml_node_t *node, struct experiment_tree *to) {
    const yaml_node_item_t *start = node->data.sequence.items.start;
    const int count = (int)(node->data.sequence.items.top - start);
    if (count == 0) {
        error_set(r->error, "the list is empty; put something into it");
        return fail_at(r, node->start_mark);
    }
    if (count > ITEMS_MAX - r->items) {
        error_set(r->error, "there are more than %d items; leave some out", ITEMS_MAX);
        return fail_at(r, node->start_mark);
    }
    r->items += count;
    to->items = xcalloc((size_t)count, sizeof *to->items);
    to->count = count;
    for (int i = 0; i < count; i++) {
        const yaml_node_t *item = yaml_document_get_node(&r->document, start[i]);
        if (!read_item(r, item, &to->items[i]) || !check_name(r, to, i, item->start_mark))
            return false;
    }
    return true;
}

static bool read_root(struct reader *r, struct experiment_tree *root) {
    const yaml_node_t *node = yaml_document_get_root_node(&r->document), *name = NULL, *list = NULL;
    if (node && node->type == YAML_MAPPING_NODE &&
        node->data.mapping.pairs.top == node->data.mapping.pairs.start + 1) {
        name = yaml_document_get_node(&r->document, node->data.mapping.pairs.start->key);
        list = yaml_document_get_node(&r->document, node->data.mapping.pairs.start->value);
    }
    if (name && name->type == YAML_SCALAR_NODE && strcmp(scalar_of(name), r->key) == 0 &&
        list->type == YAML_SEQUENCE_NODE)
        return read_list(r, list, root);
    return error_set(r->error, "%s: it must have one key, '%s:', with a list below it", r->path,
                     r->key);
}

static bool read_document(struct reader *r, const struct mapping *file,
                          struct experiment_tree *root) {
    yaml_mark_t at;
    if (file->size > FILE_MAX)
        return error_set(r->error, "%s: larger than 1 MiB; give a short YAML text", r->path);
    if (!experiment_yaml_load(&r->document, (const char *)file->data, file->size, &at, r->error))
        return fail_at(r, at);
    bool good = read_root(r, root);
    yaml_document_delete(&r->document);
    return good;
}

bool experiment_tree_read(struct experiment_tree *root, const char *path, const char *key,
                          struct error *error) {
    struct reader r = {.path = path, .key = key, .error = error};
    struct mapping file;
    *root = (struct experiment_tree){.line = 1, .column = 1};
    if (!mapping_open(&file, path, error))
        return false;
    bool good = read_document(&r, &file, root);
    mapping_close(&file);
    if (!good)
        experiment_tree_close(root);
    return good;
}

static void close_items(struct experiment_tree *list) {
    for (int i = 0; i < list->count; i++) {
        close_items(&list->items[i]);
        free(list->items[i].name);
        free(list->items[i].text);
    }
    free(list->items);
}

void experiment_tree_close(struct experiment_tree *root) {
    close_items(root);
    *root = (struct experiment_tree){0};
}
