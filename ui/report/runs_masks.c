#include "ui/report/runs_masks.h"
#include "base/xalloc.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct runs_mask mask_of(const struct settings *s, int64_t step, const char *text) {
    const struct model *model = s->model;
    struct runs_mask mask = {.step = step, .text = text ? xstrdup(text) : NULL};
    mask.states = xmalloc((size_t)model->module_count);
    for (int m = 0; m < model->module_count; m++)
        mask.states[m] = (unsigned char)freeze_state(&s->flags, m);
    size_t all = model_trainable_count(model);
    mask.thawed = all ? (double)freeze_thawed_count(&s->flags) / (double)all : 0;
    return mask;
}

static void close_mask(struct runs_mask *m) {
    free(m->text);
    free(m->states);
}

void runs_masks_close(struct runs_masks *m) {
    for (int i = 0; i < m->count; i++)
        close_mask(&m->items[i]);
    free(m->items);
    *m = (struct runs_masks){0};
}

static bool same(const struct runs_masks *m, const struct runs_mask *a, const struct runs_mask *b) {
    return memcmp(a->states, b->states, (size_t)m->model->module_count) == 0 &&
           a->thawed == b->thawed;
}

// What several changes between two steps come to is one change, which may be none.
static void add(struct runs_masks *m, struct runs_mask mask) {
    struct runs_mask *last = m->count ? &m->items[m->count - 1] : NULL;
    if (last && mask.text && last->step == mask.step && !same(m, last, &mask)) {
        char *text = last->text ? xprintf("%s; %s", last->text, mask.text) : xstrdup(mask.text);
        free(mask.text);
        mask.text = text;
        close_mask(last);
        last = --m->count ? last - 1 : NULL;
    }
    if (last && same(m, last, &mask)) {
        close_mask(&mask);
        return;
    }
    m->items = xrealloc(m->items, ((size_t)m->count + 1) * sizeof *m->items);
    m->items[m->count++] = mask;
}

static bool is_setting(const struct event *e) {
    return strcmp(e->who, "thaw") != 0 && strcmp(e->text, "rewind") != 0;
}

static bool apply_all(struct runs_masks *out, struct settings_history *h,
                      const struct event_list *path, struct error *error) {
    for (int i = 0; i < path->count; i++) {
        const struct event *e = &path->items[i];
        if (!is_setting(e))
            continue;
        h->step = e->step;
        if (!settings_history_apply(h, e->text, error))
            return error_prefix(error, "'%s' at step %" PRId64 ": ", e->text, e->step);
        add(out, mask_of(settings_now(h), e->step, e->text));
    }
    out->epochs = settings_now(h)->epochs;
    return true;
}

bool runs_masks_read(struct runs_masks *out, const struct model *model, const struct experiment *e,
                     const struct event_list *path, struct error *error) {
    struct settings first;
    struct settings_history history;
    *out = (struct runs_masks){.model = model};
    if (!settings_open(&first, model, e, error))
        return false;
    settings_history_open(&history, first);
    add(out, mask_of(&first, 0, NULL));
    bool ok = apply_all(out, &history, path, error);
    settings_history_close(&history);
    if (!ok)
        runs_masks_close(out);
    return ok;
}

bool runs_masks_of_branch(struct runs_masks *out, const struct model *model,
                          const struct experiment *e, const struct event_list *events, int branch,
                          struct error *error) {
    struct event_list path = {0};
    for (int i = 0; i < events->count; i++)
        event_add(&path, &events->items[i]);
    bool ok = !path.count || event_keep_branch(&path, branch, error);
    ok = ok && runs_masks_read(out, model, e, &path, error);
    event_list_close(&path);
    return ok;
}

// The last mask that took effect at `step` or before; there is always one at 0.
static int mask_at(const struct runs_masks *m, int64_t step) {
    int low = 0, high = m->count - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (m->items[middle].step <= step)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

enum freeze_state runs_masks_state(const struct runs_masks *m, const int *modules, int count,
                                   int64_t from, int64_t to) {
    enum freeze_state state = STATE_EMPTY;
    for (int i = mask_at(m, from); i < m->count && (i == 0 || m->items[i].step < to); i++)
        for (int k = 0; k < count; k++) {
            enum freeze_state here = m->items[i].states[modules[k]];
            if (here == STATE_EMPTY || here == state)
                continue;
            if (state != STATE_EMPTY)
                return STATE_MIXED;
            state = here;
        }
    return state;
}
