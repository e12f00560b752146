// A fine-tuning in progress, without threads or files: weights, flags, plan, optimiser and data
// cursor, moved on one step at a time. The trainer thread owns one; tests drive it directly.
#ifndef THAW_TRAINING_H
#define THAW_TRAINING_H

#include "base/pool.h"
#include "data/dataset.h"
#include "data/loader.h"
#include "experiment/experiment.h"
#include "model/freeze.h"
#include "plan/cache.h"
#include "plan/pass.h"
#include "training/lr.h"
#include "training/optim.h"
#include "training/schedule.h"
#include "training/settings.h"

struct old_network;

// The samples of a run. All but `train` may be NULL.
struct training_data {
    struct dataset *train, *validation, *test;
    struct dataset *source;         // of the old task, to be looked at along the way
    struct old_network *source_old; // answers for `source`; NULL: the network as it is
};
void training_data_close(struct training_data *data);

// What predictions on all classes come to (figures.h); NAN where not defined.
struct scores {
    double balanced_accuracy, macro_f1, auroc;
};

// Sums over the samples seen, or, of a language model, over the tokens that it was to predict.
struct tally {
    double loss; // sum of the samples' losses
    int64_t correct, samples;
    struct scores scores; // where figures_evaluate saw them
    int64_t tokens;       // of the samples those that are tokens: all or none
};
double tally_loss(const struct tally *t);       // mean; 0 without samples
double tally_accuracy(const struct tally *t);   // fraction; 0 without samples
double tally_perplexity(const struct tally *t); // e to the loss

// What one step did.
struct step_result {
    struct tally tally;
    double lr;            // before multipliers
    double gradient_norm; // global, before clipping
    double clip_scale;
    int64_t batch; // samples
    bool diverged; // it failed because the loss or the gradient was not finite
};

// What the model says of samples. Of a language model they are the first tokens that it was to
// predict, labels are their ids, `classes` is 1 and the probability that of `predicted`.
enum { PREDICTIONS_TOKENS = 20000 };
struct predictions {
    int count, classes;
    int *sample;        // [count]: index in the data set
    int *label;         // [count]
    int *predicted;     // [count]
    float *probability; // [count][classes]
    int *place;         // [count], of a language model: where in its text a token stands; else NULL
};
void predictions_close(struct predictions *p);

struct measure;

struct training {
    const struct experiment *experiment;
    const struct model *model;
    struct training_data data;
    struct pool *pool;
    struct weights weights;
    struct settings_history history; // see training_settings
    struct optim optim;
    struct lr_settings lr;
    struct pass pass;
    struct plan *plan, *evaluation;
    struct cache cache;
    bool cached;           // the last step began behind the frozen prefix
    double wait_seconds;   // of the last step, until the batch, or what is kept of it, was there
    double update_seconds; // of the last step, for the weights, by clock_work_seconds
    struct loader *loader;
    struct loader *expected;    // of the evaluation that comes next, or NULL
    int64_t step, total;        // steps done, steps in all
    int epoch_steps;            // steps in an epoch
    struct tally epoch;         // of the running epoch
    struct tally source_before; // on the old task before the first step; no samples: not known
    uint64_t *frozen;           // [param_count]: hash of a frozen tensor at the moment of freezing
    struct gradient *gradient;  // [param_count], of the step at hand
    double *step_lr;            // [param_count], of the step at hand
    float *class_weight;        // [classes] of the training loss; NULL: 1 each
    float *statistics;          // running statistics as they were before a forward pass
    float *start;               // the weights before a saved state was read into them, or NULL
    struct schedule schedule;
    struct schedule_state scheduled; // how far it has come
    struct tally best;               // where the schedule goes back to the best weights:
    float *best_weights;             // the best validation so far and its weights, or NULL
    struct measure *measure;         // told of every step, if not NULL; the owner's to close
};

// Takes ownership of `weights` and `data` (also on failure). experiment, model and pool must
// outlive it. Applies the experiment's freeze rules and learning-rate multipliers. Returns NULL
// with an error when a rule, a number or the schedule does not fit the model or the data.
struct training *training_open(const struct experiment *experiment, const struct model *model,
                               struct weights weights, struct training_data data, struct pool *pool,
                               struct error *error);
void training_close(struct training *t);

