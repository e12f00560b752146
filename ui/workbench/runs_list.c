#include "ui/workbench/runs_list.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/xalloc.h"
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const double LOOK_EVERY = 1; // second

void runs_list_close(struct runs_list *l) {
    runs_entry_close(&l->session);
    for (int i = 0; i < l->count; i++)
        runs_entry_close(&l->entries[i]);
    free(l->entries);
    free(l->rows);
    runs_models_close(&l->models);
    *l = (struct runs_list){0};
}

const struct runs_entry *runs_list_entry(const struct runs_list *l, int row) {
    int entry = l->rows[row].entry;
    return entry < 0 ? &l->session : &l->entries[entry];
}

bool runs_list_shown(const struct runs_list *l, int row) {
    int branch = l->rows[row].branch;
    return branch >= 0 && runs_list_entry(l, row)->branches[branch].shown;
}

// The scene does not keep it, but the session's own directory does.
double runs_list_test(const struct runs_list *l, int row) {
    const struct runs_entry *e = runs_list_entry(l, row);
    int branch = l->rows[row].branch, number = branch < 0 ? -1 : e->branches[branch].number;
    for (int i = 0; !e->path && i < l->count; i++) {
        int at = l->entries[i].own ? runs_entry_find(&l->entries[i], number) : -1;
        if (at >= 0)
            return l->entries[i].branches[at].test;
    }
    return branch < 0 ? NAN : e->branches[branch].test;
}

// ---- The folder

static bool same_directory(const char *a, const char *b) {
    struct stat x, y;
    return a && b && stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

static struct runs_entry *entry_at(struct runs_list *l, const char *path) {
    for (int i = 0; i < l->count; i++)
        if (strcmp(l->entries[i].path, path) == 0)
            return &l->entries[i];
    l->entries = xrealloc(l->entries, ((size_t)l->count + 1) * sizeof *l->entries);
    l->entries[l->count] = runs_entry_open(path);
    return &l->entries[l->count++];
}

static bool look_at(struct runs_list *l, const struct scene *s, const char *path) {
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
        return false;
    struct runs_entry *e = entry_at(l, path);
    e->present = true;
    e->own = same_directory(path, s->directory);
    return runs_entry_look(e, &l->models, s);
}

static bool drop_missing(struct runs_list *l) {
    int kept = 0, before = l->count;
    for (int i = 0; i < l->count; i++) {
        if (l->entries[i].present)
            l->entries[kept++] = l->entries[i];
        else
            runs_entry_close(&l->entries[i]);
    }
    l->count = kept;
    return kept < before;
}

static int by_path(const void *a, const void *b) {
    return strverscmp(((const struct runs_entry *)a)->path, ((const struct runs_entry *)b)->path);
}

static bool is_sweep(const char *path) {
    char *mark = files_join(path, "sweep.yaml");
    bool is = files_exist(mark);
    free(mark);
    return is;
}

// The runs of a sweep stand one level deeper.
static bool look_in(struct runs_list *l, const struct scene *s, const char *folder, bool sweeps) {
    bool changed = false;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        char *path = files_join(folder, entry->d_name);
        changed |= sweeps && is_sweep(path) ? look_in(l, s, path, false) : look_at(l, s, path);
        free(path);
    }
    if (dir)
        closedir(dir);
    return changed;
}

static bool look(struct runs_list *l, const struct scene *s, const char *folder) {
    for (int i = 0; i < l->count; i++)
        l->entries[i].present = false;
    bool changed = look_in(l, s, folder, true);
    changed |= drop_missing(l);
    if (changed && l->count > 1)
        qsort(l->entries, (size_t)l->count, sizeof *l->entries, by_path);
    return changed;
}

static bool read_on(struct runs_list *l, double until, bool *overlaid) {
    bool any = false;
    for (int i = 0; i < l->count; i++)
        while (l->entries[i].unread && (!any || clock_seconds() < until)) {
            runs_entry_read(&l->entries[i]);
            for (int k = 0; k < l->entries[i].branch_count; k++)
                *overlaid |= l->entries[i].branches[k].shown;
            any = true;
        }
    return any;
}

