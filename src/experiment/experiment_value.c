#include "experiment/experiment_parts.h"

#include "base/xalloc.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// "'fast' is not a number; give a number from 0 to 1000, such as 0.05".
static bool wrong(const struct experiment_key *key, const char *text, const char *what,
                  struct error *error) {
    char shown[EXPERIMENT_SHOWN];
    struct text right = {0};
    experiment_key_expects(&right, key);
    if (text)
        error_set(error, "'%s' %s; give %s", experiment_text_shown(text, shown), what, right.data);
    else
        error_set(error, "%s; give %s", what, right.data);
    text_free(&right);
    return false;
}

static const char *value_of(const yaml_node_t *node) {
    return (const char *)node->data.scalar.value;
}

static bool is_quoted(const yaml_node_t *node) {
    return node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
}

// What YAML takes for no value at all.
static bool is_nothing(const yaml_node_t *node) {
    const char *text = value_of(node);
    return !is_quoted(node) && (!*text || !strcmp(text, "~") || !strcasecmp(text, "null"));
}

static bool read_text(const struct experiment_key *key, const yaml_node_t *node, char **out,
                      struct error *error) {
    const char *text = value_of(node);
    char shown[EXPERIMENT_SHOWN];
    double number;
    bool logical = !strcasecmp(text, "true") || !strcasecmp(text, "false");
    if (is_nothing(node))
        return wrong(key, NULL, "there is no value", error);
    if (!is_quoted(node) && (logical || text_to_real(text, &number)))
        return error_set(error, "%s is a %s, not a text; put it in quotes: \"%s\"",
                         experiment_text_shown(text, shown), logical ? "boolean" : "number", shown);
    *out = xstrdup(text);
    return true;
}

static bool is_choice(const char *choices, const char *text) {
    size_t length = strlen(text);
    for (const char *at = choices; *at; at += strspn(at, " ")) {
        size_t word = strcspn(at, " ");
        if (word == length && memcmp(at, text, length) == 0)
            return true;
        at += word;
    }
    return false;
}

static bool read_choice(const struct experiment_key *key, const yaml_node_t *node, char **out,
                        struct error *error) {
    if (is_nothing(node))
        return wrong(key, NULL, "there is no value", error);
    if (!is_choice(key->choices, value_of(node)))
        return wrong(key, value_of(node), "is not a choice here", error);
    *out = xstrdup(value_of(node));
    return true;
}

static bool in_range(const struct experiment_key *key, const char *text, double value,
                     struct error *error) {
    return (value >= key->min && value <= key->max) || wrong(key, text, "is out of range", error);
}

static bool is_bare(const struct experiment_key *key, const yaml_node_t *node,
                    struct error *error) {
    if (is_nothing(node))
        return wrong(key, NULL, "there is no value", error);
    return !is_quoted(node) || wrong(key, value_of(node), "is a text, being quoted", error);
}

static bool read_int(const struct experiment_key *key, const yaml_node_t *node, int64_t *out,
                     struct error *error) {
    int64_t value;
    if (!is_bare(key, node, error))
        return false;
    if (!text_to_int(value_of(node), &value))
        return wrong(key, value_of(node), "is not a whole number", error);
    if (!in_range(key, value_of(node), (double)value, error))
        return false;
    *out = value;
    return true;
}

static bool read_real(const struct experiment_key *key, const yaml_node_t *node, double *out,
                      struct error *error) {
    double value;
    if (!is_bare(key, node, error))
        return false;
    if (!text_to_real(value_of(node), &value))
        return wrong(key, value_of(node), "is not a number", error);
    if (!in_range(key, value_of(node), value, error))
        return false;
    *out = value;
    return true;
}

static bool read_bool(const struct experiment_key *key, const yaml_node_t *node, bool *out,
                      struct error *error) {
    if (!is_bare(key, node, error))
        return false;
    *out = !strcmp(value_of(node), "true");
    return *out || !strcmp(value_of(node), "false") ||
           wrong(key, value_of(node), "is not a boolean", error);
}

// A new value of any type, until it is known to be good.
union value {
    char *text;
    int64_t whole;
    double real;
    bool logical;
    struct text_list texts;
    struct real_list reals;
};

