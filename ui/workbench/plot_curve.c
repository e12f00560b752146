// From a series to dots.
#include "base/xalloc.h"
#include "ui/workbench/plot_parts.h"
#include <math.h>
#include <stdlib.h>

int plot_x(const struct plot *p, double step, int size) {
    double share = (step - (double)p->from) / (double)(p->to - p->from);
    return (int)lround(fmin(fmax(share, 0), 1) * (size - 1));
}

int plot_y(const struct plot_scale *scale, double value, int size) {
    double share = (scale->high - value) / (scale->high - scale->low);
    return (int)lround(fmin(fmax(share, 0), 1) * (size - 1));
}

// Braille has two dots across and four down in a cell.
int plot_column(const struct plot *p, double step, int columns) {
    return plot_x(p, step, 2 * columns) / 2;
}

int plot_row(const struct plot_scale *scale, double value, int rows) {
    return plot_y(scale, value, 4 * rows) / 4;
}

static double middle(const struct bucket *b) {
    return (double)b->first + (double)(b->last - b->first) / 2;
}

// An exponential mean over steps, so that it does not depend on how steps share buckets.
struct smoother {
    double weight; // of the past, after one value
    double power;  // ... after `count` values
    int64_t count;
    double mean, missing; // missing: the share of the mean that no value has filled yet
};

static double smooth(struct smoother *s, const struct bucket *b) {
    if (s->weight <= 0 || b->count == 0)
        return b->mean;
    if (b->count != s->count) {
        s->count = b->count;
        s->power = pow(s->weight, (double)b->count);
    }
    s->mean = s->power * s->mean + (1 - s->power) * b->mean;
    s->missing *= s->power;
    return s->mean / (1 - s->missing);
}

static double as_drawn(const struct plot *p, double value) {
    if (!p->log)
        return value;
    return value > 0 ? log10(value) : NAN;
}

// Joins a point to the last one when they share a column of dots.
static void path_add(struct plot_path *path, const struct plot *p, int width,
                     struct plot_point point) {
    struct plot_point *last = path->count ? &path->points[path->count - 1] : NULL;
    bool inside = last && last->step >= (double)p->from && point.step <= (double)p->to;
    if (!inside || plot_x(p, last->step, width) != plot_x(p, point.step, width)) {
        path->points[path->count++] = point;
        return;
    }
    last->low = fmin(last->low, point.low); // of a number and NAN: the number
    last->high = fmax(last->high, point.high);
    if (isnan(last->value))
        *last = point;
    else if (!isnan(point.value)) {
        last->weight += point.weight;
        last->value += (point.value - last->value) * point.weight / last->weight;
    }
}

// Moves an end that lies outside to the edge at `step`, along the line to its neighbour inside.
static void clip_end(struct plot_point *end, const struct plot_point *next, double step) {
    double share = (step - end->step) / (next->step - end->step);
    end->step = step;
    end->value += (next->value - end->value) * share;
    end->low = end->high = end->value;
    end->weight = 0;
}

static void clip(struct plot_path *path, const struct plot *p) {
    struct plot_point *points = path->points;
    double from = (double)p->from, to = (double)p->to;
    int n = path->count;
    if (n && points[0].step < from) {
        if (n > 1)
            clip_end(&points[0], &points[1], from);
        else
            path->count = 0;
    }
    if (n && points[n - 1].step > to) {
        if (n > 1 && points[n - 2].step <= to)
            clip_end(&points[n - 1], &points[n - 2], to);
        else
            path->count = 0;
    }
}

struct plot_path plot_path(const struct plot *p, const struct plot_curve *c, int width) {
    const struct series *s = c->series;
    struct plot_path path = {xmalloc(((size_t)s->count + 1) * sizeof *path.points), 0};
    struct smoother smoother = {.weight = c->smooth, .missing = 1};
    for (int i = 0; i < s->count; i++) {
        const struct bucket *b = &s->buckets[i];
        if (c->until && b->first > c->until)
            break;
        double value = smooth(&smoother, b);
        if (i + 1 < s->count && middle(b + 1) < (double)p->from)
            continue;
        path_add(&path, p, width,
                 (struct plot_point){middle(b), (double)b->low, (double)b->high, value,
                                     (double)b->count});
        if (middle(b) > (double)p->to)
            break;
    }
    for (int i = 0; i < path.count; i++) {
        struct plot_point *point = &path.points[i];
        point->low = p->log && !(point->low > 0) ? -INFINITY : as_drawn(p, point->low);
        point->high = as_drawn(p, point->high);
        point->value = as_drawn(p, point->value);
    }
    clip(&path, p);
    return path;
}

