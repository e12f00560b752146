#include "base/error.h"

#include "base/text.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Marks a message that was cut, without leaving half of a UTF-8 character.
static void mark_cut(char *text, size_t size) {
    size_t end = size - 4;
    while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80) {
        end--;
    }
    memcpy(text + end, "...", 4);
}

// Formats aside first, so that the arguments may point into e->text.
static void fill(struct error *e, const char *format, va_list args, const char *rest) {
    char text[sizeof e->text];
    int head = vsnprintf(text, sizeof text, format, args);
    size_t length = head < 0 ? 0 : (size_t)head;
    if (length < sizeof text) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%s", rest);
    }
    if (length >= sizeof text) {
        mark_cut(text, sizeof text);
    }
    text_plain(text); // names in it may come from any file
    memcpy(e->text, text, sizeof text);
}

bool error_set(struct error *e, const char *format, ...) {
    if (e) {
        va_list args;
        va_start(args, format);
        e->kind = ERROR_REQUEST;
        fill(e, format, args, "");
        va_end(args);
    }
    return false;
}

bool error_run(struct error *e, const char *format, ...) {
    if (e) {
        va_list args;
        va_start(args, format);
        e->kind = ERROR_RUN;
        fill(e, format, args, "");
        va_end(args);
    }
    return false;
}

bool error_prefix(struct error *e, const char *format, ...) {
    if (e) {
        va_list args;
        va_start(args, format);
        fill(e, format, args, e->text);
        va_end(args);
    }
    return false;
}

int error_exit_code(const struct error *e) {
    switch (e->kind) {
    case ERROR_NONE:
        return 0;
    case ERROR_RUN:
        return 1;
    case ERROR_REQUEST:
        break;
    }
    return 2;
}
