#include "ui/workbench/runs_list.h"
#include "base/files.h"
#include "base/xalloc.h"
#include "ui/workbench/metrics.h"
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void close_row(struct run_row *r) {
    free(r->path);
    free(r->name);
}

void runs_list_close(struct runs_list *l) {
    for (int i = 0; i < l->count; i++)
        close_row(&l->rows[i]);
    free(l->rows);
    *l = (struct runs_list){0};
}

static time_t changed_at(const char *directory) {
    char *path = files_join(directory, "metrics.jsonl");
    struct stat info;
    time_t at = stat(path, &info) == 0 ? info.st_mtime : 0;
    free(path);
    return at;
}

static void count_record(void *context, const struct record *r) {
    struct run_row *row = context;
    if (r->kind == RECORD_EPOCH) {
        row->epochs = r->epoch;
        if (r->validation.samples > 0)
            row->validation = fmax(row->validation, tally_accuracy(&r->validation));
    }
    if (r->kind == RECORD_TEST)
        row->test = tally_accuracy(&r->test);
}

// The share can be told for the model at hand alone.
static double thawed_share(const struct scene *s, const struct experiment *e) {
    struct settings settings;
    struct error error;
    if (!s->model || strcmp(e->model.name, s->experiment->model.name) != 0 ||
        !settings_open(&settings, s->model, e, &error))
        return NAN;
    double share =
        (double)freeze_thawed_count(&settings.flags) / (double)model_trainable_count(s->model);
    settings_close(&settings);
    return share;
}

// False when the directory is no run.
static bool read_row(struct run_row *r, const struct scene *s) {
    struct experiment e;
    struct error error;
    char *path = files_join(r->path, "experiment.yaml");
    bool ok = files_exist(path) && experiment_read(&e, path, &error);
    free(path);
    if (!ok)
        return false;
    free(r->name);
    r->name = xstrdup(e.name);
    r->epochs_all = e.train.epochs;
    r->thawed = thawed_share(s, &e);
    experiment_close(&e);
    r->epochs = 0;
    r->validation = r->test = NAN;
    path = files_join(r->path, "metrics.jsonl");
    metrics_read(path, count_record, r, &error);
    free(path);
    return true;
}

static bool is_shown(const struct scene *s, const char *path) {
    for (int i = 0; i < s->curve_count; i++)
        if (s->curves[i].branch < 0 && strcmp(s->curves[i].name, path) == 0)
            return true;
    return false;
}

// Takes the row of before when nothing has changed. False when the directory is no run.
static bool make_row(struct run_row *r, const struct scene *s, struct runs_list *before,
                     const char *path) {
    time_t changed = changed_at(path);
    for (int i = 0; i < before->count; i++)
        if (before->rows[i].path && strcmp(before->rows[i].path, path) == 0 &&
            before->rows[i].changed == changed && !isnan(before->rows[i].thawed)) {
            *r = before->rows[i];
            before->rows[i].path = before->rows[i].name = NULL;
            return true;
        }
    *r = (struct run_row){.path = xstrdup(path), .changed = changed};
    if (read_row(r, s))
        return true;
    close_row(r);
    return false;
}

static int by_path(const void *a, const void *b) {
    return strverscmp(((const struct run_row *)a)->path, ((const struct run_row *)b)->path);
}

void runs_list_read(struct runs_list *l, const struct scene *s, const char *folder) {
    struct runs_list before = *l;
    *l = (struct runs_list){0};
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        char *path = files_join(folder, entry->d_name);
        l->rows = xrealloc(l->rows, ((size_t)l->count + 1) * sizeof *l->rows);
        struct run_row *row = &l->rows[l->count];
        if (make_row(row, s, &before, path)) {
            row->shown = is_shown(s, path);
            l->count++;
        }
        free(path);
    }
    if (dir)
        closedir(dir);
    if (l->count > 0)
        qsort(l->rows, (size_t)l->count, sizeof *l->rows, by_path);
    runs_list_close(&before);
}

static void add_record(void *context, const struct record *r) {
    curves_add(context, r);
}

static void show(struct run_row *row, struct scene *s) {
    struct curves c = {.branch = -1, .parent = -1, .name = xstrdup(row->path)};
    struct error error;
    char *path = files_join(row->path, "metrics.jsonl");
    row->shown = metrics_read(path, add_record, &c, &error);
    free(path);
    if (!row->shown) {
        scene_say(s, true, "%s", error.text);
        curves_close(&c);
        return;
    }
    s->curves = xrealloc(s->curves, ((size_t)s->curve_count + 1) * sizeof *s->curves);
    s->curves[s->curve_count++] = c;
}

static void hide(struct run_row *row, struct scene *s) {
    row->shown = false;
    for (int i = 0; i < s->curve_count; i++) {
        struct curves *c = &s->curves[i];
        if (c->branch >= 0 || strcmp(c->name, row->path) != 0)
            continue;
        curves_close(c);
        memmove(c, c + 1, (size_t)(--s->curve_count - i) * sizeof *c);
        return;
    }
}

void runs_list_toggle(struct runs_list *l, struct scene *s, int row) {
    if (row < 0 || row >= l->count)
        return;
    if (l->rows[row].shown)
        hide(&l->rows[row], s);
    else
        show(&l->rows[row], s);
}
