// What could stand at the caret: words of the command line, then what each of them takes.
#include "ui/workbench/act.h"
#include "ui/workbench/prompt.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Candidates are offered one by one and kept when they begin with what stands in front of the
// caret.
struct completion {
    struct prompt *p;
    const char *word; // up to the caret
    int length;
};

static void add(struct prompt *p, const char *match) {
    if (p->match_count < PROMPT_MATCHES && strlen(match) < PROMPT_MATCH)
        snprintf(p->matches[p->match_count++], PROMPT_MATCH, "%s", match);
}

static void offer(struct completion *c, const char *text) {
    struct prompt *p = c->p;
    if (strncmp(text, c->word, (size_t)c->length) != 0)
        return;
    for (int i = 0; i < p->match_count; i++)
        if (strcmp(p->matches[i], text) == 0)
            return;
    add(p, text);
}

static void offer_part(struct completion *c, const char *text, size_t length, const char *after) {
    char part[PROMPT_MATCH];
    if (length < sizeof part) {
        snprintf(part, sizeof part, "%.*s%s", (int)length, text, after);
        offer(c, part);
    }
}

// Names one level below what is typed: "lay" gives layer1 but not layer1.0, which "layer1." does.
static void offer_level(struct completion *c, const char *name) {
    if (*name && strncmp(name, c->word, (size_t)c->length) == 0 && !strchr(name + c->length, '.'))
        offer(c, name);
}

static bool has_statistics(const struct model *model, const struct module *m) {
    return m->param_count > 0 &&
           freeze_is_statistic(&model->params[m->first_param + m->param_count - 1]);
}

static void offer_names(struct completion *c, const struct model *model) {
    for (int m = 1; m < model->module_count; m++)
        offer_level(c, model->modules[m].name);
    for (int p = 0; p < model->param_count; p++)
        if (!freeze_is_statistic(&model->params[p]))
            offer_level(c, model->params[p].name);
    for (int m = 1; m < model->module_count; m++)
        if (has_statistics(model, &model->modules[m])) {
            char name[PROMPT_SIZE];
            snprintf(name, sizeof name, "%s.statistics", model->modules[m].name);
            offer_level(c, name);
        }
}

// Names whose last part begins with what is typed: "bn2" gives *.bn2, then each of them.
static void offer_parts(struct completion *c, const struct model *model) {
    for (int m = 1; m < model->module_count && c->length > 0; m++) {
        const char *name = model->modules[m].name, *dot = strrchr(name, '.');
        char glob[PROMPT_SIZE];
        if (!dot || strncmp(dot + 1, c->word, (size_t)c->length) != 0)
            continue;
        snprintf(glob, sizeof glob, "*%s", dot);
        if (c->p->match_count == 0)
            add(c->p, glob);
        add(c->p, name);
    }
}

static void offer_patterns(struct completion *c, const struct scene *s) {
    static const char *const presets[] = {"head", "all", "none", "norm", "bias", "last-2-blocks"};
    bool blocks = false;
    for (int m = 0; s->model && m < s->model->module_count; m++)
        blocks |= s->model->modules[m].block;
    if (s->model)
        offer_names(c, s->model);
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (blocks || strncmp(presets[i], "last", 4) != 0)
            offer(c, presets[i]);
    if (s->model && c->p->match_count == 0)
        offer_parts(c, s->model);
    // What is there already goes on with what is below it.
    bool done = c->p->match_count == 1 && (int)strlen(c->p->matches[0]) == c->length;
    if (!done || !s->model)
        return;
    char below[PROMPT_MATCH + 1];
    int length = snprintf(below, sizeof below, "%s.", c->p->matches[0]);
    c->p->match_count = 0;
    struct completion deeper = {c->p, below, length};
    offer_names(&deeper, s->model);
}

static bool is_first_word(const char *entry, const char *word, int length) {
    return (int)strcspn(entry, " ") == length && strncmp(entry, word, (size_t)length) == 0;
}

// "frozen|batch|torch"; PATTERN; other capitals stand for a number that nobody can guess.
static void offer_arguments(struct completion *c, const struct scene *s, const char *arguments) {
    if (strstr(arguments, "PATTERN"))
        offer_patterns(c, s);
    for (const char *at = arguments; *at;) {
        size_t n = strcspn(at, "| ");
        if (n > 0 && strspn(at, "abcdefghijklmnopqrstuvwxyz-") >= n)
            offer_part(c, at, n, "");
        at += n + (at[n] != '\0');
    }
}

// `command`: its first word, of `length` bytes.
static void offer_for(struct completion *c, const struct scene *s, const char *command,
                      int length) {
    for (int i = 0; settings_help[i][0]; i++)
        if (is_first_word(settings_help[i][0], command, length))
            offer_arguments(c, s, settings_help[i][0] + strcspn(settings_help[i][0], " "));
    for (int i = 0; act_word_table[i].name; i++)
        if (is_first_word(act_word_table[i].name, command, length))
            offer_arguments(c, s, act_word_table[i].arguments);
}

static void offer_commands(struct completion *c) {
    for (int i = 0; settings_help[i][0]; i++)
        offer_part(c, settings_help[i][0], strcspn(settings_help[i][0], " "), " ");
    for (int i = 0; act_word_table[i].name; i++)
        offer_part(c, act_word_table[i].name, strlen(act_word_table[i].name),
                   act_word_table[i].arguments[0] ? " " : "");
}

void prompt_complete(struct prompt *p, const struct scene *s) {
    int word = p->caret, command = 0;
    while (word > 0 && p->text[word - 1] != ' ' && p->text[word - 1] != ';')
        word--;
    for (int i = 0; i < word; i++)
        if (p->text[i] == ';')
            command = i + 1;
    command += (int)strspn(p->text + command, " ");
    int first = command + (int)strcspn(p->text + command, " ");
    struct completion c = {p, p->text + word, p->caret - word};
    p->word = word;
    p->match = -1;
    p->match_count = 0;
    if (p->mark == '/')
        offer_patterns(&c, s);
    else if (word <= command)
        offer_commands(&c);
    else if (first + (int)strspn(p->text + first, " ") >= word)
        offer_for(&c, s, p->text + command, first - command);
}
