// A suggestion in words, the same in a terminal's lines and in the workbench.
#ifndef THAW_UI_SUGGEST_WORDS_H
#define THAW_UI_SUGGEST_WORDS_H

#include "strategy/suggest.h"

// What was done to find it out: batches, and a new head trained first. One line without its end.
void suggest_say_how(const struct suggestion *s, struct text *out);

// Why this is suggested, in one line.
void suggest_say_advice(const struct suggestion *s, struct text *out);

// Why a row stands where it stands, in one line.
void suggest_say_reason(const struct suggestion *s, int row, struct text *out);

// A step with this row thawed, as a fraction of one with everything thawed, in FLOPs, the cache
// being filled.
double suggest_share_of_full(const struct suggestion *s, int row);

#endif
