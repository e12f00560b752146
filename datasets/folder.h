// Pictures in folders, or named by a CSV file, as a data set (listing.h says how they are found).
// Pictures are resized so that their shorter side is `resize`, and the square in their middle is
// taken: torchvision's Resize and CenterCrop on PIL images. Random crops are cut from the whole
// picture first.
//
// Decoded pictures are kept within a budget of bytes, the first ones that come; what a sample is
// does not depend on that. Nothing is decoded before it is asked for, but with `skip_unreadable`,
// which has to know.
#ifndef THAW_DATASETS_FOLDER_H
#define THAW_DATASETS_FOLDER_H

#include "datasets/datasets.h"

// Opens the parts that there are: out->validation and out->test may be NULL. Pictures that cannot
// be opened or do not begin like one are an error that names them; with skip_unreadable they are
// left out, together with those that cannot be decoded, and out->note names them.
bool folder_open(const struct dataset_request *request, struct dataset_pair *out,
                 struct error *error);

#endif
