// The YAML of a sweep.
#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "experiment/experiment_parts.h"
#include "sweep/sweep_parts.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20, SEEDS_MOST = 1000, NAME_MOST = 60 };

struct reader {
    struct sweep *sweep;
    struct sweep_plan plan;
    const char *path;
    char *directory;
    yaml_document_t document;
    struct experiment scratch;          // where values are tried
    yaml_mark_t grid, axes[SWEEP_AXES]; // where they were given
    struct error *error;
};

// ---- Nodes

// Puts place and key in front of the message.
static bool fail(struct reader *r, yaml_mark_t at, const char *key) {
    return error_prefix(r->error, "%s:%zu:%zu: %s%s", r->path, at.line + 1, at.column + 1, key,
                        *key ? ": " : "");
}

static const char *scalar(const yaml_node_t *node) {
    return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

struct pair {
    const yaml_node_t *name;
    yaml_node_t *value;
    const char *text; // of the name
};

static int pair_count(const yaml_node_t *mapping) {
    return (int)(mapping->data.mapping.pairs.top - mapping->data.mapping.pairs.start);
}

static struct pair pair_at(struct reader *r, const yaml_node_t *mapping, int index) {
    const yaml_node_pair_t *pair = &mapping->data.mapping.pairs.start[index];
    const yaml_node_t *name = yaml_document_get_node(&r->document, pair->key);
    return (struct pair){name, yaml_document_get_node(&r->document, pair->value), scalar(name)};
}

// A mapping whose keys are words, each once. `what` says what would be right.
static bool check_mapping(struct reader *r, const yaml_node_t *node, const char *key,
                          const char *what) {
    if (node->type != YAML_MAPPING_NODE || pair_count(node) == 0) {
        error_set(r->error, "give %s", what);
        return fail(r, node->start_mark, key);
    }
    for (int i = 0; i < pair_count(node); i++) {
        struct pair here = pair_at(r, node, i);
        if (!here.text) {
            error_set(r->error, "a key must be a word, not a list or a mapping");
            return fail(r, here.name->start_mark, key);
        }
        for (int k = 0; k < i; k++) {
            struct pair before = pair_at(r, node, k);
            if (strcmp(before.text, here.text) != 0)
                continue;
            error_set(r->error, "given twice, first on line %zu; keep one of them",
                      before.name->start_mark.line + 1);
            return fail(r, here.name->start_mark, here.text);
        }
    }
    return true;
}

// ---- Keys and values of the experiment

static const struct experiment_key *find_key(struct reader *r, const struct pair *p) {
    const struct experiment_key *key = experiment_key_find(p->text);
    char shown[EXPERIMENT_SHOWN];
    if (key)
        return key;
    struct text nearest = {0};
    experiment_text_shown(p->text, shown);
    experiment_key_nearest(&nearest, shown);
    error_set(r->error, "there is no such key of an experiment; did you mean %s?", nearest.data);
    text_free(&nearest);
    fail(r, p->name->start_mark, shown);
    return NULL;
}

// "optim.lr=0.05", or NULL. A scalar may stand for a list of one.
static char *read_value(struct reader *r, const struct experiment_key *key, yaml_node_t *node) {
    yaml_mark_t at;
    struct text t = {0};
    if (!experiment_value_read(&r->scratch, key, &r->document, node, true, &at, r->error)) {
        fail(r, at, key->path);
        return NULL;
    }
    if (!experiment_resolve_paths(&r->scratch, r->directory, r->error)) {
        fail(r, node->start_mark, key->path);
        return NULL;
    }
    text_add(&t, "%s=", key->path);
    experiment_text_value(&t, &r->scratch, key);
    return t.data;
}

static bool read_sets(struct reader *r, const yaml_node_t *node, const char *what, bool seeded,
                      struct sweep_sets *out) {
    if (!check_mapping(r, node, what, "keys of the experiment, as '{freeze.rules: [thaw head]}'"))
        return false;
    for (int i = 0; i < pair_count(node); i++) {
        struct pair p = pair_at(r, node, i);
        const struct experiment_key *key = find_key(r, &p);
        char *set = key ? read_value(r, key, p.value) : NULL;
        if (!set)
            return false;
        sweep_sets_add(out, set);
        if (!seeded && strcmp(key->path, "seed") == 0) {
            error_set(r->error, "all variants have the same seeds; give them as 'seeds: 5'");
            return fail(r, p.name->start_mark, "seed");
        }
    }
    return true;
}

// ---- The parts of a sweep

static bool read_experiment(struct reader *r, yaml_node_t *node) {
    const char *text = scalar(node);
    if (!text || !*text) {
        error_set(r->error, "give the file of an experiment, or the name of a built-in one");
        return fail(r, node->start_mark, "experiment");
    }
    char *beside = *text == '/' ? xstrdup(text) : files_join(r->directory, text);
    r->sweep->experiment_is_file = files_exist(beside) || strpbrk(text, "/.");
    r->sweep->experiment = r->sweep->experiment_is_file ? beside : xstrdup(text);
    if (!r->sweep->experiment_is_file)
        free(beside);
    return true;
}

static bool read_set(struct reader *r, yaml_node_t *node) {
    return read_sets(r, node, "set", true, &r->sweep->sets);
}

// Names are those of directories.
static bool is_name(const char *text) {
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";
    return *text && *text != '.' && *text != '-' && strlen(text) <= NAME_MOST &&
           text[strspn(text, plain)] == '\0';
}

static bool read_variants(struct reader *r, yaml_node_t *node) {
    struct sweep_plan *plan = &r->plan;
    char shown[EXPERIMENT_SHOWN];
    if (!check_mapping(r, node, "variants", "names, each with keys: '{head: {freeze.rules: ...}}'"))
        return false;
    plan->variants = xcalloc((size_t)pair_count(node), sizeof *plan->variants);
    for (int i = 0; i < pair_count(node); i++) {
        struct pair p = pair_at(r, node, i);
        if (!is_name(p.text)) {
            error_set(r->error, "'%s' is no name; use at most %d letters, digits and . _ + -",
                      experiment_text_shown(p.text, shown), NAME_MOST);
            return fail(r, p.name->start_mark, "variants");
        }
        struct sweep_variant *v = &plan->variants[plan->variant_count++];
        v->name = xstrdup(p.text);
        v->line = (int)p.name->start_mark.line + 1;
        v->column = (int)p.name->start_mark.column + 1;
        if (!read_sets(r, p.value, v->name, false, &v->sets))
            return false;
    }
    return true;
}

static bool read_axis(struct reader *r, const struct experiment_key *key, const yaml_node_t *node) {
    if (node->type != YAML_SEQUENCE_NODE ||
        node->data.sequence.items.top == node->data.sequence.items.start) {
        error_set(r->error, "give a list of values");
        return fail(r, node->start_mark, key->path);
    }
    struct sweep_axis *axis = &r->plan.axes[r->plan.axis_count++];
    axis->key = key;
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        char *value = read_value(r, key, yaml_document_get_node(&r->document, *item));
        if (!value)
            return false;
        sweep_sets_add(&axis->values, value);
    }
    return true;
}

