// One of the session's two doors: commands in. Small values in a bounded queue that the trainer
// drains between steps. Thread-safe: any thread pushes, the trainer pops.
#ifndef THAW_COMMAND_H
#define THAW_COMMAND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum command_kind {
    COMMAND_APPLY, // text: "thaw layer4", "lr x0.5", ... (training_apply)
    COMMAND_RUN,
    COMMAND_PAUSE,
    COMMAND_STEPS,   // runs `count` steps, then pauses
    COMMAND_SAVE,    // saves the state after the running step
    COMMAND_STOP,    // after the running step: save and end
    COMMAND_REWIND,  // to step `count` of branch `branch`; pauses there
    COMMAND_PROBE,   // every `count` steps; 0: off
    COMMAND_VERIFY,  // rehashes the frozen tensors; the answer is a RECORD_NOTE
    COMMAND_SUGGEST, // probes `count` batches for what to thaw; the answer is another suggestion
    COMMAND_LR_FIND, // tries `count` rising learning rates; the answer is another range test
    COMMAND_SPEED,   // at most `count` steps a second; 0: as fast as it goes (not of a replay)
};

enum { COMMAND_TEXT = 200, COMMAND_QUEUE = 64 };

struct command {
    enum command_kind kind;
    int64_t count;
    int branch;
    char text[COMMAND_TEXT];
};

struct command_queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct command items[COMMAND_QUEUE];
    int first, count;
};

void command_queue_open(struct command_queue *q);
void command_queue_close(struct command_queue *q);

// False when the queue is full: nothing is waited for.
bool command_push(struct command_queue *q, const struct command *c);

// The oldest command. With `wait`, sleeps until there is one; otherwise false when there is none.
bool command_pop(struct command_queue *q, struct command *c, bool wait);

// Waits until there is a command, but no longer than this.
void command_wait(struct command_queue *q, double seconds);

// Whether a command stands in it that ends what takes long: pause, stop or rewind.
bool command_interrupts(struct command_queue *q);

#endif
