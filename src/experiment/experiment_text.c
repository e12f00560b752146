#include "experiment/experiment.h"
#include "experiment/experiment_parts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void experiment_text_real(struct text *t, double value) {
    // Nine digits are the fewest wherever they read back exactly: %g drops trailing zeros.
    for (int digits = 9;; digits++) {
        struct text number = {0};
        double back;
        text_add(&number, "%.*g", digits, value);
        bool exact = text_to_real(number.data, &back) && back == value;
        if (exact || digits == 17)
            text_add(t, "%s", number.data);
        text_free(&number);
        if (exact || digits == 17)
            return;
    }
}

// Texts that YAML and we read back without quotes, whatever stands around them.
static bool is_plain(const char *text) {
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               " _./+*-";
    size_t length = strlen(text);
    return (isalpha((unsigned char)text[0]) || text[0] == '/') && text[length - 1] != ' ' &&
           text[strspn(text, safe)] == '\0' && strcasecmp(text, "true") != 0 &&
           strcasecmp(text, "false") != 0 && strcasecmp(text, "null") != 0;
}

static void add_text(struct text *t, const char *text) {
    if (is_plain(text)) {
        text_add(t, "%s", text);
        return;
    }
    text_add(t, "\"");
    for (const char *at = text; *at; at++)
        text_add(t, *at == '"' || *at == '\\' ? "\\%c" : "%c", *at);
    text_add(t, "\"");
}

static void add_texts(struct text *t, const struct text_list *list) {
    text_add(t, "[");
    for (int i = 0; i < list->count; i++) {
        text_add(t, i ? ", " : "");
        add_text(t, list->item[i]);
    }
    text_add(t, "]");
}

static void add_reals(struct text *t, const struct real_list *list) {
    text_add(t, "[");
    for (int i = 0; i < list->count; i++) {
        text_add(t, i ? ", " : "");
        experiment_text_real(t, list->item[i]);
    }
    text_add(t, "]");
}

void experiment_text_value(struct text *t, const struct experiment *e,
                           const struct experiment_key *key) {
    const void *at = (const char *)e + key->at;
    switch (key->type) {
    case KEY_TEXT:
    case KEY_CHOICE:
        add_text(t, *(char *const *)at);
        break;
    case KEY_INT:
        text_add(t, "%lld", (long long)*(const int64_t *)at);
        break;
    case KEY_REAL:
        experiment_text_real(t, *(const double *)at);
        break;
    case KEY_BOOL:
        text_add(t, *(const bool *)at ? "true" : "false");
        break;
    case KEY_TEXTS:
        add_texts(t, at);
        break;
    case KEY_REALS:
        add_reals(t, at);
        break;
    }
}

// Writes "  leaf: ", and the section's line in front of its first key.
static void add_key(struct text *t, int index) {
    const char *path = experiment_keys[index].path, *dot = strchr(path, '.');
    size_t length = dot ? (size_t)(dot - path) + 1 : 0;
    bool first = index == 0 || strncmp(experiment_keys[index - 1].path, path, length) != 0;
    if (dot && first)
        text_add(t, "%.*s:\n", (int)length - 1, path);
    text_add(t, dot ? "  %s: " : "%s: ", path + length);
}

char *experiment_text(const struct experiment *e) {
    struct text t = {0};
    for (int i = 0; i < experiment_key_count; i++) {
        add_key(&t, i);
        experiment_text_value(&t, e, &experiment_keys[i]);
        text_add(&t, "\n");
    }
    return t.data;
}

static bool has_prefix(const char *path, const char *const *prefixes) {
    for (; *prefixes; prefixes++)
        if (strncmp(path, *prefixes, strlen(*prefixes)) == 0)
            return true;
    return false;
}

bool experiment_same(const struct experiment *a, const struct experiment *b,
                     const struct experiment_key *key) {
    struct text x = {0}, y = {0};
    experiment_text_value(&x, a, key);
    experiment_text_value(&y, b, key);
    bool same = strcmp(x.data, y.data) == 0;
    text_free(&x);
    text_free(&y);
    return same;
}

static void add_changed(struct text *t, const struct experiment *e,
                        const struct experiment_key *key) {
    const struct text_list *list = (const struct text_list *)((const char *)e + key->at);
    if (key->type != KEY_TEXTS || list->count < 2) {
        text_add(t, " ");
        experiment_text_value(t, e, key);
        text_add(t, "\n");
        return;
    }
    text_add(t, "\n");
    for (int i = 0; i < list->count; i++) {
        text_add(t, "    - ");
        add_text(t, list->item[i]);
        text_add(t, "\n");
    }
}

char *experiment_text_changed(const struct experiment *e, const char *const *prefixes) {
    struct experiment presets;
    struct text t = {0};
    const char *section = "";
    experiment_defaults(&presets);
    for (int i = 0; i < experiment_key_count; i++) {
        const struct experiment_key *key = &experiment_keys[i];
        const char *dot = strchr(key->path, '.');
        if (!has_prefix(key->path, prefixes) || experiment_same(e, &presets, key))
            continue;
        int length = dot ? (int)(dot - key->path) + 1 : 0;
        if (dot && strncmp(section, key->path, (size_t)length) != 0)
            text_add(&t, "%.*s:\n", length - 1, key->path);
        section = key->path;
        text_add(&t, "%s%s:", dot ? "  " : "", key->path + length);
        add_changed(&t, e, key);
    }
    experiment_close(&presets);
    return t.data;
}

char *experiment_text_presets(void) {
    struct text t = {0};
    for (int i = 0; i < experiment_key_count; i++) {
        add_key(&t, i);
        text_add(&t, "%s\n", experiment_keys[i].preset);
    }
    return t.data;
}

// Decodes one UTF-8 character; returns its bytes, or 0 when it is not well formed.
static size_t decode(const char *text, unsigned *code) {
    const unsigned char *at = (const unsigned char *)text;
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t bytes = at[0] < 0x80       ? 1
                   : at[0] >> 5 == 6  ? 2
                   : at[0] >> 4 == 14 ? 3
                   : at[0] >> 3 == 30 ? 4
                                      : 0;
    if (bytes < 2) {
        *code = at[0];
        return bytes;
    }
    *code = at[0] & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (at[i] & 0x3f);
    }
    return *code < least[bytes] ? 0 : bytes;
}

// Bytes of the printable character at the start of text, or 0.
static size_t printable(const char *text) {
    unsigned code;
    size_t bytes = decode(text, &code);
    bool control = code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029;
    bool excluded = (code >= 0xd800 && code < 0xe000) || code == 0xfeff || code == 0xfffe ||
                    code == 0xffff || code > 0x10ffff;
    return control || excluded ? 0 : bytes;
}

bool experiment_text_printable(const char *text) {
    while (*text) {
        size_t bytes = printable(text);
        if (!bytes)
            return false;
        text += bytes;
    }
    return true;
}

const char *experiment_text_shown(const char *text, char out[EXPERIMENT_SHOWN]) {
    size_t length = 0;
    while (*text && length < EXPERIMENT_SHOWN - 16) {
        size_t bytes = printable(text);
        if (bytes)
            memcpy(out + length, text, bytes);
        else
            out[length] = '?';
        length += bytes ? bytes : 1;
        text += bytes ? bytes : 1;
    }
    strcpy(out + length, *text ? "..." : "");
    return out;
}
