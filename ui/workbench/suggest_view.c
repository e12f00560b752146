#include "ui/workbench/suggest_view.h"
#include "base/text.h"
#include "ui/suggest_words.h"
#include "ui/workbench/draw.h"
#include <stdio.h>

// The list begins below what was done and the titles; below it stand a reason and a change.
enum { ABOVE = 4, BELOW = 4 };

static bool waits(const struct suggest_view *v, const struct scene *s) {
    return s->now.commands < v->command;
}

// There is a list of this asking.
static bool ready(const struct suggest_view *v, const struct scene *s) {
    return !waits(v, s) && s->suggestion.rows && s->now.error.kind == ERROR_NONE;
}

// The row of the suggestion that a line stands for; -1: what is suggested.
static int row_at(const struct scene *s, int line) {
    return line == 0 ? -1 : suggest_ranked(&s->suggestion, line);
}

bool suggest_view_act(struct suggest_view *v, const struct scene *s, enum action action) {
    int lines = ready(v, s) ? s->suggestion.parts.count + 1 : 1, page = v->rows > 1 ? v->rows : 1;
    int at = v->cursor;
    switch (action) {
    case ACTION_UP:
        at--;
        break;
    case ACTION_DOWN:
        at++;
        break;
    case ACTION_PAGE_UP:
        at -= page;
        break;
    case ACTION_PAGE_DOWN:
        at += page;
        break;
    case ACTION_TOP:
        at = 0;
        break;
    case ACTION_BOTTOM:
        at = lines;
        break;
    default:
        return false;
    }
    v->cursor = at < 0 ? 0 : at >= lines ? lines - 1 : at;
    return true;
}

bool suggest_view_change(const struct suggest_view *v, const struct scene *s, struct text *out) {
    if (!ready(v, s))
        return false;
    suggest_patterns(&s->suggestion, row_at(s, v->cursor), "only ", "; thaw ", out);
    return true;
}

// One number at the right end of a column, counted from the right edge.
static void number(struct area area, int row, int right, enum style style, const char *format,
                   double value) {
    char text[32];
    snprintf(text, sizeof text, format, value);
    draw_right(area, row, area.w - right - 9, 9, style, text);
}

enum { WEIGHTS = 52, GRADIENT = 43, RELATIVE = 34, SNR = 26, AGREE = 19, STEP = 11, MEMORY = 1 };

static void draw_titles(struct area area, int row) {
    static const struct {
        int right;
        const char *title;
    } titles[] = {{WEIGHTS, "weights"}, {GRADIENT, "gradient"}, {RELATIVE, "relative"},
                  {SNR, "SNR"},         {AGREE, "agree"},       {STEP, "step"},
                  {MEMORY, "memory"}};
    draw_text(area, row, 2, 0, STYLE_TITLE, "  block");
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        draw_right(area, row, area.w - titles[i].right - 9, 9, STYLE_TITLE, titles[i].title);
}

static void draw_part(struct area area, int row, const struct suggestion *s, int part) {
    const struct suggest_row *r = &s->rows[part];
    const struct part *p = &s->parts.items[part];
    char text[32];
    draw_format(area, row, 2, STYLE_DIM, "%2d", r->rank);
    draw_text(area, row, 5, area.w - WEIGHTS - 15, r->chosen ? STYLE_THAWED : STYLE_NORMAL,
              p->name);
    draw_right(area, row, area.w - WEIGHTS - 9, 9, STYLE_NORMAL,
               text_si((double)p->parameters, text));
    number(area, row, GRADIENT, STYLE_NORMAL, "%.3g", r->gradient);
    number(area, row, RELATIVE, STYLE_STRONG, "%.3g", r->relative);
    number(area, row, SNR, STYLE_NORMAL, "%.3g", r->snr);
    number(area, row, AGREE, STYLE_NORMAL, "%.2f", r->alignment);
    number(area, row, STEP, STYLE_NORMAL, "%.0f %%", 100 * suggest_share_of_full(s, part));
    draw_right(area, row, area.w - MEMORY - 9, 9, STYLE_NORMAL,
               text_bytes((double)r->cost.bytes, text));
}

static void draw_lines(struct area area, const struct suggestion *s, struct suggest_view *v) {
    v->rows = area.h;
    if (v->cursor < v->top)
        v->top = v->cursor;
    if (v->cursor >= v->top + area.h)
        v->top = v->cursor - area.h + 1;
    for (int row = 0; row < area.h && v->top + row <= s->parts.count; row++) {
        int line = v->top + row;
        struct text text = {0};
        if (line > 0) {
            draw_part(area, row, s, suggest_ranked(s, line));
        } else {
            suggest_patterns(s, -1, "thaw ", ", ", &text);
            draw_format(area, row, 2, STYLE_STRONG, "suggested: %s", text.data);
            text_free(&text);
        }
        if (line == v->cursor) {
            draw_text(area, row, 0, 0, STYLE_CURSOR, draw_symbol(SYMBOL_CURSOR));
            draw_restyle(area, row, 0, area.w, STYLE_CURSOR);
        }
    }
}

static void draw_reason(struct area area, const struct scene *s, const struct suggest_view *v) {
    struct text reason = {0}, change = {0};
    int row = row_at(s, v->cursor);
    if (row < 0)
        suggest_say_advice(&s->suggestion, &reason);
    else
        suggest_say_reason(&s->suggestion, row, &reason);
    suggest_view_change(v, s, &change);
    draw_wrapped(area, 1, 0, 2, STYLE_NORMAL, reason.data);
    draw_format(area, 3, 0, STYLE_KEY, ":%s", change.data);
    text_free(&reason);
    text_free(&change);
}

void suggest_view_draw(struct area area, const struct scene *s, struct suggest_view *v) {
    struct text how = {0};
    if (!ready(v, s)) {
        draw_text(area, 0, 0, area.w, waits(v, s) ? STYLE_PENDING : STYLE_ERROR,
                  waits(v, s) ? "probing some batches" : s->now.error.text);
        return;
    }
    suggest_say_how(&s->suggestion, &how);
    draw_wrapped(area, 0, 0, 2, STYLE_DIM, how.data);
    text_free(&how);
    draw_titles(area, ABOVE - 1);
    int lines = area.h - ABOVE - BELOW;
    draw_lines((struct area){area.y + ABOVE, area.x, lines > 1 ? lines : 1, area.w}, &s->suggestion,
               v);
    draw_reason((struct area){area.y + area.h - BELOW, area.x, BELOW, area.w}, s, v);
}

void suggest_view_footer(struct area area, const struct suggest_view *v, const struct scene *s) {
    draw_text(area, 0, 1, 0, STYLE_DIM,
              ready(v, s) ? "Enter applies this row; a probes again; Esc closes" : "Esc closes");
}
