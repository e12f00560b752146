// From rows and a key to the words that say it.
#include "base/xalloc.h"
#include "ui/workbench/tree_cover.h"
#include "ui/workbench/tree_parts.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLAIN_NAMES = 3 }; // more than these are said by a preset where there is one

struct target {
    const struct tree *tree;
    const struct scene *scene;
    const struct model *model;
    enum meant *meant; // [param_count]
    int first, last;   // rows
};

static struct target target_open(const struct tree *t, const struct scene *s) {
    int range = t->range >= 0 && t->range < t->count ? t->range : t->cursor;
    struct target target = {.tree = t, .scene = s, .model = s->model};
    target.meant = xcalloc((size_t)s->model->param_count + 1, sizeof *target.meant);
    target.first = range < t->cursor ? range : t->cursor;
    target.last = range < t->cursor ? t->cursor : range;
    return target;
}

static bool is_statistic(const struct target *target, int param) {
    return freeze_is_statistic(&target->model->params[param]);
}

// What the row means by itself. What belongs to a module that is meant is not named alone.
static void mean_row(struct target *target, const struct tree_row *row, const bool *hit,
                     bool statistics) {
    for (int p = 0; p < target->model->param_count; p++) {
        bool inside = row->param < 0 ? tree_inside(target->model, row->module, p)
                                     : target->model->params[p].module ==
                                           target->model->params[row->param].module;
        if (row->param >= 0 && row->param != p)
            inside &= is_statistic(target, row->param) && is_statistic(target, p);
        if (!inside || (hit && !hit[p]) || target->meant[p] == MEANT)
            continue;
        bool alone = is_statistic(target, p) && (row->param >= 0 || statistics);
        target->meant[p] = alone ? MEANT_ALONE : MEANT;
    }
}

// Modules first, so that they win over their statistics.
static void mean_rows(struct target *target) {
    char pattern[TREE_PATTERN];
    bool *hit = NULL;
    if (tree_pattern(target->tree, pattern)) {
        hit = xcalloc((size_t)target->model->param_count + 1, sizeof *hit);
        freeze_match(target->model, pattern, hit, NULL);
    }
    for (int params = 0; params < 2; params++)
        for (int i = target->first; i <= target->last; i++)
            if ((target->tree->rows[i].param >= 0) == params)
                mean_row(target, &target->tree->rows[i], hit,
                         hit && freeze_names_statistics(pattern));
    free(hit);
}

// The parameters of modules from..to-1.
static void mean_modules(struct target *target, int from, int to) {
    for (int p = 0; p < target->model->param_count; p++)
        if (target->model->params[p].module >= from && target->model->params[p].module < to)
            target->meant[p] = MEANT;
}

// The module of the first row; what is behind it in the order of modules.
static void mean_from(struct target *target) {
    int from = target->model->module_count;
    for (int i = target->first; i <= target->last; i++) {
        int m = tree_owner(target->model, &target->tree->rows[i]);
        from = m < from ? m : from;
    }
    mean_modules(target, from, target->model->module_count);
}

static void mean_to(struct target *target) {
    int to = 0;
    for (int i = target->first; i <= target->last; i++) {
        int end = target->model->modules[tree_owner(target->model, &target->tree->rows[i])].end;
        to = end > to ? end : to;
    }
    mean_modules(target, 0, to);
}

// Whether all weights and biases that are meant are thawed; of statistics only where there is
// nothing else.
static bool all_thawed(const struct target *target) {
    const bool *thawed = target->scene->wanted.flags.thawed;
    int trained = 0, frozen = 0, statistics = 0, still = 0;
    for (int p = 0; p < target->model->param_count; p++) {
        if (target->meant[p] == MEANT_NOT)
            continue;
        bool statistic = is_statistic(target, p);
        trained += !statistic;
        frozen += !statistic && !thawed[p];
        statistics += statistic;
        still += statistic && !thawed[p];
    }
    return trained ? frozen == 0 : statistics > 0 && still == 0;
}

static bool says_the_same(const struct target *target, const char *a, const char *b) {
    struct settings x = settings_copy(&target->scene->wanted), y = settings_copy(&x);
    bool same = settings_apply(&x, a, NULL) && settings_apply(&y, b, NULL) &&
                flags_equal(&x.flags, &y.flags);
    settings_close(&x);
    settings_close(&y);
    return same;
}

// Whether a pattern means exactly what is meant.
static bool pattern_means(const struct target *target, const char *pattern) {
    bool *hit = xcalloc((size_t)target->model->param_count + 1, sizeof *hit);
    enum meant way = freeze_names_statistics(pattern) ? MEANT_ALONE : MEANT;
    bool same = freeze_match(target->model, pattern, hit, NULL);
    for (int p = 0; same && p < target->model->param_count; p++)
        same = target->meant[p] == (hit[p] ? way : MEANT_NOT);
    free(hit);
    return same;
}

// One pattern for all: the filter, or the last blocks.
static bool find_pattern(const struct target *target, char out[TREE_PATTERN]) {
    if (tree_pattern(target->tree, out) && pattern_means(target, out))
        return true;
    int blocks = 0;
    for (int m = 0; m < target->model->module_count; m++)
        blocks += target->model->modules[m].block;
    for (int n = 1; n <= blocks; n++) {
        snprintf(out, TREE_PATTERN, "last-%d-blocks", n);
        if (pattern_means(target, out))
            return true;
    }
    return false;
}

