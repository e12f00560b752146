// The table of data sets that an experiment may name.
#ifndef THAW_DATASETS_DATASETS_H
#define THAW_DATASETS_DATASETS_H

#include "data/dataset.h"

// Training and test samples: shapes, classes and class names are the same. Readers of a person's
// own files may have no test samples, and may know which samples are for validation; NULL then.
struct dataset_pair {
    struct dataset *train, *test, *validation;
    char *note; // a line for the person, such as what was left out; NULL: none
};

// What an experiment says about its data; zero is each value's default.
struct dataset_request {
    const char *path; // data.path; "" or NULL: the default place
    // For readers of pictures:
    int size, resize;     // data.size, data.resize
    bool grey;            // data.colour
    bool skip_unreadable; // data.skip_unreadable
    size_t cache;         // bytes for decoded pictures
    // For readers of texts:
    const char *tokenizer; // data.tokenizer, or where one was found
    int length;            // data.length, above 2
    bool unlabelled;       // for a language model: labels are passed over, and need not be there
    bool latin1;           // data.encoding
    int format;            // data.format, an enum texts_format (texts_rows.h)
    const char *text_column, *label_column;
};

struct dataset_kind {
    const char *name, *help, *license;
    // Opens the parts; the caller closes them with dataset_pair_close. Errors name the file.
    bool (*open)(const struct dataset_request *request, struct dataset_pair *out,
                 struct error *error);
    // Pictures of any size: samples are made data.size pixels large on opening. Or texts.
    bool pictures, texts;
    const char *tokenizer; // of texts, where none is named; NULL: none
};

extern const struct dataset_kind dataset_kinds[];
extern const int dataset_kind_count;

// NULL after an error, which lists the nearest names.
const struct dataset_kind *dataset_find(const char *name, struct error *error);

void dataset_pair_close(struct dataset_pair *pair);

#endif
