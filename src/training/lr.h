// The learning rate: a pure function of (step, total steps, step of thaw), in double, times
// multipliers that only logged events change.
#ifndef THAW_LR_H
#define THAW_LR_H

#include <stdint.h>

enum lr_shape { LR_CONSTANT, LR_STEP, LR_COSINE, LR_ONE_CYCLE, LR_SLANTED };

struct lr_settings {
    enum lr_shape shape;
    double peak;   // the experiment's learning rate
    double warmup; // fraction of all steps, rounded to W steps: step i < W gets (i + 1) / W of
                   // the rate; not for one_cycle and slanted
    double gamma;  // step: factor at each milestone
    double milestones[8]; // step: fractions of all steps, each rounded to a step
    int milestone_count;
    double floor;              // cosine: final rate as a fraction of the peak
    double start_div, end_div; // one_cycle: initial = peak / start_div, final = initial / end_div
                               // slanted: the lowest rate is peak / start_div
    double rise; // fraction of steps spent rising: one_cycle (PyTorch's pct_start), slanted
};

// The rate of `step` in 0..total-1. one_cycle equals torch.optim.lr_scheduler.OneCycleLR
// (anneal_strategy cos, three_phase False); cosine equals CosineAnnealingLR's closed form with
// T_max = total - W, counted from the end of the warm-up; step equals MultiStepLR; constant is the
// peak; slanted is the slanted triangle of Howard and Ruder 2018 (ULMFiT), equation 3, with
// cut_frac = rise and ratio = start_div. Pure; any thread.
double lr_at(const struct lr_settings *s, int64_t step, int64_t total);

// The share of its rate that a parameter keeps when its rate is annealed from step `from` to
// `until`: half a cosine from 1 to 0 (Brock et al. 2017, FreezeOut, equation 1). 0 from `until` on.
double lr_annealed(int64_t step, int64_t from, int64_t until);

#endif
