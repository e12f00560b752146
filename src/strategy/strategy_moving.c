// Strategies that change what is thawed on the way.
#include "strategy/strategy_parts.h"
#include <math.h>
#include <string.h>

static int last_below_head(const struct strategy_ground *g) {
    int i = g->parts.count - 1;
    while (i > 0 && g->parts.items[i].head)
        i--;
    return i;
}

// Phases that thaw `blocks` parts more each, from the head towards the input: after `epochs`
// epochs each, or, with 0, so that all stages take an equal share of the run.
static void unfreeze(const struct strategy_ground *g, int blocks, double epochs, struct text *out) {
    int last = last_below_head(g), stages = (last + blocks) / blocks + 1, stage = 1;
    text_add(out, "freeze.rules=[thaw head]\nschedule.phases=[");
    for (int to = last; to >= 0; to -= blocks, stage++) {
        int from = to - blocks + 1 > 0 ? to - blocks + 1 : 0;
        if (epochs > 0)
            text_add(out, "%sepoch %.9g -> ", stage > 1 ? ", " : "", epochs * stage);
        else
            text_add(out, "%s%.4g%% -> ", stage > 1 ? ", " : "", 100.0 * stage / stages);
        strategy_name_parts(g, from, to, "thaw ", "; ", out);
    }
    text_add(out, "]\n");
}

bool strategy_progressive(const struct strategy_ground *g, struct text *out, struct error *error) {
    (void)error;
    unfreeze(g, (int)g->experiment->strategy.blocks, g->experiment->strategy.epochs, out);
    return true;
}

// One epoch a stage, each layer's rate that of the one behind it divided by 2.6, and the triangle
// with cut_frac 0.1 and ratio 32 (Howard and Ruder 2018, sections 3.2 and 3.3).
bool strategy_gradual(const struct strategy_ground *g, struct text *out, struct error *error) {
    (void)error;
    double epochs = g->experiment->strategy.epochs;
    unfreeze(g, 1, epochs > 0 ? epochs : 1, out);
    text_add(out,
             "optim.layer_decay=%.9g\nschedule.name=slanted-triangular\nschedule.rise=0.1\n"
             "schedule.start_div=32\n",
             1 / 2.6);
    return true;
}

// fastai's Learner.fine_tune: one cycle for the head, then half the rate and one cycle for all,
// with rates from lr / 100 at the input to lr at the head, evenly in their logarithm. Normalisation
// layers learn from the start, as fastai's train_bn has it.
bool strategy_fine_tune(const struct strategy_ground *g, struct text *out, struct error *error) {
    (void)error;
    double epochs = g->experiment->strategy.epochs > 0 ? g->experiment->strategy.epochs : 1;
    int below = g->parts.count > 1 ? g->parts.count - 1 : 1;
    text_add(out,
             "freeze.rules=[thaw head%s]\noptim.layer_decay=%.9g\n"
             "schedule.name=one-cycle\nschedule.phases=[start -> lr restart for %.9g epochs, epoch "
             "%.9g -> thaw all; lr x0.5; lr restart]\n",
             strategy_has_norm(g) ? ", thaw norm" : "", pow(0.01, 1.0 / below), epochs, epochs);
    return true;
}

// To convergence, or half the run at the latest; then from the best, at a tenth of the rate.
bool strategy_lp_ft(const struct strategy_ground *g, struct text *out, struct error *error) {
    (void)g, (void)error;
    text_add(out,
             "freeze.rules=[thaw head]\nschedule.phases=[start -> lr restart for 50%%, plateau "
             "loss 3 or 50%% -> restore best; thaw all; lr x0.1; lr restart]\n");
    return true;
}

// Part i of L trains until t_i = (t_0 + (1 - t_0) i / (L - 1))^3 of the run, its rate falling along
// a cosine from lr / t_i: cubic spacing and scaled rates (Brock et al. 2017, section 3). The first
// step is as long as any, so that it wants the rate of a run without warm-up, or less.
bool strategy_freezeout(const struct strategy_ground *g, struct text *out, struct error *error) {
    (void)error;
    int count = g->parts.count;
    struct text later = {0};
    text_add(out, "freeze.rules=[thaw all]\nschedule.phases=[\"start -> ");
    for (int i = 0; i < count; i++) {
        double t0 = g->experiment->strategy.start;
        double end = pow(t0 + (1 - t0) * (count > 1 ? (double)i / (count - 1) : 1), 3);
        const char *separator = i ? "; " : "";
        struct text name = {0};
        strategy_name_parts(g, i, i, "", "\n", &name);
        for (char *rest = name.data, *one; rest && (one = strsep(&rest, "\n")); separator = "; ") {
            text_add(out, "%sanneal %s until %.4g%%", separator, one, 100 * end);
            if (end < 1)
                text_add(out, "; lr %s x%.4g", one, 1 / end);
        }
        text_free(&name);
        if (end < 1) {
            text_add(&later, ", \"%.4g%% -> ", 100 * end);
            strategy_name_parts(g, i, i, "freeze ", "; ", &later);
            text_add(&later, "\"");
        }
    }
    text_add(out, "\"%s]\n", later.data ? later.data : "");
    text_free(&later);
    return true;
}
