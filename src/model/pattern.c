// From a pattern to the parameters that it means.

#include "base/text.h"
#include "base/xalloc.h"
#include "model/freeze.h"
#include <stdlib.h>
#include <string.h>

enum rows { ROWS_ALL, ROWS_STATISTICS };

// Hits the rows in the subtrees of the marked modules. Returns how many. Spreads the marks: a
// parent stands before its children.
static int hit_subtrees(const struct model *model, bool *marked, enum rows rows, bool *hit) {
    int hits = 0;
    for (int m = 1; m < model->module_count; m++)
        marked[m] |= marked[model->modules[m].parent];
    for (int p = 0; p < model->param_count; p++) {
        const struct param *param = &model->params[p];
        if (!marked[param->module] || (rows == ROWS_STATISTICS && !freeze_is_statistic(param)))
            continue;
        hit[p] = true;
        hits++;
    }
    return hits;
}

// The module right before m among its siblings, where that is a single layer; else -1.
static int layer_before(const struct model *model, int m) {
    return m > 0 && model->modules[m - 1].parent == model->modules[m].parent ? m - 1 : -1;
}

// Where the last block ends: what stands behind it (the last LayerNorm of a GPT, BERT's pooler)
// belongs to it.
static int end_of_blocks(const struct model *model) {
    int end = model->module_count;
    for (int m = 0; m < model->module_count; m++)
        if (model->modules[m].block)
            end = model->modules[m].end;
    return end;
}

// The head, and the blocks from module `first_block` on. Where a block is a single layer, the
// layers behind it up to the next block belong to it: a convolution's BatchNorm.
static int hit_tail(const struct model *model, int first_block, bool *hit) {
    bool *marked = xcalloc((size_t)model->module_count, sizeof *marked);
    int end = first_block < model->module_count ? end_of_blocks(model) : model->module_count;
    for (int m = 0; m < model->module_count; m++) {
        const struct module *module = &model->modules[m];
        int before = layer_before(model, m);
        bool follows = before >= 0 && marked[before] && module->end == m + 1;
        bool behind = m >= end;
        marked[m] = module->head || behind || (m >= first_block && (module->block || follows));
    }
    int hits = hit_subtrees(model, marked, ROWS_ALL, hit);
    free(marked);
    return hits;
}

static int hit_head(const struct model *model, bool *hit) {
    return hit_tail(model, model->module_count, hit);
}

static int hit_all(const struct model *model, bool *hit) {
    for (int p = 0; p < model->param_count; p++)
        hit[p] = true;
    return model->param_count;
}

static int hit_none(const struct model *model, bool *hit) {
    (void)model, (void)hit;
    return 0;
}

static int hit_bias(const struct model *model, bool *hit) {
    int hits = 0;
    for (int p = 0; p < model->param_count; p++) {
        if (model->params[p].kind != PARAM_BIAS)
            continue;
        hit[p] = true;
        hits++;
    }
    return hits;
}

static int hit_norm(const struct model *model, bool *hit) {
    int hits = 0;
    for (int p = 0; p < model->param_count; p++) {
        if (!model->params[p].norm || freeze_is_statistic(&model->params[p]))
            continue;
        hit[p] = true;
        hits++;
    }
    return hits;
}

static const struct preset {
    const char *name;
    int (*hit)(const struct model *model, bool *hit); // returns how many
    const char *lacking; // what a model has not that this hits nothing in; NULL: hits may be none
} presets[] = {
    {"all", hit_all, NULL},
    {"none", hit_none, NULL},
    {"head", hit_head, "module that is marked as its head"},
    {"bias", hit_bias, "bias"},
    {"norm", hit_norm, "normalisation layer with a weight or a bias"},
};
enum { PRESET_COUNT = sizeof presets / sizeof *presets };

static bool match_preset(const struct model *model, const struct preset *preset, bool *hit,
                         struct error *error) {
    if (preset->hit(model, hit) == 0 && preset->lacking)
        return error_set(error, "'%s' matches nothing: this model has no %s", preset->name,
                         preset->lacking);
    return true;
}

static const char last_before[] = "last-", last_after[] = "-blocks";

static bool ends_with(const char *text, const char *ending) {
    size_t length = strlen(text), end = strlen(ending);
    return length > end && !strcmp(text + length - end, ending);
}

static bool is_last_blocks(const char *pattern) {
    return strlen(pattern) > strlen(last_before) + strlen(last_after) &&
           !strncmp(pattern, last_before, strlen(last_before)) && ends_with(pattern, last_after);
}

static int count_blocks(const struct model *model) {
    int blocks = 0;
    for (int m = 0; m < model->module_count; m++)
        blocks += model->modules[m].block;
    return blocks;
}

