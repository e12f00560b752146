#include "ui/workbench/runs_view.h"
#include "base/xalloc.h"
#include "ui/workbench/paper.h"
#include "ui/workbench/runs_difference.h"
#include "ui/workbench/runs_plot.h"
#include "ui/workbench/runs_table.h"
#include <stdlib.h>
#include <string.h>

enum {
    BESIDE = 160,     // columns from which on the table has the left part
    TABLE_MOST = 88,  // columns of it then
    HISTORY_MIN = 9,  // rows of a title, some seven blocks and the steps
    TABLE_MIN = 4,    // rows
    PLOTTED_ROWS = 30 // from which on the table takes a third
};
static const double BUDGET = 0.01; // seconds of a frame for reading files

static int limited(int value, int low, int high) {
    return value > high ? (high > low ? high : low) : value < low ? low : value;
}

// ---- Where it stands

struct frame {
    struct area table, history, difference;
};

static int table_rows(struct area area, int wanted) {
    if (area.h < HISTORY_MIN)
        return area.h;
    int most = area.h >= PLOTTED_ROWS ? area.h / 3 : area.h - HISTORY_MIN;
    return limited(wanted, TABLE_MIN, most);
}

static struct frame frame_of(struct area area, int wanted) {
    struct frame f = {.table = area};
    if (area.w < BESIDE) {
        f.table.h = table_rows(area, wanted);
        // A blank row between them where there is enough room.
        int gap = area.h >= PLOTTED_ROWS;
        f.history =
            (struct area){area.y + f.table.h + gap, area.x, area.h - f.table.h - gap, area.w};
        return f;
    }
    f.table.w = limited(area.w * 9 / 20, 0, TABLE_MOST);
    f.history = (struct area){area.y, area.x + f.table.w + 2, area.h, area.w - f.table.w - 2};
    f.table.h = limited(wanted, 0, area.h * 2 / 3);
    int at = f.table.h + 1;
    f.difference = (struct area){area.y + at, area.x, area.h - at, f.table.w};
    return f;
}

// ---- Life

// A row by what it is of, so that it is found again when others come and go.
struct identity {
    char *path; // NULL: the session
    int branch; // its number; -1: no run
};

static struct identity identity_of(const struct runs_list *l, int row) {
    const struct runs_entry *e = runs_list_entry(l, row);
    int at = l->rows[row].branch;
    return (struct identity){e->path ? xstrdup(e->path) : NULL,
                             at < 0 ? -1 : e->branches[at].number};
}

static bool same(const struct identity *a, const struct identity *b) {
    bool paths = a->path && b->path ? strcmp(a->path, b->path) == 0 : a->path == b->path;
    return paths && a->branch == b->branch;
}

static void find(struct runs_view *v, const struct identity *wanted) {
    for (int row = 0; row < v->list.row_count; row++) {
        struct identity here = identity_of(&v->list, row);
        if (same(&here, wanted))
            v->cursor = row;
        free(here.path);
    }
}

bool runs_view_update(struct runs_view *v, struct scene *s) {
    struct identity at = {0};
    bool had = v->cursor < v->list.row_count;
    if (had)
        at = identity_of(&v->list, v->cursor);
    bool changed = runs_list_update(&v->list, s, "runs", BUDGET);
    if (had)
        find(v, &at);
    free(at.path);
    v->cursor = limited(v->cursor, 0, v->list.row_count - 1);
    return changed;
}

void runs_view_close(struct runs_view *v) {
    runs_list_close(&v->list);
    *v = (struct runs_view){0};
}

void runs_view_act(struct runs_view *v, struct scene *s, enum action action) {
    int page = v->page > 1 ? v->page : 1, last = v->list.row_count - 1;
    if (action == ACTION_ENTER)
        runs_list_toggle(&v->list, s, v->cursor);
    // The cursor moves as a page of one line would.
    int step = action == ACTION_PAGE_UP ? -page : action == ACTION_PAGE_DOWN ? page : 0;
    v->cursor =
        limited(paper_scroll(v->cursor + step, last + 1, 1, step ? ACTION_NONE : action), 0, last);
}

void runs_view_draw(struct area area, struct runs_view *v, const struct scene *s,
                    enum raster_kind raster) {
    struct frame f = frame_of(area, runs_table_rows(&v->list));
    v->page = f.table.h - RUNS_HEADER;
    v->top = limited(v->top, v->cursor - v->page + 1, v->cursor);
    v->top = limited(v->top, 0, v->list.row_count - v->page);
    runs_table_draw(f.table, &v->list, s, v->cursor, v->top, raster);
    if (v->cursor >= v->list.row_count)
        return;
    int taken = f.history.h > 1 ? runs_plot_draw(f.history, &v->list, s, v->cursor, raster) : 0;
    if (f.difference.h < 1) {
        struct area h = f.history;
        f.difference = (struct area){h.y + taken, h.x, h.h - taken, h.w};
    }
    runs_difference_draw(f.difference, &v->list, v->cursor);
}

int runs_view_row_at(const struct runs_view *v, struct area area, int row, int column) {
    struct frame f = frame_of(area, runs_table_rows(&v->list));
    int i = row - area.y - RUNS_HEADER + v->top;
    bool inside = layout_inside(f.table, row, column) && row >= area.y + RUNS_HEADER;
    return inside && i < v->list.row_count ? i : -1;
}
