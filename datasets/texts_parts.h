// What the files of the reader of texts share among themselves.
#ifndef THAW_DATASETS_TEXTS_PARTS_H
#define THAW_DATASETS_TEXTS_PARTS_H

#include "base/text.h"
#include "datasets/datasets.h"
#include "datasets/texts_rows.h"

// Appends the row of a line of JSON.
bool texts_json_line(struct texts_rows *r, const char *line, size_t size, int number,
                     const struct texts_columns *columns, enum data_part part, struct error *error);

// All the rows that the request asks for. `note`: what a person should know, such as which files
// were taken; unchanged without any.
bool texts_files_read(struct texts_rows *r, const struct dataset_request *request,
                      struct text *note, struct error *error);

#endif
