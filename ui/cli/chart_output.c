#include "ui/cli/chart_output.h"
#include <langinfo.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS = 100, ROWS = 14 };

bool chart_option(struct chart_output *o, int option, const char *argument) {
    switch (option) {
    case 'v':
        o->svg = argument;
        return true;
    case 'p':
        o->png = argument;
        return true;
    case 'a':
        o->ascii = true;
        return true;
    default:
        return false;
    }
}

static int terminal_columns(void) {
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : COLUMNS;
}

bool chart_output_ascii(const struct chart_output *o) {
    return o->ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
}

void chart_output_print(const struct chart_output *o, const struct chart *charts, int count) {
    for (int i = 0; i < count; i++) {
        fputc('\n', stdout);
        chart_print(&charts[i], terminal_columns(), ROWS, chart_output_ascii(o), stdout);
    }
}

bool chart_output_save(const struct chart_output *o, const struct chart *charts, int count,
                       struct error *error) {
    return (!o->svg || chart_save(charts, count, o->svg, CHART_SVG, error)) &&
           (!o->png || chart_save(charts, count, o->png, CHART_PNG, error));
}
