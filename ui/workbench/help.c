#include "ui/workbench/help.h"
#include "ui/workbench/draw.h"
#include <stdio.h>
#include <string.h>

enum { COLUMN = 39, KEYS = 8 };

static bool valid(const struct key_binding *b, enum view_id view) {
    return b->views >> view & 1;
}

static void append(char *to, size_t size, const char *between, const char *text) {
    size_t n = strlen(to);
    snprintf(to + n, size - n, "%s%s", n ? between : "", text);
}

static bool same_help(const struct key_binding *b, const struct help_line *line) {
    return b->help && strcmp(b->help, line->text) == 0;
}

// Where the text of a line begins.
static int text_column(const struct help_line *line) {
    int behind = 2 + draw_width(line->keys);
    return behind > KEYS + 2 ? behind : KEYS + 2;
}

static bool fits(const struct key_binding *b, struct help_line line) {
    append(line.keys, sizeof line.keys, " ", b->name);
    append(line.text, sizeof line.text, ", ", b->help);
    return text_column(&line) + draw_width(line.text) < COLUMN;
}

// The digits share lines as far as they fit; the keys of one action share one, and those of two
// that are told together.
static bool joins(const struct key_binding *b, const struct key_binding *before,
                  const struct help_line *line) {
    if (!before)
        return false;
    if (b->action == ACTION_VIEW)
        return before->action == b->action && fits(b, *line);
    return b->help ? same_help(b, line) : before->action == b->action;
}

static int group_lines(enum view_id view, const char *group, struct help_line *out, int count) {
    const struct key_binding *before = NULL;
    snprintf(out[count].text, sizeof out[count].text, "%s", group);
    out[count++].keys[0] = '\0';
    for (int i = 0; i < key_binding_count && count < HELP_LINES; i++) {
        const struct key_binding *b = &key_bindings[i];
        if (!valid(b, view) || strcmp(b->group, group) != 0)
            continue;
        bool same = same_help(b, &out[count - 1]);
        if (!joins(b, before, &out[count - 1]))
            out[count++] = (struct help_line){0};
        append(out[count - 1].keys, sizeof out->keys, " ", b->name);
        if (b->help && !same)
            append(out[count - 1].text, sizeof out->text, ", ", b->help);
        before = b;
    }
    return count;
}

int help_lines(enum view_id view, struct help_line out[HELP_LINES]) {
    const char *groups[16];
    int group_count = 0, count = 0;
    for (int i = 0; i < key_binding_count; i++) {
        bool known = !valid(&key_bindings[i], view);
        for (int k = 0; k < group_count && !known; k++)
            known = strcmp(groups[k], key_bindings[i].group) == 0;
        if (!known && group_count < 16)
            groups[group_count++] = key_bindings[i].group;
    }
    for (int k = 0; k < group_count && count < HELP_LINES; k++)
        count = group_lines(view, groups[k], out, count);
    return count;
}

static void draw_line(struct area area, int row, const struct help_line *line) {
    if (!line->keys[0]) {
        draw_text(area, row, 0, area.w, STYLE_TITLE, line->text);
        return;
    }
    draw_text(area, row, 1, 0, STYLE_KEY, line->keys);
    int at = text_column(line);
    draw_text(area, row, at, area.w - at, STYLE_NORMAL, line->text);
}

// The place of each line in columns of `rows` rows, counted through all columns: no heading is the
// last of a column. Returns how many places are taken.
static int place_lines(const struct help_line *lines, int count, int rows, int places[HELP_LINES]) {
    int place = 0;
    for (int i = 0; i < count; i++) {
        if (!lines[i].keys[0] && rows > 1 && place % rows == rows - 1)
            place++;
        places[i] = place++;
    }
    return place;
}

int help_draw(struct area area, enum view_id view, int top) {
    struct help_line lines[HELP_LINES];
    int count = help_lines(view, lines), places[HELP_LINES];
    int columns = area.w / COLUMN < 1 ? 1 : area.w / COLUMN;
    int rows = (count + columns - 1) / columns, width = area.w / columns;
    if (rows < area.h && columns > 1) // no need to stretch over all columns
        rows = area.h < count ? area.h : count;
    while (place_lines(lines, count, rows, places) > rows * columns)
        rows++;
    for (int i = 0; i < count; i++) {
        int row = places[i] % rows - top;
        struct area column = {area.y, area.x + places[i] / rows * width, area.h, width - 1};
        if (row >= 0 && row < area.h)
            draw_line(column, row, &lines[i]);
    }
    return rows;
}

// Quit and help always have their place at the right.
void help_footer(struct area area, enum view_id view) {
    static const char last[] = "? help  q quit";
    int right = area.w - (int)sizeof last, at = 0;
    for (int i = 0; i < key_binding_count; i++) {
        const struct key_binding *b = &key_bindings[i];
        if (!valid(b, view) || !b->footer || b->action == ACTION_QUIT || b->action == ACTION_HELP)
            continue;
        int width = draw_width(b->name) + 1 + draw_width(b->footer) + 2;
        if (at + width > right)
            continue;
        at += draw_text(area, 0, at, 0, STYLE_KEY, b->name) + 1;
        at += draw_text(area, 0, at, 0, STYLE_DIM, b->footer) + 2;
    }
    draw_right(area, 0, 0, area.w, STYLE_DIM, last);
}
