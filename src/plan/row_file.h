// Rows of bytes by key in a file, which several processes may read and add to at the same time.
//
//     header   64 bytes: "thaw features 1\n", a hash of what all rows depend on, their size, a
//              checksum of these
//     record   key (16 bytes), checksum (8) of the row under its key and that hash, row; and so on
//
// Records are only appended, under a lock (flock) that the system takes from a process that ends,
// however it ends; half a record at the end is written over. A record counts when its checksum is
// right, which is checked each time it is read: damage of any kind costs a row, never a wrong one.
//
// It is read with pread, not mapped: a file that someone else makes shorter, and a disk that fails,
// are then errors instead of signals, and each row is copied once anyway.
//
// Safe from any thread.
#ifndef THAW_ROW_FILE_H
#define THAW_ROW_FILE_H

#include "base/error.h"
#include "base/hash.h"
#include <stddef.h>

struct row_file;

enum { ROW_FILE_LEFT = 64 << 20 }; // bytes that stay free on the disk

// Opens the file, or makes it. `row`: bytes of one, at least 1; `most`: of the whole file. A file
// that holds something else is made anew; *note says so (NULL: nothing to say; the caller frees).
// NULL when it cannot be used.
struct row_file *row_file_open(const char *path, struct hash128 what, size_t row, uint64_t most,
                               char **note, struct error *error);

// With `remove`, takes the file away. NULL is fine.
void row_file_close(struct row_file *f, bool remove);

// Whether there is a record of this key, right or not, which the system is told will be read soon.
bool row_file_expect(struct row_file *f, struct hash128 key);

// False when there is none or it is damaged (*damaged), which is then forgotten.
bool row_file_read(struct row_file *f, struct hash128 key, void *row, bool *damaged);

// Adds those of `count` rows that are not there yet. Without room on the disk or below `most`, or
// when others are writing for long, it leaves them out; the first time that the disk is full or
// fails, it says so (false), and nothing is written from then on.
bool row_file_add(struct row_file *f, int count, const struct hash128 *keys,
                  const void *const *rows, struct error *error);

#endif