// `only a; thaw b`: the first rule freezes all else.
static void use_only(struct text *t) {
    char *rest = xstrdup(t->data + strlen("thaw"));
    t->length = 0;
    text_add(t, "only%s", rest);
    free(rest);
}

// Whether naming a module thaws or freezes its statistics, too; as freeze_apply does.
static bool moves_statistics(const struct target *target, bool thaw) {
    enum bn_policy bn = target->scene->wanted.bn;
    return bn == BN_BATCH || (bn == BN_FROZEN && !thaw);
}

// What a parameter is to the command, and to the one that puts right what it names too much.
// `so`: it is already as the command would make it; `skip`: then it may be left out.
static void loosen(const struct target *target, int p, bool thaw, bool so, bool skip,
                   enum meant *there, enum meant *back) {
    enum meant meant = target->meant[p];
    bool statistic = is_statistic(target, p);
    bool follows = statistic && meant != MEANT_ALONE && !moves_statistics(target, thaw);
    *there = follows || (so && (skip || meant == MEANT_NOT)) ? MEANT_EITHER : meant;
    if (meant != MEANT_NOT)
        *back = MEANT_NOT;
    else if (!so)
        *back = MEANT;
    else
        *back = statistic && !moves_statistics(target, !thaw) ? MEANT_EITHER : MEANT_NOT;
}

// Fewer names than a plain list.
static void shorten(const struct target *target, bool thaw, bool only, bool skip, struct text *t) {
    int params = target->model->param_count;
    const bool *thawed = target->scene->wanted.flags.thawed;
    enum meant *meant = xcalloc((size_t)params + 1, sizeof *meant);
    enum meant *back = xcalloc((size_t)params + 1, sizeof *back);
    for (int p = 0; p < params; p++)
        loosen(target, p, thaw, !only && thawed[p] == thaw, skip, &meant[p], &back[p]);
    t->length = 0;
    tree_cover_around(t, target->model, thaw ? "thaw" : "freeze", meant, thaw ? "freeze" : "thaw",
                      back);
    if (only && t->length)
        use_only(t);
    free(meant);
    free(back);
}

static bool fits(const struct text *t, int size) {
    return t->length < COMMAND_TEXT && t->length < (size_t)size;
}

static bool write_target(const struct target *target, bool thaw, bool only, char *text, int size) {
    struct text t = {0}, shorter = {0};
    char pattern[TREE_PATTERN];
    int names = tree_cover(&t, target->model, thaw ? "thaw" : "freeze", target->meant);
    if (only && names > 0)
        use_only(&t);
    bool one = names > 1 && find_pattern(target, pattern);
    if (one && (names > PLAIN_NAMES || *target->tree->filter || !fits(&t, size)))
        text_add(&shorter, "%s %s", only ? "only" : thaw ? "thaw" : "freeze", pattern);
    for (int skip = 0; !shorter.length && names > 0 && !fits(&t, size) && skip < 2; skip++) {
        shorten(target, thaw, only, skip, &shorter);
        if (!fits(&shorter, size))
            shorter.length = 0;
    }
    bool same = shorter.length && says_the_same(target, t.data, shorter.data);
    const struct text *best = same ? &shorter : &t;
    bool ok = names > 0 && fits(best, size);
    snprintf(text, (size_t)size, "%s",
             ok      ? best->data
             : names ? "that takes too many words: choose fewer rows"
                     : "nothing here can be frozen or thawed");
    text_free(&t);
    text_free(&shorter);
    return ok;
}

// Statistics are named only when some move.
static const char *norms_text(const struct scene *s) {
    for (int p = 0; p < s->model->param_count; p++)
        if (freeze_is_statistic(&s->model->params[p]) && s->wanted.flags.thawed[p])
            return "freeze norm; freeze *.statistics";
    return "freeze norm";
}

static const char *fixed_text(const struct scene *s, enum action action) {
    switch (action) {
    case ACTION_HEAD:
        return "only head";
    case ACTION_ALL:
        return "thaw all";
    case ACTION_NORMS:
        return norms_text(s);
    default:
        return NULL;
    }
}

static bool rows_command(struct target *target, enum action action, char *text, int size) {
    bool only = action == ACTION_ONLY, thaw = action != ACTION_FREEZE_TO;
    if (action == ACTION_THAW_FROM)
        mean_from(target);
    else if (action == ACTION_FREEZE_TO)
        mean_to(target);
    else
        mean_rows(target);
    if (action == ACTION_TOGGLE)
        thaw = !all_thawed(target);
    return write_target(target, thaw, only, text, size);
}

bool tree_command(const struct tree *t, const struct scene *s, enum action action, char *text,
                  int size) {
    if (size > 0)
        *text = '\0';
    if (!s->model || !s->wanted.flags.model || size < 1)
        return false;
    const char *fixed = fixed_text(s, action);
    bool rows = action == ACTION_TOGGLE || action == ACTION_ONLY || action == ACTION_THAW_FROM ||
                action == ACTION_FREEZE_TO;
    if (fixed)
        snprintf(text, (size_t)size, "%s", fixed);
    if (!rows || t->count == 0)
        return fixed && (int)strlen(fixed) < size;
    struct target target = target_open(t, s);
    bool ok = rows_command(&target, action, text, size);
    free(target.meant);
    return ok;
}
