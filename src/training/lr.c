#include "training/lr.h"
#include <math.h>

// From `start` to `end` as `part` goes from 0 to 1 (torch.optim.lr_scheduler's _annealing_cos).
static double anneal(double start, double end, double part) {
    return end + (start - end) / 2 * (cos(M_PI * part) + 1);
}

// A phase without length has ended.
static double phase(double from, double to, double step) {
    return to > from ? (step - from) / (to - from) : 1;
}

static double one_cycle(const struct lr_settings *s, int64_t step, int64_t total) {
    double first = s->peak / s->start_div, last = first / s->end_div;
    double top = s->rise * (double)total - 1, end = (double)total - 1;
    if ((double)step <= top)
        return anneal(first, s->peak, phase(0, top, (double)step));
    return anneal(s->peak, last, phase(top, end, (double)step));
}

static double steps_down(const struct lr_settings *s, int64_t step, int64_t total) {
    int passed = 0;
    for (int i = 0; i < s->milestone_count; i++)
        passed += step >= llround(s->milestones[i] * (double)total);
    return s->peak * pow(s->gamma, passed);
}

// CosineAnnealingLR's closed form.
static double cosine(const struct lr_settings *s, int64_t step, int64_t length) {
    double low = s->floor * s->peak;
    return low + (s->peak - low) * (1 + cos(M_PI * (double)step / (double)length)) / 2;
}

static double slanted(const struct lr_settings *s, int64_t step, int64_t total) {
    double cut = floor((double)total * s->rise), rest = (double)total - cut;
    double part = (double)step < cut ? (double)step / cut : 1 - ((double)step - cut) / rest;
    return s->peak * (1 + part * (s->start_div - 1)) / s->start_div;
}

double lr_annealed(int64_t step, int64_t from, int64_t until) {
    if (step >= until)
        return 0;
    return step <= from ? 1 : anneal(1, 0, phase((double)from, (double)until, (double)step));
}

double lr_at(const struct lr_settings *s, int64_t step, int64_t total) {
    if (s->shape == LR_ONE_CYCLE)
        return one_cycle(s, step, total);
    if (s->shape == LR_SLANTED)
        return slanted(s, step, total);
    int64_t warmup = llround(s->warmup * (double)total);
    double warm = step < warmup ? (double)(step + 1) / (double)warmup : 1;
    if (s->shape == LR_STEP)
        return warm * steps_down(s, step, total);
    if (s->shape == LR_COSINE && step >= warmup)
        return cosine(s, step - warmup, total - warmup);
    return warm * s->peak;
}
