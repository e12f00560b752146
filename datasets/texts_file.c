#include "datasets/texts_file.h"

#include "base/text.h"
#include "base/xalloc.h"
#include "datasets/unicode.h"
#include <stdlib.h>
#include <string.h>

static size_t line_of(const char *data, size_t at) {
    size_t line = 1;
    for (size_t i = 0; i < at; i++)
        line += data[i] == '\n';
    return line;
}

static bool begins(const char *data, size_t size, const char *mark) {
    size_t length = strlen(mark);
    return size >= length && memcmp(data, mark, length) == 0;
}

// Each byte of Latin-1 is the character of its number.
static void convert(struct texts_file *f) {
    char *own = xmalloc(2 * f->size + 1);
    size_t to = 0;
    for (size_t i = 0; i < f->size; i++)
        to += (size_t)unicode_write((unsigned char)f->data[i], own + to);
    f->data = f->own = own;
    f->size = to;
}

static bool check_utf8(const struct texts_file *f, const char *data, const char *name,
                       struct error *error) {
    size_t valid = unicode_valid(f->data, f->size), at = valid + (size_t)(f->data - data);
    if (valid == f->size)
        return true;
    return error_set(error,
                     "%s:%zu: no UTF-8: byte %zu of the file, 0x%02x, begins no character; if it "
                     "is Latin-1, data.encoding: latin-1 would be right",
                     name, line_of(data, at), at, (unsigned char)data[at]);
}

bool texts_file_parse(struct texts_file *f, const char *data, size_t size, const char *name,
                      bool latin1, struct error *error) {
    *f = (struct texts_file){.data = data, .size = size};
    if (size > TEXTS_FILE_MAX)
        return error_set(error, "%s: larger than %d MiB", name, TEXTS_FILE_MAX >> 20);
    if (begins(data, size, "\xff\xfe") || begins(data, size, "\xfe\xff"))
        return error_set(error, "%s: text in UTF-16; convert it to UTF-8", name);
    const char *zero = memchr(data, 0, size);
    if (zero)
        return error_set(error, "%s:%zu: a zero byte, which no text has", name,
                         line_of(data, (size_t)(zero - data)));
    if (latin1) {
        convert(f);
        return true;
    }
    text_skip_mark(&f->data, &f->size);
    return check_utf8(f, data, name, error);
}

bool texts_file_open(struct texts_file *f, const char *path, bool latin1, struct error *error) {
    struct mapping mapping;
    if (!mapping_open(&mapping, path, error))
        return false;
    bool fine = texts_file_parse(f, (const char *)mapping.data, mapping.size, path, latin1, error);
    f->mapping = mapping;
    if (!fine)
        texts_file_close(f);
    return fine;
}

void texts_file_close(struct texts_file *f) {
    free(f->own);
    if (f->mapping.data)
        mapping_close(&f->mapping);
    *f = (struct texts_file){0};
}
