// What the files of `thaw show` share.
#ifndef THAW_UI_SHOW_H
#define THAW_UI_SHOW_H

#include "ui/setup.h"

enum { SHOW_RULES = 64 };

struct show_request {
    const char *subject; // an architecture, an experiment, a run, or a file of weights
    const char *weights, *bn;
    char *rules[SHOW_RULES]; // "thaw head", in the order of the command line
    int rule_count, batch, classes;
    struct shape input;
    bool params, json;
};

// A model with all that a run of it would decide before its first step.
struct show_subject {
    bool from_file; // an experiment's, not an architecture's
    struct experiment experiment;
    struct setup setup;
    const char *rules[EXPERIMENT_LIST_MAX + SHOW_RULES + 1]; // in force
    int rule_count;
    enum bn_policy bn;
    struct flags flags;
    struct plan *plan, *full; // full: of full training
};

// The caller closes it; on failure there is nothing to close. `r` must outlive it.
bool show_subject_open(struct show_subject *s, const struct show_request *r, struct error *error);
void show_subject_close(struct show_subject *s);

// What there is to say of one module's subtree.
struct show_module {
    int output;               // the last node in it, the loss apart; -1: none
    size_t count, thawed;     // elements of weights and biases, each storage once
    double forward, backward; // FLOPs per sample of this plan
    enum freeze_state state, statistics;
    enum plan_drop drop;
};

struct show_facts {
    struct show_module *modules;    // [module_count]
    double prefix;                  // forward FLOPs per sample of what needs no gradient
    int prefix_end;                 // the first leaf behind it; module_count when nothing is thawed
    double speedup, cached_speedup; // ceilings by FLOPs, without and with a cache; 0: no limit
};

void show_facts_make(struct show_facts *f, const struct show_subject *s);
void show_facts_close(struct show_facts *f);

// As text, to stdout; `params`: with a row for each parameter.
void show_tree_print(const struct show_subject *s, const struct show_facts *f, bool params);

// As one JSON object, to stdout.
void show_json_print(const struct show_subject *s, const struct show_facts *f, bool params);

// A file of weights, to stdout.
bool show_file_print(const char *path, bool json, struct error *error);

#endif
