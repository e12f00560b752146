#include "ui/workbench/theme.h"

#include "ui/workbench/term.h"
#include <curses.h>
#include <stdlib.h>
#include <string.h>

// A colour in four forms: of the 8 basic ones, and of the 256 (6 x 6 x 6 cube from 16, greys from
// 232); for dark and for light backgrounds. -1: the terminal's own.
struct ink {
    short dark8, light8, dark256, light256;
};

#define OWN                                                                                        \
    { -1, -1, -1, -1 }

// `plain` serves where there are no colours, or none among the 8; `attributes` beside a colour.
struct look {
    attr_t plain, attributes;
    struct ink fore, back;
};

// Curves: Okabe and Ito 2008, "Color Universal Design": blue, orange, green, purple, yellow, the
// nearest of the 256 that stand out from the background. Heat: from the background's brightness to
// its opposite through blue, purple, red and yellow, in even steps of brightness.
static const struct look looks[STYLE_COUNT] = {
    [STYLE_NORMAL] = {0, 0, OWN, OWN},
    [STYLE_DIM] = {A_DIM, 0, {-1, -1, 246, 242}, OWN},
    [STYLE_STRONG] = {A_BOLD, A_BOLD, OWN, OWN},
    [STYLE_TITLE] = {A_BOLD, A_BOLD, {COLOR_CYAN, COLOR_BLUE, 153, 24}, OWN},
    [STYLE_FROZEN] = {0, 0, {COLOR_CYAN, COLOR_BLUE, 117, 25}, OWN},
    [STYLE_THAWED] = {A_BOLD, A_BOLD, {COLOR_YELLOW, COLOR_RED, 214, 130}, OWN},
    [STYLE_MIXED] = {0, 0, {COLOR_MAGENTA, COLOR_MAGENTA, 182, 90}, OWN},
    [STYLE_PENDING] = {A_BOLD | A_UNDERLINE,
                       A_BOLD | A_UNDERLINE,
                       {COLOR_YELLOW, COLOR_MAGENTA, 227, 88},
                       OWN},
    [STYLE_CURSOR] = {A_REVERSE, A_BOLD, {-1, -1, 231, 16}, {-1, -1, 239, 252}},
    [STYLE_SELECTED] = {A_UNDERLINE,
                        0,
                        {COLOR_WHITE, COLOR_WHITE, 231, 16},
                        {COLOR_BLUE, COLOR_BLUE, 24, 153}},
    [STYLE_KEY] = {A_BOLD, A_BOLD, {COLOR_CYAN, COLOR_BLUE, 117, 25}, OWN},
    [STYLE_ERROR] = {A_BOLD | A_REVERSE, A_BOLD, {COLOR_RED, COLOR_RED, 203, 160}, OWN},
    [STYLE_GOOD] = {A_BOLD, 0, {COLOR_GREEN, COLOR_GREEN, 78, 28}, OWN},
    [STYLE_TRAIN] = {A_BOLD, 0, {COLOR_CYAN, COLOR_BLUE, 75, 25}, OWN},
    [STYLE_TRAIN_RAW] = {A_DIM, 0, {COLOR_BLUE, COLOR_CYAN, 24, 110}, OWN},
    [STYLE_VALIDATION] = {0, 0, {COLOR_YELLOW, COLOR_RED, 214, 166}, OWN},
    [STYLE_SOURCE] = {A_BOLD, 0, {COLOR_RED, COLOR_MAGENTA, 204, 125}, OWN},
    [STYLE_OTHER] = {0, 0, {COLOR_GREEN, COLOR_GREEN, 36, 29}, OWN},
    [STYLE_OTHER2] = {0, 0, {COLOR_MAGENTA, COLOR_MAGENTA, 175, 132}, OWN},
    [STYLE_OTHER3] = {0, 0, {COLOR_WHITE, COLOR_BLACK, 228, 94}, OWN},
    [STYLE_EVENT] = {0, 0, {-1, -1, 250, 240}, OWN},
    [STYLE_AXIS] = {A_DIM, 0, {-1, -1, 244, 244}, OWN},
    [STYLE_HEAT0 + 0] = {0, 0, {COLOR_BLUE, COLOR_YELLOW, 18, 230}, OWN},
    [STYLE_HEAT0 + 1] = {0, 0, {COLOR_BLUE, COLOR_YELLOW, 54, 222}, OWN},
    [STYLE_HEAT0 + 2] = {0, 0, {COLOR_MAGENTA, COLOR_RED, 90, 214}, OWN},
    [STYLE_HEAT0 + 3] = {0, 0, {COLOR_MAGENTA, COLOR_RED, 126, 208}, OWN},
    [STYLE_HEAT0 + 4] = {0, 0, {COLOR_RED, COLOR_MAGENTA, 167, 167}, OWN},
    [STYLE_HEAT0 + 5] = {0, 0, {COLOR_RED, COLOR_MAGENTA, 208, 126}, OWN},
    [STYLE_HEAT0 + 6] = {0, 0, {COLOR_YELLOW, COLOR_BLUE, 220, 90}, OWN},
    [STYLE_HEAT7] = {A_BOLD, A_BOLD, {COLOR_YELLOW, COLOR_BLUE, 230, 18}, OWN},
};

