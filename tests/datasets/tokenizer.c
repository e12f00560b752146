#include "datasets/tokenizer.h"

#include "base/random.h"
#include "base/text.h"
#include "checkpoint/shared.h"
#include "datasets/bpe.h"
#include "datasets/unicode.h"
#include "datasets/wordpiece.h"
#include "directory.h"
#include "pictures.h"
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

static json_t *document; // tests/datasets/tokenizers.json

static int read_document(void **state) {
    const char *source = getenv("THAW_SOURCE");
    char *path = xprintf("%s/tests/datasets/tokenizers.json", source ? source : ".");
    document = json_load_file(path, JSON_ALLOW_NUL, NULL);
    free(path);
    (void)state;
    return document ? 0 : -1;
}

static int close_document(void **state) {
    (void)state;
    json_decref(document);
    return 0;
}

// The list under `key`, a line each.
static struct text lines_of(const char *key) {
    struct text t = {0};
    size_t i;
    json_t *line;
    json_array_foreach(json_object_get(document, key), i, line)
        text_add(&t, "%s\n", json_string_value(line));
    return t;
}

static struct tokenizer *small_wordpiece(const char *key) {
    struct error e = {0};
    struct text lines = lines_of(key);
    struct tokenizer *t = wordpiece_parse(lines.data, lines.length, key, NULL, &e);
    if (!t)
        fail_msg("%s", e.text);
    text_free(&lines);
    return t;
}

static struct tokenizer *small_bpe(void) {
    struct error e = {0};
    struct text merges = lines_of("merges");
    char *ids = json_dumps(json_object_get(document, "bpe"), 0);
    struct bpe_file files[] = {{ids, strlen(ids), "ids"}, {merges.data, merges.length, "merges"}};
    struct tokenizer *t = bpe_parse(&files[0], &files[1], &e);
    if (!t)
        fail_msg("%s", e.text);
    free(ids);
    text_free(&merges);
    return t;
}

static void check_case(const struct tokenizer *t, const char *key, const json_t *one) {
    const json_t *text = json_object_get(one, "text"), *ids = json_object_get(one, key);
    struct tokens out = {0};
    assert_true(tokenizer_encode(t, json_string_value(text), json_string_length(text), 4096, &out));
    bool same = out.count == json_array_size(ids);
    for (size_t i = 0; i < out.count && same; i++)
        same = out.id[i] == json_integer_value(json_array_get(ids, i));
    if (!same)
        fail_msg("%s: other ids for \"%s\"", key, json_string_value(text));
    tokens_free(&out);
}

// Takes the tokenizer.
static void check_cases(struct tokenizer *t, const char *key) {
    size_t i;
    json_t *one, *cases = json_object_get(document, "cases");
    assert_non_null(t);
    assert_true(json_array_size(cases) > 30);
    json_array_foreach(cases, i, one) check_case(t, key, one);
    tokenizer_close(t);
}

static void hard_cases(void **state) {
    (void)state;
    check_cases(small_wordpiece("small"), "small");
    check_cases(small_wordpiece("cased"), "cased");
    check_cases(small_bpe(), "bpe");
}

// The files as they ship, under their usual names.
static bool link_shared(const char *root, const char *name, const char *shared) {
    char *from = shared_path(shared), *to = files_join(root, name), *real = realpath(from, NULL);
    bool there = real && symlink(real, to) == 0;
    free(from);
    free(to);
    free(real);
    return there;
}

static struct tokenizer *open_fine(const char *root, const char *name) {
    struct error e = {0};
    char *path = files_join(root, name);
    struct tokenizer *t = tokenizer_open(path, &e);
    if (!t)
        fail_msg("%s", e.text);
    free(path);
    return t;
}

static bool has_bert(const char *root) {
    return link_shared(root, "vocab.txt", "data/tokenizers/bert-base-uncased-vocab.txt");
}

static bool has_gpt2(const char *root) {
    return link_shared(root, "encoder.json", "data/tokenizers/gpt2-encoder.json") &&
           link_shared(root, "vocab.bpe", "data/tokenizers/gpt2-vocab.bpe");
}

static void hard_cases_with_berts_vocabulary(void **state) {
    if (!has_bert(*state)) {
        print_message("skipped: there is no ../shared/data/tokenizers\n");
        skip();
    }
    check_cases(open_fine(*state, ""), "bert");
    check_cases(open_fine(*state, "vocab.txt"), "bert");
}

// A text of random characters, many of them close together.
static size_t random_text(uint32_t number, char *out, int characters) {
    struct random_key key = random_key(1, RANDOM_SHIFT, 0);
    size_t size = 0;
    for (int i = 0; i < characters; i++) {
        uint32_t block[4];
        random_block(key, number, (uint32_t)i, 0, 0, block);
        int32_t code = (int32_t)(block[1] % (block[0] % 2   ? 0x80
                                             : block[0] % 3 ? 0x3000
                                                            : 0x110000));
        if (code == 0 || (code >= 0xd800 && code < 0xe000))
            code = ' ';
        size += (size_t)unicode_write(code, out + size);
    }
    return size;
}

