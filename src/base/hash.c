#include "base/hash.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

enum { BLOCK = 1 << 16 };

uint64_t hash_bytes(const void *data, size_t size) {
    return XXH3_64bits(data, size);
}

uint32_t hash_name(const char *name) {
    return (uint32_t)hash_bytes(name, strlen(name));
}

static struct hash128 of(XXH128_hash_t h) {
    return (struct hash128){h.low64, h.high64};
}

struct hash128 hash128_bytes(const void *data, size_t size) {
    return of(XXH3_128bits(data, size));
}

struct hash128 hash128_more(struct hash128 before, const void *data, size_t size) {
    struct hash128 both[2] = {before, hash128_bytes(data, size)};
    return hash128_bytes(both, sizeof both);
}

bool hash128_equal(struct hash128 a, struct hash128 b) {
    return a.low == b.low && a.high == b.high;
}

bool hash128_file(const char *path, struct hash128 *out) {
    char block[BLOCK];
    ssize_t got = -1;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    XXH3_state_t *state = XXH3_createState();
    if (file >= 0 && state) {
        XXH3_128bits_reset(state);
        while ((got = read(file, block, sizeof block)) > 0)
            XXH3_128bits_update(state, block, (size_t)got);
        *out = of(XXH3_128bits_digest(state));
    }
    XXH3_freeState(state);
    if (file >= 0)
        close(file);
    return got == 0;
}

static struct hash128 program;
static bool program_read;

static void read_program(void) {
    program_read = hash128_file("/proc/self/exe", &program);
}

bool hash128_program(struct hash128 *out) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_program);
    *out = program;
    return program_read;
}
