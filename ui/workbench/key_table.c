#include "ui/workbench/keys.h"
#include "ui/workbench/term.h"

enum {
    TRAIN = 1 << VIEW_TRAIN,
    LAYERS = 1 << VIEW_LAYERS,
    DATA = 1 << VIEW_DATA,
    RUNS = 1 << VIEW_RUNS,
};

static const char views[] = "Views", run[] = "Run", history[] = "Time line", move[] = "Moving",
                  freeze[] = "Freeze and thaw", panels[] = "Panels", other[] = "Other";

const struct key_binding key_bindings[] = {
    {' ', "space", ACTION_TOGGLE, IN_TREE, freeze, "freeze or thaw this row", "flip"},
    {'t', "t", ACTION_THAW_FROM, IN_TREE, freeze, "thaw from here to the head", "thaw on"},
    {'f', "f", ACTION_FREEZE_TO, IN_TREE, freeze, "freeze from input to here", "freeze to"},
    {'o', "o", ACTION_ONLY, IN_TREE, freeze, "thaw only this", "only"},
    {'H', "H", ACTION_HEAD, IN_TREE, freeze, "thaw the head only", NULL},
    {'A', "A", ACTION_ALL, IN_TREE, freeze, "thaw everything", NULL},
    {'N', "N", ACTION_NORMS, IN_TREE, freeze, "freeze all norms", NULL},
    {'a', "a", ACTION_SUGGEST, IN_ANY, freeze, "advice: what to thaw", NULL},
    {'v', "v", ACTION_RANGE, IN_TREE, freeze, "mark rows from here on", NULL},
    {'/', "/", ACTION_FILTER, IN_TREE, freeze, "show what matches", NULL},
    {'u', "u", ACTION_UNDO, IN_ANY, freeze, "take back, bring again", "undo"},
    {'U', "U", ACTION_REDO, IN_ANY, freeze, "take back, bring again", NULL},

    {'r', "r", ACTION_RUN_PAUSE, IN_ANY, run, "run or pause", "run/pause"},
    {'p', "p", ACTION_RUN_PAUSE, IN_ANY, run, NULL, NULL},
    {'s', "s", ACTION_STEP, IN_ANY, run, "one step", "step"},
    {'e', "e", ACTION_EPOCH, IN_ANY, run, "to the end of the epoch", NULL},
    {'+', "+", ACTION_LR_UP, IN_ANY, run, "rate x1.25, x0.8", NULL},
    {'=', "=", ACTION_LR_UP, IN_ANY, run, NULL, NULL},
    {'-', "-", ACTION_LR_DOWN, IN_ANY, run, "rate x1.25, x0.8", NULL},
    {'g', "g", ACTION_PROBE, IN_TREE, run, "gradients of frozen, too", NULL},
    {'V', "V", ACTION_VERIFY, IN_ANY, run, "prove what is frozen stayed", NULL},
    {'w', "w", ACTION_SAVE, IN_ANY, run, "save the state", NULL},
    {'R', "R", ACTION_RESTART, IN_ANY, run, "back to the start", NULL},

    {'[', "[", ACTION_EARLIER, IN_ANY, history, "choose a point in the past", "earlier"},
    {']', "]", ACTION_LATER, IN_ANY, history, "choose a point in the past", NULL},
    {'\n', "Enter", ACTION_ENTER, IN_TREE, history, "go back there; open a row", NULL},
    {'\n', "Enter", ACTION_ENTER, IN_ANY & ~IN_TREE & ~RUNS, history, "back to the chosen point",
     NULL},

    {'\n', "Enter", ACTION_ENTER, RUNS, move, "show or hide its curves", "show curves"},
    {TERM_UP, "Up", ACTION_UP, IN_ANY, move, "up, down", NULL},
    {'k', "k", ACTION_UP, IN_ANY, move, NULL, NULL},
    {TERM_DOWN, "Down", ACTION_DOWN, IN_ANY, move, "up, down", NULL},
    {'j', "j", ACTION_DOWN, IN_ANY, move, NULL, NULL},
    {TERM_LEFT, "Left", ACTION_LEFT, IN_TREE, move, "close, open", NULL},
    {'h', "h", ACTION_LEFT, IN_TREE, move, NULL, NULL},
    {TERM_RIGHT, "Right", ACTION_RIGHT, IN_TREE, move, "close, open", NULL},
    {'l', "l", ACTION_RIGHT, IN_TREE, move, NULL, NULL},
    {TERM_LEFT, "Left", ACTION_LEFT, DATA, move, "the one before, after", NULL},
    {'h', "h", ACTION_LEFT, DATA, move, NULL, NULL},
    {TERM_RIGHT, "Right", ACTION_RIGHT, DATA, move, "the one before, after", NULL},
    {'l', "l", ACTION_RIGHT, DATA, move, NULL, NULL},
    {TERM_PAGE_UP, "PgUp", ACTION_PAGE_UP, IN_ANY, move, "a page up, down", NULL},
    {TERM_PAGE_DOWN, "PgDn", ACTION_PAGE_DOWN, IN_ANY, move, "a page up, down", NULL},
    {TERM_HOME, "Home", ACTION_TOP, IN_ANY, move, "to the first, last", NULL},
    {TERM_END, "End", ACTION_BOTTOM, IN_ANY, move, "to the first, last", NULL},
    {'S', "S", ACTION_SORT, LAYERS, move, "sort by the next column", "sort"},

    {'\t', "Tab", ACTION_NEXT_PANEL, TRAIN, panels, "the next panel", "panel"},
    {'\t', "Tab", ACTION_NEXT_PANEL, DATA, panels, "samples, matrix, classes", "page"},
    {'z', "z", ACTION_ZOOM, TRAIN, panels, "this panel alone", "zoom"},
    {'L', "L", ACTION_LOG_SCALE, TRAIN, panels, "logarithmic scale", NULL},
    {'c', "c", ACTION_CURSOR, TRAIN, panels, "read values, Enter rewinds", NULL},
    {'>', ">", ACTION_ZOOM_IN, TRAIN, panels, "zoom in, out in time", NULL},
    {'<', "<", ACTION_ZOOM_OUT, TRAIN, panels, "zoom in, out in time", NULL},
    {',', ",", ACTION_SCROLL_LEFT, TRAIN, panels, "earlier, later", NULL},
    {'.', ".", ACTION_SCROLL_RIGHT, TRAIN, panels, "earlier, later", NULL},

    {'1', "1", ACTION_VIEW, IN_ANY, views, "train", NULL},
    {'2', "2", ACTION_VIEW, IN_ANY, views, "layers", NULL},
    {'3', "3", ACTION_VIEW, IN_ANY, views, "schedule", NULL},
    {'4', "4", ACTION_VIEW, IN_ANY, views, "data", NULL},
    {'5', "5", ACTION_VIEW, IN_ANY, views, "runs", NULL},
    {'6', "6", ACTION_VIEW, IN_ANY, views, "log", NULL},

    {':', ":", ACTION_COMMAND, IN_ANY, other, "a command in words", "command"},
    {'P', "P", ACTION_PROJECTOR, IN_ANY, other, "large, for a projector", NULL},
    {27, "Esc", ACTION_ESCAPE, IN_ANY, other, "leave what is open or chosen", NULL},
    {12, "Ctrl-L", ACTION_REDRAW, IN_ANY, other, "draw the screen anew", NULL},
    {'?', "?", ACTION_HELP, IN_ANY, other, "these keys", "help"},
    {'q', "q", ACTION_QUIT, IN_ANY, other, "quit", "quit"},
};
const int key_binding_count = sizeof key_bindings / sizeof key_bindings[0];
