#include "base/text.h"

#include "base/xalloc.h"
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static locale_t c_locale;

static void make_c_locale(void) {
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static locale_t get_c_locale(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_c_locale);
    return c_locale;
}

// vsnprintf with a decimal point, whatever the process's locale is.
static int print_args(char *out, size_t size, const char *format, va_list args) {
    locale_t before = uselocale(get_c_locale());
    int length = vsnprintf(out, size, format, args);
    uselocale(before);
    return length;
}

__attribute__((format(printf, 2, 3))) static void print_number(char out[32], const char *format,
                                                               ...) {
    va_list args;
    va_start(args, format);
    print_args(out, 32, format, args);
    va_end(args);
}

static void make_room(struct text *t, size_t more) {
    size_t need = t->length + more + 1;
    if (need > t->capacity) {
        t->capacity = need > 2 * t->capacity ? need : 2 * t->capacity;
        t->data = xrealloc(t->data, t->capacity);
    }
}

void text_add(struct text *t, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = print_args(NULL, 0, format, args);
    if (length > 0) {
        make_room(t, (size_t)length);
        print_args(t->data + t->length, (size_t)length + 1, format, again);
        t->length += (size_t)length;
    }
    va_end(again);
    va_end(args);
}

void text_free(struct text *t) {
    free(t->data);
    *t = (struct text){0};
}

const char *text_count(uint64_t value, char out[32]) {
    char digits[24];
    int count = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    char *to = out;
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            *to++ = ',';
        }
        *to++ = digits[i];
    }
    *to = '\0';
    return out;
}

// How many decimals make three figures.
static int decimals_for(double size) {
    if (size < 9.995) {
        return 2;
    }
    return size < 99.95 ? 1 : 0;
}

// Divides until the rounded number is below `base`, or the units end; returns the unit's number.
static int scale_down(double *value, double base, int units) {
    int unit = 0;
    while (fabs(*value) >= base - 0.5 && unit + 1 < units) {
        *value /= base;
        unit++;
    }
    return unit;
}

const char *text_si(double value, char out[32]) {
    static const char *const unit_names[] = {"", "k", "M", "G", "T", "P", "E"};
    int unit = scale_down(&value, 1000, 7);
    if (unit == 0) {
        print_number(out, "%.3g", value);
    } else {
        print_number(out, "%.*f %s", decimals_for(fabs(value)), value, unit_names[unit]);
    }
    return out;
}

const char *text_bytes(double bytes, char out[32]) {
    static const char *const unit_names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    int unit = scale_down(&bytes, 1024, 7);
    int decimals = unit == 0 ? 0 : decimals_for(fabs(bytes));
    print_number(out, "%.*f %s", decimals, bytes, unit_names[unit]);
    return out;
}

void text_skip_mark(const char **data, size_t *size) {
    static const char mark[] = "\xef\xbb\xbf";
    const size_t length = sizeof mark - 1;
    if (*size < length || memcmp(*data, mark, length) != 0)
        return;
    *data += length;
    *size -= length;
}

const char *text_line(const char **at, const char *end, size_t *length) {
    const char *line = *at, *newline = line < end ? memchr(line, '\n', (size_t)(end - line)) : NULL;
    if (!newline) {
        return NULL;
    }
    *length = (size_t)(newline - line);
    *at = newline + 1;
    return line;
}

int text_control(const char *at) {
    unsigned char first = (unsigned char)at[0];
    if (first == 0xc2 && (unsigned char)at[1] >= 0x80 && (unsigned char)at[1] < 0xa0) {
        return 2;
    }
    return (first && first < ' ') || first == 0x7f;
}

void text_plain(char *text) {
    char *to = text;
    for (int control; *text; text += control ? control : 1) {
        control = text_control(text);
        *to++ = control ? '?' : *text;
    }
    *to = '\0';
}

bool text_to_int(const char *text, int64_t *value) {
    if (text[strspn(text, "0123456789+-")]) { // strtoll would skip blanks
        return false;
    }
    char *end;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (end == text || *end || errno == ERANGE) {
        return false;
    }
    *value = parsed;
    return true;
}

bool text_to_real(const char *text, double *value) {
    if (text[strspn(text, "0123456789+-.eE")]) { // strtod would take blanks, hexadecimal, inf, nan
        return false;
    }
    char *end;
    errno = 0;
    double parsed = strtod_l(text, &end, get_c_locale());
    if (end == text || *end || errno == ERANGE) {
        return false;
    }
    *value = parsed;
    return true;
}

bool text_glob(const char *pattern, const char *name) {
    const char *after_star = NULL, *resume = NULL;
    while (*name) {
        if (*pattern == '*') {
            after_star = ++pattern;
            resume = name;
        } else if (*pattern == '?' || *pattern == *name) {
            pattern++;
            name++;
        } else if (after_star) { // the last star takes one character more
            pattern = after_star;
            name = ++resume;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "*")] == '\0';
}

static int lower(char c) {
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

static int smaller(int a, int b) {
    return a < b ? a : b;
}

// rows[k] is the row of the table of distances that is k prefixes of `a` back.
static void distance_row(const char *a, int i, const char *b, int columns, int *const rows[3]) {
    rows[0][0] = i;
    for (int j = 1; j <= columns; j++) {
        int differ = lower(a[i - 1]) != lower(b[j - 1]);
        int best = smaller(rows[1][j], rows[0][j - 1]) + 1;
        best = smaller(best, rows[1][j - 1] + differ);
        if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
            lower(a[i - 2]) == lower(b[j - 1])) {
            best = smaller(best, rows[2][j - 2] + 1);
        }
        rows[0][j] = best;
    }
}

int text_distance(const char *a, const char *b) {
    int length = (int)strlen(a), columns = (int)strlen(b);
    size_t width = (size_t)columns + 1;
    int *table = xcalloc(3 * width, sizeof *table);
    int *rows[3] = {table, table + width, table + 2 * width};
    for (int j = 0; j <= columns; j++) {
        rows[0][j] = j;
    }
    for (int i = 1; i <= length; i++) {
        int *oldest = rows[2];
        rows[2] = rows[1];
        rows[1] = rows[0];
        rows[0] = oldest;
        distance_row(a, i, b, columns, rows);
    }
    int distance = rows[0][columns];
    free(table);
    return distance;
}

enum { NEAREST = 3 };

static int nearness(const char *wrong, const char *name) {
    int distance = text_distance(wrong, name);
    return strcasestr(name, wrong) ? smaller(distance, 2) : distance;
}

void text_nearest(struct text *t, const char *wrong, const char *const *names, int count) {
    const char *best[NEAREST];
    int distance[NEAREST], found = 0;
    for (int i = 0; i < count; i++) {
        int near = nearness(wrong, names[i]);
        int at = found;
        while (at > 0 && distance[at - 1] > near) {
            at--;
        }
        found = smaller(found + 1, NEAREST);
        for (int j = found - 1; j > at; j--) {
            best[j] = best[j - 1];
            distance[j] = distance[j - 1];
        }
        if (at < NEAREST) {
            best[at] = names[i];
            distance[at] = near;
        }
    }
    for (int i = 0; i < found; i++) {
        text_add(t, "%s%s", i == 0 ? "" : i + 1 == found ? " or " : ", ", best[i]);
    }
}
