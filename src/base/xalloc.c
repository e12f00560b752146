#include "base/xalloc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *check(void *memory, size_t bytes) {
    if (!memory) {
        fprintf(stderr, "thaw: out of memory: %zu bytes were refused\n", bytes);
        abort();
    }
    return memory;
}

void *xmalloc(size_t bytes) {
    return check(malloc(bytes ? bytes : 1), bytes);
}

void *xcalloc(size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return check(NULL, SIZE_MAX);
    }
    return check(calloc(1, bytes ? bytes : 1), bytes);
}

void *xrealloc(void *old, size_t bytes) {
    return check(realloc(old, bytes ? bytes : 1), bytes);
}

void *xmemdup(const void *from, size_t bytes) {
    void *copy = xmalloc(bytes);
    if (bytes) {
        memcpy(copy, from, bytes);
    }
    return copy;
}

char *xstrdup(const char *text) {
    return xmemdup(text, strlen(text) + 1);
}

char *xstrndup(const char *text, size_t length) {
    size_t used = strnlen(text, length);
    char *copy = xmalloc(used + 1);
    memcpy(copy, text, used);
    copy[used] = '\0';
    return copy;
}

char *xprintf(const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = xvprintf(format, args);
    va_end(args);
    return text;
}

char *xvprintf(const char *format, va_list args) {
    char *text;
    if (vasprintf(&text, format, args) < 0) {
        check(NULL, strlen(format));
    }
    return text;
}
