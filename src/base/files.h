// Files: read whole, replaced atomically.
#ifndef THAW_BASE_FILES_H
#define THAW_BASE_FILES_H

#include "base/error.h"
#include <stddef.h>
#include <stdio.h>

// A file's bytes, mapped read-only. Empty files have data != NULL and size 0.
struct mapping {
    const unsigned char *data;
    size_t size;
};

bool mapping_open(struct mapping *m, const char *path, struct error *error);
void mapping_close(struct mapping *m);

// A file that replaces `path` when it is whole: written beside it under a temporary name, flushed
// to disk, renamed. Usage: files_replace; write to file; files_commit or files_abandon. A directory
// that is missing or may not be written, or a path that is no regular file, is ERROR_REQUEST.
struct replacement {
    FILE *file;
    char *path, *temporary;
};

bool files_replace(struct replacement *r, const char *path, struct error *error);

// Any write error up to here (no space left) is reported as ERROR_RUN and leaves the old file and
// no temporary one. Either way r is used up: files_abandon is for leaving without a commit.
bool files_commit(struct replacement *r, struct error *error);
void files_abandon(struct replacement *r);

// The same in one call, for text at hand.
bool files_write(const char *path, const void *data, size_t size, struct error *error);

// Makes the directory and its missing parents. An existing directory is fine.
bool files_make_directory(const char *path, struct error *error);

bool files_exist(const char *path);

// Joins with one slash; the caller frees.
char *files_join(const char *directory, const char *name);

// The directory that a path's last part is in: "." for a name alone. The caller frees.
char *files_directory(const char *path);

// Removes a file, or a directory with the files in it (one level); missing is fine.
void files_remove(const char *path);

#endif
