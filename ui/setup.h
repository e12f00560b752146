// An experiment made ready to run: its data read and split, its model built, its weights loaded.
// Shared by the headless printer and the workbench.
#ifndef THAW_UI_SETUP_H
#define THAW_UI_SETUP_H

#include "base/pool.h"
#include "checkpoint/load.h"
#include "experiment/experiment.h"
#include "training/training.h"

struct setup {
    const struct experiment *experiment;
    struct model *model;
    struct pool *pool;
    struct load_report report; // of the pretrained weights; empty without any
    // Handed over to the training by setup_training:
    struct weights weights;
    struct training_data data;
};

// threads: 0 for all processors. `e` must outlive the setup; what its strategy means for the
// network is set in it. On failure everything is closed.
bool setup_open(struct setup *s, struct experiment *e, int threads, struct error *error);

// The same without data: the model for samples of this shape (sizes that are 0: the architecture's
// default) and this many classes. It cannot be trained.
// `vocabulary`: of the tokens of texts; 0: the architecture's default.
bool setup_open_model(struct setup *s, struct experiment *e, struct shape input, int classes,
                      int vocabulary, int threads, struct error *error);

// The tokenizer of an experiment's texts: the one that it names, or that lies beside its weights,
// or its data set's own; "" without any. The caller frees.
char *setup_tokenizer(const struct experiment *e);

// The training of this setup, once; setup_close must come after training_close.
struct training *setup_training(struct setup *s, struct error *error);

// Whether a run without a person would train anything: something is thawed, or a later phase may
// thaw it.
bool setup_check_thawed(const struct training *t, struct error *error);

void setup_close(struct setup *s);

// What full training would do: everything thawed, under the same BatchNorm policy and options. Free
// with plan_close.
struct plan *setup_full_plan(const struct model *model, enum bn_policy bn,
                             const struct plan_options *options);

// The model alone, as the experiment asks for it, with untouched initial weights.
bool setup_weights(struct weights *w, const struct experiment *e, struct load_report *report,
                   struct error *error);

// A file of weights as model.weights names it: a built-in name, or a path. Close with
// weight_file_close.
bool setup_weight_file(struct weight_file *file, const char *name, struct error *error);

#endif
