// A raster of dots in cells of text: 2x4 dots a cell in braille, 1x2 in blocks, 1x1 in letters.
// Each cell keeps whose dot was drawn there last. Dots outside are left out; lines are cut at the
// edges, however far they reach.
#ifndef THAW_UI_DOTS_H
#define THAW_UI_DOTS_H

#include <stddef.h>
#include <stdint.h>

enum dots_kind { DOTS_BRAILLE, DOTS_BLOCK, DOTS_LETTER };

struct dots {
    enum dots_kind kind;
    int rows, columns;     // cells
    int width, height;     // dots
    unsigned char *bits;   // [rows][columns]
    unsigned char *owners; // [rows][columns]
};

struct dots dots_open(enum dots_kind kind, int rows, int columns);
void dots_close(struct dots *d);

void dots_put(struct dots *d, int x, int y, int owner); // y from the top
void dots_line(struct dots *d, int x0, int y0, int x1, int y1, int owner);

// The character of a cell; 0: nothing is there. With DOTS_LETTER the letter is the caller's to
// choose, by the owner: any other number stands for it.
uint32_t dots_character(const struct dots *d, size_t cell);

#endif
