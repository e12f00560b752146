#include "model/card.h"

#include "base/xalloc.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIDE_MOST = 1 << 16, CHANNELS_MOST = 1 << 16 };

char *card_classes(const struct dataset *data) {
    json_t *names = json_array();
    for (int i = 0; i < data->classes; i++)
        json_array_append_new(names, json_string(data->class_names[i]));
    char *text = json_dumps(names, JSON_COMPACT);
    json_decref(names);
    return text;
}

char *card_input(const struct dataset *data) {
    return xprintf("%d %d %d", data->shape.h, data->shape.w, data->shape.c);
}

static bool read_input(struct card *card, const char *text, struct error *error) {
    struct shape *s = &card->input;
    char rest;
    if (sscanf(text, "%6d %6d %6d%c", &s->h, &s->w, &s->c, &rest) == 3 && s->h > 0 && s->w > 0 &&
        s->c > 0 && s->h <= SIDE_MOST && s->w <= SIDE_MOST && s->c <= CHANNELS_MOST)
        return true;
    return error_set(error, "its metadata's " CARD_INPUT " is damaged: height, width and channels "
                            "would be right");
}

static bool take_names(struct card *card, const json_t *names) {
    const json_t *name;
    size_t i;
    if (json_array_size(names) == 0 || json_array_size(names) > INT16_MAX)
        return false;
    card->class_names = xcalloc(json_array_size(names), sizeof *card->class_names);
    json_array_foreach(names, i, name) {
        if (!json_is_string(name))
            return false;
        card->class_names[card->classes++] = xstrdup(json_string_value(name));
    }
    return true;
}

static bool read_classes(struct card *card, const char *text, struct error *error) {
    json_t *names = json_loads(text, 0, NULL);
    bool good = take_names(card, names);
    json_decref(names);
    return good || error_set(error, "its metadata's " CARD_CLASSES " is damaged: a JSON list of "
                                    "names would be right");
}

bool card_read(struct card *card, const struct weight_file *file, struct error *error) {
    const char *classes = safetensors_metadata(&file->safetensors, CARD_CLASSES);
    const char *input = safetensors_metadata(&file->safetensors, CARD_INPUT);
    *card = (struct card){0};
    if (!classes || !input)
        return true;
    return read_input(card, input, error) && read_classes(card, classes, error);
}

void card_close(struct card *card) {
    for (int i = 0; i < card->classes; i++)
        free(card->class_names[i]);
    free(card->class_names);
    *card = (struct card){0};
}
