// The line for `:` and `/`: editing, completion of commands, module names and presets, history that
// outlives the session.
#ifndef THAW_WORKBENCH_PROMPT_H
#define THAW_WORKBENCH_PROMPT_H

#include "ui/workbench/scene.h"

enum { PROMPT_SIZE = 200, PROMPT_HISTORY = 100, PROMPT_MATCHES = 16, PROMPT_MATCH = 48 };

struct prompt {
    char mark;                     // ':' or '/'; 0: not open
    char text[PROMPT_SIZE];        // UTF-8
    int length, caret;             // bytes
    char *history[PROMPT_HISTORY]; // oldest first, each with its mark in front
    int history_count, history_at; // history_count: none is shown
    char typed[PROMPT_SIZE];       // before Up went into the history: what entries must begin with
    char matches[PROMPT_MATCHES][PROMPT_MATCH]; // of the last completion
    int match_count, match;
    int word; // where the completed word begins
};

enum prompt_result { PROMPT_OPEN, PROMPT_DONE, PROMPT_CANCELLED };

// Opens it with an empty line; a zeroed struct is ready.
void prompt_start(struct prompt *p, char mark);

// One key; DONE: p->text is what was entered, and it has joined the history. Either way but OPEN
// the caller sets `mark` to 0.
//     Enter; Esc, Ctrl-C, Ctrl-G, and Backspace on an empty line cancel
//     Left, Right, Home, End, Ctrl-A, Ctrl-E; Backspace, Delete, Ctrl-U, Ctrl-K, Ctrl-W
//     Tab, Shift-Tab: completes, then goes through what else would fit
//     Up, Down: entries of the same mark that begin with what was typed
enum prompt_result prompt_key(struct prompt *p, const struct scene *s, int key);

// Fills matches, match_count and word with what could stand at the caret; p->match is -1.
void prompt_complete(struct prompt *p, const struct scene *s);

// The text in the last row of the area, with the matches of a completion in the row above it, or
// behind the text when there is one row alone.
void prompt_draw(struct area area, const struct prompt *p);

void prompt_load(struct prompt *p, const char *path);       // history; a missing file is fine
void prompt_save(const struct prompt *p, const char *path); // atomic; failures are ignored
void prompt_close(struct prompt *p);

#endif
