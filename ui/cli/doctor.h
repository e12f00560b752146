// What thaw doctor looks at: facts about this machine and terminal, each with a verdict.
#ifndef THAW_UI_DOCTOR_H
#define THAW_UI_DOCTOR_H

enum fact_state {
    FACT_OK,
    FACT_NOTE,    // works, but less well than it could
    FACT_PROBLEM, // something of thaw does not work here
};

struct fact {
    const char *name;
    enum fact_state state;
    char *value;
    char *advice;                           // what to do, or NULL
    double milliseconds, images_per_second; // of a timed step; else 0
};

struct doctor {
    struct fact *facts;
    int count;
};

// Appends a fact; `advice` may be NULL and is copied. The fact stays where it is until the next
// one.
struct fact *doctor_add(struct doctor *d, const char *name, enum fact_state state,
                        const char *advice, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

// Cores, load, memory, instruction sets, BLAS.
void doctor_machine(struct doctor *d);
// Locale, terminal, its size.
void doctor_terminal(struct doctor *d);
// Trains the demonstration for a few steps, in memory.
void doctor_speed(struct doctor *d);

#endif
