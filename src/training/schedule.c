#include "training/schedule.h"
#include "base/text.h"
#include "base/xalloc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WHEN_WORDS                                                                                 \
    "'start', 'epoch 3', 'step 120', '40%%', 'after 2 epochs', 'plateau loss 3' or "               \
    "'plateau accuracy 3 0.001'"

const char *const schedule_figure_names[SCHEDULE_FIGURES] = {
    "accuracy", "loss", "balanced_accuracy", "macro_f1", "auroc"};

// Index of a figure; SCHEDULE_FIGURES: there is none of that name.
static int find_figure(const char *name) {
    int i = 0;
    while (i < SCHEDULE_FIGURES && strcmp(schedule_figure_names[i], name) != 0)
        i++;
    return i;
}

// Cuts `text` in place at the next `between`; the piece without white space around it. NULL: none.
static char *next_piece(char **text, const char *between) {
    char *piece = *text, *end;
    if (!piece)
        return NULL;
    *text = strstr(piece, between);
    if (*text) {
        **text = '\0';
        *text += strlen(between);
    }
    piece += strspn(piece, " ");
    for (end = piece + strlen(piece); end > piece && end[-1] == ' ';)
        *--end = '\0';
    return piece;
}

// "plateau loss 3 0.001", of which `rest` is what follows the first word.
static bool parse_plateau(const char *rest, struct trigger *out) {
    char *copy = xstrdup(rest), *at = copy;
    const char *figure = next_piece(&at, " "), *patience = next_piece(&at, " ");
    const char *delta = next_piece(&at, " ");
    int64_t count = 0;
    *out = (struct trigger){.kind = TRIGGER_PLATEAU, .figure = find_figure(figure)};
    bool ok = out->figure < SCHEDULE_FIGURES && patience && text_to_int(patience, &count) &&
              count >= 1 && count <= 100000 && !at &&
              (!delta || (text_to_real(delta, &out->delta) && out->delta >= 0));
    out->patience = (int)count;
    free(copy);
    return ok;
}

static bool parse_trigger(const char *text, struct trigger *out, struct error *error) {
    *out = (struct trigger){.kind = TRIGGER_AT, .moment = {MOMENT_STEPS, 0}};
    if (strcmp(text, "start") == 0 || moment_parse(text, &out->moment))
        return true;
    out->kind = TRIGGER_AFTER;
    if (strncmp(text, "after ", 6) == 0 && moment_parse_length(text + 6, &out->moment))
        return true;
    if (strncmp(text, "plateau ", 8) == 0 && parse_plateau(text + 8, out))
        return true;
    return error_set(error, "'%s' does not say when; write " WHEN_WORDS, text);
}

// One plateau a phase is enough: there is one count of evaluations.
static bool add_trigger(struct phase *phase, const struct trigger *trigger, struct error *error) {
    for (int i = 0; i < phase->trigger_count; i++)
        if (phase->triggers[i].kind == TRIGGER_PLATEAU && trigger->kind == TRIGGER_PLATEAU)
            return error_set(error, "two plateaus in one phase; keep one of them");
    if (phase->trigger_count == SCHEDULE_TRIGGERS)
        return error_set(error, "more than %d triggers in one phase; keep the first to come",
                         SCHEDULE_TRIGGERS);
    phase->triggers[phase->trigger_count++] = *trigger;
    return true;
}

static bool parse_when(struct phase *phase, char *text, struct error *error) {
    struct trigger trigger;
    for (char *one; (one = next_piece(&text, " or "));)
        if (!parse_trigger(one, &trigger, error) || !add_trigger(phase, &trigger, error))
            return false;
    return true;
}

static bool parse_actions(struct phase *phase, char *text, struct error *error) {
    for (char *one; (one = next_piece(&text, ";"));) {
        if (!*one)
            return error_set(error,
                             "nothing stands after '%s'; write what is to happen, such as "
                             "'thaw layer3'",
                             phase->actions.count ? ";" : "->");
        if (phase->actions.count == EXPERIMENT_LIST_MAX)
            return error_set(error, "more than %d changes in one phase", EXPERIMENT_LIST_MAX);
        phase->actions.item[phase->actions.count++] = xstrdup(one);
    }
    return true;
}

