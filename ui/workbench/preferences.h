// What a person has chosen for every session, and where it is kept: key=value lines in
// XDG_CONFIG_HOME/thaw/preferences. Everything here survives a missing or broken file.
#ifndef THAW_WORKBENCH_PREFERENCES_H
#define THAW_WORKBENCH_PREFERENCES_H

#include "base/error.h"
#include "ui/workbench/theme.h"

struct preferences {
    enum theme_name theme; // theme=auto|dark|light|projector
    bool mouse;            // mouse=on|off
    bool ascii;            // ascii=on|off
    bool colour_blind;     // colour-blind=on|off
};

// Mouse on, everything else as the terminal says.
struct preferences preferences_default(void);

// "theme", "dark". False, with what would be right, for a name or value that there is not.
bool preferences_set(struct preferences *p, const char *name, const char *value,
                     struct error *error);

// What the file says over the defaults; lines that make no sense are left out.
struct preferences preferences_load(void);
bool preferences_save(const struct preferences *p, struct error *error); // atomic

// The path of a file of the prompt's history in XDG_STATE_HOME/thaw (its directory is made); NULL
// when there is no home. The caller frees.
char *preferences_history_path(void);

#endif
