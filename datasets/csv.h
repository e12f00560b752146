// Tables of text: CSV (RFC 4180's quoting), or the same with another separator and without quoting.
// Lines may end in LF, CRLF or CR.
#ifndef THAW_DATASETS_CSV_H
#define THAW_DATASETS_CSV_H

#include "base/error.h"
#include <stddef.h>

enum { CSV_FIELDS = 256 };

struct csv {
    const char *name; // for errors
    char separator;
    bool quotes;
    const char *at, *end;
    int line, next; // where the row begins, and the one behind it
    char *field[CSV_FIELDS];
    int count;
    bool failed;   // the last row could not be read
    char *scratch; // room for the longest field
};

// `data` and `name` must outlive it. Close it also after errors.
struct csv csv_open(const char *data, size_t size, const char *name, char separator, bool quotes);
void csv_close(struct csv *c);

// Takes the next row; false at the end, or after an error (then `failed`). The fields live until
// the next call; an empty line has none.
bool csv_row(struct csv *c, struct error *error);

// The field that is `name`, or -1.
int csv_column(const struct csv *c, const char *name);

// An error at the row: "name:line: what". Returns false.
bool csv_refuse(const struct csv *c, struct error *error, const char *what);

#endif
