// The options of every subcommand that opens the workbench.
#ifndef THAW_UI_SCREEN_OPTIONS_H
#define THAW_UI_SCREEN_OPTIONS_H

#include "ui/workbench/app.h"

// For a table of getopt_long; the values are screen_option's.
#define SCREEN_OPTIONS                                                                             \
    {"no-color", no_argument, NULL, 'c'}, {"no-colour", no_argument, NULL, 'c'},                   \
        {"color-blind", no_argument, NULL, 'd'}, {"colour-blind", no_argument, NULL, 'd'},         \
        {"ascii", no_argument, NULL, 'a'}, {                                                       \
        "no-mouse", no_argument, NULL, 'm'                                                         \
    }

#define SCREEN_USAGE "[--no-color | --colour-blind] [--ascii] [--no-mouse]"

// Without options; colour unless NO_COLOR says no.
struct app_options screen_options(void);

// Takes one; false when it is none of these.
bool screen_option(struct app_options *o, int option);

#endif
