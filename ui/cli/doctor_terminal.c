// The terminal, as thaw doctor sees it.
#include "ui/cli/doctor.h"
#include "ui/workbench/layout.h"
#include "ui/workbench/term.h"
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void add_locale(struct doctor *d) {
    const char *name = setlocale(LC_CTYPE, NULL);
    bool good = term_utf8();
    doctor_add(d, "locale", good ? FACT_OK : FACT_NOTE,
               good ? NULL
                    : "curves and trees are drawn in plain ASCII; for better ones set "
                      "LANG=C.UTF-8",
               "%s%s", name ? name : "unknown", good ? "" : ", which is not UTF-8");
}

static void add_size(struct doctor *d) {
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) {
        doctor_add(d, "size", FACT_NOTE, "if the workbench looks wrong, try `stty rows 24 cols 80`",
                   "the terminal does not tell its size");
        return;
    }
    bool good = size.ws_row >= LAYOUT_ROWS_MIN && size.ws_col >= LAYOUT_COLUMNS_MIN;
    char advice[80];
    snprintf(advice, sizeof advice, "make the window larger: the workbench needs %dx%d",
             LAYOUT_COLUMNS_MIN, LAYOUT_ROWS_MIN);
    doctor_add(d, "size", good ? FACT_OK : FACT_PROBLEM, good ? NULL : advice, "%dx%d", size.ws_col,
               size.ws_row);
}

static void add_terminal(struct doctor *d) {
    const char *name = getenv("TERM");
    struct error error;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        doctor_add(d, "terminal", FACT_NOTE,
                   "the workbench needs one; thaw run and thaw show do not",
                   "input or output is not a terminal now");
        return;
    }
    if (!term_check(&error))
        doctor_add(d, "terminal", FACT_PROBLEM, NULL, "%s", error.text);
    else
        doctor_add(d, "terminal", FACT_OK, NULL, "%s", name);
    add_size(d);
}

void doctor_terminal(struct doctor *d) {
    add_locale(d);
    add_terminal(d);
}
