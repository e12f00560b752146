#include "ui/workbench/data_view.h"
#include "base/xalloc.h"
#include "ui/workbench/data_tokens.h"
#include "ui/workbench/draw.h"
#include "ui/workbench/draw_image.h"
#include "ui/workbench/paper.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEADER = 1, LIST = 28, BARS = 24, CLASS = 12 };
enum { MATRIX_LEAST = 4, MATRIX_MOST = 6 }; // columns of a class in the confusion matrix

// A line for each class, no list of samples.
static bool has_classes(const struct data_view *v) {
    return v->page == DATA_MATRIX || v->page == DATA_CLASSES;
}

// How sure the model is of what it says.
static float sureness(const struct predictions *p, int i) {
    return p->probability[(ptrdiff_t)i * p->classes + (p->place ? 0 : p->predicted[i])];
}

static int surest_first(const void *a, const void *b, void *context) {
    const struct predictions *p = context;
    int i = *(const int *)a, j = *(const int *)b;
    float x = sureness(p, i), y = sureness(p, j);
    return x != y ? (x < y) - (x > y) : i - j;
}

int data_view_order(const struct predictions *p, enum data_page page, int **out) {
    int count = 0;
    *out = xmalloc(((size_t)p->count + 1) * sizeof **out);
    for (int i = 0; i < p->count; i++)
        if (page != DATA_MISTAKES || p->label[i] != p->predicted[i])
            (*out)[count++] = i;
    if (page == DATA_MISTAKES)
        qsort_r(*out, (size_t)count, sizeof **out, surest_first,
                (struct predictions *)(uintptr_t)p);
    return count;
}

// Of a language model, the token.
static const char *class_name(const struct scene *s, int class) {
    const struct dataset *d = s->validation;
    if (d && s->predictions.place)
        return d->spell ? d->spell(d, class) : "?";
    return d && class >= 0 && class < d->classes ? d->class_names[class] : "?";
}

static int limited(int value, int low, int high) {
    return value > high ? (high > low ? high : low) : value < low ? low : value;
}

static bool is_text(const struct scene *s) {
    return s->validation && s->validation->show;
}

// One picture

// Grey images show as grey; of more than three channels the first three.
static float *read_rgb(const struct dataset *d, int sample) {
    size_t pixels = (size_t)d->shape.h * (size_t)d->shape.w;
    int channels = d->shape.c;
    float *values = xmalloc(shape_count(d->shape) * sizeof *values),
          *rgb = xmalloc(pixels * 3 * sizeof *rgb);
    d->read(d, sample, values);
    for (size_t i = 0; i < pixels; i++)
        for (int c = 0; c < 3; c++)
            rgb[3 * i + (size_t)c] = values[i * (size_t)channels + (size_t)(channels < 3 ? 0 : c)];
    free(values);
    return rgb;
}

static struct area draw_picture(struct area area, const struct dataset *d, int sample) {
    if (!d || sample < 0 || sample >= d->count || area.h < 1 || area.w < 1)
        return (struct area){area.y, area.x, 0, 0};
    float *rgb = read_rgb(d, sample);
    struct area taken = draw_image(area, &(struct image){rgb, d->shape.w, d->shape.h}, true);
    free(rgb);
    return taken;
}

// One text

static int count_tokens(const char *tokens) {
    int count = *tokens != '\0';
    for (; *tokens; tokens++)
        count += *tokens == ' ';
    return count;
}

// The text, in the upper half at most, and below it what the network sees of it.
static void draw_sample_text(struct area area, const struct dataset *d, int sample) {
    struct sample_text shown;
    if (sample < 0 || sample >= d->count)
        return;
    d->show(d, sample, &shown);
    struct area upper = {area.y, area.x, area.h / 2, area.w};
    int row = draw_paragraph(upper, 0, STYLE_NORMAL, shown.text) + 1;
    draw_format(area, row, 0, STYLE_TITLE, "tokens %d", count_tokens(shown.tokens));
    draw_paragraph(area, row + 1, STYLE_DIM, shown.tokens);
    sample_text_close(&shown);
}

