// Stand-ins for terminals that show nothing beyond ASCII.
#include "ui/workbench/draw_parts.h"

#include <string.h>

static const struct {
    uint16_t character;
    char text[4];
} singles[] = {
    {0x00a0, " "},                  // no-break space
    {0x00ab, "<<"},                 // «
    {0x00b0, "deg"},                // °
    {0x00b1, "+-"},                 // ±
    {0x00b2, "2"},                  // ²
    {0x00b3, "3"},                  // ³
    {0x00b5, "u"},                  // µ
    {0x00b7, "."},                  // ·
    {0x00bb, ">>"},                 // »
    {0x010a, "\\n"}, {0x0120, "_"}, // GPT-2's line break and space
    {0x2018, "'"},   {0x2019, "'"},  {0x201c, "\""},  {0x201d, "\""}, // quotes
    {0x2022, "*"},                                                    // •
    {0x2026, "~"},                                                    // …
    {0x2039, "<"},   {0x203a, ">"},                                   // ‹ ›
    {0x2190, "<-"},  {0x2191, "^"},  {0x2192, "->"},  {0x2193, "v"},  // arrows
    {0x2194, "<->"}, {0x21b3, "\\"}, {0x21c4, "="},                   // ↔ ↳ ⇄
    {0x2212, "-"},   {0x2219, "."},  {0x221e, "inf"},                 // − ∙ ∞
    {0x2248, "~"},   {0x2260, "!="}, {0x2264, "<="},  {0x2265, ">="}, // ≈ ≠ ≤ ≥
    {0x22ef, "*"},                                                    // ⋯
    {0x25a0, "#"},   {0x25a1, "o"},  {0x25aa, "#"},   {0x25ae, "#"},  // ■ □ ▪ ▮
    {0x25b2, "^"},   {0x25b6, ">"},  {0x25b8, "+"},   {0x25bc, "v"},  // ▲ ▶ ▸ ▼
    {0x25be, "-"},   {0x25c0, "<"},  {0x25c6, "*"},   {0x25ca, "o"},  // ▾ ◀ ◆ ◊
    {0x25cb, "o"},   {0x25cf, "*"},  {0x25e7, "%"},                   // ○ ● ◧
    {0x2713, "v"},   {0x2717, "x"},                                   // ✓ ✗
};

// U+00C0 to U+00FF.
static const char latin[] = "AAAAAAACEEEEIIIIDNOOOOOxOUUUUYPsaaaaaaaceeeeiiiidnooooo/ouuuuypy";

bool draw_hidden(uint32_t c) {
    return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff ||
           (c >= 0xe0000 && c <= 0xe0fff);
}

static bool combines(uint32_t c) {
    return (c >= 0x300 && c <= 0x36f) || (c >= 0x1ab0 && c <= 0x1aff) ||
           (c >= 0x1dc0 && c <= 0x1dff) || (c >= 0x20d0 && c <= 0x20ff) ||
           (c >= 0xfe20 && c <= 0xfe2f);
}

// U+2500 to U+257F: lines that run straight keep their direction, all others are crossings.
static char of_line(uint32_t c) {
    static const char horizontal[] = "\x00\x01\x04\x05\x08\x09\x4c\x4d\x50\x74\x76\x78\x7a\x7c\x7e";
    static const char vertical[] = "\x02\x03\x06\x07\x0a\x0b\x4e\x4f\x51\x75\x77\x79\x7b\x7d\x7f";
    int low = (int)(c - 0x2500);
    if (memchr(horizontal, low, sizeof horizontal - 1))
        return '-';
    if (memchr(vertical, low, sizeof vertical - 1))
        return '|';
    return low == 0x71 ? '/' : low == 0x72 ? '\\' : low == 0x73 ? 'x' : '+';
}

// U+2580 to U+259F: eighths from below, eighths from the left, shades.
static char of_block(uint32_t c) {
    static const char blocks[] = "'_.:-=+*#####|||#.:%";
    uint32_t place = c - 0x2580;
    return place < sizeof blocks - 1 ? blocks[place] : '#';
}

// One letter, or 0 for none.
static char of_range(uint32_t c) {
    if (c >= 0xc0 && c <= 0xff)
        return latin[c - 0xc0];
    if (c >= 0x2010 && c <= 0x2015) // hyphens and dashes
        return '-';
    if (c >= 0x2500 && c <= 0x257f)
        return of_line(c);
    if (c >= 0x2580 && c <= 0x259f)
        return of_block(c);
    if (c >= 0x2800 && c <= 0x28ff) // braille
        return c == 0x2800 ? ' ' : '*';
    return combines(c) || draw_hidden(c) ? 0 : '?';
}

int draw_stand_in(uint32_t c, char out[4]) {
    for (size_t i = 0; c >= 0x80 && i < sizeof singles / sizeof singles[0]; i++)
        if (singles[i].character == c)
            return (int)strlen(strcpy(out, singles[i].text));
    out[0] = c < 0x80 ? (char)c : of_range(c);
    out[1] = 0;
    return out[0] != 0;
}
