#include "training/settings.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "strategy/parts.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const settings_help[][2] = {
    {"thaw PATTERN", "train what the pattern names: a module, a glob, or a preset"},
    {"freeze PATTERN", "leave it as it is"},
    {"only PATTERN", "thaw it and freeze everything else"},
    {"bn frozen|batch|torch", "what BatchNorm's statistics do"},
    {"bn reestimate", "measure them anew, all of them, on the training samples"},
    {"lr RATE", "a new peak for the learning rate"},
    {"lr [PATTERN] xFACTOR", "multiply the learning rate, of all or of what the pattern names"},
    {"rates FACTOR...", "multipliers of the rates of all blocks, from the input to the head"},
    {"lr restart [for N epochs]", "begin the learning rate's schedule anew"},
    {"anneal PATTERN until N%", "let its learning rate fall to 0 until then"},
    {"wd DECAY", "weight decay"},
    {"epochs N", "end after so many epochs"},
    {"reset moments", "forget what the optimiser remembers of earlier gradients"},
    {"restore best", "go back to the weights with the best validation so far"},
    {NULL, NULL},
};

static bool scale_pattern(struct settings *s, const char *pattern, double factor, bool multiply,
                          struct error *error) {
    int count = s->model->param_count;
    bool *hit = xcalloc((size_t)count + 1, sizeof *hit);
    bool ok = freeze_match(s->model, pattern, hit, error);
    for (int p = 0; ok && p < count; p++)
        if (hit[p])
            s->lr_scale[p] = multiply ? s->lr_scale[p] * factor : factor;
    free(hit);
    return ok;
}

// "PATTERN FACTOR"; an `x` may stand before the factor.
static bool scale_rule(struct settings *s, const char *rule, bool multiply, struct error *error) {
    const char *space = strrchr(rule, ' ');
    double factor = 0;
    if (!space || !text_to_real(space + 1 + (space[1] == 'x'), &factor) || factor < 0)
        return error_set(
            error, "'%s' is no multiplier; write a pattern and a factor, such as 'layer3 0.1'",
            rule);
    char *pattern = xstrndup(rule, (size_t)(space - rule));
    bool ok = scale_pattern(s, pattern, factor, multiply, error);
    free(pattern);
    return ok;
}

// Each block's rate is a fraction of the one behind it.
static void decay_layers(struct settings *s, double decay) {
    struct parts parts = parts_of(s->model);
    for (int p = 0; p < s->model->param_count; p++) {
        int part = parts_find(&parts, s->model, p);
        s->lr_scale[p] = part < 0 ? 1 : pow(decay, parts.count - 1 - part);
    }
    parts_close(&parts);
}

bool settings_open(struct settings *s, const struct model *model, const struct experiment *e,
                   struct error *error) {
    *s = (struct settings){
        .model = model,
        .flags = flags_open(model),
        .peak = e->optim.lr,
        .lr_factor = 1,
        .lr_scale = xcalloc((size_t)model->param_count + 1, sizeof *s->lr_scale),
        .anneal = xcalloc((size_t)model->param_count + 1, sizeof *s->anneal),
        .weight_decay = e->optim.weight_decay,
        .epochs = e->train.epochs,
    };
    decay_layers(s, e->optim.layer_decay);
    bn_policy_find(e->freeze.bn, &s->bn);
    bool ok = freeze_apply_all(&s->flags, s->bn, (const char *const *)e->freeze.rules.item,
                               e->freeze.rules.count, error) ||
              error_prefix(error, "freeze.rules: ");
    for (int i = 0; ok && i < e->optim.lr_scale.count; i++)
        ok = scale_rule(s, e->optim.lr_scale.item[i], false, error) ||
             experiment_item_error(e, "optim.lr_scale", &e->optim.lr_scale, i, error);
    if (!ok)
        settings_close(s);
    return ok;
}

struct settings settings_copy(const struct settings *s) {
    struct settings copy = *s;
    copy.flags = flags_copy(&s->flags);
    size_t params = (size_t)s->model->param_count + 1;
    copy.lr_scale = xmemdup(s->lr_scale, params * sizeof *s->lr_scale);
    copy.anneal = xmemdup(s->anneal, params * sizeof *s->anneal);
    return copy;
}

void settings_close(struct settings *s) {
    if (!s->model)
        return;
    flags_close(&s->flags);
    free(s->lr_scale);
    free(s->anneal);
    *s = (struct settings){0};
}

static bool apply_bn(struct settings *s, const char *name, struct error *error) {
    if (!bn_policy_find(name, &s->bn))
        return error_set(error,
                         "'bn %s' is not known; write 'bn frozen', 'bn batch', 'bn torch' or "
                         "'bn reestimate'",
                         name);
    freeze_policy(&s->flags, s->bn);
    return true;
}

