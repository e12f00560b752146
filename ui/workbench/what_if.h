// What flipping the row under the cursor would do, from a dry run of the plan; after a change, what
// was measured beside what was predicted.
#ifndef THAW_WORKBENCH_WHAT_IF_H
#define THAW_WORKBENCH_WHAT_IF_H

#include "ui/workbench/scene.h"

// How long steps take under the plan in force, and what the last change of plan did to that.
struct what_if_measure {
    struct plan_cost cost; // in force
    int64_t step;          // the last one that was looked at; steps and branch tell a rewind
    int branch;
    int64_t samples; // of a whole batch
    bool cached;     // steps begin behind the frozen prefix now
    int steps;       // with one, measured under this plan and in that way
    double seconds;  // their sum
    bool changed;    // the rest is about a change of plan
    double before;   // seconds per step under the plan before
    bool was_cached;
    double ceiling; // of the speed-up, by FLOPs
};

struct what_if {
    char text[256]; // the command that it is about; "": none
    bool valid;
    size_t trained, trained_now, all; // parameters; all: weights and biases of the model
    struct plan_cost now, then;
    size_t cache_now, cache_then; // floats per sample that a cache would keep
    double speed_up;              // ceiling by FLOPs, then against now
    char error[160];              // why it would be refused
    struct what_if_measure measure;
};

// Dry-runs `command` on the wanted settings, for batches of the experiment's size. "" and NULL:
// there is nothing to say. Leaves `measure` alone.
void what_if_compute(struct what_if *w, const struct scene *s, struct pool *pool,
                     const char *command);

// Looks at the time of the last step; call it after every update of the scene. A zeroed struct is
// ready.
void what_if_watch(struct what_if *w, const struct scene *s);

// The measured speed-up by the last change of plan; NAN while there is none, or too few steps
// since.
double what_if_measured(const struct what_if *w);

// From four rows on a heading and a line each, most important first; else all in a running line.
void what_if_draw(struct area area, const struct scene *s, const struct what_if *w);

#endif
