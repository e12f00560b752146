#include "ui/report/utf8.h"

int utf8_length(unsigned char first) {
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first < 0xe0)
        return 2;
    if (first >= 0xe0 && first < 0xf0)
        return 3;
    return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

int utf8_decode(const char *text, uint32_t *character) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)text;
    int length = utf8_length(bytes[0]);
    uint32_t c = length < 2 ? bytes[0] : bytes[0] & (0x7fu >> length);
    *character = UTF8_BAD;
    for (int i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80) // the zero at the end of the string, too
            return 1;
        c = c << 6 | (bytes[i] & 0x3f);
    }
    if (length == 0 || c < least[length] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 1;
    *character = c;
    return length;
}

void utf8_encode(uint32_t c, char out[5]) {
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    int length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    out[length] = '\0';
    for (int i = length - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(length == 1 ? c : leads[length] | c);
}