static void draw_probability(struct area area, int row, const struct scene *s, int i, int class) {
    const struct predictions *p = &s->predictions;
    float value = p->probability[(ptrdiff_t)i * p->classes + class];
    bool right = class == p->label[i], said = class == p->predicted[i];
    enum style style = right ? STYLE_GOOD : said ? STYLE_ERROR : STYLE_DIM;
    draw_text(area, row, 0, 1, style, right ? "=" : said ? ">" : " ");
    draw_text(area, row, 2, CLASS, style, class_name(s, class));
    draw_format(area, row, CLASS + 3, style, "%3.0f %%", 100 * (double)value);
    int room = area.w - CLASS - 9;
    if (room > 0)
        draw_bar(area, row, CLASS + 9, room, (double)value, style);
}

// The classes from the likeliest on, as far as there is room.
static void draw_probabilities(struct area area, const struct scene *s, int i) {
    const struct predictions *p = &s->predictions;
    const float *values = p->probability + (ptrdiff_t)i * p->classes;
    bool *drawn = xcalloc((size_t)p->classes, sizeof *drawn);
    for (int row = 0; row < p->classes && row < area.h; row++) {
        int best = -1;
        for (int c = 0; c < p->classes; c++)
            if (!drawn[c] && (best < 0 || values[c] > values[best]))
                best = c;
        drawn[best] = true;
        draw_probability(area, row, s, i, best);
    }
    free(drawn);
}

static void draw_sample(struct area area, const struct scene *s, int i) {
    const struct predictions *p = &s->predictions;
    bool right = p->label[i] == p->predicted[i];
    draw_format(area, 0, 0, right ? STYLE_GOOD : STYLE_ERROR, "%s: %s, the model says %s",
                right ? "right" : "wrong", class_name(s, p->label[i]),
                class_name(s, p->predicted[i]));
    struct area below = {area.y + 2, area.x, area.h - 2, area.w};
    if (p->place) {
        data_tokens_draw(below, s, i);
        return;
    }
    bool beside = area.w >= 50;
    if (beside)
        below.w -= is_text(s) ? limited(area.w / 3, BARS, 3 * BARS / 2) : BARS;
    else
        below.h = below.h * 3 / 5;
    struct area taken = below;
    if (is_text(s))
        draw_sample_text(below, s->validation, p->sample[i]);
    else
        taken = draw_picture(below, s->validation, p->sample[i]);
    struct area bars = {area.y + 2, area.x + taken.w + 2, area.h - 2, area.w - taken.w - 2};
    if (!beside)
        bars = (struct area){below.y + taken.h + 1, area.x, area.h - 3 - taken.h, area.w};
    draw_probabilities(bars, s, i);
}

// The list

static void draw_list_row(struct area area, int row, const struct scene *s, int i, bool chosen) {
    const struct predictions *p = &s->predictions;
    bool right = p->label[i] == p->predicted[i];
    draw_format(area, row, 0, STYLE_DIM, "%5d", p->sample[i]);
    draw_text(area, row, 6, 1, right ? STYLE_GOOD : STYLE_ERROR, right ? "=" : "x");
    draw_text(area, row, 8, 9, STYLE_NORMAL, class_name(s, p->label[i]));
    if (!right)
        draw_text(area, row, 18, area.w - 19, STYLE_ERROR, class_name(s, p->predicted[i]));
    if (chosen)
        draw_restyle(area, row, 0, area.w - 1, STYLE_CURSOR);
}

static void draw_list(struct area area, const struct scene *s, const struct data_view *v) {
    int *order, count = data_view_order(&s->predictions, v->page, &order);
    struct area list = {area.y, area.x, area.h, LIST},
                rest = {area.y, area.x + LIST, area.h, area.w - LIST};
    int cursor = limited(v->cursor, 0, count - 1);
    int top = limited(v->top, cursor - area.h + 1, cursor);
    for (int row = 0; row < area.h && top + row < count; row++)
        draw_list_row(list, row, s, order[top + row], top + row == cursor);
    if (count > 0)
        draw_sample(rest, s, order[cursor]);
    else
        draw_text(area, 0, 0, 0, STYLE_GOOD, "no mistakes");
    free(order);
}

// The matrix, and the figures of classes: two lines, then one for each class