// What red and green become for eyes that do not tell them apart.
static const struct {
    enum style style;
    struct ink fore;
} safe[] = {
    {STYLE_ERROR, {COLOR_YELLOW, COLOR_MAGENTA, 215, 130}},
    {STYLE_GOOD, {COLOR_CYAN, COLOR_BLUE, 117, 25}},
    {STYLE_OTHER, {COLOR_WHITE, COLOR_BLACK, 36, 29}},
    {STYLE_OTHER3, {COLOR_RED, COLOR_GREEN, 228, 94}},
};

static struct theme_options now = {.name = THEME_AUTO};
static struct theme_cell cells[STYLE_COUNT];
static bool coloured;
static bool console; // Linux's own, whose fonts of 256 or 512 characters lack most marks

const struct theme_options *theme_now(void) {
    return &now;
}

bool theme_ascii(void) {
    return now.ascii || console || !term_utf8();
}

bool theme_heat_colours(void) {
    return coloured && COLORS >= 256;
}

struct theme_cell theme_cell(enum style style) {
    return cells[style];
}

// COLORFGBG is "foreground;background" or "foreground;...;background" in the 16 basic colours.
static bool is_light(enum theme_name name) {
    const char *colours = getenv("COLORFGBG"), *last = colours ? strrchr(colours, ';') : NULL;
    if (name == THEME_DARK || name == THEME_LIGHT)
        return name == THEME_LIGHT;
    if (!last || last[1] < '0' || last[1] > '9')
        return false;
    int background = atoi(last + 1);
    return background == 7 || background > 8;
}

// What a colour of the 256 is called where there are direct ones, which take red, green and blue in
// place of a number, but keep up to 256 low numbers for the palette: a trace of red leads past
// them.
int theme_colour(int colour) {
    static const int steps[] = {0, 95, 135, 175, 215, 255};
    if (COLORS <= 256 || colour < 16)
        return colour;
    int place = colour - 16, grey = 8 + 10 * (colour - 232);
    int rgb = colour >= 232
                  ? grey * 0x010101
                  : steps[place / 36] << 16 | steps[place / 6 % 6] << 8 | steps[place % 6];
    return rgb < 256 ? rgb | 0x010000 : rgb;
}

static int pick(const struct ink *ink, bool light) {
    if (COLORS < 256)
        return light ? ink->light8 : ink->dark8;
    return theme_colour(light ? ink->light256 : ink->dark256);
}

static struct ink fore_of(enum style style) {
    for (size_t i = 0; now.colour_blind && i < sizeof safe / sizeof safe[0]; i++)
        if (safe[i].style == style)
            return safe[i].fore;
    return looks[style].fore;
}

static bool is_grey(const struct ink *ink) {
    return ink->dark256 >= 232;
}

// Greys and dim letters do not survive a projector; thin ones hardly.
static struct look for_projector(struct look look) {
    look.plain = (look.plain & ~A_DIM) | A_BOLD;
    look.attributes |= A_BOLD;
    if (is_grey(&look.fore))
        look.fore = (struct ink)OWN;
    if (is_grey(&look.back)) { // a bar as strong as can be
        look.fore = look.back = (struct ink)OWN;
        look.plain |= A_REVERSE;
    }
    return look;
}

static void set_cell(enum style style, bool light, bool own_colours) {
    struct look look = looks[style];
    look.fore = fore_of(style);
    if (now.name == THEME_PROJECTOR)
        look = for_projector(look);
    cells[style] = (struct theme_cell){.attributes = look.plain};
    int fore = coloured ? pick(&look.fore, light) : -1;
    int back = coloured ? pick(&look.back, light) : -1;
    if (fore < 0 && back < 0)
        return;
    if (!own_colours) { // what curses takes for the terminal's own then
        fore = fore < 0 ? COLOR_WHITE : fore;
        back = back < 0 ? COLOR_BLACK : back;
    }
    short pair = (short)(style + 1);
    if (init_extended_pair(pair, fore, back) != ERR)
        cells[style] = (struct theme_cell){.attributes = look.attributes, .pair = pair};
}

void theme_use(const struct theme_options *options) {
    const char *terminal = termname();
    now = *options;
    console = terminal && strcmp(terminal, "linux") == 0;
    coloured = now.colour && has_colors() && start_color() != ERR && COLORS >= 8 &&
               COLOR_PAIRS > STYLE_COUNT;
    bool own_colours = coloured && use_default_colors() != ERR;
    bool light = is_light(now.name);
    for (int style = 0; style < STYLE_COUNT; style++)
        set_cell((enum style)style, light, own_colours);
}
