// Where subcommands that draw charts put them: --svg FILE, --png FILE, and the terminal.
#ifndef THAW_UI_CHART_OUTPUT_H
#define THAW_UI_CHART_OUTPUT_H

#include "ui/report/chart.h"

struct chart_output {
    const char *svg, *png; // NULL: none
    bool ascii;
};

// For a table of struct option; the letters v, p and a are theirs.
#define CHART_OPTIONS                                                                              \
    {"svg", required_argument, NULL, 'v'}, {"png", required_argument, NULL, 'p'}, {                \
        "ascii", no_argument, NULL, 'a'                                                            \
    }
#define CHART_USAGE "[--svg FILE] [--png FILE] [--ascii]"

// Takes an option of these; false: it is none of them.
bool chart_option(struct chart_output *o, int option, const char *argument);

// Whether only ASCII may be shown: it was asked for, or the locale is not UTF-8.
bool chart_output_ascii(const struct chart_output *o);

// As wide as the terminal, or 100 columns.
void chart_output_print(const struct chart_output *o, const struct chart *charts, int count);

// The files that were asked for.
bool chart_output_save(const struct chart_output *o, const struct chart *charts, int count,
                       struct error *error);

#endif
