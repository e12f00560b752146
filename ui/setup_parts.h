// What the files of the setup share among themselves.
#ifndef THAW_UI_SETUP_PARTS_H
#define THAW_UI_SETUP_PARTS_H

#include "datasets/datasets.h"
#include "ui/setup.h"

// The parts of a data set as they lie there, by the experiment's section `data`. What is open stays
// for the caller to close, also after a failure of what follows.
bool setup_open_kind(struct training_data *data, const struct dataset_kind *kind,
                     const struct experiment *e, struct error *error);

// Makes samples as large as data.size says, and shifts them; `first` numbers their draws.
bool setup_prepare(struct dataset **d, const struct experiment *e, int first, struct error *error);

// Keeps data.test_limit test samples of each class.
bool setup_limit_test(struct training_data *data, const struct experiment *e, struct error *error);

// Opens the old task that the experiment wants looked at, if there is one, and where the head has
// been replaced the network with the old one; both go to s->data. The model and its weights must
// stand already.
bool setup_source(struct setup *s, struct error *error);

#endif