static enum style heat(int64_t count, int64_t most) {
    return count == 0 ? STYLE_DIM
                      : (enum style)(STYLE_HEAT0 + limited((int)(count * 8 / (most + 1)), 0, 7));
}

static int64_t largest(const int64_t *counts, ptrdiff_t n) {
    int64_t most = 1;
    for (ptrdiff_t i = 0; i < n; i++)
        most = counts[i] > most ? counts[i] : most;
    return most;
}

// Where the columns of the matrix stand: narrower when there are many classes, but never so narrow
// that counts touch.
struct matrix_columns {
    int width, count; // count: of those that fit
};

static struct matrix_columns matrix_columns_of(struct area area, const struct figures *f) {
    int digits =
        snprintf(NULL, 0, "%" PRId64, largest(f->matrix, (ptrdiff_t)f->classes * f->classes));
    int room = area.w > CLASS ? area.w - CLASS : 0;
    int width =
        limited(room / f->classes, digits < MATRIX_LEAST ? MATRIX_LEAST : digits + 1, MATRIX_MOST);
    return (struct matrix_columns){width, limited(room / width, 0, f->classes)};
}

static void draw_matrix_row(struct area area, int row, const struct figures *f, int label) {
    const int64_t *counts = f->matrix + (ptrdiff_t)label * f->classes;
    struct matrix_columns columns = matrix_columns_of(area, f);
    int64_t most = largest(counts, f->classes);
    for (int c = 0; c < columns.count; c++)
        draw_format(area, row, CLASS + columns.width * c,
                    c == label ? STYLE_STRONG : heat(counts[c], most), "%*" PRId64, columns.width,
                    counts[c]);
}

// Ends in dots when there are more classes than fit.
static void draw_matrix_title(struct area area, const struct scene *s) {
    struct matrix_columns columns = matrix_columns_of(area, &s->figures);
    draw_text(area, 1, 0, CLASS, STYLE_DIM, "label \\ said");
    for (int c = 0; c < columns.count; c++)
        draw_text(area, 1, CLASS + columns.width * c + 1, columns.width - 1, STYLE_DIM,
                  class_name(s, c));
    if (columns.count < s->figures.classes)
        draw_text(area, 1, area.w - 1, 1, STYLE_DIM, draw_symbol(SYMBOL_ELLIPSIS));
}

// Ends at `column`; NAN: not defined.
static void draw_figure(struct area area, int row, int column, const char *format, double value) {
    char text[16] = "-";
    if (!isnan(value))
        snprintf(text, sizeof text, format, value);
    draw_right(area, row, column - 8, 8, isnan(value) ? STYLE_DIM : STYLE_NORMAL, text);
}

// Where the columns of figures end.
enum { SUPPORT = CLASS + 7, SAID = SUPPORT + 7, PRECISION = SAID + 11, RECALL = PRECISION + 9 };
enum { SPECIFICITY = RECALL + 13, F1 = SPECIFICITY + 9, AUROC = F1 + 9 };

static void draw_class_row(struct area area, int row, const struct figures *f, int class) {
    const struct class_figures *c = &f->of_class[class];
    draw_format(area, row, SUPPORT - 7, STYLE_NORMAL, "%7" PRId64, c->support);
    draw_format(area, row, SAID - 7, STYLE_NORMAL, "%7" PRId64, c->predicted);
    draw_figure(area, row, PRECISION, "%.1f %%", 100 * c->precision);
    draw_figure(area, row, RECALL, "%.1f %%", 100 * c->recall);
    draw_figure(area, row, SPECIFICITY, "%.1f %%", 100 * c->specificity);
    draw_figure(area, row, F1, "%.3f", c->f1);
    draw_figure(area, row, AUROC, "%.4f", c->auroc);
}

static void draw_class_title(struct area area) {
    static const struct {
        const char *text;
        int end;
    } titles[] = {
        {"samples", SUPPORT},         {"said", SAID}, {"precision", PRECISION}, {"recall", RECALL},
        {"specificity", SPECIFICITY}, {"F1", F1},     {"AUROC", AUROC},
    };
    draw_text(area, 1, 0, CLASS, STYLE_DIM, "class");
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        draw_right(area, 1, titles[i].end - 12, 12, STYLE_DIM, titles[i].text);
}