// "restart", "restart for 3 epochs".
static bool restart_cycle(struct settings *s, const char *text, struct error *error) {
    static const char before[] = "restart for ";
    struct moment length = {0};
    bool whole = strcmp(text, "restart") == 0;
    if (!whole && (strncmp(text, before, strlen(before)) != 0 ||
                   !moment_parse_length(text + strlen(before), &length) || length.count == 0))
        return error_set(error,
                         "'lr %s' is not known; write 'lr restart', 'lr restart for 3 epochs' or "
                         "'lr restart for 100 steps'",
                         text);
    s->cycle = (struct settings_span){.from = s->step, .to = length};
    return true;
}

// "PATTERN until 40%".
static bool apply_anneal(struct settings *s, const char *text, struct error *error) {
    static const char between[] = " until ";
    const char *until = strstr(text, between);
    struct settings_span span = {.from = s->step};
    if (!until || !moment_parse(until + strlen(between), &span.to))
        return error_set(error,
                         "'anneal %s' is not known; write a pattern and when it ends, such as "
                         "'anneal layer1 until 40%%', '... until epoch 3' or '... until step 100'",
                         text);
    char *pattern = xstrndup(text, (size_t)(until - text));
    bool *hit = xcalloc((size_t)s->model->param_count + 1, sizeof *hit);
    bool ok = freeze_match(s->model, pattern, hit, error);
    for (int p = 0; ok && p < s->model->param_count; p++)
        if (hit[p])
            s->anneal[p] = span;
    free(hit);
    free(pattern);
    return ok;
}

// A factor for each part: "0.3 1 0.5".
static bool read_rates(const struct parts *parts, const char *text, double *factors) {
    char *copy = xstrdup(text), *rest = copy;
    int count = 0;
    bool ok = true;
    for (char *one; ok && (one = strsep(&rest, " "));) {
        ok = count < parts->count && text_to_real(one, &factors[count]) && factors[count] >= 0;
        count++;
    }
    free(copy);
    return ok && count == parts->count;
}

static bool apply_rates(struct settings *s, const char *text, struct error *error) {
    struct parts parts = parts_of(s->model);
    double *factors = xcalloc((size_t)parts.count + 1, sizeof *factors);
    bool ok = read_rates(&parts, text, factors);
    for (int p = 0; ok && p < s->model->param_count; p++) {
        int part = parts_find(&parts, s->model, p);
        s->lr_scale[p] = part < 0 ? 1 : factors[part];
    }
    if (!ok)
        error_set(error,
                  "'rates %.60s' is not known; write %d factors, one for each block from the "
                  "input to the head",
                  text, parts.count);
    free(factors);
    parts_close(&parts);
    return ok;
}

static bool apply_lr(struct settings *s, const char *text, struct error *error) {
    double value = 0;
    if (strncmp(text, "restart", strlen("restart")) == 0)
        return restart_cycle(s, text, error);
    if (strchr(text, ' '))
        return scale_rule(s, text, true, error);
    bool factor = text[0] == 'x';
    if (!text_to_real(text + factor, &value) || value < 0 || (!factor && value > 1000))
        return error_set(
            error, "'lr %s' is not known; write 'lr 0.003', 'lr x0.5' or 'lr layer3 x0.1'", text);
    s->lr_factor = factor ? s->lr_factor * value : s->peak > 0 ? value / s->peak : 0;
    return true;
}

static bool apply_wd(struct settings *s, const char *text, struct error *error) {
    if (!text_to_real(text, &s->weight_decay) || s->weight_decay < 0 || s->weight_decay > 1000)
        return error_set(error, "'wd %s' is not known; write a number from 0 on, such as 'wd 1e-4'",
                         text);
    return true;
}

static bool apply_epochs(struct settings *s, const char *text, struct error *error) {
    if (!text_to_int(text, &s->epochs) || s->epochs < 1 || s->epochs > 100000)
        return error_set(error, "'epochs %s' is not known; write a whole number from 1 to 100000",
                         text);
    return true;
}

static bool apply_only(struct settings *s, const char *pattern, struct error *error) {
    char *rule = xprintf("thaw %s", pattern);
    bool ok = freeze_apply(&s->flags, s->bn, "freeze all", error) &&
              freeze_apply(&s->flags, s->bn, rule, error);
    free(rule);
    return ok;
}

bool settings_is_act(const char *text) {
    static const char *const acts[] = {"reset moments", "restore best", "bn reestimate"};
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
        if (strcmp(text, acts[i]) == 0)
            return true;
    return false;
}

// What an act needs of the model.
static bool check_act(const struct model *model, const char *text, struct error *error) {
    return strcmp(text, "bn reestimate") != 0 || freeze_has_statistics(model) ||
           error_set(error, "this model has no BatchNorm, so it has no statistics to measure anew");
}

static bool is_rule(const char *text) {
    size_t n = strcspn(text, " ");
    return (n == 4 && strncmp(text, "thaw", n) == 0) || (n == 6 && strncmp(text, "freeze", n) == 0);
}

