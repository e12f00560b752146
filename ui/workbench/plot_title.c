// The title row: the name, then the curves with what they read.
#include "ui/report/ticks.h"
#include "ui/workbench/plot_parts.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ENTRY_SIZE = 96, MAIN_ENTRIES = 2 };

// How an entry of the legend is written: "━ train 0.41", "━ 0.41", "━ train".
enum wording { FULL, VALUES, LABELS };

struct legend {
    enum wording wording;
    int gap; // columns between entries
};

// " 0.4213", " 81.3%"; "" when there is no value.
static void value_text(const struct plot *p, const struct plot_curve *c, char out[16]) {
    double value = plot_reading(c, p->cursor >= 0 ? p->cursor : p->to);
    char number[16];
    out[0] = '\0';
    if (isnan(value))
        return;
    int tenths = (int)lround(fmin(fabs(value), 1000) * 1000);
    if (p->percent)
        snprintf(out, 16, " %d.%d%%", tenths / 10, tenths % 10);
    else
        snprintf(out, 16, " %s", ticks_number(value, number));
}

static void entry_text(const struct plot *p, const struct plot_curve *c, enum wording wording,
                       char out[ENTRY_SIZE]) {
    char value[16] = "";
    if (wording != LABELS)
        value_text(p, c, value);
    snprintf(out, ENTRY_SIZE, "%s%s%.40s%s", plot_sample(p, c), wording == VALUES ? "" : " ",
             wording == VALUES ? "" : c->label, value);
}

// The columns that the main entries take: the last curves, which stand first in the legend.
static int main_width(const struct plot *p, struct legend legend) {
    int width = 0, count = 0;
    for (int i = p->curve_count - 1; i >= 0 && count < MAIN_ENTRIES; i--) {
        char text[ENTRY_SIZE];
        if (!p->curves[i].label)
            continue;
        entry_text(p, &p->curves[i], legend.wording, text);
        width += legend.gap + draw_width(text);
        count++;
    }
    return width;
}

static struct legend choose(const struct plot *p, int room) {
    const struct legend all[] = {
        {FULL, 2}, {FULL, 1}, {p->cursor >= 0 ? VALUES : LABELS, 1}, {LABELS, 1}};
    int i = 0;
    while (i < 3 && main_width(p, all[i]) > room)
        i++;
    return all[i];
}

static int draw_name(struct area title, const struct plot *p) {
    enum style style = p->focused ? STYLE_TITLE : STYLE_STRONG;
    const char *mark = p->focused ? draw_symbol(SYMBOL_CURSOR) : " ";
    int column = draw_format(title, 0, 0, style, "%s%s%s", mark, p->title, p->log ? " (log)" : "");
    if (p->cursor >= 0)
        column += draw_format(title, 0, column, STYLE_NORMAL, " at %lld", (long long)p->cursor);
    return column;
}

void plot_title(struct area title, const struct plot *p) {
    draw_rule(title, 0, NULL, STYLE_AXIS);
    int column = draw_name(title, p);
    struct legend legend = choose(p, title.w - column);
    for (int i = p->curve_count - 1; i >= 0; i--) {
        char text[ENTRY_SIZE];
        if (!p->curves[i].label)
            continue;
        entry_text(p, &p->curves[i], legend.wording, text);
        if (column + legend.gap + draw_width(text) > title.w)
            continue;
        column += draw_text(title, 0, column, 0, STYLE_NORMAL, legend.gap == 2 ? "  " : " ");
        column += draw_text(title, 0, column, 0, p->curves[i].style, text);
    }
    draw_text(title, 0, column, 0, STYLE_NORMAL, " ");
}
