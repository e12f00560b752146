#include "base/arena.h"

#include "base/text.h"
#include "base/xalloc.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page_size(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t round_to_pages(size_t bytes) {
    size_t page = page_size();
    return (bytes + page - 1) / page * page;
}

size_t arena_available(void) {
    FILE *file = fopen("/proc/meminfo", "re");
    if (!file) {
        return SIZE_MAX;
    }
    char line[128];
    unsigned long long kib;
    size_t available = SIZE_MAX;
    while (available == SIZE_MAX && fgets(line, sizeof line, file)) {
        if (sscanf(line, "MemAvailable: %llu", &kib) == 1) {
            available = (size_t)kib * 1024;
        }
    }
    fclose(file);
    return available;
}

// The bytes of the region that already cost memory: they are as good as available to a new plan.
static size_t resident(const struct arena *arena) {
    if (!arena->base) {
        return 0;
    }
    size_t pages = arena->reserved / page_size(), count = 0;
    unsigned char *in_core = xcalloc(pages, 1);
    if (mincore(arena->base, arena->reserved, in_core) == 0) {
        for (size_t i = 0; i < pages; i++) {
            count += in_core[i] & 1;
        }
    }
    free(in_core);
    return count * page_size();
}

static bool check_available(const struct arena *arena, size_t bytes, struct error *error) {
    size_t have = arena_available();
    if (bytes <= have) {
        return true;
    }
    have += resident(arena);
    if (bytes <= have) {
        return true;
    }
    char have_text[32], need_text[32];
    return error_run(error, "not enough memory: need %s, have %s; a smaller batch needs less",
                     text_bytes((double)bytes, need_text), text_bytes((double)have, have_text));
}

bool arena_reserve(struct arena *arena, size_t bytes, struct error *error) {
    if (!check_available(arena, bytes, error)) {
        return false;
    }
    if (bytes <= arena->reserved) {
        return true;
    }
    size_t size = round_to_pages(bytes);
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        char text[32];
        return error_run(error,
                         "not enough memory: need %s of address space, and the system refuses it; "
                         "a smaller batch needs less",
                         text_bytes((double)bytes, text));
    }
    madvise(base, size, MADV_HUGEPAGE); // a wish: kernels without huge pages refuse it
    arena_close(arena);
    *arena = (struct arena){base, size};
    return true;
}

void arena_trim(struct arena *arena, size_t used) {
    size_t keep = round_to_pages(used);
    if (keep < arena->reserved) {
        madvise((char *)arena->base + keep, arena->reserved - keep, MADV_DONTNEED);
    }
}

void arena_close(struct arena *arena) {
    if (arena->base) {
        munmap(arena->base, arena->reserved);
    }
    *arena = (struct arena){0};
}
