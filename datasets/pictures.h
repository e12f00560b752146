// Pictures without labels, for a trained network to name: made as large and cut as those of a
// folder are (folder.h). Each is decoded when it is asked for, and not kept.
#ifndef THAW_DATASETS_PICTURES_H
#define THAW_DATASETS_PICTURES_H

#include "data/dataset.h"
#include "datasets/listing.h"

// Of the listing, which is taken over. `like` says shape (square, of 1 or 3 channels), classes and
// names; `resize` as in folder.h (0: as large as the shape). What cannot be read is zeros instead
// of an error: see pictures_fault.
struct dataset *pictures_open(struct listing listing, const struct dataset *like, int resize);

// As the listing has it.
const char *pictures_path(const struct dataset *d, int index);

// Why a picture that was read could not be, with its path; NULL: it could.
const char *pictures_fault(const struct dataset *d, int index);

#endif
