// A 64-bit hash of bytes (XXH3 by libxxhash), for proving that frozen tensors did not change.
#ifndef THAW_BASE_HASH_H
#define THAW_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *data, size_t size);
uint32_t hash_name(const char *name);

#endif