static void check_round_trips(const struct tokenizer *t) {
    char text[4 * 200];
    for (uint32_t i = 0; i < 2000; i++) {
        size_t size = random_text(i, text, (int)(i % 200)), back_size;
        struct tokens out = {0};
        assert_true(tokenizer_encode(t, text, size, sizeof text, &out));
        char *back = bpe_decode(t, out.id, out.count, &back_size);
        assert_int_equal(back_size, size);
        assert_memory_equal(back, text, size);
        free(back);
        tokens_free(&out);
    }
}

static void bpe_round_trips(void **state) {
    (void)state;
    struct tokenizer *t = small_bpe();
    check_round_trips(t);
    tokenizer_close(t);
}

static void hard_cases_with_gpt2s_vocabulary(void **state) {
    if (!has_gpt2(*state)) {
        print_message("skipped: there is no ../shared/data/tokenizers\n");
        skip();
    }
    check_cases(open_fine(*state, ""), "gpt2");
    check_cases(open_fine(*state, "encoder.json"), "gpt2");
    struct tokenizer *t = open_fine(*state, "");
    check_round_trips(t);
    tokenizer_close(t);
}

static void expect_ids(const struct tokenizer *t, const char *text, size_t most, bool fits,
                       const char *pieces) {
    struct tokens out = {0};
    struct text names = {0};
    assert_int_equal(tokenizer_encode(t, text, strlen(text), most, &out), fits);
    for (size_t i = 0; i < out.count; i++)
        text_add(&names, "%s%s", i ? " " : "", t->vocabulary.piece[out.id[i]]);
    assert_string_equal(names.data, pieces);
    text_free(&names);
    tokens_free(&out);
}

static void cuts_what_is_too_long(void **state) {
    (void)state;
    struct tokenizer *t = small_wordpiece("small");
    expect_ids(t, "hello world, a b", 6, false, "[CLS] hello world , a [SEP]");
    expect_ids(t, "hello world, a", 6, true, "[CLS] hello world , a [SEP]");
    expect_ids(t, "a unaffable", 4, false, "[CLS] a un [SEP]");
    tokenizer_close(t);
    t = small_bpe();
    expect_ids(t, "hello world", 1, false, "hello");
    expect_ids(t, "hello world", 2, true, "hello \u0120world");
    tokenizer_close(t);
}

static void one_is_built_in(void **state) {
    struct error e = {0};
    struct tokenizer *t = tokenizer_open("wordnet", &e);
    (void)state;
    assert_non_null(t);
    assert_int_equal(t->vocabulary.size, 8000);
    expect_ids(t, "The Person, who", 16, true, "[CLS] the person , who [SEP]");
    tokenizer_close(t);
}

