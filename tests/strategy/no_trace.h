// What looks into a training without leaving a trace.
#ifndef THAW_TESTS_NO_TRACE_H
#define THAW_TESTS_NO_TRACE_H

// clang-format off
#include "test.h"
// clang-format on
#include "tiny_run.h"
#include "training_copy.h"
#include "training_steps.h"

// A training that was looked into after `before` steps is as it was, by its bytes (weights,
// statistics, moments, settings), and goes on as if it had not been: with dropout, augmentation,
// statistics that move, and moments.
static inline void check_no_trace(const char *bn, const char *optim, int before,
                                  void (*look)(struct tiny *t)) {
    char sets[2][64];
    snprintf(sets[0], sizeof sets[0], "freeze.bn=%s", bn);
    snprintf(sets[1], sizeof sets[1], "optim.name=%s", optim);
    const char *const all[] = {sets[0], sets[1], "schedule.name=cosine",
                               "freeze.rules=[thaw block, thaw head]", NULL};
    struct tiny looked, left;
    tiny_open(&looked, 2, all);
    tiny_open(&left, 2, all);
    run_steps(looked.training, before);
    run_steps(left.training, before);
    struct training_copy copy = training_copy(looked.training);
    look(&looked);
    training_copy_equal(&copy, looked.training);
    training_copy_close(&copy);
    run_steps(looked.training, 10);
    run_steps(left.training, 10);
    for (int p = 0; p < looked.model->param_count; p++)
        assert_true(weights_hash(&looked.training->weights, p) ==
                    weights_hash(&left.training->weights, p));
    tiny_close(&looked);
    tiny_close(&left);
}

#endif
