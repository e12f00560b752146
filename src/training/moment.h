// A point or a length of time in a run, as people say it: in steps, in epochs, or as a share.
#ifndef THAW_MOMENT_H
#define THAW_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

enum moment_unit { MOMENT_NONE, MOMENT_STEPS, MOMENT_EPOCHS, MOMENT_SHARE };

struct moment {
    enum moment_unit unit;
    double count; // of steps, of epochs, or per cent of the run; not negative
};

// "step 120", "epoch 3", "40%": so many are done. Fractions of epochs are fine ("epoch 0.5"), those
// of steps are not. False: it is none of these.
bool moment_parse(const char *text, struct moment *out);

// "120 steps", "1 step", "3 epochs", "40%".
bool moment_parse_length(const char *text, struct moment *out);

// In steps, rounded to the nearest. `total`: of the run. MOMENT_NONE: 0.
int64_t moment_steps(const struct moment *m, int64_t epoch_steps, int64_t total);

#endif