static size_t value_size(enum key_type type) {
    static const size_t sizes[] = {
        [KEY_TEXT] = sizeof(char *),
        [KEY_CHOICE] = sizeof(char *),
        [KEY_INT] = sizeof(int64_t),
        [KEY_REAL] = sizeof(double),
        [KEY_BOOL] = sizeof(bool),
        [KEY_TEXTS] = sizeof(struct text_list),
        [KEY_REALS] = sizeof(struct real_list),
    };
    return sizes[type];
}

static void clear(enum key_type type, void *at) {
    if (type == KEY_TEXT || type == KEY_CHOICE)
        free(*(char **)at);
    if (type == KEY_TEXTS) {
        struct text_list *list = at;
        for (int i = 0; i < list->count; i++)
            free(list->item[i]);
    }
    memset(at, 0, value_size(type));
}

static bool read_item(const struct experiment_key *key, yaml_node_t *node, union value *value,
                      struct error *error) {
    if (node->type != YAML_SCALAR_NODE)
        return wrong(key, NULL, "a list holds single values only", error);
    if (key->type == KEY_TEXTS) {
        if (value->texts.count == key->most)
            return error_set(error, "too many items; give at most %d", key->most);
        value->texts.line[value->texts.count] = (int)node->start_mark.line + 1;
        return read_text(key, node, &value->texts.item[value->texts.count], error) &&
               ++value->texts.count;
    }
    if (value->reals.count == key->most)
        return error_set(error, "too many numbers; give at most %d", key->most);
    return read_real(key, node, &value->reals.item[value->reals.count], error) &&
           ++value->reals.count;
}

static bool read_items(const struct experiment_key *key, yaml_document_t *document,
                       const yaml_node_t *list, union value *value, yaml_mark_t *at,
                       struct error *error) {
    for (const yaml_node_item_t *item = list->data.sequence.items.start;
         item < list->data.sequence.items.top; item++) {
        yaml_node_t *node = yaml_document_get_node(document, *item);
        *at = node->start_mark;
        if (!read_item(key, node, value, error))
            return false;
    }
    return true;
}

static bool read_list(const struct experiment_key *key, yaml_document_t *document,
                      yaml_node_t *node, bool lone, union value *value, yaml_mark_t *at,
                      struct error *error) {
    char shown[EXPERIMENT_SHOWN];
    if (node->type == YAML_SEQUENCE_NODE)
        return read_items(key, document, node, value, at, error);
    if (node->type == YAML_SCALAR_NODE && is_nothing(node))
        return wrong(key, NULL, "there is no value", error);
    if (node->type == YAML_SCALAR_NODE && lone)
        return read_item(key, node, value, error);
    if (node->type == YAML_SCALAR_NODE)
        return error_set(error, "'%s' is not a list; write [%s]",
                         experiment_text_shown(value_of(node), shown), shown);
    return wrong(key, NULL, "a mapping is not a list", error);
}

static bool read_scalar(const struct experiment_key *key, const yaml_node_t *node,
                        union value *value, struct error *error) {
    if (node->type == YAML_SEQUENCE_NODE)
        return wrong(key, NULL, "a list is not allowed here", error);
    if (node->type == YAML_MAPPING_NODE)
        return wrong(key, NULL, "nothing can stand below this key", error);
    switch (key->type) {
    case KEY_TEXT:
        return read_text(key, node, &value->text, error);
    case KEY_CHOICE:
        return read_choice(key, node, &value->text, error);
    case KEY_INT:
        return read_int(key, node, &value->whole, error);
    case KEY_REAL:
        return read_real(key, node, &value->real, error);
    default:
        return read_bool(key, node, &value->logical, error);
    }
}

bool experiment_value_read(struct experiment *e, const struct experiment_key *key,
                           yaml_document_t *document, yaml_node_t *node, bool lone, yaml_mark_t *at,
                           struct error *error) {
    union value value;
    memset(&value, 0, sizeof(value));
    *at = node->start_mark;
    bool list = key->type == KEY_TEXTS || key->type == KEY_REALS;
    bool good = list ? read_list(key, document, node, lone, &value, at, error)
                     : read_scalar(key, node, &value, error);
    if (!good) {
        clear(key->type, &value);
        return false;
    }
    experiment_value_clear(e, key);
    memcpy((char *)e + key->at, &value, value_size(key->type));
    return true;
}

void experiment_value_clear(struct experiment *e, const struct experiment_key *key) {
    clear(key->type, (char *)e + key->at);
}
