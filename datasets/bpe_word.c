// GPT-2's pattern, by hand.
#include "datasets/bpe.h"

#include "datasets/unicode.h"
#include <string.h>

enum kind { LETTER, NUMBER, SPACE, OTHER };

static enum kind kind_of(int32_t code) {
    return unicode_letter(code)   ? LETTER
           : unicode_number(code) ? NUMBER
           : unicode_space(code)  ? SPACE
                                  : OTHER;
}

static size_t contraction(const char *text, size_t size) {
    static const char *const endings[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t length = strlen(endings[i]);
        if (length <= size && memcmp(text, endings[i], length) == 0)
            return length;
    }
    return 0;
}

// The end of the run of characters of a class; *last is where its last character begins.
static const char *run(const char *at, const char *end, enum kind kind, const char **last) {
    while (at < end) {
        int32_t code;
        int taken = unicode_read(at, end, &code);
        if (kind_of(code) != kind)
            break;
        *last = at;
        at += taken;
    }
    return at;
}

size_t bpe_word(const char *text, size_t size) {
    const char *end = text + size, *last = text;
    int32_t code;
    size_t length = contraction(text, size);
    if (length > 0)
        return length;
    const char *from = text + (*text == ' ' && size > 1);
    unicode_read(from, end, &code);
    if (kind_of(code) != SPACE)
        return (size_t)(run(from, end, kind_of(code), &last) - text);
    const char *stop = run(text, end, SPACE, &last);
    // Space in front of a word leaves its last character to the word.
    return (size_t)((stop < end && last > text ? last : stop) - text);
}