static bool read_grid(struct reader *r, yaml_node_t *node) {
    r->grid = node->start_mark;
    r->plan.line = (int)r->grid.line + 1;
    r->plan.column = (int)r->grid.column + 1;
    if (!check_mapping(r, node, "grid", "keys, each with a list of values"))
        return false;
    for (int i = 0; i < pair_count(node); i++) {
        struct pair p = pair_at(r, node, i);
        const struct experiment_key *key = find_key(r, &p);
        if (!key)
            return false;
        if (strcmp(key->path, "seed") == 0 || r->plan.axis_count == SWEEP_AXES) {
            error_set(r->error, r->plan.axis_count == SWEEP_AXES ? "too many keys in the grid"
                                                                 : "give seeds as 'seeds: 5'");
            return fail(r, p.name->start_mark, key->path);
        }
        r->axes[r->plan.axis_count] = p.name->start_mark;
        if (!read_axis(r, key, p.value))
            return false;
    }
    return true;
}

static bool read_number(struct reader *r, const yaml_node_t *node, const char *key, int64_t least,
                        int64_t most, int64_t *out) {
    const char *text = scalar(node);
    if (text && text_to_int(text, out) && *out >= least && *out <= most)
        return true;
    error_set(r->error, "give a whole number from %lld to %lld", (long long)least, (long long)most);
    return fail(r, node->start_mark, key);
}

static bool add_seed(struct reader *r, const yaml_node_t *node) {
    struct sweep *s = r->sweep;
    int64_t seed;
    if (!read_number(r, node, "seeds", 0, INT_MAX, &seed))
        return false;
    for (int i = 0; i < s->seed_count; i++)
        if (s->seeds[i] == seed) {
            error_set(r->error, "the seed %lld stands there twice", (long long)seed);
            return fail(r, node->start_mark, "seeds");
        }
    s->seeds[s->seed_count++] = seed;
    return true;
}

static bool read_seeds(struct reader *r, yaml_node_t *node) {
    struct sweep *s = r->sweep;
    int64_t count;
    s->seeds = xcalloc(SEEDS_MOST, sizeof *s->seeds);
    if (node->type != YAML_SEQUENCE_NODE) {
        if (!read_number(r, node, "seeds", 1, SEEDS_MOST, &count))
            return false;
        for (; s->seed_count < count; s->seed_count++)
            s->seeds[s->seed_count] = s->seed_count;
        return true;
    }
    const yaml_node_item_t *first = node->data.sequence.items.start;
    count = node->data.sequence.items.top - first;
    if (count < 1 || count > SEEDS_MOST) {
        error_set(r->error, "give a number of seeds, or a list of 1 to %d", SEEDS_MOST);
        return fail(r, node->start_mark, "seeds");
    }
    for (int i = 0; i < count; i++)
        if (!add_seed(r, yaml_document_get_node(&r->document, first[i])))
            return false;
    return true;
}

