#include "session/event.h"
#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

char *event_line(const struct event *e) {
    json_t *object = json_pack("{s:I, s:I, s:I, s:I, s:s, s:s}", "id", (json_int_t)e->id, "parent",
                               (json_int_t)e->parent, "branch", (json_int_t)e->branch, "step",
                               (json_int_t)e->step, "who", e->who, "do", e->text);
    char *line = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return line;
}

static bool parse_line(const char *line, size_t length, struct event *e) {
    json_error_t problem;
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &problem);
    json_int_t id, parent, branch, step;
    const char *who, *text;
    bool ok = object &&
              json_unpack(object, "{s:I, s:I, s:I, s:I, s:s, s:s}", "id", &id, "parent", &parent,
                          "branch", &branch, "step", &step, "who", &who, "do", &text) == 0;
    ok = ok && step >= 0 && branch >= 0 && branch < INT_MAX && strlen(who) < sizeof e->who;
    if (ok) {
        *e = (struct event){.id = id, .parent = parent, .branch = branch, .step = step};
        strcpy(e->who, who);
        e->text = xstrdup(text);
    }
    json_decref(object);
    return ok;
}

// Takes the text over.
static void add(struct event_list *list, const struct event *e) {
    list->items = xrealloc(list->items, ((size_t)list->count + 1) * sizeof *list->items);
    list->items[list->count++] = *e;
}

void event_add(struct event_list *list, const struct event *e) {
    struct event copy = *e;
    copy.text = xstrdup(e->text);
    add(list, &copy);
}

static bool add_line(struct event_list *list, const char *line, size_t length) {
    struct event e;
    if (!parse_line(line, length, &e))
        return false;
    add(list, &e);
    return true;
}

// The last event follows those before it: its id is new, its parent known, and the step not before
// the parent's.
static bool in_order(const struct event_list *list) {
    const struct event *last = &list->items[list->count - 1];
    if (last->parent == 0)
        return last->id > 0 && (list->count == 1 || list->items[list->count - 2].id < last->id);
    for (int i = list->count - 2; i >= 0; i--)
        if (list->items[i].id == last->parent)
            return list->items[list->count - 2].id < last->id && list->items[i].step <= last->step;
    return false;
}

bool event_read(const char *path, struct event_list *out, struct error *error) {
    struct mapping file;
    *out = (struct event_list){0};
    if (!mapping_open(&file, path, error))
        return false;
    const char *at = (const char *)file.data, *end = at + file.size, *line;
    size_t length;
    bool ok = true;
    for (int number = 1; ok && (line = text_line(&at, end, &length)); number++) {
        ok = add_line(out, line, length) && in_order(out);
        if (!ok)
            error_set(error, "%s:%d: not an event; each line is what thaw wrote to an events.jsonl",
                      path, number);
    }
    mapping_close(&file);
    if (!ok)
        event_list_close(out);
    return ok;
}

static int index_of(const struct event_list *list, int64_t id) {
    for (int i = 0; i < list->count; i++)
        if (list->items[i].id == id)
            return i;
    return -1;
}

// The last item on the way from the root to a place; -1: none.
static int before(const struct event_list *list, int branch, int64_t step) {
    int at = list->count - 1;
    while (at >= 0 && list->items[at].branch != branch)
        at--;
    while (at >= 0 && list->items[at].step > step)
        at = index_of(list, list->items[at].parent);
    return at;
}

// Keeps the items that are marked; the marks are freed.
static void keep_marked(struct event_list *list, bool *keep) {
    int kept = 0;
    for (int i = 0; i < list->count; i++) {
        if (keep[i])
            list->items[kept++] = list->items[i];
        else
            free(list->items[i].text);
    }
    list->count = kept;
    free(keep);
}

// The way from the root to item `at`.
static bool *mark_way(const struct event_list *list, int at) {
    bool *way = xcalloc((size_t)list->count + 1, sizeof *way);
    for (; at >= 0; at = index_of(list, list->items[at].parent))
        way[at] = true;
    return way;
}

bool event_keep_branch(struct event_list *list, int branch, struct error *error) {
    int at = before(list, branch, INT64_MAX);
    int64_t highest = 0;
    if (at >= 0) {
        keep_marked(list, mark_way(list, at));
        return true;
    }
    for (int i = 0; i < list->count; i++)
        highest = list->items[i].branch > highest ? list->items[i].branch : highest;
    return error_set(error, "there is no branch %d; the branches are 0 to %d", branch,
                     (int)highest);
}

void event_keep_user(struct event_list *list, int64_t after_id) {
    bool *keep = xcalloc((size_t)list->count + 1, sizeof *keep);
    for (int i = 0; i < list->count; i++) {
        const struct event *e = &list->items[i];
        keep[i] = strcmp(e->who, "user") == 0 && strcmp(e->text, "rewind") != 0 && e->id > after_id;
    }
    keep_marked(list, keep);
}

void event_keep_own(struct event_list *list, int branch) {
    bool *keep = xcalloc((size_t)list->count + 1, sizeof *keep);
    for (int i = 0; i < list->count; i++)
        keep[i] = list->items[i].branch == branch;
    keep_marked(list, keep);
}

int64_t event_fork(const struct event_list *list, int branch, int *parent) {
    *parent = -1;
    for (int i = 0; i < list->count; i++) {
        if (list->items[i].branch != branch)
            continue;
        int from = index_of(list, list->items[i].parent);
        if (from < 0)
            break;
        *parent = (int)list->items[from].branch;
        return list->items[i].step;
    }
    return 0;
}

const struct event *event_before(const struct event_list *list, int branch, int64_t step) {
    int at = before(list, branch, step);
    return at >= 0 ? &list->items[at] : NULL;
}

struct event_list event_way(const struct event_list *list, int branch, int64_t step) {
    struct event_list way = {0};
    bool *marked = mark_way(list, before(list, branch, step));
    for (int i = 0; i < list->count; i++)
        if (marked[i])
            event_add(&way, &list->items[i]);
    free(marked);
    return way;
}

bool event_leads_to(const struct event_list *list, int at_branch, int64_t at_step, int branch,
                    int64_t step) {
    while (branch != at_branch && branch >= 0) {
        int64_t forked = event_fork(list, branch, &branch);
        step = forked < step ? forked : step;
    }
    return branch >= 0 && at_step <= step;
}

void event_list_close(struct event_list *list) {
    for (int i = 0; i < list->count; i++)
        free(list->items[i].text);
    free(list->items);
    *list = (struct event_list){0};
}
