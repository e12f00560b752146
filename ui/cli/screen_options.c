#include "ui/cli/screen_options.h"
#include <stdlib.h>

struct app_options screen_options(void) {
    const char *no = getenv("NO_COLOR");
    return (struct app_options){.colour = !(no && *no), .mouse = true};
}

bool screen_option(struct app_options *o, int option) {
    switch (option) {
    case 'c':
        o->colour = false;
        return true;
    case 'd':
        o->colour_blind = true;
        return true;
    case 'a':
        o->ascii = true;
        return true;
    case 'm':
        o->mouse = false;
        return true;
    default:
        return false;
    }
}
