// What a style looks like on this terminal: 8, 256 or direct colours, light or dark background, no
// colours at all. Meaning never rests on colour alone. UI thread only.
#ifndef THAW_WORKBENCH_THEME_H
#define THAW_WORKBENCH_THEME_H

#include <stdbool.h>

enum style {
    STYLE_NORMAL,
    STYLE_DIM,
    STYLE_STRONG,
    STYLE_TITLE,
    STYLE_FROZEN,
    STYLE_THAWED,
    STYLE_MIXED,
    STYLE_PENDING,
    STYLE_CURSOR,   // the row under the cursor
    STYLE_SELECTED, // rows of a range
    STYLE_KEY,      // a key in the footer
    STYLE_ERROR,
    STYLE_GOOD,
    STYLE_TRAIN,     // curves
    STYLE_TRAIN_RAW, // the unsmoothed curve behind it
    STYLE_VALIDATION,
    STYLE_SOURCE, // the old task
    STYLE_OTHER,  // another branch or run
    STYLE_OTHER2,
    STYLE_OTHER3,
    STYLE_EVENT, // vertical lines
    STYLE_AXIS,
    STYLE_HEAT0, // 8 steps of a heat map, from cold to hot
    STYLE_HEAT7 = STYLE_HEAT0 + 7,
    STYLE_COUNT,
};

enum theme_name { THEME_AUTO, THEME_DARK, THEME_LIGHT, THEME_PROJECTOR };

struct theme_options {
    enum theme_name name;
    bool colour;       // false: NO_COLOR or --no-color
    bool ascii;        // --ascii, or a locale that is not UTF-8
    bool colour_blind; // also where habit says red and green: errors, good news (the curves'
                       // colours are safe by default, after Okabe and Ito's palette, 2008)
};

// Sets up colour pairs after the terminal has started; may be called again to change. Without a
// colour terminal, options->colour is as good as false. THEME_AUTO is dark unless COLORFGBG says
// otherwise; THEME_PROJECTOR looks there, too, and then makes everything bold and nothing grey.
void theme_use(const struct theme_options *options);
const struct theme_options *theme_now(void); // as given to theme_use

// Whether only ASCII may be shown: it was asked for, or the locale is not UTF-8, or the terminal is
// Linux's own console, whose fonts lack most marks. Not the same as theme_now()->ascii.
bool theme_ascii(void);
// Whether the heat styles can be told apart by colour alone: 256 colours or more.
bool theme_heat_colours(void);

// The number here of a colour of xterm's 256 (0..255), where there are 256 colours or more. Pairs 1
// to STYLE_COUNT are the styles'.
int theme_colour(int colour);

// The curses attribute of a style (an attr_t and a pair packed by theme.c for draw.c).
struct theme_cell {
    unsigned long attributes;
    short pair;
};
struct theme_cell theme_cell(enum style style);

#endif
