#include "models/text_config.h"
#include "base/files.h"
#include "base/text.h"
#include <jansson.h>
#include <stddef.h>
#include <string.h>

enum { NAMES = 4, SIZE_MOST = 1 << 24, LAYERS_MOST = 1000 };

struct size_key {
    const char *names[NAMES]; // BERT's, GPT-2's, minGPT's
    size_t at;
    int most;
};

static const struct size_key sizes[] = {
    {{"vocab_size"}, offsetof(struct text_config, vocabulary), SIZE_MOST},
    {{"max_position_embeddings", "n_positions", "block_size"},
     offsetof(struct text_config, positions),
     SIZE_MOST},
    {{"type_vocab_size"}, offsetof(struct text_config, segments), SIZE_MOST},
    {{"hidden_size", "n_embd"}, offsetof(struct text_config, hidden), SIZE_MOST},
    {{"num_hidden_layers", "n_layer"}, offsetof(struct text_config, layers), LAYERS_MOST},
    {{"num_attention_heads", "n_head"}, offsetof(struct text_config, heads), SIZE_MOST},
    {{"intermediate_size", "n_inner"}, offsetof(struct text_config, inner), SIZE_MOST},
};

struct real_key {
    const char *names[NAMES];
    size_t at;
    double least, most;
};

static const struct real_key reals[] = {
    {{"hidden_dropout_prob", "resid_pdrop"}, offsetof(struct text_config, dropout), 0, 0.99},
    {{"attention_probs_dropout_prob", "attn_pdrop"},
     offsetof(struct text_config, attention_dropout),
     0,
     0.99},
    {{"hidden_dropout_prob", "embd_pdrop"},
     offsetof(struct text_config, embedding_dropout),
     0,
     0.99},
    {{"layer_norm_eps", "layer_norm_epsilon"}, offsetof(struct text_config, eps), 1e-30, 1},
};

// The value under the first of the names that is there and not null, or NULL; *name is it.
static const json_t *find(const json_t *root, const char *const *names, const char **name) {
    for (int i = 0; i < NAMES && names[i]; i++) {
        const json_t *value = json_object_get(root, names[i]);
        *name = names[i];
        if (value && !json_is_null(value))
            return value;
    }
    return NULL;
}

static bool read_size(struct text_config *c, const struct size_key *key, const json_t *root,
                      struct error *error) {
    const char *name;
    const json_t *value = find(root, key->names, &name);
    json_int_t size = json_integer_value(value);
    if (!value)
        return true;
    if (!json_is_integer(value) || size < 1 || size > key->most)
        return error_set(error, "%s must be a whole number from 1 to %d", name, key->most);
    *(int *)(void *)((char *)c + key->at) = (int)size;
    return true;
}

static bool read_real(struct text_config *c, const struct real_key *key, const json_t *root,
                      struct error *error) {
    const char *name;
    const json_t *value = find(root, key->names, &name);
    double real = json_number_value(value);
    if (!value)
        return true;
    if (!json_is_number(value) || !(real >= key->least && real <= key->most))
        return error_set(error, "%s must be a number from %g to %g", name, key->least, key->most);
    *(float *)(void *)((char *)c + key->at) = (float)real;
    return true;
}

static bool read_activation(struct text_config *c, const json_t *root, struct error *error) {
    static const char *const names[NAMES] = {"hidden_act", "activation_function"};
    const char *name;
    const json_t *value = find(root, names, &name);
    const char *text = json_string_value(value);
    if (!value)
        return true;
    bool exact = text && strcmp(text, "gelu") == 0;
    bool by_tanh = text && (!strcmp(text, "gelu_new") || !strcmp(text, "gelu_pytorch_tanh"));
    c->gelu_tanh = by_tanh;
    return exact || by_tanh ||
           error_set(error, "%s is '%s'; gelu, gelu_new and gelu_pytorch_tanh are possible", name,
                     text ? text : "no text");
}

static bool read_tie(struct text_config *c, const json_t *root, struct error *error) {
    const json_t *value = json_object_get(root, "tie_word_embeddings");
    if (!value)
        return true;
    c->tied = json_is_true(value);
    return json_is_boolean(value) || error_set(error, "tie_word_embeddings must be true or false");
}

// "gpt2", and minGPT's "gpt-nano", are both of the kind "gpt2".
static bool check_kind(const struct text_config *c, const json_t *root, struct error *error) {
    const char *kind = json_string_value(json_object_get(root, "model_type"));
    bool same = !kind || strncmp(kind, c->kind, 3) == 0;
    return same || error_set(error, "it is of a model of the type '%.40s', not %s", kind, c->kind);
}

static bool read_all(struct text_config *c, const json_t *root, struct error *error) {
    bool good = check_kind(c, root, error);
    c->inner = 0;
    for (size_t i = 0; good && i < sizeof sizes / sizeof *sizes; i++)
        good = read_size(c, &sizes[i], root, error);
    for (size_t i = 0; good && i < sizeof reals / sizeof *reals; i++)
        good = read_real(c, &reals[i], root, error);
    if (c->inner == 0) // the file does not say
        c->inner = 4 * c->hidden;
    return good && read_activation(c, root, error) && read_tie(c, root, error);
}

bool text_config_parse(struct text_config *config, const void *data, size_t size, const char *name,
                       struct error *error) {
    json_error_t problem;
    const char *text = data;
    text_skip_mark(&text, &size);
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &problem);
    if (!root)
        return error_set(error, "%s:%d:%d: %s", name, problem.line, problem.column, problem.text);
    struct text_config read = *config;
    const json_t *part = json_object_get(root, "model"); // minGPT's
    bool good = json_is_object(root) || error_set(error, "it must be an object in braces");
    good = good && read_all(&read, json_is_object(part) ? part : root, error);
    json_decref(root);
    if (!good)
        return error_prefix(error, "%s: ", name);
    *config = read;
    return true;
}

bool text_config_read(struct text_config *config, const char *path, struct error *error) {
    struct mapping file;
    if (!mapping_open(&file, path, error))
        return false;
    bool good = text_config_parse(config, file.data, file.size, path, error);
    mapping_close(&file);
    return good;
}
