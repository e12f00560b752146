// A CSV file of paths and labels.
#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "datasets/classes.h"
#include "datasets/csv.h"
#include "datasets/listing_parts.h"
#include <stdlib.h>
#include <string.h>

enum { CSV_MAX = 1 << 28 };

// The group of one item.
struct group {
    char *name;
    int line, item;
};

struct table {
    struct csv csv;
    int path, label, split, group; // columns; split and group -1: none
    // Of each item of the listing:
    char **labels;
    struct group *groups;
    size_t room;
};

// Whether the line names the columns.
static bool read_names(struct table *t) {
    int path = csv_column(&t->csv, "path"), label = csv_column(&t->csv, "label");
    if (path < 0 || label < 0)
        return false;
    t->path = path;
    t->label = label;
    t->split = csv_column(&t->csv, "split");
    t->group = csv_column(&t->csv, "group");
    return true;
}

static bool take_line(struct table *t, struct listing *l, const char *folder, struct error *error) {
    const struct csv *c = &t->csv;
    enum data_part part = PART_TRAIN;
    int most = t->path > t->label ? t->path : t->label;
    if (c->count <= most || !*c->field[t->path] || !*c->field[t->label])
        return csv_refuse(c, error, "a path, a comma and a label would be right");
    if (!listing_utf8(c->field[t->label]))
        return csv_refuse(c, error, "the label is not UTF-8");
    if (t->split >= 0 && (t->split >= c->count || !listing_part(c->field[t->split], &part)))
        return csv_refuse(c, error, "the split must be train, val or test");
    const char *path = c->field[t->path], *group = "";
    if (t->group >= 0 && (t->group >= c->count || !*(group = c->field[t->group])))
        return csv_refuse(c, error,
                          "the group is empty; a patient, or whatever else must stay "
                          "together, would be right");
    if (!listing_utf8(group))
        return csv_refuse(c, error, "the group is not UTF-8");
    if ((size_t)l->count == t->room) {
        t->room = t->room ? 2 * t->room : 256;
        t->labels = xrealloc(t->labels, t->room * sizeof *t->labels);
        t->groups = xrealloc(t->groups, t->room * sizeof *t->groups);
    }
    t->labels[l->count] = xstrdup(c->field[t->label]);
    t->groups[l->count] = (struct group){xstrdup(group), c->line, l->count};
    listing_add(l, *path == '/' ? xstrdup(path) : files_join(folder, path), 0, part);
    return true;
}

// The labels of training become the classes.
static bool name_classes(const struct table *t, struct listing *l, struct error *error) {
    const char **training = xmalloc(((size_t)l->count + 1) * sizeof *training);
    int count = 0;
    for (int i = 0; i < l->count; i++)
        if (l->items[i].part == PART_TRAIN)
            training[count++] = t->labels[i];
    struct classes classes = classes_of(training, count);
    free(training);
    for (int i = 0; i < l->count; i++)
        l->items[i].label = classes_find(&classes, t->labels[i]);
    l->classes = classes.names;
    l->class_count = classes.count;
    if (l->class_count == 0)
        return error_set(error,
                         "%s: no picture for training in it; lines with a path, a comma and "
                         "a label would be right",
                         t->csv.name);
    for (int i = 0; i < l->count; i++)
        if (l->items[i].label < 0)
            return error_set(error, "%s: training has no class \"%s\", but %s is of it",
                             t->csv.name, t->labels[i], l->items[i].path);
    return true;
}

static int by_group(const void *a, const void *b) {
    const struct group *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

// Groups are numbered in the order of their names. One in two splits would let the network see in
// training whom it is tested on.
static bool number_groups(struct table *t, struct listing *l, struct error *error) {
    static const char *const splits[] = {"train", "val", "test"};
    if (t->group < 0)
        return true;
    qsort(t->groups, (size_t)l->count, sizeof *t->groups, by_group);
    for (int i = 0, number = 0; i < l->count; i++) {
        const struct group *now = &t->groups[i], *before = i > 0 ? now - 1 : now;
        bool same = strcmp(now->name, before->name) == 0;
        struct listed *item = &l->items[now->item];
        enum data_part part = l->items[before->item].part;
        if (same && item->part != part)
            return error_set(error,
                             "%s: group \"%s\" is in %s (line %d) and in %s (line %d); a group "
                             "belongs in one split",
                             t->csv.name, now->name, splits[part], before->line, splits[item->part],
                             now->line);
        item->group = number += !same;
    }
    return true;
}

static bool read_lines(struct table *t, struct listing *l, const char *folder,
                       struct error *error) {
    struct csv *c = &t->csv;
    bool named = false;
    while (csv_row(c, error)) {
        if (c->count == 0)
            continue;
        if (!named && l->count == 0 && read_names(t))
            named = true;
        else if (!named && c->count != 2)
            return csv_refuse(c, error,
                              "a path, a comma and a label would be right; for more columns, "
                              "name them in the first line: path,label,split");
        else if (!take_line(t, l, folder, error))
            return false;
    }
    return !c->failed;
}

bool listing_csv(struct listing *l, const char *path, struct error *error) {
    struct mapping file;
    if (!mapping_open(&file, path, error))
        return false;
    char *folder = files_directory(path);
    const char *data = (const char *)file.data;
    size_t size = file.size;
    text_skip_mark(&data, &size);
    struct table t = {.label = 1, .split = -1, .group = -1};
    t.csv = csv_open(data, size, path, ',', true);
    bool fine = file.size <= CSV_MAX || error_set(error, "%s: larger than 256 MiB", path);
    fine = fine && read_lines(&t, l, folder, error) && name_classes(&t, l, error) &&
           number_groups(&t, l, error);
    for (int i = 0; i < l->count && t.labels; i++) {
        free(t.labels[i]);
        free(t.groups[i].name);
    }
    free(t.labels);
    free(t.groups);
    csv_close(&t.csv);
    free(folder);
    mapping_close(&file);
    return fine;
}
