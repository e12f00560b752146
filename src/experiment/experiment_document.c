#include "experiment/experiment_parts.h"

#include "base/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 2 * EXPERIMENT_SHOWN };

struct reader {
    struct experiment *e;
    const char *name; // of the file
    yaml_document_t document;
    struct experiment_given *given;
    struct experiment_given sections[EXPERIMENT_KEYS_MAX]; // by the section's first key
    struct error *error;
};

// Puts place and key in front of the message.
static bool fail(struct reader *r, yaml_mark_t at, const char *path) {
    return error_prefix(r->error, "%s:%zu:%zu: %s%s", r->name, at.line + 1, at.column + 1, path,
                        *path ? ": " : "");
}

// Notes where something was given; false when it was given before.
static bool note(struct reader *r, struct experiment_given *given, const yaml_node_t *name,
                 const char *path) {
    if (given->line) {
        error_set(r->error, "given twice, first on line %zu; keep one of them", given->line);
        return fail(r, name->start_mark, path);
    }
    given->line = name->start_mark.line + 1;
    given->column = name->start_mark.column + 1;
    return true;
}

static bool fail_unknown(struct reader *r, const char *section, const yaml_node_t *name,
                         const char *path) {
    const char *dot = section ? NULL : strchr(path, '.');
    if (dot && experiment_key_find(path)) {
        error_set(r->error, "dotted keys are for --set; write '%s:' below '%.*s:'", dot + 1,
                  (int)(dot - path), path);
        return fail(r, name->start_mark, path);
    }
    struct text nearest = {0};
    experiment_key_nearest(&nearest, path);
    error_set(r->error, "there is no such key; did you mean %s?", nearest.data);
    text_free(&nearest);
    return fail(r, name->start_mark, path);
}

static bool read_pairs(struct reader *r, const char *section, const yaml_node_t *mapping);

static bool read_section(struct reader *r, const char *section, int first,
                         const yaml_node_t *node) {
    if (node->type == YAML_MAPPING_NODE)
        return read_pairs(r, section, node);
    error_set(r->error, "a section needs keys; indent them below it, such as '%s: ...'",
              experiment_keys[first].path + strlen(section) + 1);
    return fail(r, node->start_mark, section);
}

static bool read_key(struct reader *r, const struct experiment_key *key, yaml_node_t *node) {
    yaml_mark_t at;
    return experiment_value_read(r->e, key, &r->document, node, false, &at, r->error) ||
           fail(r, at, key->path);
}

static bool read_pair(struct reader *r, const char *section, const yaml_node_t *name,
                      yaml_node_t *value) {
    char shown[EXPERIMENT_SHOWN], path[PATH_SIZE];
    if (name->type != YAML_SCALAR_NODE) {
        error_set(r->error, "a key must be a word, not a list or a mapping");
        return fail(r, name->start_mark, section ? section : "");
    }
    experiment_text_shown((const char *)name->data.scalar.value, shown);
    snprintf(path, sizeof(path), "%s%s%s", section ? section : "", section ? "." : "", shown);
    const struct experiment_key *key = experiment_key_find(path);
    if (key && (section || !strchr(path, '.')))
        return note(r, &r->given[key - experiment_keys], name, path) && read_key(r, key, value);
    int first = section ? -1 : experiment_key_section(path);
    if (first >= 0)
        return note(r, &r->sections[first], name, path) && read_section(r, path, first, value);
    return fail_unknown(r, section, name, path);
}

static bool read_pairs(struct reader *r, const char *section, const yaml_node_t *mapping) {
    for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
         pair < mapping->data.mapping.pairs.top; pair++) {
        const yaml_node_t *name = yaml_document_get_node(&r->document, pair->key);
        yaml_node_t *value = yaml_document_get_node(&r->document, pair->value);
        if (!read_pair(r, section, name, value))
            return false;
    }
    return true;
}

static bool read_root(struct reader *r) {
    static const char needs[] = "it needs at least model.name and data.name: "
                                "'model: {name: resnet20}' and 'data: {name: fashion-mini}'";
    const yaml_node_t *root = yaml_document_get_root_node(&r->document);
    if (!root)
        return error_set(r->error, "%s: the experiment is empty; %s", r->name, needs);
    if (root->type == YAML_MAPPING_NODE)
        return read_pairs(r, NULL, root);
    error_set(r->error, "an experiment is made of sections and keys; %s", needs);
    return fail(r, root->start_mark, "");
}

bool experiment_document_read(struct experiment *e, const char *data, size_t size, const char *name,
                              struct experiment_given *given, struct error *error) {
    struct reader r = {.e = e, .name = name, .given = given, .error = error};
    yaml_mark_t at;
    if (!experiment_yaml_load(&r.document, data, size, &at, error))
        return fail(&r, at, "");
    bool good = read_root(&r);
    yaml_document_delete(&r.document);
    return good;
}