static bool read_within(struct reader *r, const yaml_node_t *node) {
    const char *text = scalar(node);
    r->sweep->within_variants = text && strcmp(text, "variants") == 0;
    if (r->sweep->within_variants || (text && strcmp(text, "all") == 0))
        return true;
    error_set(r->error, "give all, or variants: then each variant keeps its best rates");
    return fail(r, node->start_mark, "halving.within");
}

static bool read_halving(struct reader *r, yaml_node_t *node) {
    struct sweep *s = r->sweep;
    bool ok = check_mapping(r, node, "halving", "'{factor: 3, epochs: 2}'");
    for (int i = 0; ok && i < pair_count(node); i++) {
        struct pair p = pair_at(r, node, i);
        if (strcmp(p.text, "factor") == 0)
            ok = read_number(r, p.value, "halving.factor", 2, 100, &s->factor);
        else if (strcmp(p.text, "epochs") == 0)
            ok = read_number(r, p.value, "halving.epochs", 1, 100000, &s->first_epochs);
        else if (strcmp(p.text, "within") == 0)
            ok = read_within(r, p.value);
        else {
            error_set(r->error, "halving has the keys factor, epochs and within");
            ok = fail(r, p.name->start_mark, "halving");
        }
    }
    if (!ok || (s->factor && s->first_epochs))
        return ok;
    error_set(r->error, "give both, as '{factor: 3, epochs: 2}'");
    return fail(r, node->start_mark, "halving");
}

static const struct {
    const char *name;
    bool (*read)(struct reader *r, yaml_node_t *node);
} parts[] = {{"experiment", read_experiment}, {"set", read_set},
             {"variants", read_variants},     {"grid", read_grid},
             {"seeds", read_seeds},           {"halving", read_halving}};
enum { PARTS = sizeof parts / sizeof parts[0] };

// ---- The whole

static bool read_part(struct reader *r, const struct pair *p) {
    const char *names[PARTS];
    char shown[EXPERIMENT_SHOWN];
    for (int i = 0; i < PARTS; i++) {
        names[i] = parts[i].name;
        if (strcmp(p->text, parts[i].name) == 0)
            return parts[i].read(r, p->value);
    }
    struct text nearest = {0};
    text_nearest(&nearest, experiment_text_shown(p->text, shown), names, PARTS);
    error_set(r->error,
              "a sweep has no such key; did you mean %s? keys of the experiment stand "
              "below set, variants or grid",
              nearest.data);
    text_free(&nearest);
    return fail(r, p->name->start_mark, shown);
}

// A key of the grid would hide a variant's own.
static bool check_overlap(struct reader *r) {
    for (int v = 0; v < r->plan.variant_count; v++)
        for (int i = 0; i < r->plan.variants[v].sets.count; i++)
            for (int k = 0; k < r->plan.axis_count; k++) {
                const char *set = r->plan.variants[v].sets.items[i],
                           *path = r->plan.axes[k].key->path;
                size_t length = strlen(path);
                if (strncmp(set, path, length) != 0 || set[length] != '=')
                    continue;
                error_set(r->error,
                          "the variant %s has a value of its own for this key; give it in "
                          "one of the two places",
                          r->plan.variants[v].name);
                return fail(r, r->axes[k], path);
            }
    return true;
}

static bool read_root(struct reader *r) {
    static const char needs[] = "a sweep: 'experiment: NAME' and below it variants or a grid";
    yaml_node_t *root = yaml_document_get_root_node(&r->document);
    if (!root)
        return error_set(r->error, "%s: the sweep is empty; give %s", r->path, needs);
    if (!check_mapping(r, root, "", needs))
        return false;
    for (int i = 0; i < pair_count(root); i++) {
        struct pair p = pair_at(r, root, i);
        if (!read_part(r, &p))
            return false;
    }
    if (!r->sweep->experiment) {
        error_set(r->error, "there is no experiment to vary; give its file, or a built-in name");
        return fail(r, root->start_mark, "experiment");
    }
    if (!check_overlap(r))
        return false;
    return sweep_multiply(r->sweep, &r->plan, r->error) || fail(r, r->grid, "grid");
}

static bool read_document(struct reader *r, const struct mapping *file) {
    yaml_mark_t at;
    if (file->size > FILE_MAX)
        return error_set(r->error, "%s: larger than 1 MiB; give a short YAML text", r->path);
    if (!experiment_yaml_load(&r->document, (const char *)file->data, file->size, &at, r->error))
        return fail(r, at, "");
    bool ok = read_root(r);
    yaml_document_delete(&r->document);
    return ok;
}

bool sweep_read(struct sweep *s, const char *path, struct error *error) {
    struct reader r = {.sweep = s, .path = path, .error = error};
    struct mapping file;
    *s = (struct sweep){0};
    if (!mapping_open(&file, path, error))
        return false;
    r.directory = files_directory(path);
    r.plan.line = r.plan.column = 1;
    experiment_defaults(&r.scratch);
    bool ok = read_document(&r, &file);
    mapping_close(&file);
    experiment_close(&r.scratch);
    sweep_plan_close(&r.plan);
    free(r.directory);
    if (!ok)
        sweep_close(s);
    return ok;
}
