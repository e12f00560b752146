// What the files of the strategies share among themselves.
#ifndef THAW_STRATEGY_STRATEGY_PARTS_H
#define THAW_STRATEGY_STRATEGY_PARTS_H

#include "strategy/strategy.h"

// Appends "BEFORE NAME" for what makes up parts first .. last, with `between` between them.
void strategy_name_parts(const struct strategy_ground *g, int first, int last, const char *before,
                         const char *between, struct text *out);

// Whether there are normalisation layers to name.
bool strategy_has_norm(const struct strategy_ground *g);

// Those that thaw a fixed set (strategy_fixed.c).
bool strategy_full(const struct strategy_ground *g, struct text *out, struct error *error);
bool strategy_head_only(const struct strategy_ground *g, struct text *out, struct error *error);
bool strategy_last(const struct strategy_ground *g, struct text *out, struct error *error);
bool strategy_first(const struct strategy_ground *g, struct text *out, struct error *error);
bool strategy_single(const struct strategy_ground *g, struct text *out, struct error *error);
bool strategy_bitfit(const struct strategy_ground *g, struct text *out, struct error *error);
bool strategy_norm_only(const struct strategy_ground *g, struct text *out, struct error *error);
bool strategy_all_but_norm(const struct strategy_ground *g, struct text *out, struct error *error);
bool strategy_layer_decay(const struct strategy_ground *g, struct text *out, struct error *error);
bool strategy_auto_rgn(const struct strategy_ground *g, struct text *out, struct error *error);

// Those that change on the way (strategy_moving.c).
bool strategy_progressive(const struct strategy_ground *g, struct text *out, struct error *error);
bool strategy_gradual(const struct strategy_ground *g, struct text *out, struct error *error);
bool strategy_fine_tune(const struct strategy_ground *g, struct text *out, struct error *error);
bool strategy_lp_ft(const struct strategy_ground *g, struct text *out, struct error *error);
bool strategy_freezeout(const struct strategy_ground *g, struct text *out, struct error *error);

#endif
