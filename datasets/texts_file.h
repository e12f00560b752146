// The characters of a text file, whatever its encoding.
#ifndef THAW_DATASETS_TEXTS_FILE_H
#define THAW_DATASETS_TEXTS_FILE_H

#include "base/files.h"

struct texts_file {
    const char *data; // UTF-8 without zero bytes, and without a byte order mark
    size_t size;
    struct mapping mapping;
    char *own; // what was converted; NULL: data is the mapping's
};

// Latin-1 is converted; anything else must be UTF-8: the error names the first byte and line that
// are not. At most TEXTS_FILE_MAX bytes. Close it only after success.
enum { TEXTS_FILE_MAX = 1 << 28 };
bool texts_file_open(struct texts_file *f, const char *path, bool latin1, struct error *error);
void texts_file_close(struct texts_file *f);

// The check and the conversion alone, of bytes that outlive f; errors begin with the name.
bool texts_file_parse(struct texts_file *f, const char *data, size_t size, const char *name,
                      bool latin1, struct error *error);

#endif