static bool parse_phase(struct phase *phase, const char *text, struct error *error) {
    char *copy = xstrdup(text), *rest = copy, *when = next_piece(&rest, "->");
    bool ok = rest ? parse_when(phase, when, error) && parse_actions(phase, rest, error)
                   : error_set(error,
                               "'%s' has no '->'; write WHEN -> WHAT, such as "
                               "'epoch 3 -> thaw layer3'",
                               text);
    free(copy);
    return ok;
}

static bool parse_stop(struct schedule *s, const struct experiment *e, struct error *error) {
    char *copy = xstrdup(e->schedule.stop);
    bool ok = !*copy || parse_when(&s->stop, copy, error) || error_prefix(error, "schedule.stop: ");
    free(copy);
    return ok;
}

static bool restores(const struct phase *phase) {
    for (int i = 0; i < phase->actions.count; i++)
        if (strcmp(phase->actions.item[i], "restore best") == 0)
            return true;
    return false;
}

bool schedule_open(struct schedule *s, const struct experiment *e, struct error *error) {
    const struct text_list *texts = &e->schedule.phases;
    *s = (struct schedule){.phases = xcalloc((size_t)texts->count + 1, sizeof *s->phases)};
    bool ok = parse_stop(s, e, error);
    for (int i = 0; ok && i < texts->count; i++) {
        ok = parse_phase(&s->phases[s->count++], texts->item[i], error) ||
             experiment_item_error(e, "schedule.phases", texts, i, error);
        s->restores |= restores(&s->phases[i]);
    }
    if (!ok)
        schedule_close(s);
    return ok;
}

void schedule_close(struct schedule *s) {
    for (int i = 0; i < s->count; i++)
        for (int k = 0; k < s->phases[i].actions.count; k++)
            free(s->phases[i].actions.item[k]);
    free(s->phases);
    *s = (struct schedule){0};
}

static const struct trigger *plateau_of(const struct phase *phase) {
    for (int i = 0; i < phase->trigger_count; i++)
        if (phase->triggers[i].kind == TRIGGER_PLATEAU)
            return &phase->triggers[i];
    return NULL;
}

bool schedule_watches(const struct schedule *s, const struct schedule_state *state) {
    return plateau_of(&s->stop) || (state->next < s->count && plateau_of(&s->phases[state->next]));
}

static void watch(struct schedule_watch *w, const struct trigger *plateau,
                  const struct schedule_figures *figures) {
    if (!plateau)
        return;
    double now = figures->of[plateau->figure];
    if (!w->seen || now > w->best + plateau->delta || (isnan(w->best) && !isnan(now)))
        *w = (struct schedule_watch){.seen = true, .best = now};
    else
        w->stale++;
}

void schedule_observe(const struct schedule *s, struct schedule_state *state,
                      const struct schedule_figures *figures) {
    if (state->next < s->count)
        watch(&state->phase, plateau_of(&s->phases[state->next]), figures);
    watch(&state->stop, plateau_of(&s->stop), figures);
}

static bool is_due(const struct trigger *t, const struct schedule_watch *w, int64_t since,
                   int64_t step, int64_t epoch_steps, int64_t total) {
    switch (t->kind) {
    case TRIGGER_AT:
        return step >= moment_steps(&t->moment, epoch_steps, total);
    case TRIGGER_AFTER:
        return step - since >= moment_steps(&t->moment, epoch_steps, total);
    case TRIGGER_PLATEAU:
        return w->stale >= t->patience;
    }
    return false;
}

static bool phase_due(const struct phase *phase, const struct schedule_watch *w, int64_t since,
                      int64_t step, int64_t epoch_steps, int64_t total) {
    for (int i = 0; i < phase->trigger_count; i++)
        if (is_due(&phase->triggers[i], w, since, step, epoch_steps, total))
            return true;
    return false;
}

const struct phase *schedule_due(const struct schedule *s, struct schedule_state *state,
                                 int64_t step, int64_t epoch_steps, int64_t total) {
    if (state->next == s->count)
        return NULL;
    const struct phase *phase = &s->phases[state->next];
    if (!phase_due(phase, &state->phase, state->since, step, epoch_steps, total))
        return NULL;
    state->next++;
    state->since = step;
    state->phase = (struct schedule_watch){0};
    return phase;
}

bool schedule_ends(const struct schedule *s, const struct schedule_state *state, int64_t step,
                   int64_t epoch_steps, int64_t total) {
    return phase_due(&s->stop, &state->stop, 0, step, epoch_steps, total);
}
