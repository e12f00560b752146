#include "ui/workbench/preferences.h"
#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include <stdlib.h>
#include <string.h>

static const char *const themes[] = {"auto", "dark", "light", "projector"};

struct preferences preferences_default(void) {
    return (struct preferences){.mouse = true};
}

static bool set_theme(struct preferences *p, const char *value, struct error *error) {
    for (int i = 0; i < 4; i++)
        if (strcmp(value, themes[i]) == 0) {
            p->theme = (enum theme_name)i;
            return true;
        }
    return error_set(error, "'theme %s' is not known; write auto, dark, light or projector", value);
}

static bool *find_switch(struct preferences *p, const char *name) {
    return strcmp(name, "mouse") == 0          ? &p->mouse
           : strcmp(name, "ascii") == 0        ? &p->ascii
           : strcmp(name, "colour-blind") == 0 ? &p->colour_blind
                                               : NULL;
}

bool preferences_set(struct preferences *p, const char *name, const char *value,
                     struct error *error) {
    if (strcmp(name, "theme") == 0)
        return set_theme(p, value, error);
    bool *target = find_switch(p, name), on = strcmp(value, "on") == 0;
    if (!target)
        return error_set(error,
                         "there is no preference '%s'; there are theme, mouse, ascii and "
                         "colour-blind",
                         name);
    if (!on && strcmp(value, "off") != 0)
        return error_set(error, "'%s %s' is not known; write on or off", name, value);
    *target = on;
    return true;
}

// $VARIABLE/thaw, or HOME/otherwise/thaw; NULL without a home. Relative paths do not count.
static char *directory(const char *variable, const char *otherwise) {
    const char *base = getenv(variable), *home = getenv("HOME");
    if (base && base[0] == '/')
        return xprintf("%s/thaw", base);
    return home && home[0] == '/' ? xprintf("%s/%s/thaw", home, otherwise) : NULL;
}

static char *preferences_path(void) {
    char *folder = directory("XDG_CONFIG_HOME", ".config");
    char *path = folder ? files_join(folder, "preferences") : NULL;
    free(folder);
    return path;
}

static void parse(struct preferences *p, char *text) {
    for (char *line; (line = strsep(&text, "\n"));) {
        char *value = strchr(line, '=');
        if (!value)
            continue;
        *value++ = '\0';
        preferences_set(p, line, value, NULL);
    }
}

struct preferences preferences_load(void) {
    struct preferences p = preferences_default();
    char *path = preferences_path();
    struct mapping file;
    if (path && files_exist(path) && mapping_open(&file, path, NULL)) {
        char *text = xstrndup((const char *)file.data, file.size);
        parse(&p, text);
        free(text);
        mapping_close(&file);
    }
    free(path);
    return p;
}

static bool write_to(const char *folder, const struct preferences *p, struct error *error) {
    static const char *const words[] = {"off", "on"};
    struct text text = {0};
    text_add(&text, "theme=%s\nmouse=%s\nascii=%s\ncolour-blind=%s\n", themes[p->theme],
             words[p->mouse], words[p->ascii], words[p->colour_blind]);
    char *path = files_join(folder, "preferences");
    bool ok =
        files_make_directory(folder, error) && files_write(path, text.data, text.length, error);
    free(path);
    text_free(&text);
    return ok;
}

bool preferences_save(const struct preferences *p, struct error *error) {
    char *folder = directory("XDG_CONFIG_HOME", ".config");
    bool ok = folder ? write_to(folder, p, error)
                     : error_set(error, "there is no home directory to keep preferences in");
    free(folder);
    return ok;
}

char *preferences_history_path(void) {
    char *folder = directory("XDG_STATE_HOME", ".local/state");
    bool ok = folder && files_make_directory(folder, NULL);
    char *path = ok ? files_join(folder, "history") : NULL;
    free(folder);
    return path;
}
