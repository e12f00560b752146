// Hashes of bytes (XXH3 by libxxhash): of 64 bits for proving that tensors did not change, of 128
// bits where what has one hash is taken for the same thing.
#ifndef THAW_BASE_HASH_H
#define THAW_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash128 {
    uint64_t low, high;
};

uint64_t hash_bytes(const void *data, size_t size);
uint32_t hash_name(const char *name);

struct hash128 hash128_bytes(const void *data, size_t size);

// Of a hash and what comes after it.
struct hash128 hash128_more(struct hash128 before, const void *data, size_t size);

bool hash128_equal(struct hash128 a, struct hash128 b);

// Of a file's content. False when it cannot be read.
bool hash128_file(const char *path, struct hash128 *out);

// Of this program's own file, read once. False when it cannot be read. Safe from any thread.
bool hash128_program(struct hash128 *out);

#endif
