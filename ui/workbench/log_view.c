#include "ui/workbench/log_view.h"
#include "ui/workbench/paper.h"
#include <inttypes.h>
#include <stdio.h>

static int most_back(const struct scene *s, int rows) {
    return s->log_count > rows ? s->log_count - rows : 0;
}

void log_view_act(struct log_view *v, const struct scene *s, enum action action, int rows) {
    int most = most_back(s, rows), back = v->back < most ? v->back : most;
    v->back = most - paper_scroll(most - back, s->log_count, rows, action);
}

static void draw_line(struct paper *p, const struct log_line *line) {
    static const enum style styles[] = {
        [LOG_NOTE] = STYLE_NORMAL, [LOG_EVENT] = STYLE_STRONG, [LOG_ERROR] = STYLE_ERROR};
    char step[32];
    snprintf(step, sizeof step, "%8" PRId64, line->step);
    paper_pair(p, 10, STYLE_DIM, step, styles[line->kind], line->text);
}

void log_view_draw(struct area area, const struct scene *s, const struct log_view *v) {
    struct area below = {area.y + 1, area.x, area.h - 1, area.w};
    draw_text(area, 0, 0, 0, STYLE_TITLE, "    step  what happened");
    if (s->log_count == 0)
        draw_text(below, 0, 10, 0, STYLE_DIM, "nothing yet");
    int most = most_back(s, below.h), back = v->back < most ? v->back : most;
    struct paper p = {.area = below, .top = most - back};
    for (int i = 0; i < s->log_count; i++)
        draw_line(&p, &s->log[i]);
}
