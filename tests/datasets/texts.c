#include "datasets/texts.h"

#include "base/text.h"
#include "checkpoint/shared.h"
#include "datasets/texts_rows.h"
#include "directory.h"
#include "pictures.h"
#include <jansson.h>

enum { LENGTH = 8 };

// Beside the data of each test.
static const char vocabulary[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\nc\n,\n\xc3\xa9\n\"\n";

struct opened {
    struct dataset_pair pair;
    char *path, *tokenizer;
    struct error error;
    bool fine;
};

static struct opened open_with(const char *root, const char *name, struct dataset_request q) {
    struct opened o = {0};
    put_file(root, "vocab.txt", vocabulary, strlen(vocabulary));
    o.path = files_join(root, name);
    o.tokenizer = files_join(root, "vocab.txt");
    q.path = o.path;
    q.tokenizer = o.tokenizer;
    q.length = q.length ? q.length : LENGTH;
    q.text_column = q.text_column ? q.text_column : "text";
    q.label_column = q.label_column ? q.label_column : "label";
    o.fine = texts_open(&q, &o.pair, &o.error);
    return o;
}

static struct opened open_fine(const char *root, const char *name, struct dataset_request q) {
    struct opened o = open_with(root, name, q);
    if (!o.fine)
        fail_msg("%s", o.error.text);
    return o;
}

static void opened_close(struct opened *o) {
    dataset_pair_close(&o->pair);
    free(o->path);
    free(o->tokenizer);
}

static void refuses(const char *root, const char *name, struct dataset_request q, const char *why) {
    struct opened o = open_with(root, name, q);
    assert_false(o.fine);
    assert_null(o.pair.train);
    assert_null(o.pair.note);
    assert_int_equal(o.error.kind, ERROR_REQUEST);
    if (!strstr(o.error.text, why))
        fail_msg("\"%s\" lacks \"%s\"", o.error.text, why);
    opened_close(&o);
}

static void put(const char *root, const char *name, const char *text) {
    put_file(root, name, text, strlen(text));
}

// The sample's label and tokens, and that its floats are these tokens' ids.
static void check(const struct dataset *d, int i, const char *label, const char *text,
                  const char *tokens) {
    float ids[LENGTH];
    struct sample_text shown;
    assert_true(d && i < d->count);
    assert_string_equal(d->class_names[d->labels[i]], label);
    d->show(d, i, &shown);
    assert_string_equal(shown.text, text);
    assert_string_equal(shown.tokens, tokens);
    sample_text_close(&shown);
    d->read(d, i, ids);
    const char *at = tokens;
    int count = 0;
    for (; *at; count++) {
        size_t length = strcspn(at, " ");
        const char *line = vocabulary;
        for (int id = 0; id < (int)ids[count]; id++)
            line = strchr(line, '\n') + 1;
        assert_memory_equal(line, at, length);
        at += length + (at[length] == ' ');
    }
    for (; count < LENGTH; count++)
        assert_true(ids[count] == -1);
}

static void reads_csv(void **state) {
    put(*state, "x.csv",
        "\xef\xbb\xbf"
        "label,n,text,split\r\n10,1,\"a, \"\"b\"\"\nc\",train\r\n\r\n"
        "9,2,\xc3\xa9,test\r\n9,3,b,train\r\n10,4,c,val\r\n");
    struct opened o = open_fine(*state, "x.csv", (struct dataset_request){0});
    assert_int_equal(o.pair.train->count, 2);
    assert_int_equal(o.pair.train->classes, 2);
    assert_int_equal(o.pair.train->vocabulary, 10);
    assert_true(shape_equal(o.pair.train->shape, (struct shape){LENGTH, 1, 1}));
    assert_string_equal(o.pair.train->class_names[0], "9");
    assert_null(o.pair.note);
    check(o.pair.train, 0, "10", "a, \"b\"\nc", "[CLS] a , \" b \" c [SEP]");
    check(o.pair.train, 1, "9", "b", "[CLS] b [SEP]");
    // No piece of the vocabulary has a capital letter: accents are stripped.
    check(o.pair.test, 0, "9", "\xc3\xa9", "[CLS] [UNK] [SEP]");
    check(o.pair.validation, 0, "10", "c", "[CLS] c [SEP]");
    opened_close(&o);
    o = open_fine(*state, "x.csv", (struct dataset_request){.text_column = "n"});
    check(o.pair.train, 0, "10", "1", "[CLS] [UNK] [SEP]");
    opened_close(&o);
}

static void reads_tsv(void **state) {
    put(*state, "data", "ham\t\"a b\r\nspam\tc\textra\n");
    struct dataset_request q = {.format = TEXTS_TSV, .text_column = "2", .label_column = "1"};
    struct opened o = open_fine(*state, "data", q);
    assert_null(o.pair.test);
    check(o.pair.train, 0, "ham", "\"a b", "[CLS] \" a b [SEP]");
    check(o.pair.train, 1, "spam", "c", "[CLS] c [SEP]");
    opened_close(&o);
    put(*state, "x.tsv", "text\tlabel\n\tn\n");
    o = open_fine(*state, "x.tsv", (struct dataset_request){0});
    check(o.pair.train, 0, "n", "", "[CLS] [SEP]");
    opened_close(&o);
}

// For a language model: labels need not be there, and are passed over where they are.
static void reads_texts_without_labels(void **state) {
    struct dataset_request q = {.unlabelled = true};
    put(*state, "x.csv", "text,split\na,train\n\"b,\",train\nc,test\n");
    put(*state, "x.jsonl", "{\"text\": \"a\"}\n{\"text\": \"b,\", \"label\": 7}\n");
    put(*state, "x.txt", "a\n\nb,\r\n");
    put(*state, "x", "odd a\neven b,\n");
    static const char *const names[] = {"x.csv", "x.jsonl", "x.txt", "x"};
    for (int i = 0; i < 4; i++) {
        q.format = i == 3 ? TEXTS_FIRST_WORD : TEXTS_BY_ENDING;
        struct opened o = open_fine(*state, names[i], q);
        assert_int_equal(o.pair.train->count, 2);
        assert_int_equal(o.pair.train->classes, 1);
        assert_int_equal(o.pair.test != NULL, i == 0);
        check(o.pair.train, 0, "text", "a", "[CLS] a [SEP]");
        check(o.pair.train, 1, "text", "b,", "[CLS] b , [SEP]");
        struct dataset_marks marks = o.pair.train->marks;
        assert_true(marks.mask == -1 && marks.before == 2 && marks.after == 3);
        opened_close(&o);
    }
    put(*state, "y.csv", "1,a\n2,c\n");
    q = (struct dataset_request){.unlabelled = true, .text_column = "2"};
    struct opened o = open_fine(*state, "y.csv", q);
    check(o.pair.train, 1, "text", "c", "[CLS] c [SEP]");
    opened_close(&o);
    refuses(*state, "x.txt", (struct dataset_request){0},
            "x.txt: a text a line, without labels, is for language models (-lm)");
}

static void reads_json_lines(void **state) {
    put(*state, "x.jsonl",
        "{\"text\": \"a\\n\\u0062\", \"label\": 1, \"split\": \"train\"}\n\n"
        "{\"label\": true, \"text\": \"c\", \"more\": [1, {}]}\r\n"
        "{\"label\": \"true\", \"text\": \"b\", \"split\": \"dev\"}");
    struct opened o = open_fine(*state, "x.jsonl", (struct dataset_request){0});
    check(o.pair.train, 0, "1", "a\nb", "[CLS] a b [SEP]");
    check(o.pair.train, 1, "true", "c", "[CLS] c [SEP]");
    check(o.pair.validation, 0, "true", "b", "[CLS] b [SEP]");
    opened_close(&o);
}

// TREC's form, in Latin-1, with a file for testing beside it.
static void reads_first_words_and_siblings(void **state) {
    put(*state, "q.train.all", "0 a \xe9\n1 b c\n");
    put(*state, "q.test.all", "1 c\n");
    put(*state, "q.dev.all", "0 b\n");
    struct dataset_request q = {.format = TEXTS_FIRST_WORD, .latin1 = true};
    struct opened o = open_fine(*state, "q.train.all", q);
    check(o.pair.train, 0, "0", "a \xc3\xa9", "[CLS] a [UNK] [SEP]");
    check(o.pair.train, 1, "1", "b c", "[CLS] b c [SEP]");
    check(o.pair.test, 0, "1", "c", "[CLS] c [SEP]");
    check(o.pair.validation, 0, "0", "b", "[CLS] b [SEP]");
    assert_non_null(strstr(o.pair.note, "validation samples are those of "));
    assert_non_null(strstr(o.pair.note, "q.dev.all; test samples are those of "));
    opened_close(&o);
    o = open_fine(*state, "", q); // the folder has one such file
    assert_int_equal(o.pair.train->count, 2);
    opened_close(&o);
    put(*state, "my-train.csv", "");
    refuses(*state, "", q, "both may be for training; give one of the files");
    // "training" is another word.
    put(*state, "training.all", "0 a\n");
    o = open_fine(*state, "training.all", q);
    assert_null(o.pair.test);
    opened_close(&o);
}

static void reads_trees(void **state) {
    put(*state, "x/train/pos/2.txt", "a\nb\n");
    put(*state, "x/train/pos/1.TXT", "b");
    put(*state, "x/train/neg/1.txt", "c");
    put(*state, "x/train/neg/notes.md", "not this");
    put(*state, "x/test/neg/9.txt", "a");
    struct opened o = open_fine(*state, "x", (struct dataset_request){0});
    assert_int_equal(o.pair.train->count, 3);
    check(o.pair.train, 0, "neg", "c", "[CLS] c [SEP]");
    check(o.pair.train, 1, "pos", "b", "[CLS] b [SEP]");
    check(o.pair.train, 2, "pos", "a\nb\n", "[CLS] a b [SEP]");
    check(o.pair.test, 0, "neg", "a", "[CLS] a [SEP]");
    opened_close(&o);
    put(*state, "x/train/pos/2.txt", "a\xff");
    refuses(*state, "x", (struct dataset_request){0}, "/pos/2.txt:1: no UTF-8: byte 1 of the file");
    put(*state, "y/pos/1.pdf", "a");
    refuses(*state, "y", (struct dataset_request){0},
            "/pos: no text of this class (names ending in .txt");
    refuses(*state, "x", (struct dataset_request){.format = TEXTS_CSV},
            "a folder without a file for training");
}

static void cuts_and_says_so(void **state) {
    put(*state, "x.csv", "text,label\na a a a a a,x\na a a a a a a,x\nb,y\n");
    struct opened o = open_fine(*state, "x.csv", (struct dataset_request){0});
    check(o.pair.train, 0, "x", "a a a a a a", "[CLS] a a a a a a [SEP]");
    check(o.pair.train, 1, "x", "a a a a a a a", "[CLS] a a a a a a [SEP]");
    assert_string_equal(o.pair.note, "1 of 3 texts are longer than data.length, 8 tokens; their "
                                     "ends are left out");
    opened_close(&o);
}

static void says_what_is_wrong(void **state) {
    static const struct {
        const char *name, *text, *why;
    } cases[] = {
        {"x.csv", "", "x.csv: there is no text for training in it; a line for each text would"},
        {"x.csv", "text,label\n", "x.csv: there is no text for training in it; a line for each"},
        {"x.csv", "\n\n\n", "x.csv: there is no text for training"},
        {"x.csv", "text,label,split\na,x,val\n",
         "x.csv: there is no text for training in it; a split"},
        {"x.csv", "a,b,c,d,e,f,g,h,i,j,k,l,m\n",
         "the columns are \"a\", \"b\", \"c\", \"d\", \"e\", \"f\", \"g\", \"h\", \"i\", \"j\" and "
         "3 more, "
         "none of them \"text\""},
        {"x.csv", "text,label,text\na,x,b\n",
         "x.csv:1: columns 1 and 3 are both \"text\"; rename one"},
        {"x.csv", "label,text,label\na,x,b\n", "x.csv:1: columns 1 and 3 are both \"label\""},
        {"x.csv", "text,label\na,\"x\ny\"\n", "x.csv:2: the label \"x?y\" has control characters"},
        {"x.jsonl", "{\"text\": \"a\", \"label\": \"\\u001b[1m\"}\n", "has control characters"},
        {"x.jsonl", "{\"text\": \"a\", \"label\": \"\\u009b1m\"}\n", "has control characters"},
        {"x.csv", "a,b\n1,2\n",
         "x.csv:1: the columns are \"a\", \"b\", none of them \"text\"; name "},
        {"x.csv", "text,klass\n1,2\n", "none of them \"label\""},
        {"x.csv", "text,label\na,x\nb\n",
         "x.csv:3: 1 column, but text and label are columns 1 and 2"},
        {"x.csv", "text,label\na,\n", "x.csv:2: the label is empty"},
        {"x.csv", "text,label,split\na,x,now\n", "x.csv:2: the split must be train, val or test"},
        {"x.csv", "text,label,split\na,x,train\n\nb,y,test\n",
         "x.csv:4: training has no class \"y\""},
        {"x.csv", "text,label\n\"a,x\n", "x.csv:2: a quoted field that does not end"},
        {"x.csv", "text,label\n\"a\nb\",x\n\"a\"b,x\n", "x.csv:4: text behind a quoted field"},
        {"x.csv", "text,label\na,x\n\xe9,x\n",
         "x.csv:3: no UTF-8: byte 15 of the file, 0xe9, begins no character; if it is Latin-1, "
         "data.encoding: latin-1 would be right"},
        {"x.csv", "\xff\xfet\n", "x.csv: text in UTF-16; convert it to UTF-8"},
        {"x.jsonl", "{\"text\": \"a\", \"label\": 1}\n{\n", "x.jsonl:2: column "},
        {"x.jsonl", "[]\n", "x.jsonl:1: an object, {...}, would be right"},
        {"x.jsonl", "{\"text\": 1, \"label\": 1}\n",
         "x.jsonl:1: no \"text\" in it, or it is no text"},
        {"x.jsonl", "{\"text\": \"\"}\n", "x.jsonl:1: no \"label\" in it"},
        {"x.jsonl", "{\"text\": \"\", \"label\": 1.5}\n",
         "no \"label\" in it, or it is no text, whole"},
        {"x.jsonl", "{\"text\": \"\", \"label\": 1, \"split\": 3}\n",
         "x.jsonl:1: the split must be"},
        {"x.jsonl", "{\"text\": \"\\u0000\", \"label\": 1}\n", "x.jsonl:1: column "},
        {"x.pdf", "text\n", "x.pdf: its name ends in none of .csv, .tsv and .jsonl; say what"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put(*state, cases[i].name, cases[i].text);
        refuses(*state, cases[i].name, (struct dataset_request){0}, cases[i].why);
    }
    put_file(*state, "x.csv", "text,label\n\0,x\n", 14);
    refuses(*state, "x.csv", (struct dataset_request){0}, "x.csv:2: a zero byte");
    refuses(*state, "nowhere.csv", (struct dataset_request){0}, "nowhere.csv: cannot read it");
    put(*state, "data", "x\n");
    struct dataset_request q = {.format = TEXTS_TSV, .text_column = "2", .label_column = "1"};
    refuses(*state, "data", q, "data:1: 1 column, but text and label are columns 2 and 1");
    q.unlabelled = true;
    refuses(*state, "data", q, "data:1: 1 column, but the text is column 2");
    q = (struct dataset_request){.text_column = "label"};
    refuses(*state, "data", q, "data.text_column and data.label_column are both \"label\"");
}

// However many there are, an error shows few of them, and what would be right.
static void refuses_what_is_endless(void **state) {
    struct text t = {0};
    text_add(&t, "text");
    for (int i = 0; i < 100000; i++)
        text_add(&t, ",label");
    put(*state, "x.csv", t.data);
    refuses(*state, "x.csv", (struct dataset_request){0}, "x.csv:1: more than the 256 columns");
    text_free(&t);
    text_add(&t, "label,text\n%0256d,a\n", 1);
    put(*state, "x.csv", t.data);
    refuses(*state, "x.csv", (struct dataset_request){0},
            "x.csv:2: the label \"0000000000000000000000000000000000000000...\" is longer than 255 "
            "bytes; data.label_column names the right column");
    text_free(&t);
    char *files[] = {(char[]){"x.csv"}};
    struct texts_rows full = {.count = TEXTS_MOST, .files = files, .file_count = 1};
    struct error e = {0};
    assert_false(
        texts_rows_add(&full, (struct texts_row){xstrdup("a"), xstrdup("b"), .line = 7}, &e));
    assert_int_equal(full.count, TEXTS_MOST);
    assert_string_equal(e.text, "x.csv:7: more than the 8388608 texts that fit; leave out some");
}

// A column of numbers for labels, of which finding each must not cost a look at all.
static void a_class_for_each_of_many_texts(void **state) {
    enum { COUNT = 300000 };
    struct text t = {0};
    text_add(&t, "text,label\n");
    for (int i = 0; i < COUNT; i++)
        text_add(&t, "a,%d\n", COUNT - i);
    put(*state, "x.csv", t.data);
    text_free(&t);
    struct opened o = open_fine(*state, "x.csv", (struct dataset_request){0});
    assert_int_equal(o.pair.train->classes, COUNT);
    assert_int_equal(o.pair.train->labels[0], COUNT - 1);
    assert_int_equal(o.pair.train->labels[COUNT - 1], 0);
    opened_close(&o);
}

// BPE makes no token of an empty text, and the network needs one.
static void an_empty_text_needs_a_token(void **state) {
    json_error_t why;
    const char *source = getenv("THAW_SOURCE");
    char *path = xprintf("%s/tests/datasets/tokenizers.json", source ? source : ".");
    json_t *document = json_load_file(path, JSON_ALLOW_NUL, &why);
    char *ids = json_dumps(json_object_get(document, "bpe"), 0);
    put(*state, "bpe/vocab.json", ids);
    put(*state, "bpe/merges.txt", "a b\n");
    put(*state, "x.csv", "text,label\nab a,x\n,y\n");
    char *data = files_join(*state, "x.csv"), *tokenizer = files_join(*state, "bpe");
    struct dataset_request q = {data, .tokenizer = tokenizer, .length = LENGTH,
                                .text_column = "text", .label_column = "label"};
    struct dataset_pair pair;
    struct error e = {0};
    assert_false(texts_open(&q, &pair, &e));
    assert_non_null(strstr(e.text, "x.csv:3: the text is empty"));
    put(*state, "x.csv", "text,label\nab a,x\n");
    assert_true(texts_open(&q, &pair, &e));
    struct sample_text shown;
    pair.train->show(pair.train, 0, &shown);
    assert_string_equal(shown.tokens, "ab \u0120 a");
    sample_text_close(&shown);
    dataset_pair_close(&pair);
    json_decref(document);
    free(path);
    free(ids);
    free(data);
    free(tokenizer);
}

// A line of a million letters in each format.
static void lines_of_a_million_letters(void **state) {
    enum { SIZE = 1000000 };
    static const struct {
        const char *name, *before, *after;
    } files[] = {{"x.csv", "text,label\n\"", "\",1\n"},
                 {"x.tsv", "text\tlabel\n", "\t1\n"},
                 {"x.jsonl", "{\"label\": 1, \"text\": \"", "\"}\n"}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct text t = {0};
        text_add(&t, "%s%*s%s", files[i].before, SIZE, "a", files[i].after);
        for (char *at = t.data + strlen(files[i].before); *at == ' '; at++)
            *at = 'a';
        put(*state, files[i].name, t.data);
        struct opened o = open_fine(*state, files[i].name, (struct dataset_request){0});
        struct sample_text shown;
        o.pair.train->show(o.pair.train, 0, &shown);
        assert_int_equal(strlen(shown.text), SIZE);
        assert_string_equal(shown.tokens, "[CLS] [UNK] [SEP]");
        sample_text_close(&shown);
        opened_close(&o);
        text_free(&t);
    }
}

static int count_of(const struct dataset *d, int class) {
    int count = 0;
    for (int i = 0; i < d->count; i++)
        count += d->labels[i] == class;
    return count;
}

// The vocabulary has a piece for every character of the definitions: none is [UNK].
static void definitions_are_balanced_and_known(void **state) {
    struct dataset_request q = {.length = 256, .tokenizer = "wordnet"};
    struct dataset_pair pair;
    struct error e = {0};
    (void)state;
    if (!texts_definitions_open(&q, &pair, &e))
        fail_msg("%s", e.text);
    assert_null(pair.note);
    assert_null(pair.validation);
    assert_int_equal(pair.train->classes, 14);
    assert_int_equal(pair.train->vocabulary, 8000);
    for (int k = 0; k < 14; k++) {
        assert_int_equal(count_of(pair.train, k), 300);
        assert_int_equal(count_of(pair.test, k), 200);
    }
    for (int i = 0; i < pair.test->count; i++) {
        struct sample_text shown;
        pair.test->show(pair.test, i, &shown);
        assert_true(strlen(shown.text) > 2);
        assert_null(strstr(shown.tokens, "[UNK]"));
        assert_non_null(strstr(shown.tokens, "[CLS] "));
        sample_text_close(&shown);
    }
    dataset_pair_close(&pair);
    q.path = "here";
    assert_false(texts_definitions_open(&q, &pair, &e));
    assert_string_equal(e.text, "definitions is built in and takes no data.path, but has \"here\"");
}

// What make_definitions.py says of them holds of Debian's package.
static void definitions_are_wordnets(void **state) {
    struct mapping file;
    struct error e = {0};
    struct dataset_pair pair;
    (void)state;
    if (!mapping_open(&file, "/usr/share/wordnet/data.noun", &e)) {
        print_message("skipped: Debian's wordnet-base is not installed\n");
        skip();
    }
    assert_true(texts_definitions_open(
        &(struct dataset_request){.length = 32, .tokenizer = "wordnet"}, &pair, &e));
    for (int i = 0; i < pair.test->count; i += 100) {
        struct sample_text shown;
        pair.test->show(pair.test, i, &shown);
        char *gloss = xprintf(" | %s", shown.text);
        assert_non_null(memmem(file.data, file.size, gloss, strlen(gloss)));
        free(gloss);
        sample_text_close(&shown);
    }
    dataset_pair_close(&pair);
    mapping_close(&file);
}

// The real ones, as their experiments read them.
static void trec_and_sms_spam(void **state) {
    if (!shared_exists("data/datasets/text") || !shared_exists("data/tokenizers")) {
        print_message("skipped: there is no ../shared/data/datasets/text\n");
        skip();
    }
    (void)state;
    char *trec = shared_path("data/datasets/text/trec/TREC.train.all"),
         *sms = shared_path("data/datasets/text/sms_spam/SMSSpamCollection"),
         *bert = shared_path("data/tokenizers/bert-base-uncased-vocab.txt");
    struct dataset_request q = {trec,
                                .tokenizer = bert,
                                .length = 64,
                                .latin1 = true,
                                .format = TEXTS_FIRST_WORD,
                                .text_column = "text",
                                .label_column = "label"};
    struct dataset_pair pair;
    struct error e = {0};
    if (!texts_open(&q, &pair, &e))
        fail_msg("%s", e.text);
    assert_int_equal(pair.train->count, 5452);
    assert_int_equal(pair.test->count, 500);
    assert_int_equal(pair.train->classes, 6);
    assert_int_equal(pair.train->vocabulary, 30522);
    dataset_pair_close(&pair);
    q.latin1 = false;
    assert_false(texts_open(&q, &pair, &e));
    assert_non_null(strstr(e.text, "TREC.train.all:66: no UTF-8: byte 3173"));
    q = (struct dataset_request){sms,
                                 .tokenizer = bert,
                                 .length = 64,
                                 .format = TEXTS_TSV,
                                 .text_column = "2",
                                 .label_column = "1"};
    if (!texts_open(&q, &pair, &e))
        fail_msg("%s", e.text);
    assert_int_equal(pair.train->count, 5574);
    assert_string_equal(pair.train->class_names[1], "spam");
    dataset_pair_close(&pair);
    free(trec);
    free(sms);
    free(bert);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(reads_csv),
        IN_DIRECTORY(reads_tsv),
        IN_DIRECTORY(reads_texts_without_labels),
        IN_DIRECTORY(reads_json_lines),
        IN_DIRECTORY(reads_first_words_and_siblings),
        IN_DIRECTORY(reads_trees),
        IN_DIRECTORY(cuts_and_says_so),
        IN_DIRECTORY(says_what_is_wrong),
        IN_DIRECTORY(refuses_what_is_endless),
        IN_DIRECTORY(a_class_for_each_of_many_texts),
        IN_DIRECTORY(an_empty_text_needs_a_token),
        IN_DIRECTORY(lines_of_a_million_letters),
        cmocka_unit_test(definitions_are_balanced_and_known),
        cmocka_unit_test(definitions_are_wordnets),
        IN_DIRECTORY(trec_and_sms_spam),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
