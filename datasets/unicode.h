// Characters of UTF-8 text, by utf8proc. Thread-safe.
#ifndef THAW_DATASETS_UNICODE_H
#define THAW_DATASETS_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UNICODE_BAD = 0xfffd }; // stands for a byte that begins no character

// Reads the character at `at` (before `end`). Returns the bytes taken, 1 to 4; a byte that begins
// no valid character gives UNICODE_BAD and is taken alone.
int unicode_read(const char *at, const char *end, int32_t *code);

// Writes a valid character; returns its bytes, 1 to 4.
int unicode_write(int32_t code, char out[4]);

// How many of the bytes in front are valid UTF-8: size when all are.
size_t unicode_valid(const char *text, size_t size);

// White_Space, the property: what \s stands for in regular expressions.
bool unicode_space(int32_t code);

// The general categories L, N, P, Mn, and C (control, format, private use, not assigned).
bool unicode_letter(int32_t code);
bool unicode_number(int32_t code);
bool unicode_punctuation(int32_t code);
bool unicode_nonspacing(int32_t code);
bool unicode_other(int32_t code);

// The lower case of one character, whatever stands beside it.
int32_t unicode_lower(int32_t code);

// The canonical decomposition (NFD) of one character, at most UNICODE_PARTS of them. Returns how
// many. Marks are not put in order across characters.
enum { UNICODE_PARTS = 16 };
int unicode_decompose(int32_t code, int32_t out[UNICODE_PARTS]);

#endif