static void draw_classes(struct area area, const struct scene *s, const struct data_view *v) {
    const struct figures *f = &s->figures;
    bool matrix = v->page == DATA_MATRIX;
    char scores[SCORES_TEXT];
    draw_format(area, 0, 0, STYLE_NORMAL, "accuracy %.2f %%, %s", 100 * figures_accuracy(f),
                scores_text(&f->scores, scores));
    if (matrix)
        draw_matrix_title(area, s);
    else
        draw_class_title(area);
    int top = limited(v->scroll, 0, f->classes - (area.h - 2));
    for (int row = 2; row < area.h && top + row - 2 < f->classes; row++) {
        draw_text(area, row, 0, CLASS, STYLE_NORMAL, class_name(s, top + row - 2));
        if (matrix)
            draw_matrix_row(area, row, f, top + row - 2);
        else
            draw_class_row(area, row, f, top + row - 2);
    }
}

// All together

// A language model has no classes.
static int pages(const struct scene *s) {
    return s->predictions.place ? DATA_MATRIX : DATA_PAGES;
}

static void draw_pages(struct area area, const struct scene *s, const struct data_view *v) {
    const char *const first = s->predictions.place ? "tokens" : is_text(s) ? "texts" : "pictures";
    const char *const names[] = {first, "worst mistakes", "confusion matrix", "classes"};
    int at = 0;
    for (int i = 0; i < pages(s); i++)
        at += 2 + draw_text(area, 0, at, 0, i == (int)v->page ? STYLE_TITLE : STYLE_DIM, names[i]);
}

static struct area below_header(struct area area) {
    return (struct area){area.y + HEADER + 1, area.x, area.h - HEADER - 1, area.w};
}

// Why there are no predictions.
static const char *nothing(const struct scene *s) {
    if (s->replay)
        return "a replay has records, but no weights to ask: `thaw predict` has those of the run";
    if (!s->validation)
        return "no validation samples to look at: data.validation keeps some of each class";
    if (is_text(s))
        return "nothing yet: texts appear after the first evaluation, at the end of an epoch";
    return "nothing yet: pictures appear after the first evaluation, at the end of an epoch";
}

void data_view_draw(struct area area, const struct scene *s, const struct data_view *v) {
    struct area below = below_header(area);
    draw_pages(area, s, v);
    if (s->predictions.count == 0)
        draw_paragraph(below, 0, STYLE_DIM, nothing(s));
    else if (has_classes(v))
        draw_classes(below, s, v);
    else
        draw_list(below, s, v);
}

static enum action vertical(enum action action) {
    return action == ACTION_LEFT ? ACTION_UP : action == ACTION_RIGHT ? ACTION_DOWN : action;
}

static void move_in_list(struct data_view *v, const struct scene *s, enum action action, int page) {
    int *order, count = data_view_order(&s->predictions, v->page, &order);
    free(order);
    int step = action == ACTION_PAGE_UP ? 1 - page : action == ACTION_PAGE_DOWN ? page - 1 : 0;
    v->cursor =
        limited(paper_scroll(v->cursor + step, count, 1, step ? ACTION_NONE : vertical(action)), 0,
                count - 1);
    v->top = limited(v->top, v->cursor - page + 1, v->cursor);
}

void data_view_act(struct data_view *v, const struct scene *s, enum action action, int rows) {
    int page = rows - HEADER - 1;
    if (action == ACTION_NEXT_PANEL)
        *v = (struct data_view){.page = (v->page + 1) % (unsigned)pages(s)};
    else if (has_classes(v))
        v->scroll = paper_scroll(v->scroll, s->predictions.classes, page - 2, vertical(action));
    else
        move_in_list(v, s, action, page);
}

int data_view_row_at(const struct data_view *v, const struct scene *s, struct area area, int row,
                     int column) {
    struct area list = below_header(area);
    list.w = LIST;
    if (has_classes(v) || !layout_inside(list, row, column))
        return -1;
    int *order, count = data_view_order(&s->predictions, v->page, &order);
    free(order);
    int i = row - list.y + v->top;
    return i < count ? i : -1;
}
