#include "base/hash.h"

#include <string.h>
#include <xxhash.h>

uint64_t hash_bytes(const void *data, size_t size) {
    return XXH3_64bits(data, size);
}

uint32_t hash_name(const char *name) {
    return (uint32_t)hash_bytes(name, strlen(name));
}
