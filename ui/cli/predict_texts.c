// The texts that `thaw predict` is asked about.
#include "base/files.h"
#include "base/xalloc.h"
#include "ui/cli/predict.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(struct predict_texts *t, const char *text, size_t length) {
    t->item = xrealloc(t->item, ((size_t)t->count + 1) * sizeof *t->item);
    t->item[t->count++] = xstrndup(text, length);
}

static bool add_lines(struct predict_texts *t, struct error *error) {
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    bool fine = true;
    while (fine && (length = getline(&line, &room, stdin)) >= 0) {
        length -= length > 0 && line[length - 1] == '\n';
        length -= length > 0 && line[length - 1] == '\r';
        if (memchr(line, 0, (size_t)length))
            fine = error_set(error, "standard input: a zero byte, which no text has");
        add(t, line, (size_t)length);
    }
    free(line);
    return fine;
}

bool predict_texts_open(struct predict_texts *t, const struct predict_request *r,
                        struct error *error) {
    *t = (struct predict_texts){0};
    for (int i = 0; i < r->input_count; i++) {
        const char *input = r->inputs[i];
        if (strcmp(input, "-") == 0) {
            if (!add_lines(t, error))
                return false;
        } else if (files_exist(input)) {
            return error_set(error,
                             "%s is a file, but the network takes texts: give them as they "
                             "are, or - and their lines on standard input (- < %s)",
                             input, input);
        } else {
            add(t, input, strlen(input));
        }
    }
    return t->count > 0 || error_set(error, "standard input has no lines; give a text a line");
}

void predict_texts_close(struct predict_texts *t) {
    for (int i = 0; i < t->count; i++)
        free(t->item[i]);
    free(t->item);
    *t = (struct predict_texts){0};
}
