#include "ui/workbench/prompt.h"
#include "base/files.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "ui/report/utf8.h"
#include "ui/workbench/draw.h"
#include "ui/workbench/term.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_ESCAPE = 27, KEY_BACKSPACE = 127 }; // Ctrl-A is 'A' - '@'

void prompt_start(struct prompt *p, char mark) {
    p->mark = mark;
    p->length = p->caret = 0;
    p->text[0] = p->typed[0] = '\0';
    p->match_count = 0;
    p->history_at = p->history_count;
}

// Editing

static void erase(struct prompt *p, int from, int to) {
    memmove(p->text + from, p->text + to, (size_t)(p->length - to) + 1);
    p->length -= to - from;
    p->caret = from;
}

// What does not fit is left out.
static void insert(struct prompt *p, const char *bytes, int count) {
    if (p->length + count >= PROMPT_SIZE)
        return;
    memmove(p->text + p->caret + count, p->text + p->caret, (size_t)(p->length - p->caret) + 1);
    memcpy(p->text + p->caret, bytes, (size_t)count);
    p->length += count;
    p->caret += count;
}

static void insert_character(struct prompt *p, int c) {
    char bytes[4];
    int count = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (c < ' ' || c == KEY_BACKSPACE || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return;
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (int i = count - 1; i > 0; i--, c >>= 6)
        bytes[i] = (char)(0x80 | (c & 0x3f));
    bytes[0] = (char)(first[count] | c);
    insert(p, bytes, count);
}

static bool continues(char byte) {
    return ((unsigned char)byte & 0xc0) == 0x80;
}

static int left_of(const struct prompt *p, int at) {
    while (at > 0 && continues(p->text[--at]))
        ;
    return at;
}

static int right_of(const struct prompt *p, int at) {
    if (at < p->length)
        at++;
    while (at < p->length && continues(p->text[at]))
        at++;
    return at;
}

static int word_left_of(const struct prompt *p, int at) {
    while (at > 0 && p->text[at - 1] == ' ')
        at--;
    while (at > 0 && p->text[at - 1] != ' ')
        at--;
    return at;
}

static void edit(struct prompt *p, int key) {
    switch (key) {
    case TERM_LEFT:
        p->caret = left_of(p, p->caret);
        break;
    case TERM_RIGHT:
        p->caret = right_of(p, p->caret);
        break;
    case TERM_HOME:
    case 'A' - '@':
        p->caret = 0;
        break;
    case TERM_END:
    case 'E' - '@':
        p->caret = p->length;
        break;
    case KEY_BACKSPACE:
    case 'H' - '@':
        erase(p, left_of(p, p->caret), p->caret);
        break;
    case TERM_DELETE:
        erase(p, p->caret, right_of(p, p->caret));
        break;
    case 'U' - '@':
        erase(p, 0, p->caret);
        break;
    case 'K' - '@':
        erase(p, p->caret, p->length);
        break;
    case 'W' - '@':
        erase(p, word_left_of(p, p->caret), p->caret);
        break;
    default:
        insert_character(p, key);
    }
}

static void set_text(struct prompt *p, const char *text) {
    snprintf(p->text, sizeof p->text, "%s", text);
    p->length = p->caret = (int)strlen(p->text);
}

// History

static void remove_entry(struct prompt *p, int index) {
    free(p->history[index]);
    p->history_count--;
    memmove(p->history + index, p->history + index + 1,
            (size_t)(p->history_count - index) * sizeof *p->history);
}

// An entry that is there already moves to the end.
static void remember(struct prompt *p, const char *entry) {
    for (int i = p->history_count - 1; i >= 0; i--)
        if (strcmp(p->history[i], entry) == 0)
            remove_entry(p, i);
    if (p->history_count == PROMPT_HISTORY)
        remove_entry(p, 0);
    p->history[p->history_count++] = xstrdup(entry);
    p->history_at = p->history_count;
}

static bool fits(const struct prompt *p, int index) {
    const char *entry = p->history[index];
    return entry[0] == p->mark && strncmp(entry + 1, p->typed, strlen(p->typed)) == 0;
}

// To the next entry that fits; past the last one to what was typed.
static void recall(struct prompt *p, int by) {
    if (p->history_at == p->history_count)
        memcpy(p->typed, p->text, sizeof p->typed);
    int at = p->history_at + by;
    while (at >= 0 && at < p->history_count && !fits(p, at))
        at += by;
    if (at < 0 || at > p->history_count)
        return;
    p->history_at = at;
    set_text(p, at == p->history_count ? p->typed : p->history[at] + 1);
}

// Completion

static void put_match(struct prompt *p) {
    erase(p, p->word, p->caret);
    insert(p, p->matches[p->match], (int)strlen(p->matches[p->match]));
}

// The first Tab puts the first match; further ones go around. The only match is settled.
static void tab(struct prompt *p, const struct scene *s, int by) {
    if (p->match_count == 0)
        prompt_complete(p, s);
    if (p->match_count == 0)
        return;
    p->match = p->match < 0 && by < 0 ? p->match_count - 1
                                      : (p->match + by + p->match_count) % p->match_count;
    put_match(p);
    if (p->match_count == 1)
        p->match_count = 0;
}

static enum prompt_result enter(struct prompt *p) {
    char entry[PROMPT_SIZE + 1];
    snprintf(entry, sizeof entry, "%c%s", p->mark, p->text);
    if (p->length > 0)
        remember(p, entry);
    return PROMPT_DONE;
}

static bool cancels(const struct prompt *p, int key) {
    bool back = key == KEY_BACKSPACE || key == 'H' - '@';
    return key == KEY_ESCAPE || key == 'C' - '@' || key == 'G' - '@' || (back && p->length == 0);
}

enum prompt_result prompt_key(struct prompt *p, const struct scene *s, int key) {
    if (cancels(p, key))
        return PROMPT_CANCELLED;
    if (key == '\n' || key == '\r')
        return enter(p);
    if (key == '\t' || key == TERM_BACK_TAB) {
        tab(p, s, key == '\t' ? 1 : -1);
        return PROMPT_OPEN;
    }
    p->match_count = 0;
    if (key == TERM_UP || key == TERM_DOWN) {
        recall(p, key == TERM_UP ? -1 : 1);
        return PROMPT_OPEN;
    }
    p->history_at = p->history_count;
    edit(p, key);
    return PROMPT_OPEN;
}

// Drawing

// From which byte on the text is drawn, so that the caret is in sight.
static int first_shown(const struct prompt *p, int columns) {
    char before[PROMPT_SIZE];
    int first = 0;
    for (;; first = right_of(p, first)) {
        snprintf(before, sizeof before, "%.*s", p->caret - first, p->text + first);
        if (draw_width(before) < columns || first >= p->caret)
            return first;
    }
}

static void draw_matches(struct area area, int row, int column, const struct prompt *p) {
    for (int i = 0; i < p->match_count && column < area.w; i++) {
        int taken = draw_text(area, row, column, area.w - column,
                              i == p->match ? STYLE_SELECTED : STYLE_DIM, p->matches[i]);
        column += taken + 2;
    }
}

void prompt_draw(struct area area, const struct prompt *p) {
    if (area.h < 1 || area.w < 1 || !p->mark)
        return;
    char mark[2] = {p->mark, '\0'}, before[PROMPT_SIZE];
    int row = area.h - 1, first = first_shown(p, area.w - 1);
    draw_clear((struct area){area.y + row, area.x, 1, area.w});
    draw_text(area, row, 0, 1, STYLE_KEY, mark);
    int end = 1 + draw_text(area, row, 1, 0, STYLE_NORMAL, p->text + first);
    snprintf(before, sizeof before, "%.*s", p->caret - first, p->text + first);
    draw_restyle(area, row, 1 + draw_width(before), 1, STYLE_CURSOR);
    if (p->match_count > 0 && area.h > 1) {
        draw_clear((struct area){area.y + row - 1, area.x, 1, area.w});
        draw_matches(area, row - 1, 1, p);
    } else if (p->match_count > 0) {
        draw_matches(area, row, end + 3, p);
    }
}

// The file: an entry a line, with its mark.

static bool is_entry(const char *line) {
    if ((line[0] != ':' && line[0] != '/') || !line[1] || strlen(line) > PROMPT_SIZE)
        return false;
    for (uint32_t c; *line;) {
        line += utf8_decode(line, &c);
        if (c < ' ' || c == KEY_BACKSPACE || c == UTF8_BAD)
            return false;
    }
    return true;
}

void prompt_load(struct prompt *p, const char *path) {
    struct mapping file;
    if (!mapping_open(&file, path, NULL))
        return;
    const char *data = (const char *)file.data;
    for (size_t at = 0; at < file.size;) {
        const char *end = memchr(data + at, '\n', file.size - at);
        size_t length = end ? (size_t)(end - data) - at : file.size - at;
        char *line = xstrndup(data + at, length);
        if (is_entry(line))
            remember(p, line);
        free(line);
        at += length + 1;
    }
    mapping_close(&file);
}

void prompt_save(const struct prompt *p, const char *path) {
    struct text all = {0};
    const char *slash = strrchr(path, '/');
    for (int i = 0; i < p->history_count; i++)
        text_add(&all, "%s\n", p->history[i]);
    if (slash && slash > path) {
        char *directory = xstrndup(path, (size_t)(slash - path));
        files_make_directory(directory, NULL);
        free(directory);
    }
    if (all.length > 0)
        files_write(path, all.data, all.length, NULL);
    text_free(&all);
}

void prompt_close(struct prompt *p) {
    while (p->history_count > 0)
        free(p->history[--p->history_count]);
    *p = (struct prompt){0};
}
