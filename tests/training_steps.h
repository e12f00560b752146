// What tests do with a training. An error fails the test.
#ifndef THAW_TESTS_TRAINING_STEPS_H
#define THAW_TESTS_TRAINING_STEPS_H

#include "test.h"
#include "training/training.h"

static inline void run_steps(struct training *t, int steps) {
    for (int i = 0; i < steps; i++) {
        struct step_result result;
        struct error error;
        if (!training_step(t, &result, &error))
            fail_msg("%s", error.text);
    }
}

// A line of settings, as training_apply takes it.
static inline void apply(struct training *t, const char *text) {
    struct error error;
    if (!training_apply(t, text, &error))
        fail_msg("%s: %s", text, error.text);
}

#endif