// ---- Rows

static void add_row(struct runs_list *l, int entry, int branch) {
    l->rows = xrealloc(l->rows, ((size_t)l->row_count + 1) * sizeof *l->rows);
    l->rows[l->row_count++] = (struct runs_row){entry, branch};
}

// The session's directory has no rows of its own, but for branches that a replay does not tell of.
static void add_rows(struct runs_list *l, int entry) {
    const struct runs_entry *e = entry < 0 ? &l->session : &l->entries[entry];
    if (e->unreadable)
        add_row(l, entry, -1);
    for (int i = 0; !e->unreadable && i < e->branch_count; i++)
        if (!e->own || runs_entry_find(&l->session, e->branches[i].number) < 0)
            add_row(l, entry, i);
}

static void make_rows(struct runs_list *l) {
    l->row_count = 0;
    for (int i = -1; i < l->count; i++)
        add_rows(l, i);
}

// ---- Curves laid over

static struct curves copy_curves(const struct curves *c) {
    return (struct curves){.name = xstrdup(c->name),
                           .branch = -1,
                           .parent = -1,
                           .forked = c->forked,
                           .loss = series_copy(&c->loss),
                           .accuracy = series_copy(&c->accuracy),
                           .gradient = series_copy(&c->gradient),
                           .lr = series_copy(&c->lr),
                           .validation_loss = series_copy(&c->validation_loss),
                           .validation_accuracy = series_copy(&c->validation_accuracy),
                           .source_accuracy = series_copy(&c->source_accuracy)};
}

static void lay_over(const struct runs_list *l, struct scene *s) {
    while (s->curve_count > 0 && s->curves[s->curve_count - 1].branch < 0)
        curves_close(&s->curves[--s->curve_count]);
    for (int i = 0; i < l->count; i++)
        for (int k = 0; k < l->entries[i].branch_count; k++) {
            const struct runs_branch *b = &l->entries[i].branches[k];
            if (!b->shown)
                continue;
            s->curves = xrealloc(s->curves, ((size_t)s->curve_count + 1) * sizeof *s->curves);
            s->curves[s->curve_count++] = copy_curves(&b->curves);
        }
}

static void set_shown(struct runs_entry *e, int at, bool shown) {
    for (int i = 0; i < e->branch_count; i++)
        if (at == 0 || i == at)
            e->branches[i].shown = shown;
}

void runs_list_toggle(struct runs_list *l, struct scene *s, int row) {
    if (row < 0 || row >= l->row_count)
        return;
    struct runs_row r = l->rows[row];
    if (r.entry < 0) {
        scene_say(s, false, "the curves of this session are always shown");
        return;
    }
    struct runs_entry *e = &l->entries[r.entry];
    if (r.branch < 0) {
        scene_say(s, true, "%s has no curves: %s", e->path, e->unreadable);
        return;
    }
    bool shown = !e->branches[r.branch].shown;
    set_shown(e, r.branch, shown);
    lay_over(l, s);
    scene_say(s, false, "the curves of %s are %s the train view", e->branches[r.branch].curves.name,
              shown ? "in" : "no longer in");
}

// ---- All of it

static bool take_session(struct runs_list *l, const struct scene *s) {
    int step = (int)s->now.step;
    bool fresh = !l->taken || l->marks != s->mark_count || l->curves != s->curve_count;
    bool moved = fresh || l->step != step;
    if (fresh)
        runs_entry_take(&l->session, s);
    l->taken = true;
    l->marks = s->mark_count;
    l->curves = s->curve_count;
    l->step = step;
    return moved;
}

bool runs_list_update(struct runs_list *l, struct scene *s, const char *folder, double budget) {
    double now = clock_seconds();
    bool overlaid = false, changed = false;
    if (!s->model)
        return false;
    if (now >= l->next) {
        changed = look(l, s, folder);
        l->next = now + LOOK_EVERY;
        overlaid = changed;
    }
    changed |= read_on(l, now + budget, &overlaid);
    if (overlaid)
        lay_over(l, s);
    changed |= take_session(l, s);
    make_rows(l);
    return changed;
}