// Configurations beside a vocabulary overrule what its pieces suggest.
static void settings_of_wordpiece(void **state) {
    static const char pieces[] = "[UNK]\n[CLS]\n[SEP]\nAB\nab\n\u00e9\ne\nE\n\u4e00a\n";
    static const struct {
        const char *config, *ids;
    } cases[] = {
        {NULL, "[CLS] AB \u00e9 [UNK] [UNK] [SEP]"},
        {"{}", "[CLS] AB \u00e9 [UNK] [UNK] [SEP]"},
        {"{\"do_lower_case\": true, \"strip_accents\": null}", "[CLS] ab e [UNK] [UNK] [SEP]"},
        {"{\"do_lower_case\": true, \"strip_accents\": false}",
         "[CLS] ab \u00e9 [UNK] [UNK] [SEP]"},
        {"{\"strip_accents\": true}", "[CLS] AB e [UNK] [UNK] [SEP]"},
        {"{\"tokenize_chinese_chars\": false}", "[CLS] AB \u00e9 \u4e00a [SEP]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_file(*state, "vocab.txt", pieces, strlen(pieces));
        if (cases[i].config)
            put_file(*state, "tokenizer_config.json", cases[i].config, strlen(cases[i].config));
        struct tokenizer *t = open_fine(*state, "");
        const char *ids = cases[i].ids;
        expect_ids(t, "AB \u00e9 \u4e00a", 100, true,
                   i < 5 ? ids : "[CLS] AB \u00e9 \u4e00a [SEP]");
        tokenizer_close(t);
    }
}

static void refuses(const char *root, const char *name, const char *why) {
    struct error e = {0};
    char *path = files_join(root, name);
    assert_null(tokenizer_open(path, &e));
    assert_int_equal(e.kind, ERROR_REQUEST);
    if (!strstr(e.text, why))
        fail_msg("\"%s\" lacks \"%s\"", e.text, why);
    free(path);
}

static void refuse_file(const char *root, const char *name, const char *text, const char *why) {
    put_file(root, name, text, strlen(text));
    refuses(root, name, why);
}

static void says_what_is_wrong_with_wordpiece(void **state) {
    struct error e = {0};
    assert_null(tokenizer_open("nowhere", &e));
    assert_non_null(strstr(e.text,
                           "there is no tokenizer \"nowhere\": wordnet, or a folder or file, "
                           "written with a slash or a dot (./nowhere), would be right"));
    refuses(*state, "nowhere", "would be right");
    refuses(*state, "", "no vocab.txt in it, nor vocab.json with merges.txt");
    refuses(*state, "no.txt", "no.txt: ");
    refuse_file(*state, "vocab.txt", "", "vocab.txt: 0 pieces in it; 1 to ");
    refuse_file(*state, "vocab.txt", "a\n[UNK]\n[CLS]\n", "there is no [SEP] in it");
    refuse_file(*state, "vocab.txt", "a\nb\xff\n", "no text in UTF-8: byte 3, in line 2");
    put_file(*state, "vocab.txt", "a\n\0\n", 4);
    refuses(*state, "", "no text in UTF-8: byte 2, in line 2");
    put_file(*state, "vocab.txt", "[UNK]\n[CLS]\n[SEP]", 17);
    tokenizer_close(open_fine(*state, ""));
    put_file(*state, "tokenizer_config.json", "{", 1);
    refuses(*state, "", "tokenizer_config.json:1: ");
    put_file(*state, "tokenizer_config.json", "{\"do_lower_case\": 1}", 20);
    refuses(*state, "", "tokenizer_config.json: do_lower_case must be true or false");
    put_file(*state, "tokenizer_config.json", "[]", 2);
    refuses(*state, "", "an object would be right");
    char *config = files_join(*state, "tokenizer_config.json");
    assert_int_equal(unlink(config), 0);
    assert_int_equal(mkfifo(config, 0600), 0); // nobody writes to it
    refuses(*state, "", "tokenizer_config.json: it is not a regular file");
    assert_int_equal(unlink(config), 0);
    assert_int_equal(mkdir(config, 0700), 0);
    refuses(*state, "", "tokenizer_config.json: it is not a regular file");
    free(config);
}

static void expect_text(const struct tokenizer *t, const char *text, const char *back) {
    struct tokens out = {0};
    size_t size;
    tokenizer_encode(t, text, strlen(text), 64, &out);
    const bool around = t->before >= 0;
    char *said = t->decode(t, out.id + around, out.count - 2 * around, &size);
    assert_string_equal(said, back);
    assert_int_equal(size, strlen(back));
    free(said);
    tokens_free(&out);
}

static void spells_ids_as_text(void **state) {
    static const char lines[] = "[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n##b\n,\n[\n]\nmask\n";
    put_file(*state, "vocab.txt", lines, sizeof lines - 1);
    struct tokenizer *t = open_fine(*state, "");
    expect_text(t, "abb  b,a", "abb b , a");
    expect_text(t, "", "");
    tokenizer_close(t);
    t = small_bpe();
    expect_text(t, " ab\n\xc3\xa9", " ab\n\xc3\xa9");
    expect_text(t, "", "");
    tokenizer_close(t);
}

// Where it is asked for; never beyond the most that are wanted.
static void spelled_masks_are_tokens(void **state) {
    static const char lines[] = "[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n##b\n,\n[\n]\nmask\n";
    put_file(*state, "vocab.txt", lines, sizeof lines - 1);
    struct tokenizer *t = open_fine(*state, "");
    expect_ids(t, "a[MASK]b", 8, true, "[CLS] a [ mask ] b [SEP]");
    t->mask = tokenizer_find_mask(t);
    assert_int_equal(t->mask, 3);
    expect_ids(t, "a[MASK]b [MASK]", 8, true, "[CLS] a [MASK] b [MASK] [SEP]");
    expect_ids(t, "[MASK][MASK]b", 8, true, "[CLS] [MASK] [MASK] b [SEP]");
    expect_ids(t, "[MASK", 8, true, "[CLS] [ mask [SEP]");
    expect_ids(t, "a [MASK] b", 5, true, "[CLS] a [MASK] b [SEP]");
    expect_ids(t, "a [MASK] b", 4, false, "[CLS] a [MASK] [SEP]");
    expect_ids(t, "a b [MASK] b", 4, false, "[CLS] a b [SEP]");
    expect_ids(t, "a, [MASK][MASK][MASK]", 4, false, "[CLS] a , [SEP]");
    tokenizer_close(t);
}

// As Windows' editors write them.
static void a_byte_order_mark_is_passed_over(void **state) {
    static const char lines[] = "\xef\xbb\xbf[UNK]\r\n[CLS]\r\n[SEP]\r\nA\r\n",
                      config[] = "\xef\xbb\xbf{\"do_lower_case\": false}",
                      merges[] = "\xef\xbb\xbf#version: 0.2\r\na b\r\n";
    put_file(*state, "vocab.txt", lines, sizeof lines - 1);
    put_file(*state, "tokenizer_config.json", config, sizeof config - 1);
    struct tokenizer *t = open_fine(*state, "");
    expect_ids(t, "A", 8, true, "[CLS] A [SEP]");
    expect_ids(t, "\xef\xbb\xbf", 8, true, "[CLS] [SEP]");
    tokenizer_close(t);
    char *ids = json_dumps(json_object_get(document, "bpe"), 0);
    char *marked = xprintf("\xef\xbb\xbf%s", ids);
    put_file(*state, "vocab.json", marked, strlen(marked));
    put_file(*state, "merges.txt", merges, sizeof merges - 1);
    t = open_fine(*state, "vocab.json");
    expect_ids(t, "ab", 8, true, "ab");
    tokenizer_close(t);
    free(ids);
    free(marked);
}

static void says_what_is_wrong_with_bpe(void **state) {
    static const struct {
        const char *merges, *why;
    } cases[] = {
        {"a b\nab", "merges.txt:2: two pieces with a space between them would be right"},
        {"#version: 0.2\n\na b \n", "merges.txt:3: two pieces"},
        {"a b\n b\n", "merges.txt:2: two pieces"},
        {"a b\nx y\n", "merges.txt:2: the vocabulary lacks one of the two pieces, or what they"},
        {"a b\nb \xff\n", "merges.txt: no text in UTF-8: byte 6, in line 2"},
    };
    char *ids = json_dumps(json_object_get(document, "bpe"), 0);
    refuse_file(*state, "vocab.json", "{}", "merges.txt");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_file(*state, "merges.txt", cases[i].merges, strlen(cases[i].merges));
        refuse_file(*state, "vocab.json", ids, cases[i].why);
    }
    put_file(*state, "merges.txt", "\r\na b\r\n", 7);
    tokenizer_close(open_fine(*state, ""));
    free(ids);
    refuse_file(*state, "vocab.json", "{\"a\": 0", "vocab.json:1: ");
    refuse_file(*state, "vocab.json", "[]", "an object of pieces and their ids");
    refuse_file(*state, "vocab.json", "{}", "0 pieces in it");
    refuse_file(*state, "vocab.json", "{\"a\": 0, \"a\": 1}", "vocab.json:1: duplicate");
    refuse_file(*state, "vocab.json", "{\"a\": 1}", "the id of \"a\" is none of 0 to 0");
    refuse_file(*state, "vocab.json", "{\"a\": 0, \"b\": 0}", "or is another piece's");
    refuse_file(*state, "vocab.json", "{\"a\": \"0\"}", "the id of \"a\" is none");
    refuse_file(*state, "vocab.json", "{\"a\": 0}", "there is no piece \"\u0100\" in it");
}

