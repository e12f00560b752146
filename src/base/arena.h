// One region of memory for everything that a step touches: reserved once, carved anew by each plan.
//
// Address space is reserved for the largest plan; pages cost memory only once they are written.
// Not thread-safe: the trainer thread owns its arena.
#ifndef THAW_BASE_ARENA_H
#define THAW_BASE_ARENA_H

#include "base/error.h"
#include <stddef.h>

struct arena {
    float *base;     // 64-byte aligned; NULL before the first arena_reserve
    size_t reserved; // bytes of address space
};

// Bytes that the system could give now without swapping (MemAvailable), or SIZE_MAX if unknown.
size_t arena_available(void);

// Makes room for `bytes` in all. Contents are lost when the region has to grow. Fails (ERROR_RUN)
// by size, with have and need, when that much is not available, counting the region's own pages as
// available; the old region is then untouched. So calling it before each new plan checks that
// plan's memory even when the address space is already there.
bool arena_reserve(struct arena *arena, size_t bytes, struct error *error);

// Gives the pages beyond `used` bytes back to the system.
void arena_trim(struct arena *arena, size_t used);

void arena_close(struct arena *arena);

#endif