static bool unknown(const char *text, struct error *error) {
    static const char *const words[] = {"thaw",   "freeze", "only",   "bn",    "lr",     "rates",
                                        "anneal", "wd",     "epochs", "reset", "restore"};
    char *first = xstrndup(text, strcspn(text, " "));
    struct text nearest = {0};
    text_nearest(&nearest, first, words, sizeof words / sizeof words[0]);
    error_set(error, "'%s' is no setting; did you mean %s?", text, nearest.data);
    text_free(&nearest);
    free(first);
    return false;
}

static bool apply_one(struct settings *s, const char *text, struct error *error) {
    static const struct {
        const char *word;
        bool (*apply)(struct settings *, const char *, struct error *);
    } words[] = {
        {"bn ", apply_bn},         {"lr ", apply_lr},     {"wd ", apply_wd},
        {"epochs ", apply_epochs}, {"only ", apply_only}, {"anneal ", apply_anneal},
        {"rates ", apply_rates},
    };
    if (settings_is_act(text))
        return check_act(s->model, text, error);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strncmp(text, words[i].word, strlen(words[i].word)) == 0)
            return words[i].apply(s, text + strlen(words[i].word), error);
    return is_rule(text) ? freeze_apply(&s->flags, s->bn, text, error) : unknown(text, error);
}

bool settings_apply(struct settings *s, const char *text, struct error *error) {
    struct settings tried = settings_copy(s);
    char *copy = xstrdup(text), *rest = copy;
    bool ok = true;
    for (char *one; ok && (one = strsep(&rest, ";"));) {
        one += strspn(one, " ");
        for (size_t n = strlen(one); n > 0 && one[n - 1] == ' '; n--)
            one[n - 1] = '\0';
        bool alone = !settings_is_act(one) || strcmp(one, text) == 0;
        ok = alone ? apply_one(&tried, one, error)
                   : error_set(error, "'%s' is no setting; write it alone", one);
    }
    free(copy);
    struct settings old = *s;
    if (ok)
        *s = tried;
    settings_close(ok ? &old : &tried);
    return ok;
}

void settings_history_open(struct settings_history *h, struct settings first) {
    *h = (struct settings_history){.items = xmalloc(sizeof *h->items), .count = 1};
    h->items[0] = first;
}

void settings_history_close(struct settings_history *h) {
    for (int i = 0; i < h->count; i++)
        settings_close(&h->items[i]);
    for (int i = 0; i < h->text_count; i++)
        free(h->texts[i]);
    free(h->items);
    free(h->texts);
    free(h->steps);
    *h = (struct settings_history){0};
}

struct settings_history settings_history_prefix(const struct settings_history *h, int text_count) {
    struct settings_history prefix;
    settings_history_open(&prefix, settings_copy(&h->items[0]));
    for (int i = 0; i < text_count; i++) {
        prefix.step = h->steps[i];
        bool ok = settings_history_apply(&prefix, h->texts[i], NULL);
        assert(ok);
        (void)ok;
    }
    prefix.step = h->step;
    return prefix;
}

struct settings *settings_now(const struct settings_history *h) {
    return &h->items[h->at];
}

// How `undo` and `redo` move; 0 for any other text.
static int direction(const char *text) {
    return strcmp(text, "undo") == 0 ? -1 : strcmp(text, "redo") == 0 ? 1 : 0;
}

bool settings_history_try(const struct settings_history *h, const char *text, struct settings *out,
                          struct error *error) {
    int at = h->at + direction(text);
    if (at < 0 || at >= h->count)
        return error_set(error, at < 0 ? "there is nothing to take back"
                                       : "there is nothing to bring again");
    *out = settings_copy(&h->items[at]);
    out->step = h->step;
    if (at != h->at || settings_apply(out, text, error))
        return true;
    settings_close(out);
    return false;
}

static void push(struct settings_history *h, struct settings next) {
    while (h->count > h->at + 1)
        settings_close(&h->items[--h->count]);
    h->items = xrealloc(h->items, ((size_t)h->count + 1) * sizeof *h->items);
    h->items[h->count] = next;
    h->at = h->count++;
}

bool settings_history_apply(struct settings_history *h, const char *text, struct error *error) {
    struct settings next;
    if (!settings_history_try(h, text, &next, error))
        return false;
    if (direction(text) || settings_is_act(text)) {
        h->at += direction(text);
        settings_close(&next);
    } else {
        push(h, next);
    }
    h->texts = xrealloc(h->texts, ((size_t)h->text_count + 1) * sizeof *h->texts);
    h->steps = xrealloc(h->steps, ((size_t)h->text_count + 1) * sizeof *h->steps);
    h->steps[h->text_count] = h->step;
    h->texts[h->text_count++] = xstrdup(text);
    return true;
}
