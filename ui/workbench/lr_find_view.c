#include "ui/workbench/lr_find_view.h"
#include "ui/lr_find_report.h"
#include "ui/workbench/draw.h"
#include <stdlib.h>
#include <string.h>

// Rows of a chart beside its curves, and below it choices, remarks and a change.
enum { FRAME = 5, BELOW = 6, CURVES_LEAST = 4 };

static bool waits(const struct lr_find_view *v, const struct scene *s) {
    return s->now.commands < v->command;
}

static bool ready(const struct lr_find_view *v, const struct scene *s) {
    return !waits(v, s) && s->lr_find.lr && s->now.error.kind == ERROR_NONE;
}

static int choices(const struct lr_find_view *v, const struct scene *s,
                   struct lr_find_choice out[LR_FIND_CHOICES]) {
    return ready(v, s) ? lr_find_choices(&s->lr_find, out) : 0;
}

bool lr_find_view_act(struct lr_find_view *v, const struct scene *s, enum action action) {
    struct lr_find_choice all[LR_FIND_CHOICES];
    int last = choices(v, s, all) - 1;
    if (action != ACTION_UP && action != ACTION_DOWN)
        return false;
    v->cursor += action == ACTION_UP ? -1 : 1;
    v->cursor = v->cursor > last ? last : v->cursor;
    v->cursor = v->cursor < 0 ? 0 : v->cursor;
    return true;
}

bool lr_find_view_change(const struct lr_find_view *v, const struct scene *s, struct text *out) {
    struct lr_find_choice all[LR_FIND_CHOICES];
    if (v->cursor >= choices(v, s, all))
        return false;
    text_add(out, "lr %s", all[v->cursor].text);
    return true;
}

// The same characters as `thaw lr-find` prints.
static void draw_chart(struct area area, const struct lr_find *f) {
    struct lr_find_chart c;
    char *text = NULL, *rest, *line;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return;
    lr_find_chart_open(&c, f);
    chart_print(&c.chart, area.w, area.h - FRAME, theme_now()->ascii, out);
    lr_find_chart_close(&c);
    fclose(out);
    rest = text;
    for (int row = 0; (line = strsep(&rest, "\n")) && row < area.h; row++)
        draw_text(area, row, 0, 0, row == 0 ? STYLE_TITLE : STYLE_NORMAL, line);
    free(text);
}

static void draw_choices(struct area area, const struct scene *s, const struct lr_find_view *v) {
    struct lr_find_choice all[LR_FIND_CHOICES];
    int count = choices(v, s, all);
    struct text remarks = {0}, change = {0};
    for (int i = 0; i < count; i++) {
        draw_format(area, i, 2, STYLE_NORMAL, "lr %-8s %s", all[i].text, all[i].why);
        if (i != v->cursor)
            continue;
        draw_text(area, i, 0, 0, STYLE_CURSOR, draw_symbol(SYMBOL_CURSOR));
        draw_restyle(area, i, 0, area.w, STYLE_CURSOR);
    }
    lr_find_say(&s->lr_find, &remarks);
    if (remarks.data)
        draw_paragraph((struct area){area.y + count, area.x, area.h - count - 1, area.w}, 0,
                       STYLE_DIM, remarks.data);
    if (lr_find_view_change(v, s, &change))
        draw_format(area, area.h - 1, 0, STYLE_KEY, ":%s", change.data);
    text_free(&remarks);
    text_free(&change);
}

void lr_find_view_draw(struct area area, const struct scene *s, const struct lr_find_view *v) {
    int below = area.h > BELOW ? BELOW : area.h, above = area.h - below;
    if (!ready(v, s)) {
        draw_text(area, 0, 0, area.w, waits(v, s) ? STYLE_PENDING : STYLE_ERROR,
                  waits(v, s) ? "trying rates, from low to high" : s->now.error.text);
        return;
    }
    if (above >= FRAME + CURVES_LEAST && s->lr_find.count > 0)
        draw_chart((struct area){area.y, area.x, above, area.w}, &s->lr_find);
    draw_choices((struct area){area.y + above, area.x, below, area.w}, s, v);
}

void lr_find_view_footer(struct area area, const struct lr_find_view *v, const struct scene *s) {
    struct lr_find_choice all[LR_FIND_CHOICES];
    draw_text(area, 0, 1, 0, STYLE_DIM,
              choices(v, s, all) ? "Enter sets this rate; Esc closes: nothing of the test is kept"
                                 : "Esc closes");
}
