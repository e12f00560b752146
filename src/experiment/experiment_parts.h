// What the files of the experiment share among themselves.
#ifndef THAW_EXPERIMENT_PARTS_H
#define THAW_EXPERIMENT_PARTS_H

#include "experiment/experiment.h"
#include <stddef.h>
#include <yaml.h>

// The table of keys.

// Index of the first key of a section ("optim"), or -1. A section's keys stand together.
int experiment_key_section(const char *section);

// "optim.lr, optim.eps or optim": keys and sections nearest to a wrong path, appended to t.
void experiment_key_nearest(struct text *t, const char *wrong);

// "sgd, adam or adamw", of a key of type KEY_CHOICE.
void experiment_key_choices(struct text *t, const struct experiment_key *key);

// "0 to 1000", of a key of numbers.
void experiment_key_range(struct text *t, const struct experiment_key *key);

// "a number from 0 to 1000, such as 0.05": what would be right for the key.
void experiment_key_expects(struct text *t, const struct experiment_key *key);

// Texts.

// The fewest digits (from 9 up to 17) that read back exactly, with a decimal point in every locale.
void experiment_text_real(struct text *t, double value);

// The defaults of all keys as a YAML document. The caller frees.
char *experiment_text_presets(void);

// One line of valid UTF-8 that YAML can carry unescaped: no control characters, no line separators.
bool experiment_text_printable(const char *text);

// A piece of a person's input for an error message: at most some 60 bytes, nothing unprintable.
// Returns out.
enum { EXPERIMENT_SHOWN = 80 };
const char *experiment_text_shown(const char *text, char out[EXPERIMENT_SHOWN]);

// YAML. The errors of these carry no place: `at` is where, and the caller puts it in front.

// Loads the one document in data, refusing anchors, aliases, tags, a second document, nesting
// beyond reason, and scalars that are not printable. Its root is NULL when data holds none. On
// success the caller deletes the document.
bool experiment_yaml_load(yaml_document_t *document, const char *data, size_t size, yaml_mark_t *at,
                          struct error *error);

// Sets the key's value from a node; on failure the old value stays. `lone`: a scalar may stand for
// a list of one.
bool experiment_value_read(struct experiment *e, const struct experiment_key *key,
                           yaml_document_t *document, yaml_node_t *node, bool lone, yaml_mark_t *at,
                           struct error *error);

// Makes the paths among the values absolute: relative ones count from `directory`. Weights with a
// slash or a dot are a file; all other names of weights are built in.
bool experiment_resolve_paths(struct experiment *e, const char *directory, struct error *error);

// Frees what the key's value holds.
void experiment_value_clear(struct experiment *e, const struct experiment_key *key);

// Where a document gave a key: lines and columns count from 1; line 0: it did not.
struct experiment_given {
    size_t line, column;
};

// Sets in e what the document says; `given` has one entry per key. Errors are complete.
bool experiment_document_read(struct experiment *e, const char *data, size_t size, const char *name,
                              struct experiment_given *given, struct error *error);

// The key at fault where values do not go together, or NULL. The error does not name it.
const char *experiment_check_key(const struct experiment *e, struct error *error);

#endif
