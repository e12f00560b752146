// The learning rate: a pure function of (step, total steps, step of thaw), in double, times
// multipliers that only logged events change.
#ifndef THAW_LR_H
#define THAW_LR_H

#include <stdint.h>

enum lr_shape { LR_CONSTANT, LR_STEP, LR_COSINE, LR_ONE_CYCLE };

struct lr_settings {
    enum lr_shape shape;
    double peak;   // the experiment's learning rate
    double warmup; // fraction of all steps, rounded to W steps: step i < W gets (i + 1) / W of
                   // the rate; not for one_cycle
    double gamma;  // step: factor at each milestone
    double milestones[8]; // step: fractions of all steps, each rounded to a step
    int milestone_count;
    double floor;              // cosine: final rate as a fraction of the peak
    double start_div, end_div; // one_cycle: initial = peak / start_div, final = initial / end_div
    double rise; // one_cycle: fraction of steps spent rising (PyTorch's pct_start, cosine)
};

// The rate of `step` in 0..total-1. one_cycle equals torch.optim.lr_scheduler.OneCycleLR
// (anneal_strategy cos, three_phase False); cosine equals CosineAnnealingLR's closed form with
// T_max = total - W, counted from the end of the warm-up; step equals MultiStepLR; constant is the
// peak. Pure; any thread.
double lr_at(const struct lr_settings *s, int64_t step, int64_t total);

#endif
