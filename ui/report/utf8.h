// UTF-8, byte by byte, whatever the locale is. Thread-safe.
#ifndef THAW_UI_UTF8_H
#define THAW_UI_UTF8_H

#include <stdint.h>

enum { UTF8_BAD = 0xfffd }; // stands for a byte that begins no character

// Reads the character at `text`, a string that ends with a zero byte and is not empty. Returns the
// bytes taken (1..4); a byte that begins no valid character (also overlong forms, surrogates and
// what lies beyond U+10FFFF) gives UTF8_BAD and is taken alone.
int utf8_decode(const char *text, uint32_t *character);

// How many bytes a character that begins with this byte takes (1..4); 0: no character begins so.
int utf8_length(unsigned char first);

// Writes a character, which is a valid one, and a zero byte.
void utf8_encode(uint32_t character, char out[5]);

#endif
