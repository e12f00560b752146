// Strategies that thaw a fixed set.
#include "base/xalloc.h"
#include "strategy/strategy_parts.h"
#include <stdlib.h>
#include <string.h>

void strategy_name_parts(const struct strategy_ground *g, int first, int last, const char *before,
                         const char *between, struct text *out) {
    bool *chosen = xcalloc((size_t)g->parts.count + 1, sizeof *chosen);
    for (int i = first; i <= last; i++)
        chosen[i] = true;
    char *next = xprintf("%s%s", between, before);
    parts_name(&g->parts, g->model, chosen, before, next, out);
    free(next);
    free(chosen);
}

bool strategy_has_norm(const struct strategy_ground *g) {
    for (int p = 0; p < g->model->param_count; p++)
        if (g->model->params[p].norm)
            return true;
    return false;
}

static bool rules(struct text *out, const char *list) {
    text_add(out, "freeze.rules=[%s]\n", list);
    return true;
}

bool strategy_full(const struct strategy_ground *g, struct text *out, struct error *error) {
    (void)g, (void)error;
    return rules(out, "thaw all");
}

bool strategy_head_only(const struct strategy_ground *g, struct text *out, struct error *error) {
    (void)g, (void)error;
    return rules(out, "thaw head");
}

bool strategy_bitfit(const struct strategy_ground *g, struct text *out, struct error *error) {
    (void)g, (void)error;
    return rules(out, "thaw head, thaw bias");
}

bool strategy_norm_only(const struct strategy_ground *g, struct text *out, struct error *error) {
    (void)g, (void)error;
    return rules(out, "thaw head, thaw norm");
}

bool strategy_all_but_norm(const struct strategy_ground *g, struct text *out, struct error *error) {
    (void)error;
    return rules(out, strategy_has_norm(g) ? "thaw all, freeze norm" : "thaw all");
}

// How many parts there are below the head.
static int body(const struct strategy_ground *g) {
    int count = 0;
    for (int i = 0; i < g->parts.count; i++)
        count += !g->parts.items[i].head;
    return count;
}

static bool check_blocks(const struct strategy_ground *g, struct error *error) {
    int most = body(g);
    if (g->experiment->strategy.blocks <= most)
        return true;
    return error_set(error, "strategy.blocks is %lld, but %s has %d blocks below its head",
                     (long long)g->experiment->strategy.blocks, g->model->arch, most);
}

bool strategy_last(const struct strategy_ground *g, struct text *out, struct error *error) {
    if (!check_blocks(g, error))
        return false;
    text_add(out, "freeze.rules=[");
    int first = g->parts.count - 1 - (int)g->experiment->strategy.blocks;
    strategy_name_parts(g, first, g->parts.count - 1, "thaw ", ", ", out);
    text_add(out, "]\n");
    return true;
}

bool strategy_first(const struct strategy_ground *g, struct text *out, struct error *error) {
    if (!check_blocks(g, error))
        return false;
    text_add(out, "freeze.rules=[");
    strategy_name_parts(g, 0, (int)g->experiment->strategy.blocks - 1, "thaw ", ", ", out);
    text_add(out, "%s]\n", g->new_head ? ", thaw head" : "");
    return true;
}

bool strategy_single(const struct strategy_ground *g, struct text *out, struct error *error) {
    const char *block = g->experiment->strategy.block;
    if (!*block)
        return error_set(error, "'single' needs strategy.block, such as %s",
                         g->parts.count ? g->parts.items[0].name : "layer1");
    text_add(out, "freeze.rules=[\"thaw %s\"%s]\n", block, g->new_head ? ", thaw head" : "");
    return true;
}

bool strategy_layer_decay(const struct strategy_ground *g, struct text *out, struct error *error) {
    (void)error;
    text_add(out, "freeze.rules=[thaw all]\noptim.layer_decay=%.9g\n",
             g->experiment->strategy.decay);
    return true;
}

bool strategy_auto_rgn(const struct strategy_ground *g, struct text *out, struct error *error) {
    (void)g, (void)error;
    text_add(out, "optim.rates=auto-rgn\n");
    return rules(out, "thaw all");
}
