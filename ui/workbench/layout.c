#include "ui/workbench/layout.h"

enum { PANEL_ROWS = 6, PANEL_COLUMNS = 32, GRID_ROWS = 3 };

static int limited(int value, int low, int high) {
    return value < low ? low : value > high ? high : value;
}

// Cuts `rows` off the bottom of an area and returns them.
static struct area cut_bottom(struct area *from, int rows) {
    from->h -= rows;
    return (struct area){from->y + from->h, from->x, rows, from->w};
}

static struct area cut_right(struct area *from, int columns) {
    from->w -= columns;
    return (struct area){from->y, from->x + from->w, from->h, columns};
}

// Part `index` of `count` equal parts (as far as rows allow), one below the other.
static struct area stacked(struct area whole, int index, int count) {
    int from = whole.h * index / count, to = whole.h * (index + 1) / count;
    return (struct area){whole.y + from, whole.x, to - from, whole.w};
}

// Loss beside accuracy, the gradient norm with its strip of blocks across, cost beside the rate.
static void grid(struct screen_layout *l, struct area whole) {
    static const struct {
        int row, left, right;
    } rows[GRID_ROWS] = {{0, 0, 1}, {1, 2, -1}, {2, 3, 4}};
    for (int i = 0; i < GRID_ROWS; i++) {
        struct area row = stacked(whole, rows[i].row, GRID_ROWS);
        if (rows[i].right >= 0)
            l->panels[rows[i].right] = cut_right(&row, row.w / 2);
        l->panels[rows[i].left] = row;
    }
}

// As many panels as there is room for, the one in focus among them.
static void column(struct screen_layout *l, struct area whole, const struct layout_request *r) {
    int most = r->projector ? 2 : LAYOUT_PANELS;
    int shown = limited(whole.h / PANEL_ROWS, 1, most);
    int focus = limited(r->panel, 0, LAYOUT_PANELS - 1);
    int first = limited(focus - shown + 1, 0, LAYOUT_PANELS - shown);
    for (int i = 0; i < shown; i++)
        l->panels[first + i] = stacked(whole, i, shown);
}

static int tree_columns(const struct layout_request *r) {
    if (r->projector)
        return r->columns / 2;
    return r->columns < 80 ? r->columns * 38 / 80 : limited(38 + (r->columns - 80) / 4, 38, 84);
}

static int what_if_rows(int rows) {
    return rows < 24 ? 4 : rows < 36 ? 5 : 6;
}

static void train_view(struct screen_layout *l, struct area body, const struct layout_request *r) {
    if (r->zoom) {
        l->panels[limited(r->panel, 0, LAYOUT_PANELS - 1)] = body;
        return;
    }
    struct area right = cut_right(&body, body.w - tree_columns(r));
    l->what_if = cut_bottom(&body, what_if_rows(r->rows));
    l->tree = body;
    if (!r->projector && right.w >= 2 * PANEL_COLUMNS && right.h >= GRID_ROWS * PANEL_ROWS)
        grid(l, right);
    else
        column(l, right, r);
}

struct screen_layout layout_of(const struct layout_request *r) {
    struct screen_layout l = {0};
    struct area body = {0, 0, r->rows > 0 ? r->rows : 0, r->columns > 0 ? r->columns : 0};
    l.too_small = r->rows < LAYOUT_ROWS_MIN || r->columns < LAYOUT_COLUMNS_MIN;
    if (l.too_small) {
        l.body = body;
        return l;
    }
    l.footer = cut_bottom(&body, 1);
    l.status = cut_bottom(&body, r->rows < 24 ? 1 : 2);
    l.tabs = (struct area){0, 0, 1, body.w};
    body.y++;
    body.h--;
    if (r->train_view) {
        train_view(&l, body, r);
        return l;
    }
    if (r->what_if)
        l.what_if = cut_bottom(&body, what_if_rows(r->rows));
    l.body = body;
    return l;
}

bool layout_inside(struct area area, int row, int column) {
    return row >= area.y && row < area.y + area.h && column >= area.x && column < area.x + area.w;
}
