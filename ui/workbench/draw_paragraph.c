// Text over several lines.
#include "ui/report/utf8.h"
#include "ui/workbench/draw.h"

#include <stdbool.h>
#include <string.h>

enum { LINE_BYTES = 1024, WORD_BYTES = 256 };

// A line in the making.
struct line {
    char text[LINE_BYTES];
    size_t length;
    int width; // columns that it may take
};

static bool is_blank(char c) {
    return (unsigned char)c <= ' ';
}

static const char *skip_blanks(const char *text) {
    while (*text && is_blank(*text))
        text++;
    return text;
}

// The bytes of the word, or of as much of it as is looked at in one go; whole characters, 1 or
// more.
static size_t word_bytes(const char *text) {
    size_t bytes = 0;
    while (text[bytes] && !is_blank(text[bytes]) && bytes < WORD_BYTES) {
        uint32_t character;
        bytes += (size_t)utf8_decode(text + bytes, &character);
    }
    return bytes;
}

// Adds to the line, with a space in front or without; not at all if that is too wide.
static bool add(struct line *l, bool space, const char *text, size_t bytes) {
    size_t length = l->length + space + bytes;
    if (length >= LINE_BYTES)
        return false;
    l->text[l->length] = ' ';
    memcpy(l->text + l->length + space, text, bytes);
    l->text[length] = '\0';
    bool fits = draw_width(l->text) <= l->width;
    l->length = fits ? length : l->length;
    l->text[l->length] = '\0';
    return fits;
}

// Adds the characters of a word that is too wide for a line, as many as fit. One that is wider than
// any line is left out.
static const char *add_part(struct line *l, const char *text) {
    while (*text && !is_blank(*text)) {
        uint32_t character;
        int bytes = utf8_decode(text, &character);
        if (!add(l, false, text, (size_t)bytes) && l->length > 0)
            break;
        text += bytes;
    }
    return text;
}

// Fills the line; returns where the text goes on.
static const char *take_line(struct line *l, const char *text) {
    const char *from = text;
    l->length = 0;
    l->text[0] = '\0';
    while (*(text = skip_blanks(text))) {
        size_t bytes = word_bytes(text);
        bool inside = text > from && !is_blank(text[-1]); // of a word looked at in several goes
        if (add(l, l->length > 0 && !inside, text, bytes))
            text += bytes;
        else if (l->length > 0 && !inside)
            break;
        else
            return add_part(l, text);
    }
    return text;
}

int draw_paragraph(struct area area, int row, enum style style, const char *text) {
    struct line line = {.width = area.w};
    int first = row;
    text = skip_blanks(text);
    for (; row < area.h && area.w > 0 && *text; row++) {
        text = skip_blanks(take_line(&line, text));
        draw_text(area, row, 0, 0, style, line.text);
        int end = draw_width(line.text);
        if (*text && row + 1 == area.h)
            draw_text(area, row, end < area.w ? end : area.w - 1, 0, style,
                      draw_symbol(SYMBOL_ELLIPSIS));
    }
    return row - first;
}
