// thaw run on a person's own texts, with a small BERT.
#include "base/text.h"
#include "program.h"

static const char tiny[] = "model: {name: bert-tiny}\n"
                           "data: {name: text, path: x.csv, tokenizer: ./vocab.txt, length: 8,\n"
                           "  validation: 2}\n"
                           "train: {epochs: 2, batch: 4}\n"
                           "freeze: {rules: [thaw head]}\n"
                           "optim: {name: adamw, lr: 0.01}\n";

// Twelve texts of two classes, of different lengths.
static void put_texts(void) {
    struct text t = {0};
    text_add(&t, "text,label\n");
    for (int i = 0; i < 12; i++)
        text_add(&t, "\"a, %.*s\",%s\n", 2 * (i % 4), "b c b c", i % 2 ? "odd" : "even");
    write_text("x.csv", t.data);
    write_text("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\nc\n,\n");
    write_text("tiny.yaml", tiny);
    text_free(&t);
}

static void threads_and_cache_give_the_same_bits(void **state) {
    (void)state;
    put_texts();
    program_train("1", "train.cache=1024", "one");
    program_train("2", "train.cache=1024", "two");
    program_train("2", "train.cache=0", "none");
    assert_same_file("one/last.safetensors", "two/last.safetensors");
    assert_same_file("one/last.safetensors", "none/last.safetensors");
}

static void refuses(void **state) {
    (void)state;
    put_texts();
    program_refuses("data.path=nowhere.csv", "data.path: ");
    program_refuses("data.tokenizer=''",
                    "data.tokenizer: missing; give wordnet, which is built in, or a");
    program_refuses("data.tokenizer=here", "data.tokenizer: there is no tokenizer \"here\"");
    program_refuses("data.label_column=klass", "none of them \"klass\"");
    program_refuses("data.mean=0.5", "data.mean: text has no pictures; leave the key out");
    program_refuses("data.augment=[flip]", "data.augment: text has no pictures; leave the key out");
    program_refuses("data.size=8", "data.size: text has no pictures; leave the key out");
    program_refuses("data.shift=[invert]",
                    "data.shift: shift invert changes pictures, but text has texts");
    program_refuses("data.name=digits", "data.tokenizer: digits has no texts; leave the key out");
    program_refuses("model.name=cnn", "model");
}

static void cuts_and_says_so(void **state) {
    (void)state;
    put_texts();
    struct outcome o = RUN("run", "tiny.yaml", "--out", "out", "--set", "data.length=6");
    assert_int_equal(o.code, 0);
    assert_contains(o.out, "to test on; at most 6 tokens, of 8; 2 classes\n");
    assert_contains(o.err,
                    "thaw: 3 of 12 texts are longer than data.length, 6 tokens; their ends are "
                    "left out\n");
    outcome_close(&o);
}

// Without data.tokenizer, the vocabulary beside the weights serves.
static void finds_the_tokenizer_beside_the_weights(void **state) {
    (void)state;
    put_texts();
    program_train("1", "train.epochs=1", "first");
    assert_int_equal(rename("vocab.txt", "first/vocab.txt"), 0);
    struct outcome o = RUN("run", "tiny.yaml", "--quiet", "--out", "second", "--set",
                           "data.tokenizer=''", "--set", "model.weights=first/last.safetensors");
    assert_done(&o);
    outcome_close(&o);
}

// The probability of the likeliest class, from a line of JSON.
static double likeliest(const char *json) {
    json_t *line = json_loads(json, JSON_DISABLE_EOF_CHECK, NULL);
    assert_true(json_is_object(line));
    double p = json_real_value(
        json_object_get(json_array_get(json_object_get(line, "classes"), 0), "probability"));
    json_decref(line);
    return p;
}

static struct outcome predict(const char *text) {
    struct outcome o = RUN("predict", "run", text, "--json");
    assert_done(&o);
    return o;
}

// All texts of a class are the same: what is said of the run's samples is said of a text given.
static void predicts_texts(void **state) {
    (void)state;
    struct text t = {0};
    put_texts();
    text_add(&t, "text,label\n");
    for (int i = 0; i < 12; i++)
        text_add(&t, i % 2 ? "b c b,odd\n" : "\"a, a\",even\n");
    write_text("x.csv", t.data);
    text_free(&t);
    program_train("1", "train.epochs=2", "run");
    struct outcome samples = RUN("predict", "run", "--samples", "validation", "--json");
    assert_done(&samples);
    const char *first = samples.out, *label = strstr(first, "\"label\":\"odd\"");
    bool odd = label && label < strchr(first, '\n');
    const char *text = odd ? "b c b" : "a, a";
    struct outcome given = predict(text);
    assert_contains(given.out, odd ? "{\"text\":\"b c b\"," : "{\"text\":\"a, a\",");
    assert_true(likeliest(given.out) == likeliest(first));
    outcome_close(&given);
    outcome_close(&samples);
    struct outcome table =
        RUN("predict", "run", "a b c a b c a b c a b c a b c a b c a b c a b c a b c", "c", "--top",
            "1");
    assert_done(&table);
    assert_contains(table.out, "text ");
    assert_contains(table.out, "a b c a b c a b c a b c a b c a b c a b c a b c...");
    outcome_close(&table);
    table = RUN("predict", "run", "vocab.txt");
    assert_refused(&table, 2,
                   "vocab.txt is a file, but the network takes texts: give them as they");
    outcome_close(&table);
    table = RUN("predict", "run", "c", "b\xff");
    assert_refused(&table, 2, "text:2: no UTF-8: byte 1 begins no character");
    outcome_close(&table);
}

