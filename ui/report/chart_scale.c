#include "ui/report/chart_parts.h"
#include <math.h>

static double as_drawn(bool log, double value) {
    if (!log)
        return value;
    return value > 0 ? log10(value) : NAN;
}

static void grow(struct chart_scale *s, double value) {
    double drawn = as_drawn(s->log, value);
    if (!isfinite(drawn))
        return;
    s->low = fmin(s->low, drawn);
    s->high = fmax(s->high, drawn);
}

static struct chart_scale pad(struct chart_scale s, double share) {
    if (s.low > s.high)
        return (struct chart_scale){0, 1, s.log};
    double range = s.high - s.low, least = s.log ? 0.3 : 1e-9 + 1e-3 * fabs(s.high);
    double extra = fmax(range * share, range < least ? least : 0);
    bool positive = !s.log && s.low >= 0, near_zero = s.low <= 0.15 * s.high;
    s.low -= extra;
    s.high += extra;
    if (positive && (near_zero || s.low < 0))
        s.low = 0;
    return s;
}

struct chart_scale chart_scale_x(const struct chart *c) {
    struct chart_scale s = {INFINITY, -INFINITY, c->x.log};
    bool points = false;
    for (int i = 0; i < c->line_count; i++) {
        points |= !c->lines[i].joined;
        for (int k = 0; k < c->lines[i].count; k++)
            if (isfinite(c->lines[i].y[k]))
                grow(&s, c->lines[i].x[k]);
    }
    for (int i = 0; i < c->band_count; i++) {
        grow(&s, 0);
        grow(&s, c->bands[i].reached);
    }
    return pad(s, points || s.log ? 0.05 : 0);
}

struct chart_scale chart_scale_y(const struct chart *c) {
    struct chart_scale s = {INFINITY, -INFINITY, c->y.log};
    for (int i = 0; i < c->line_count; i++) {
        const struct chart_line *l = &c->lines[i];
        for (int k = 0; k < l->count; k++) {
            double spread = l->spread && isfinite(l->spread[k]) ? l->spread[k] : 0;
            grow(&s, l->y[k] - spread);
            grow(&s, l->y[k] + spread);
        }
    }
    s = pad(s, 0.05);
    s.high = c->y.percent ? fmin(s.high, 1) : s.high;
    return s;
}

double chart_place(const struct chart_scale *s, double value) {
    return (as_drawn(s->log, value) - s->low) / (s->high - s->low);
}

int chart_ticks(const struct chart_axis *a, const struct chart_scale *s, int most,
                struct chart_tick out[TICKS_MOST]) {
    double values[TICKS_MOST], unit = a->percent ? 100 : 1;
    double low = a->log ? pow(10, s->low) : s->low * unit;
    double high = a->log ? pow(10, s->high) : s->high * unit;
    int fit = a->whole && high - low < most - 1 ? (int)(high - low) + 1 : most;
    int count = ticks_choose(low, high, a->log, fit, values), kept = 0;
    for (int i = 0; i < count; i++) {
        if (a->whole && values[i] != floor(values[i]))
            continue;
        struct chart_tick *t = &out[kept++];
        t->place = chart_place(s, values[i] / unit);
        if (a->log)
            ticks_number(values[i], t->label);
        else
            ticks_label(values, count, i, a->percent, t->label);
    }
    return kept;
}