// A line of a million letters, of which nothing may cost the square.
static void one_million_letters(void **state) {
    (void)state;
    enum { SIZE = 1000000 };
    char *text = xmalloc(SIZE);
    memset(text, 'a', SIZE);
    struct tokenizer *t = small_wordpiece("small");
    struct tokens out = {0};
    assert_true(tokenizer_encode(t, text, SIZE, 16, &out));
    assert_int_equal(out.count, 3); // [CLS] [UNK] [SEP]
    tokenizer_close(t);
    tokens_free(&out);
    t = small_bpe();
    assert_true(tokenizer_encode(t, text, SIZE, SIZE, &out));
    assert_int_equal(out.count, SIZE / 4);
    tokenizer_close(t);
    tokens_free(&out);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hard_cases),
        IN_DIRECTORY(hard_cases_with_berts_vocabulary),
        cmocka_unit_test(bpe_round_trips),
        IN_DIRECTORY(hard_cases_with_gpt2s_vocabulary),
        cmocka_unit_test(cuts_what_is_too_long),
        cmocka_unit_test(one_is_built_in),
        IN_DIRECTORY(settings_of_wordpiece),
        IN_DIRECTORY(says_what_is_wrong_with_wordpiece),
        IN_DIRECTORY(says_what_is_wrong_with_bpe),
        IN_DIRECTORY(a_byte_order_mark_is_passed_over),
        IN_DIRECTORY(spells_ids_as_text),
        IN_DIRECTORY(spelled_masks_are_tokens),
        cmocka_unit_test(one_million_letters),
    };
    return cmocka_run_group_tests(tests, read_document, close_document);
}
