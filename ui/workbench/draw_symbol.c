// Symbols, heat marks, sparklines and bars: what is drawn with single marks.
#include "ui/workbench/draw_parts.h"
#include <math.h>

// All of these are one column wide also where East Asian terminals draw ambiguous characters wide
// (but … ± × →, for which there is no other form). How much of a state's mark is filled tells how
// much is frozen: a solid block of ice, an open drop, a half.
const char *draw_symbol(enum symbol s) {
    static const char *const fancy[SYMBOL_COUNT] = {
        [SYMBOL_FROZEN] = "▮",   [SYMBOL_THAWED] = "◊",     [SYMBOL_MIXED] = "◧",
        [SYMBOL_EMPTY] = "∙",    [SYMBOL_TIED] = "⇄",       [SYMBOL_PENDING] = "⋯",
        [SYMBOL_OPEN] = "▾",     [SYMBOL_CLOSED] = "▸",     [SYMBOL_CURSOR] = "›",
        [SYMBOL_ELLIPSIS] = "…", [SYMBOL_PLUS_MINUS] = "±", [SYMBOL_TIMES] = "×",
        [SYMBOL_ARROW] = "→",    [SYMBOL_BRANCH] = "↳",
    };
    static const char *const ascii[SYMBOL_COUNT] = {
        [SYMBOL_FROZEN] = "#",   [SYMBOL_THAWED] = "o",      [SYMBOL_MIXED] = "%",
        [SYMBOL_EMPTY] = ".",    [SYMBOL_TIED] = "=",        [SYMBOL_PENDING] = "*",
        [SYMBOL_OPEN] = "-",     [SYMBOL_CLOSED] = "+",      [SYMBOL_CURSOR] = ">",
        [SYMBOL_ELLIPSIS] = "~", [SYMBOL_PLUS_MINUS] = "+-", [SYMBOL_TIMES] = "x",
        [SYMBOL_ARROW] = "->",   [SYMBOL_BRANCH] = "\\",
    };
    return theme_ascii() ? ascii[s] : fancy[s];
}

const char *draw_heat(int level) {
    static const char *const fancy[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const ascii[] = {"_", ".", ":", "-", "=", "+", "*", "#"};
    int step = level < 0 ? 0 : level > 7 ? 7 : level;
    if (theme_ascii())
        return ascii[step];
    return fancy[theme_heat_colours() ? 7 : step];
}

static void range_of(const float *values, int count, float *low, float *high) {
    *low = INFINITY;
    *high = -INFINITY;
    for (int i = 0; i < count; i++) {
        if (isfinite(values[i])) {
            *low = fminf(*low, values[i]);
            *high = fmaxf(*high, values[i]);
        }
    }
}

// One of eight bars from below; values that are all the same stand at half height.
static uint32_t bar_of(float value, float low, float high) {
    if (!isfinite(value))
        return ' ';
    double share = high > low ? ((double)value - low) / ((double)high - low) : 0.5;
    int level = (int)(share * 8);
    return 0x2581 + (uint32_t)(level > 7 ? 7 : level);
}

void draw_spark(struct area area, int row, int column, int width, enum style style,
                const float *values, int count) {
    int blank = width > count ? width - count : 0, first = count > width ? count - width : 0;
    float low, high;
    range_of(values + first, count - first, &low, &high);
    for (int i = 0; i < width; i++) {
        uint32_t mark = i < blank ? ' ' : bar_of(values[first + i - blank], low, high);
        draw_mark(area, row, column + i, style, mark);
    }
}

void draw_bar(struct area area, int row, int column, int width, double share, enum style style) {
    double clamped = share >= 1 ? 1 : share > 0 ? share : 0; // also what is no number
    int eighths = (int)lround(clamped * width * 8);
    if (eighths == 0 && clamped > 0)
        eighths = 1;
    for (int i = 0; i < width; i++) {
        int filled = eighths - 8 * i;
        uint32_t mark = filled >= 8 ? 0x2588 : filled > 0 ? 0x2590 - (uint32_t)filled : ' ';
        draw_mark(area, row, column + i, style, mark);
    }
}