static const char masked[] = "model: {name: bert-tiny-lm}\n"
                             "data: {name: text, path: x.txt, tokenizer: ./vocab.txt, length: 8,\n"
                             "  validation: 3, test_limit: 3}\n"
                             "train: {epochs: 2, batch: 4}\n"
                             "optim: {name: adamw, lr: 0.01}\n";

// Fourteen texts without labels.
static void put_unlabelled(void) {
    struct text t = {0};
    for (int i = 0; i < 14; i++)
        text_add(&t, "a, %.*s\n", 2 * (i % 4) + 1, "b c b c");
    write_text("x.txt", t.data);
    write_text("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\n,\n");
    write_text("tiny.yaml", masked);
    text_free(&t);
}

static void language_models_run(void **state) {
    (void)state;
    static const char *const models[] = {"model.name=bert-tiny-lm", "model.name=gpt-nano-lm"};
    for (int i = 0; i < 2; i++) {
        put_unlabelled();
        program_train("1", models[i], "one");
        program_train("2", models[i], "two");
        assert_same_file("one/last.safetensors", "two/last.safetensors");
        struct outcome o = RUN("run", "tiny.yaml", "--out", "out", "--set", models[i]);
        assert_done(&o);
        assert_contains(o.out, "at most 8 tokens, of 9; labels are passed over\n");
        assert_contains(o.out, "time  perplexity\n");
        assert_contains(o.out, "\ntest     loss ");
        assert_contains(o.out, i == 0 ? " % of 3 predicted tokens\n" : " predicted tokens\n");
        assert_lacks(o.out, "classes");
        outcome_close(&o);
        char *metrics = read_text("out/metrics.jsonl");
        assert_contains(metrics, "\"perplexity\":");
        assert_lacks(metrics, "auroc");
        free(metrics);
        assert_int_equal(system("rm -r one two out"), 0);
    }
}

// Killed once it has saved a state, and taken up: the tokens hidden from then on are the same.
static void a_killed_language_model_goes_on(void **state) {
    (void)state;
    put_unlabelled();
    const char *const args[] = {
        "run",   "tiny.yaml",          "--quiet", "--out", "broken", "--set", "train.epochs=60",
        "--set", "train.save_every=1", NULL};
    pid_t child = program_begin(args, STDOUT_FILENO, STDERR_FILENO, 0);
    while (!files_exist("broken/state") && kill(child, 0) == 0)
        usleep(1000);
    kill(child, SIGKILL);
    program_end(child);
    assert_false(files_exist("broken/last.safetensors"));
    struct outcome rest = RUN("run", "--resume", "broken", "--quiet");
    struct outcome whole = RUN("run", "tiny.yaml", "--quiet", "--out", "whole", "--set",
                               "train.epochs=60", "--threads", "2");
    assert_done(&rest);
    assert_done(&whole);
    outcome_close(&rest);
    outcome_close(&whole);
    assert_same_file("broken/last.safetensors", "whole/last.safetensors");
}

// By name: sizes and tokenizer are those of the weights.
static void built_in_weights_serve(void **state) {
    (void)state;
    put_unlabelled();
    static const char *const names[][2] = {{"bert-mini-lm", "wordnet-bert"},
                                           {"gpt2-lm", "wordnet-gpt"}};
    for (int i = 0; i < 2; i++) {
        struct text t = {0};
        text_add(&t, "model: {name: %s, weights: %s}\n", names[i][0], names[i][1]);
        text_add(&t, "data: {name: text, path: x.txt, length: 8, validation: 3}\n"
                     "train: {epochs: 1}\n");
        write_text("tiny.yaml", t.data);
        struct outcome o = RUN("run", "tiny.yaml", "--out", "out");
        assert_done(&o);
        assert_contains(o.out, "of 8,000; labels");
        outcome_close(&o);
        o = RUN("predict", "out", i == 0 ? "a [MASK]" : "a");
        assert_done(&o);
        outcome_close(&o);
        assert_int_equal(system("rm -r out"), 0);
        text_free(&t);
    }
    write_text("tiny.yaml",
               "model: {name: gpt2, weights: wordnet-bert}\ndata: {name: definitions}\n");
    struct outcome o = RUN("run", "tiny.yaml", "--out", "out");
    assert_refused(&o, 2,
                   "model.config: wordnet-bert: it is of a model of the type 'bert', not gpt2");
    outcome_close(&o);
}

static void language_models_refuse(void **state) {
    (void)state;
    put_unlabelled();
    program_refuses("train.class_weights=[balanced]", "train.class_weights: bert-tiny-lm predicts");
    program_refuses("train.best=macro_f1", "train.best: bert-tiny-lm predicts tokens");
    program_refuses("model.pool=mean", "it predicts tokens; leave out head, dropout and pool");
    program_refuses("model.name=bert-tiny", "x.txt: a text a line, without labels");
    program_refuses("data.name=digits", "data.tokenizer: digits has no texts");
    write_text("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\nc\n,\n");
    program_refuses("seed=1", "the vocabulary has no [MASK]");
}

static void lists_tokenizers(void **state) {
    (void)state;
    struct outcome o = RUN("datasets");
    assert_done(&o);
    assert_contains(o.out, "tokenizers of texts (data.tokenizer)\n  wordnet  ");
    outcome_close(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(threads_and_cache_give_the_same_bits),
        PROGRAM_TEST(refuses),
        PROGRAM_TEST(cuts_and_says_so),
        PROGRAM_TEST(finds_the_tokenizer_beside_the_weights),
        PROGRAM_TEST(predicts_texts),
        PROGRAM_TEST(language_models_run),
        PROGRAM_TEST(a_killed_language_model_goes_on),
        PROGRAM_TEST(built_in_weights_serve),
        PROGRAM_TEST(language_models_refuse),
        PROGRAM_TEST(lists_tokenizers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