static bool match_last_blocks(const struct model *model, const char *pattern, bool *hit,
                              struct error *error) {
    const char *start = pattern + strlen(last_before);
    char *number = xstrndup(start, strlen(start) - strlen(last_after));
    int64_t wanted = 0;
    bool valid = text_to_int(number, &wanted);
    free(number);
    int blocks = count_blocks(model);
    if (blocks == 0)
        return error_set(error, "'%s': this model has no blocks", pattern);
    if (!valid || wanted < 1 || wanted > blocks)
        return error_set(error,
                         "'%s': this model has %d blocks, so N in last-N-blocks must be 1 to %d",
                         pattern, blocks, blocks);
    int first = model->module_count;
    while (wanted > 0)
        wanted -= model->modules[--first].block;
    hit_tail(model, first, hit);
    return true;
}

static const char statistics_ending[] = ".statistics";

bool freeze_names_statistics(const char *pattern) {
    return ends_with(pattern, statistics_ending);
}

// What of a wrong glob to compare with names.
static char *without_wildcards(const char *glob) {
    char *text = xstrdup(glob), *to = text;
    for (const char *from = glob; *from; from++)
        if (*from != '*' && *from != '?' && (*from != '.' || to > text))
            *to++ = *from;
    *to = '\0';
    return text;
}

// `names` is what there is to name of that kind.
static bool no_match(const char *pattern, const char *kind, const char *const *names, int count,
                     struct error *error) {
    char *wrong = without_wildcards(pattern);
    struct text nearest = {0};
    text_nearest(&nearest, wrong, names, count);
    error_set(error, "'%s' matches no %s; nearest: %s", pattern, kind,
              nearest.data ? nearest.data : "none, there are none here");
    text_free(&nearest);
    free(wrong);
    return false;
}

static bool no_name(const struct model *model, const char *pattern, struct error *error) {
    int count = 0, most = PRESET_COUNT + 1 + model->module_count + model->param_count;
    const char **names = xcalloc((size_t)most, sizeof *names);
    for (int i = 0; i < PRESET_COUNT; i++)
        names[count++] = presets[i].name;
    names[count++] = "last-N-blocks";
    for (int m = 1; m < model->module_count; m++)
        names[count++] = model->modules[m].name;
    for (int p = 0; p < model->param_count; p++)
        if (!freeze_is_statistic(&model->params[p]))
            names[count++] = model->params[p].name;
    no_match(pattern, "module, parameter or preset", names, count, error);
    free(names);
    return false;
}

static bool has_statistics(const struct model *model, const struct module *module) {
    for (int p = module->first_param; p < module->first_param + module->param_count; p++)
        if (freeze_is_statistic(&model->params[p]))
            return true;
    return false;
}

static bool no_statistics(const struct model *model, const char *pattern, struct error *error) {
    int count = 0;
    char **names = xcalloc((size_t)model->module_count, sizeof *names);
    for (int m = 0; m < model->module_count; m++)
        if (has_statistics(model, &model->modules[m]))
            names[count++] = xprintf("%s%s", model->modules[m].name, statistics_ending);
    no_match(pattern, "module with statistics", (const char *const *)names, count, error);
    while (count > 0)
        free(names[--count]);
    free(names);
    return false;
}

static int hit_modules(const struct model *model, const char *glob, enum rows rows, bool *hit) {
    bool *marked = xcalloc((size_t)model->module_count, sizeof *marked);
    for (int m = 0; m < model->module_count; m++)
        marked[m] = text_glob(glob, model->modules[m].name);
    int hits = hit_subtrees(model, marked, rows, hit);
    free(marked);
    return hits;
}

static bool match_statistics(const struct model *model, const char *pattern, bool *hit,
                             struct error *error) {
    char *glob = xstrndup(pattern, strlen(pattern) - strlen(statistics_ending));
    int hits = hit_modules(model, glob, ROWS_STATISTICS, hit);
    free(glob);
    return hits > 0 || no_statistics(model, pattern, error);
}

// A person who writes running_mean is told what to write.
static bool match_names(const struct model *model, const char *glob, bool *hit,
                        struct error *error) {
    int hits = hit_modules(model, glob, ROWS_ALL, hit);
    const struct param *statistic = NULL;
    for (int p = 0; p < model->param_count; p++) {
        const struct param *param = &model->params[p];
        if (!text_glob(glob, param->name))
            continue;
        if (freeze_is_statistic(param)) {
            statistic = param;
            continue;
        }
        hit[p] = true;
        hits++;
    }
    if (hits == 0 && statistic)
        return error_set(error,
                         "'%s' matches statistics alone, which move as one row: write '%s%s'", glob,
                         model->modules[statistic->module].name, statistics_ending);
    return hits > 0 || no_name(model, glob, error);
}

bool freeze_match(const struct model *model, const char *pattern, bool *hit, struct error *error) {
    for (int i = 0; i < PRESET_COUNT; i++)
        if (!strcmp(pattern, presets[i].name))
            return match_preset(model, &presets[i], hit, error);
    if (is_last_blocks(pattern))
        return match_last_blocks(model, pattern, hit, error);
    if (freeze_names_statistics(pattern))
        return match_statistics(model, pattern, hit, error);
    if (!*pattern)
        return error_set(error, "an empty pattern matches nothing; 'all' means everything");
    return match_names(model, pattern, hit, error);
}