double plot_reading(const struct plot_curve *c, int64_t step) {
    struct smoother smoother = {.weight = c->smooth, .missing = 1};
    double best = INFINITY, value = NAN;
    for (int i = 0; i < c->series->count; i++) {
        const struct bucket *b = &c->series->buckets[i];
        double smoothed = smooth(&smoother, b), distance = fabs(middle(b) - (double)step);
        if ((c->until && b->first > c->until) || distance > best)
            break;
        if (b->count == 0)
            continue;
        best = distance;
        value = smoothed;
    }
    return value;
}

static void grow(struct plot_scale *scale, double value) {
    if (!isfinite(value))
        return;
    scale->low = fmin(scale->low, value);
    scale->high = fmax(scale->high, value);
}

// Room above and below; an axis that nearly reaches zero starts there.
static void pad(const struct plot *p, struct plot_scale *s) {
    double size = fmax(fabs(s->low), fabs(s->high)), range = s->high - s->low;
    double top = p->percent ? fmax(s->high, 1) : INFINITY;
    bool positive = s->low >= 0;
    double least = p->log ? 0.3 : fmax(1e-4 * size, 1e-300);
    if (range < least) {
        double extra = p->log ? least : size > 0 ? size / 10 : 1;
        s->low -= extra;
        s->high += extra;
    } else {
        bool near_zero = s->low <= 0.15 * s->high;
        s->low -= range * 0.04;
        s->high += range * 0.04;
        if (!p->log && positive && near_zero)
            s->low = 0;
    }
    if (!p->log && positive)
        s->low = fmax(s->low, 0);
    s->high = fmin(s->high, top);
}

bool plot_scale(const struct plot *p, const struct plot_path *paths, struct plot_scale *scale) {
    *scale = (struct plot_scale){INFINITY, -INFINITY};
    for (int i = 0; i < p->curve_count; i++) {
        for (int k = 0; k < paths[i].count; k++) {
            grow(scale, paths[i].points[k].value);
            if (!p->curves[i].band)
                continue;
            grow(scale, paths[i].points[k].low);
            grow(scale, paths[i].points[k].high);
        }
    }
    if (scale->low > scale->high)
        return false;
    pad(p, scale);
    return true;
}

void plot_line(struct raster *r, const struct plot *p, const struct plot_scale *scale,
               const struct plot_path *path, enum style style) {
    int before_x = -1, before_y = 0;
    for (int i = 0; i < path->count; i++) {
        const struct plot_point *point = &path->points[i];
        if (isnan(point->value)) {
            before_x = -1;
            continue;
        }
        int x = plot_x(p, point->step, r->width), y = plot_y(scale, point->value, r->height);
        if (before_x >= 0)
            raster_line(r, before_x, before_y, x, y, style);
        else
            raster_dot(r, x, y, style);
        before_x = x;
        before_y = y;
    }
}

void plot_band(struct raster *r, const struct plot *p, const struct plot_scale *scale,
               const struct plot_path *path, enum style style) {
    for (int i = 0; i < path->count; i++) {
        const struct plot_point *point = &path->points[i];
        if (isnan(point->high))
            continue;
        int x = plot_x(p, point->step, r->width);
        raster_line(r, x, plot_y(scale, point->high, r->height), x,
                    plot_y(scale, point->low, r->height), style);
    }
    plot_line(r, p, scale, path, style);
}

// Letters tell the curves apart in ASCII mode, without marks of their own.
const char *plot_sample(const struct plot *p, const struct plot_curve *c) {
    bool mark = c->points && p->raster != RASTER_ASCII;
    return mark ? "•" : raster_sample(p->raster, c->style);
}

void plot_points(struct area inner, const struct plot *p, const struct plot_scale *scale,
                 const struct plot_path *path, const struct plot_curve *c) {
    double from = (double)p->from, to = (double)p->to;
    for (int i = 0; c->points && path->count <= inner.w / 3 && i < path->count; i++) {
        const struct plot_point *point = &path->points[i];
        if (isnan(point->value) || point->weight == 0 || point->step < from || point->step > to)
            continue;
        draw_text(inner, plot_row(scale, point->value, inner.h),
                  plot_column(p, point->step, inner.w), 0, c->style, plot_sample(p, c));
    }
}
