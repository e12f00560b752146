// What the workbench is opened on: an experiment, a run to take up again, or the demonstration.
#ifndef THAW_UI_WORKBENCH_OPEN_H
#define THAW_UI_WORKBENCH_OPEN_H

#include "ui/cli/options.h"
#include "ui/setup.h"
#include "ui/workbench/app.h"

struct open_request {
    const char
        *subject;    // a file, a built-in experiment, a run's directory; NULL: the demonstration
    const char *out; // NULL: runs/NAME-N
    struct cli_sets sets;
    int threads;
    bool paused;
    double budget; // seconds; 0: as many epochs as the experiment says
    double speed;  // at most so many steps a second; 0: as fast as it goes; -1: nobody said
};

// Everything that a workbench session needs; outlives the app.
struct opening {
    const struct open_request *request;
    struct experiment experiment;
    bool resume;
    char *directory; // of the run; NULL: nothing is written
    char *metrics;   // of before, of a run that is taken up
    struct event_list events;
    bool own; // the directory was made here, under a name that nobody chose
    char note[512];
    struct setup setup;
};

// Whether a name is a run's directory.
bool opening_is_run(const char *name);

// The experiment that is meant by a run's directory, a file, or a built-in name. On failure e is
// empty.
bool opening_experiment(struct experiment *e, const char *name, bool *is_run, struct error *error);

// Reads and checks the experiment, quickly: before the screen starts. Close with opening_close,
// also after a failure.
bool opening_read(struct opening *o, const struct open_request *request, struct error *error);

// Loads data and weights and starts the trainer: for struct app_source.
bool opening_start(void *context, struct app_session *out, struct error *error);

// After the session was closed. `unused`: nothing was trained; a directory of our own goes away.
void opening_close(struct opening *o, bool unused);

#endif