// The next step. Fails when a sample cannot be read, or (result->diverged, ERROR_RUN) when the loss
// or the gradient is not finite, naming the step and, for the loss, the first layer with a bad
// value; all weights then are those before the step.
bool training_step(struct training *t, struct step_result *result, struct error *error);

// Loss and accuracy on a data set, in evaluation mode. Changes nothing. `predictions`, unless NULL,
// is filled for the caller to close.
bool training_evaluate(struct training *t, const struct dataset *data, struct tally *out,
                       struct predictions *predictions, struct error *error);

// The same on the old task's samples (data.source, not NULL), by the network as it is or, where its
// head has been replaced, by its body with the old head (old_network.h). Fails when that does not
// fit in memory beside the training.
bool training_evaluate_source(struct training *t, struct tally *out, struct error *error);

// What a language model says of one text: of a masked one what stands at each `mask` in it, in
// their order, at most training_most_said of them; of a causal one what comes after it.
struct said {
    int places, ids;
    float *probability; // [places][ids]
};
int training_most_said(const struct training *t);

// id [count], at most as many as the model takes; of a masked model one of them is `mask` at least.
// In evaluation mode; changes nothing. Fails when the buffers do not fit in memory. Close `out`
// also then.
bool training_say(struct training *t, const int *id, int count, int mask, struct said *out,
                  struct error *error);
void said_close(struct said *said);

// The gradient norms of all parameters for the batch of the coming step, frozen ones too, told to
// t->measure. An unpruned pass without an update: it changes nothing. Fails when its plan does not
// fit in memory.
bool training_probe(struct training *t, struct error *error);

// What is in force: flags, rates and so on.
const struct settings *training_settings(const struct training *t);

// Takes effect at once, between two steps: what settings_apply takes, and "undo" and "redo". On
// error nothing has changed (the plan may not fit in memory). "restore best" brings back the
// weights of the best evaluation so far, frozen ones too, and forgets the moments; "reset moments"
// does only that. "bn reestimate" measures all BatchNorm statistics anew (see training_reestimate).
// None of them can be undone.
bool training_apply(struct training *t, const char *text, struct error *error);

// Measures the running statistics of all BatchNorms anew, frozen ones too, on the training samples
// without augmentation, one pass in the order of the first epoch, as
// torch.optim.swa_utils.update_bn does: the mean over the batches, each normalised by its own
// statistics, with dropout. The weights stay. Adapting nothing else is known as AdaBN (Li et al.
// 2016). On error, such as statistics that are not finite, nothing has changed.
bool training_reestimate(struct training *t, struct error *error);

// Puts a history of settings into force as a saved state had it (taken over, also on failure):
// moments and hashes of what is frozen are left as they are.
bool training_restore(struct training *t, struct settings_history history, struct error *error);

// The schedule, which nothing here follows by itself: whoever does the steps calls these after each
// one. What comes of it is a function of the steps and the evaluations.

// Whether an evaluation on the validation samples is due after the last step; one on the old
// task's.
bool training_evaluation_due(const struct training *t);
bool training_source_due(const struct training *t);
// Whether the schedule depends on it.
bool training_watches(const struct training *t);
// Tells the schedule what it found.
void training_observe(struct training *t, const struct tally *validation);
// The phase that begins now, for its actions to be applied in order; NULL: none. Call until then.
const struct phase *training_phase(struct training *t);
// Whether the run is to end now, at the end of an epoch.
bool training_ends(const struct training *t);

// Whether an evaluation was better than another one, by the experiment's train.best.
bool training_better(const struct training *t, const struct tally *a, const struct tally *b);

// Whether something is thawed, or a phase of the schedule is still to come, which may thaw it.
bool training_thaws(const struct training *t);

// The learning rate of the coming step, before the multipliers of parameters.
double training_lr(const struct training *t);

// Rehashes all frozen tensors; false with the name of the first one that changed.
bool training_verify(const struct training *t, struct error *error);

// The training as it was before its first step, for reading alone: shares everything but what
// differs, which training_start_close frees.
struct training training_start(const struct training *t);
void training_start_close(struct training *start);

// False (ERROR_RUN) with the name of the first tensor that holds a value that is not finite.
bool training_finite(const struct training *t, struct error *error);

#endif
