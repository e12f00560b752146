// The weights of the classes in the training loss (train.class_weights).
#ifndef THAW_CLASS_WEIGHTS_H
#define THAW_CLASS_WEIGHTS_H

#include "base/text.h"
#include "data/dataset.h"
#include "experiment/experiment.h"

// *out: [classes], for the caller to free; NULL when the experiment names none, and all weigh 1.
// "balanced" is n / (k * n_c) for a class with n_c of the n samples of `train`, k classes having
// any (scikit-learn's compute_class_weight); a class without samples weighs 1, as does one that a
// list leaves out. Errors begin with the key.
bool class_weights_open(float **out, const struct experiment *e, const struct dataset *train,
                        struct error *error);

// "benign 0.62, malignant 2.55", appended to t.
void class_weights_text(struct text *t, const float *weights, const struct dataset *train);

#endif
