// Allocation that cannot fail: small allocations abort with a message when memory is out.
#ifndef THAW_BASE_XALLOC_H
#define THAW_BASE_XALLOC_H

#include <stdarg.h>
#include <stddef.h>

// The caller frees each result with free(). Zero sizes give a valid pointer.
void *xmalloc(size_t bytes);
void *xcalloc(size_t count, size_t size); // zeroed; aborts when count * size overflows
void *xrealloc(void *old, size_t bytes);
void *xmemdup(const void *from, size_t bytes);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t length);
char *xprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *xvprintf(const char *format, va_list args);

#endif
