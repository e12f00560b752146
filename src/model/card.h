// What a network was trained to tell apart: its classes' names and the shape of its samples. They
// stand in the metadata of a run's weight files, so that a network can be used where its data are
// not.
#ifndef THAW_CARD_H
#define THAW_CARD_H

#include "checkpoint/weight_file.h"
#include "data/dataset.h"

struct card {
    struct shape input;
    int classes; // 0: the file does not say
    char **class_names;
};

// The two texts for the metadata, which the caller frees: CARD_CLASSES is a JSON list of names,
// CARD_INPUT "height width channels".
#define CARD_CLASSES "classes"
#define CARD_INPUT "input"
char *card_classes(const struct dataset *data);
char *card_input(const struct dataset *data);

// Reads both from a file's metadata; a file with neither has no card (classes 0), which is no
// error. Errors say what is wrong, without the path. Free with card_close, also after an error.
bool card_read(struct card *card, const struct weight_file *file, struct error *error);
void card_close(struct card *card);

#endif
