#include "ui/workbench/data_tokens.h"
#include "base/text.h"
#include "ui/workbench/draw.h"
#include <stdlib.h>
#include <string.h>

enum { WORD = 14 }; // columns

// Predictions first .. end - 1 are of one text.
struct span {
    int first, end;
};

static struct span span_of(const struct predictions *p, int chosen) {
    struct span span = {chosen, chosen + 1};
    while (span.first > 0 && p->sample[span.first - 1] == p->sample[chosen])
        span.first--;
    while (span.end < p->count && p->sample[span.end] == p->sample[chosen])
        span.end++;
    return span;
}

static bool is_predicted(const struct predictions *p, struct span span, int place) {
    for (int i = span.first; i < span.end; i++)
        if (p->place[i] == place)
            return true;
    return false;
}

// Tokens between spaces, those to be predicted in brackets. The caller frees.
static char *bracketed(const struct predictions *p, struct span span, const char *tokens) {
    struct text t = {0};
    for (int place = 0; *tokens; place++) {
        const int length = (int)strcspn(tokens, " ");
        const bool predicted = is_predicted(p, span, place);
        text_add(&t, "%s%s%.*s%s", place ? " " : "", predicted ? "[" : "", length, tokens,
                 predicted ? "]" : "");
        tokens += length + (tokens[length] == ' ');
    }
    return t.data;
}

static void draw_said(struct area area, int row, const struct scene *s, int i, bool chosen) {
    const struct predictions *p = &s->predictions;
    const struct dataset *d = s->validation;
    const bool right = p->label[i] == p->predicted[i];
    const enum style style = right ? STYLE_GOOD : STYLE_ERROR;
    draw_text(area, row, 0, 1, style, right ? "=" : "x");
    draw_text(area, row, 2, WORD, STYLE_NORMAL, d->spell(d, p->label[i]));
    draw_text(area, row, WORD + 3, WORD, style, d->spell(d, p->predicted[i]));
    draw_format(area, row, 2 * WORD + 4, STYLE_DIM, "%3.0f %%", 100 * (double)p->probability[i]);
    if (chosen)
        draw_restyle(area, row, 0, area.w, STYLE_CURSOR);
}

static void draw_all_said(struct area area, const struct scene *s, struct span span, int chosen) {
    int top = span.first;
    draw_text(area, 0, 2, WORD, STYLE_DIM, "token");
    draw_text(area, 0, WORD + 3, WORD, STYLE_DIM, "the model says");
    while (chosen - top + 1 >= area.h && top < chosen)
        top++;
    for (int row = 1; row < area.h && top + row - 1 < span.end; row++)
        draw_said(area, row, s, top + row - 1, top + row - 1 == chosen);
}

void data_tokens_draw(struct area area, const struct scene *s, int chosen) {
    const struct predictions *p = &s->predictions;
    const struct dataset *d = s->validation;
    const struct span span = span_of(p, chosen);
    struct sample_text shown;
    if (!d || !d->show || !d->spell || p->sample[chosen] >= d->count || area.h < 4)
        return;
    d->show(d, p->sample[chosen], &shown);
    char *tokens = bracketed(p, span, shown.tokens);
    struct area upper = {area.y, area.x, area.h / 2, area.w};
    int row = draw_paragraph((struct area){area.y, area.x, area.h / 4, area.w}, 0, STYLE_NORMAL,
                             shown.text);
    row += 1 + draw_paragraph(upper, row + 1, STYLE_DIM, tokens ? tokens : "");
    draw_all_said((struct area){area.y + row + 1, area.x, area.h - row - 1, area.w}, s, span,
                  chosen);
    free(tokens);
    sample_text_close(&shown);
}
