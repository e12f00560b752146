#include "ui/workbench/runs_view.h"
#include "ui/workbench/draw.h"
#include "ui/workbench/paper.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { HEADER = 1, NUMBERS = 40 }; // columns that the numbers take, at the right

static int limited(int value, int low, int high) {
    return value > high ? (high > low ? high : low) : value < low ? low : value;
}

void runs_view_act(struct runs_view *v, struct scene *s, enum action action, int rows) {
    int page = rows - HEADER, last = v->list.count - 1;
    if (action == ACTION_ENTER)
        runs_list_toggle(&v->list, s, v->cursor);
    // The cursor moves as a page of one line would.
    int step = action == ACTION_PAGE_UP ? 1 - page : action == ACTION_PAGE_DOWN ? page - 1 : 0;
    v->cursor =
        limited(paper_scroll(v->cursor + step, last + 1, 1, step ? ACTION_NONE : action), 0, last);
    v->top = limited(v->top, v->cursor - page + 1, v->cursor);
}

static const char *percent(double share, char out[16]) {
    if (isnan(share))
        return "-";
    snprintf(out, 16, "%.1f %%", 100 * share);
    return out;
}

static void draw_numbers(struct area area, int line, const struct run_row *r) {
    int x = area.w - NUMBERS;
    char text[48];
    snprintf(text, sizeof text, "%" PRId64 "/%" PRId64, r->epochs, r->epochs_all);
    draw_right(area, line, x, 9, STYLE_NORMAL, text);
    draw_right(area, line, x + 9, 10, STYLE_NORMAL, percent(r->thawed, text));
    draw_right(area, line, x + 19, 11, STYLE_NORMAL, percent(r->validation, text));
    draw_right(area, line, x + 30, 10, STYLE_NORMAL, percent(r->test, text));
}

static void draw_row(struct area area, int line, const struct run_row *r, bool chosen) {
    int names = area.w - NUMBERS - 2, half = names * 3 / 5;
    draw_text(area, line, 0, 1, STYLE_GOOD, r->shown ? "*" : " ");
    draw_text(area, line, 2, half - 1, STYLE_STRONG, r->path);
    draw_text(area, line, 2 + half, names - half, STYLE_NORMAL, r->name);
    draw_numbers(area, line, r);
    if (chosen)
        draw_restyle(area, line, 0, area.w, STYLE_CURSOR);
}

static void draw_header(struct area area) {
    int names = area.w - NUMBERS - 2, x = area.w - NUMBERS;
    draw_text(area, 0, 2, 0, STYLE_TITLE, "run");
    draw_text(area, 0, 2 + names * 3 / 5, 0, STYLE_TITLE, "experiment");
    draw_right(area, 0, x, 9, STYLE_TITLE, "epochs");
    draw_right(area, 0, x + 9, 10, STYLE_TITLE, "thawed");
    draw_right(area, 0, x + 19, 11, STYLE_TITLE, "validation");
    draw_right(area, 0, x + 30, 10, STYLE_TITLE, "test");
}

void runs_view_draw(struct area area, const struct runs_view *v) {
    draw_header(area);
    if (v->list.count == 0)
        draw_text(area, HEADER, 2, 0, STYLE_DIM, "no runs here yet; each run makes one in runs/");
    for (int line = HEADER; line < area.h; line++) {
        int i = runs_view_row_at(v, line);
        if (i >= 0)
            draw_row(area, line, &v->list.rows[i], i == v->cursor);
    }
}

int runs_view_row_at(const struct runs_view *v, int row) {
    int i = row - HEADER + v->top;
    return row >= HEADER && i < v->list.count ? i : -1;
}
