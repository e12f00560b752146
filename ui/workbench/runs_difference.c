#include "ui/workbench/runs_difference.h"
#include "ui/workbench/paper.h"
#include <stdio.h>
#include <string.h>

enum { KEY_COLUMNS = 22 };

// Names are told by the rows.
static bool is_told(const struct experiment_key *key) {
    return strcmp(key->path, "name") == 0;
}

static void draw_key(struct paper *p, const struct experiment_key *key, const struct experiment *e,
                     const struct experiment *here) {
    struct text both = {0};
    if (experiment_same(e, here, key))
        return;
    experiment_text_value(&both, e, key);
    text_add(&both, "  (here ");
    experiment_text_value(&both, here, key);
    text_add(&both, ")");
    paper_pair(p, KEY_COLUMNS, STYLE_NORMAL, key->path, STYLE_STRONG, both.data);
    text_free(&both);
}

void runs_difference_draw(struct area area, const struct runs_list *l, int row) {
    const struct runs_entry *e = runs_list_entry(l, row);
    if (!e->path || e->unreadable || area.h < 2)
        return;
    char title[256];
    snprintf(title, sizeof title, "%s differs in", e->path);
    draw_rule(area, 0, title, STYLE_AXIS);
    struct paper paper = {.area = {area.y + 1, area.x, area.h - 1, area.w}};
    for (int i = 0; i < experiment_key_count; i++)
        if (!is_told(&experiment_keys[i]))
            draw_key(&paper, &experiment_keys[i], &e->experiment, &l->session.experiment);
    if (paper.lines == 0)
        paper_line(&paper, STYLE_DIM, "nothing: the same experiment as this session");
}
