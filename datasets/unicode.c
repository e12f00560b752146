#include "datasets/unicode.h"

#include <assert.h>
#include <utf8proc.h>

int unicode_read(const char *at, const char *end, int32_t *code) {
    assert(at < end);
    utf8proc_ssize_t taken =
        utf8proc_iterate((const utf8proc_uint8_t *)at, end - at < 4 ? end - at : 4, code);
    if (taken > 0)
        return (int)taken;
    *code = UNICODE_BAD;
    return 1;
}

int unicode_write(int32_t code, char out[4]) {
    return (int)utf8proc_encode_char(code, (utf8proc_uint8_t *)out);
}

size_t unicode_valid(const char *text, size_t size) {
    size_t at = 0;
    while (at < size) {
        int32_t code;
        int taken = unicode_read(text + at, text + size, &code);
        if (taken == 1 && code == UNICODE_BAD)
            break;
        at += (size_t)taken;
    }
    return at;
}

bool unicode_space(int32_t code) {
    return (code >= 0x09 && code <= 0x0d) || code == 0x85 ||
           (utf8proc_category(code) >= UTF8PROC_CATEGORY_ZS &&
            utf8proc_category(code) <= UTF8PROC_CATEGORY_ZP);
}

static bool between(int32_t code, utf8proc_category_t first, utf8proc_category_t last) {
    utf8proc_category_t category = utf8proc_category(code);
    return category >= first && category <= last;
}

bool unicode_letter(int32_t code) {
    return between(code, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LO);
}

bool unicode_number(int32_t code) {
    return between(code, UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO);
}

bool unicode_punctuation(int32_t code) {
    return between(code, UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO);
}

bool unicode_nonspacing(int32_t code) {
    return utf8proc_category(code) == UTF8PROC_CATEGORY_MN;
}

bool unicode_other(int32_t code) {
    return between(code, UTF8PROC_CATEGORY_CC, UTF8PROC_CATEGORY_CO) ||
           utf8proc_category(code) == UTF8PROC_CATEGORY_CN;
}

int32_t unicode_lower(int32_t code) {
    return utf8proc_tolower(code);
}

int unicode_decompose(int32_t code, int32_t out[UNICODE_PARTS]) {
    int boundary = 0;
    utf8proc_ssize_t count =
        utf8proc_decompose_char(code, out, UNICODE_PARTS, UTF8PROC_DECOMPOSE, &boundary);
    assert(count >= 1 && count <= UNICODE_PARTS);
    return (int)count;
}
