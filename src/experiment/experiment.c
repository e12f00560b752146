#include "experiment/experiment.h"
#include "experiment/experiment_parts.h"

#include "base/files.h"
#include "base/xalloc.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20 }; // bytes

// What no document of a person's gave stands on no line of it.
static void forget_lines(struct experiment *e, const struct experiment_key *key) {
    if (key->type == KEY_TEXTS) {
        struct text_list *list = (struct text_list *)((char *)e + key->at);
        memset(list->line, 0, sizeof list->line);
    }
}

void experiment_defaults(struct experiment *e) {
    struct experiment_given given[EXPERIMENT_KEYS_MAX] = {0};
    struct error error = {0};
    char *presets = experiment_text_presets();
    assert(experiment_key_count <= EXPERIMENT_KEYS_MAX);
    memset(e, 0, sizeof(*e));
    bool good = experiment_document_read(e, presets, strlen(presets), "presets", given, &error);
    assert(good);
    (void)good;
    for (int i = 0; i < experiment_key_count; i++)
        forget_lines(e, &experiment_keys[i]);
    free(presets);
}

void experiment_close(struct experiment *e) {
    free(e->source);
    e->source = NULL;
    for (int i = 0; i < experiment_key_count; i++)
        experiment_value_clear(e, &experiment_keys[i]);
}

// "models/clothes.yaml" is called "clothes".
static char *stem_of(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    char *stem = xstrndup(name, dot && dot > name ? (size_t)(dot - name) : strlen(name));
    if (*stem && experiment_text_printable(stem))
        return stem;
    free(stem);
    return xstrdup("experiment");
}

// Puts the place of the key at fault, if the document gave it, in front of the check's message.
static bool check(const struct experiment *e, const struct experiment_given *given,
                  const char *name, struct error *error) {
    const char *path = experiment_check_key(e, error);
    if (!path)
        return true;
    const struct experiment_given *at = &given[experiment_key_find(path) - experiment_keys];
    if (at->line)
        return error_prefix(error, "%s:%zu:%zu: %s: ", name, at->line, at->column, path);
    return error_prefix(error, "%s: %s: ", name, path);
}

bool experiment_parse(struct experiment *e, const char *data, size_t size, const char *name,
                      struct error *error) {
    struct experiment_given given[EXPERIMENT_KEYS_MAX] = {0};
    experiment_defaults(e);
    if (size > FILE_MAX)
        error_set(error, "%s: larger than 1 MiB; give an experiment, a short YAML text", name);
    else if (experiment_document_read(e, data, size, name, given, error) &&
             check(e, given, name, error)) {
        e->source = xstrdup(name);
        if (!*e->name) {
            free(e->name);
            e->name = stem_of(name);
        }
        return true;
    }
    experiment_close(e);
    return false;
}

// Makes *path absolute, from `directory` where it is relative.
static bool resolve(char **path, const char *directory, struct error *error) {
    if (!**path || **path == '/')
        return true;
    char *base = realpath(directory, NULL);
    if (!base)
        return error_set(error, "cannot find the directory %s: %s", directory, strerror(errno));
    char *whole = files_join(base, *path);
    free(base);
    if (!experiment_text_printable(whole)) {
        free(whole);
        return error_set(error,
                         "%s: the path has a control character or is not UTF-8; "
                         "rename the directory",
                         directory);
    }
    free(*path);
    *path = whole;
    return true;
}

// What has a slash or a dot is a file; all other names are built in.
static bool resolve_file(char **name, const char *directory, struct error *error) {
    return !strpbrk(*name, "/.") || resolve(name, directory, error);
}

bool experiment_resolve_paths(struct experiment *e, const char *directory, struct error *error) {
    return resolve(&e->data.path, directory, error) &&
           resolve(&e->old_task.path, directory, error) &&
           resolve(&e->model.file, directory, error) &&
           resolve(&e->train.cache_directory, directory, error) &&
           resolve_file(&e->model.config, directory, error) &&
           resolve_file(&e->model.weights, directory, error) &&
           resolve_file(&e->data.tokenizer, directory, error);
}

bool experiment_read(struct experiment *e, const char *path, struct error *error) {
    struct mapping file;
    memset(e, 0, sizeof(*e));
    if (!mapping_open(&file, path, error))
        return false;
    bool good = experiment_parse(e, (const char *)file.data, file.size, path, error);
    mapping_close(&file);
    if (!good)
        return false;
    char *directory = files_directory(path);
    good = experiment_resolve_paths(e, directory, error);
    free(directory);
    if (!good)
        experiment_close(e);
    return good;
}

bool experiment_item_error(const struct experiment *e, const char *key,
                           const struct text_list *list, int item, struct error *error) {
    if (e->source && list->line[item])
        return error_prefix(error, "%s:%d: %s: ", e->source, list->line[item], key);
    if (list->count > 1)
        return error_prefix(error, "%s, item %d: ", key, item + 1);
    return error_prefix(error, "%s: ", key);
}

static bool set_value(struct experiment *e, const struct experiment_key *key, const char *value,
                      struct error *error) {
    yaml_document_t document;
    yaml_mark_t at;
    if (!experiment_yaml_load(&document, value, strlen(value), &at, error))
        return false;
    struct text right = {0};
    yaml_node_t *root = yaml_document_get_root_node(&document);
    experiment_key_expects(&right, key);
    bool good = root ? experiment_value_read(e, key, &document, root, true, &at, error)
                     : error_set(error, "there is no value; give %s", right.data);
    text_free(&right);
    yaml_document_delete(&document);
    forget_lines(e, key);
    return good && experiment_resolve_paths(e, ".", error);
}

bool experiment_set(struct experiment *e, const char *assignment, struct error *error) {
    char shown[EXPERIMENT_SHOWN];
    const char *equals = strchr(assignment, '=');
    char *path = xstrndup(assignment, equals ? (size_t)(equals - assignment) : strlen(assignment));
    const struct experiment_key *key = experiment_key_find(path);
    struct text nearest = {0};
    experiment_key_nearest(&nearest, path);
    bool good = false;
    if (!key)
        error_set(error, "there is no such key; did you mean %s?", nearest.data);
    else if (!equals)
        error_set(error, "there is no '='; write KEY=VALUE");
    else
        good = set_value(e, key, equals + 1, error);
    text_free(&nearest);
    free(path);
    return good || error_prefix(error, "--set %s: ", experiment_text_shown(assignment, shown));
}
