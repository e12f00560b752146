// libFuzzer: whatever the bytes, a file of texts is read, or refused in one line; what is read is
// UTF-8 without zero bytes, and every row has a label.
//
// The first byte chooses format, encoding and how columns are named.
#include "datasets/texts_file.h"
#include "datasets/texts_rows.h"
#include "datasets/unicode.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text) {
    if (unicode_valid(text, strlen(text)) != strlen(text))
        abort();
}

static void check_rows(struct texts_rows *r) {
    texts_rows_order(r);
    for (int i = 0; i < r->count; i++) {
        const struct texts_row *row = &r->row[i];
        if (!*row->label || row->file != 0 || row->line < 1 ||
            (i > 0 && row->part < r->row[i - 1].part))
            abort();
        check_text(row->text);
        check_text(row->label);
    }
}

static bool read_rows(const char *data, size_t size, int choice, struct error *error) {
    static const struct texts_columns columns[] = {{"text", "label"}, {"2", "1"}};
    enum texts_format format = TEXTS_CSV + choice % 4;
    struct texts_rows rows = {0};
    bool fine = texts_rows_read(&rows, data, size, "fuzz", format, &columns[choice / 8 % 2],
                                PART_TRAIN, error);
    if (fine)
        check_rows(&rows);
    texts_rows_close(&rows);
    return fine;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct texts_file file;
    struct error error = {0};
    if (size == 0)
        return 0;
    bool fine =
        texts_file_parse(&file, (const char *)data + 1, size - 1, "fuzz", data[0] & 4, &error);
    if (fine) {
        fine = read_rows(file.data, file.size, data[0], &error);
        texts_file_close(&file);
    }
    if (!fine && (error.kind != ERROR_REQUEST || !*error.text || strchr(error.text, '\n')))
        abort();
    return 0;
}
