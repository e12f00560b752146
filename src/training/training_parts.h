// What the files of the training share among themselves.
#ifndef THAW_TRAINING_PARTS_H
#define THAW_TRAINING_PARTS_H

#include "training/training.h"

struct loader_settings training_loader_settings(const struct training *t, int channels);

// A loader, or NULL with an error when its batches do not fit in memory.
struct loader *training_loader(const struct dataset *data, const struct loader_settings *s,
                               struct error *error);
// A forward pass over the batch of a step, begun behind the frozen prefix (*cached) where that is
// known. The cache must have been told of the plan. False when a sample cannot be read.
bool training_forward(struct training *t, struct loader *loader, const struct dataset *data,
                      int64_t step, bool *cached, struct error *error);

struct plan_options training_plan_options(const struct training *t, enum plan_purpose purpose);

// Whether an evaluation on the validation samples is due within so many steps; has them read ahead
// for it.
bool training_evaluation_nears(const struct training *t, int64_t steps);
void training_expect_evaluation(struct training *t);

// A pass that visits everything, in the modes of the settings in force, for looking at gradients:
// its plan, which the caller closes, and forward and backward of that plan over the batch of a
// step. False when a sample cannot be read. pass.loss may be anything.
struct plan *training_unpruned_plan(const struct training *t);
bool training_unpruned_pass(struct training *t, int64_t step, struct error *error);

// Notes what optim.l2_sp pulls towards; false with an error when that is nothing.
bool training_open_anchor(struct training *t, struct error *error);

// A forward pass moves running statistics. These note them, and put back what was noted.
size_t training_statistics_bytes(const struct model *model); // of t->statistics
void training_note_statistics(struct training *t);
void training_put_back_statistics(struct training *t);

bool training_open_schedule(struct training *t, struct error *error);

// What settings_is_act names.
bool training_act(struct training *t, const char *text, struct error *error);

// Room for what the model says of `count` samples; of a language model, of as many tokens as are
// kept. False when there is not enough memory.
bool predictions_open(struct predictions *p, const struct model *model, int count,
                      struct error *error);
// Appends those of the pass's last batch.
void predictions_add(struct predictions *p, const struct pass *pass);

// Softmax of the logits [classes]; returns the class with the highest probability.
int predictions_softmax(const float *logits, int classes, float *out);

// Adds what the pass's last batch gave.
void tally_add(struct tally *t, const struct pass *pass);

#endif
