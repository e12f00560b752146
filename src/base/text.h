// Text for people: growing strings, numbers, nearest names, globs.
#ifndef THAW_BASE_TEXT_H
#define THAW_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A growing string. Zero-initialise; free with text_free. `data` is NULL while empty. Numbers are
// formatted as in the C locale, whatever the process's locale is.
struct text {
    char *data;
    size_t length, capacity;
};

void text_add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_free(struct text *t);

// "1,234,567"; returns out.
const char *text_count(uint64_t value, char out[32]);

// Three figures with a unit: "41.1 M", "1.23 G"; base 1000. Returns out.
const char *text_si(double value, char out[32]);

// "12.3 MiB"; base 1024. Returns out.
const char *text_bytes(double bytes, char out[32]);

// The bytes of the control character that begins at `at`: 1 of ASCII's, 2 of C1's in UTF-8; 0 when
// none does. They steer terminals.
int text_control(const char *at);

// Turns control characters into '?', in place.
void text_plain(char *text);

// Parses a whole number or a real number in the C locale, whatever the process's locale is; the
// whole text must be the number, and it must be finite and in range.
bool text_to_int(const char *text, int64_t *value);
bool text_to_real(const char *text, double *value);

// Steps over the mark of the byte order that some editors put in front of a text in UTF-8.
void text_skip_mark(const char **data, size_t *size);

// The line that begins at *at, of *length bytes without its newline; moves *at behind that. NULL
// when there is none before `end`: what is left is still being written, or was when something
// crashed.
const char *text_line(const char **at, const char *end, size_t *length);

// `*` matches any run of characters, dots included; `?` one character. Never more steps
// than the product of the two lengths: only the last star is ever tried again.
bool text_glob(const char *pattern, const char *name);

// Levenshtein distance with transpositions (optimal string alignment), case-insensitive.
int text_distance(const char *a, const char *b);

// "a, b or c": the up to three names nearest to `wrong`, nearest first, appended to t. Names that
// contain `wrong` count as near. Appends nothing when count is 0.
void text_nearest(struct text *t, const char *wrong, const char *const *names, int count);

#endif
