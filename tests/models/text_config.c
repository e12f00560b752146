// Configurations as they lie beside weights.
#include "models/text_config.h"
#include "base/files.h"
#include "models/models.h"
#include "test.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char path[] = "text_config.json";

static struct text_config gpt2(void) {
    return arch_gpt[6].text;
}

static bool read_text(struct text_config *c, const char *text, struct error *error) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    *error = (struct error){0};
    bool good = text_config_read(c, path, error);
    unlink(path);
    return good;
}

static void hugging_faces_of_bert_is_read(void **state) {
    (void)state;
    struct error error;
    struct text_config c = arch_bert[0].text;
    assert_true(read_text(&c,
                          "{\"model_type\": \"bert\", \"vocab_size\": 8000, \"hidden_size\": 64,"
                          "\"num_hidden_layers\": 3, \"num_attention_heads\": 4,"
                          "\"intermediate_size\": 200, \"max_position_embeddings\": 99,"
                          "\"type_vocab_size\": 1, \"hidden_act\": \"gelu_new\","
                          "\"hidden_dropout_prob\": 0.2, \"attention_probs_dropout_prob\": 0.3,"
                          "\"layer_norm_eps\": 1e-6, \"architectures\": [\"BertModel\"]}",
                          &error));
    assert_int_equal(c.vocabulary, 8000);
    assert_int_equal(c.hidden, 64);
    assert_int_equal(c.layers, 3);
    assert_int_equal(c.heads, 4);
    assert_int_equal(c.inner, 200);
    assert_int_equal(c.positions, 99);
    assert_int_equal(c.segments, 1);
    assert_true(c.gelu_tanh);
    assert_true(c.dropout == 0.2f && c.embedding_dropout == 0.2f);
    assert_true(c.attention_dropout == 0.3f && c.eps == 1e-6f);
}

static void hugging_faces_of_gpt2_is_read(void **state) {
    (void)state;
    struct error error;
    struct text_config c = gpt2();
    assert_true(read_text(&c,
                          "{\"model_type\": \"gpt2\", \"n_embd\": 96, \"n_inner\": null,"
                          "\"n_layer\": 2, \"n_head\": 3, \"n_positions\": 50, \"n_ctx\": 50,"
                          "\"resid_pdrop\": 0, \"attn_pdrop\": 0.5, \"embd_pdrop\": 0.25,"
                          "\"activation_function\": \"gelu\", \"tie_word_embeddings\": false}",
                          &error));
    assert_int_equal(c.vocabulary, 50257); // as it was
    assert_int_equal(c.hidden, 96);
    assert_int_equal(c.inner, 384);
    assert_int_equal(c.positions, 50);
    assert_true(c.dropout == 0 && c.attention_dropout == 0.5f && c.embedding_dropout == 0.25f);
    assert_false(c.gelu_tanh || c.tied);
}

// The inner width may be that of the architecture where the other one is not.
static void inner_width_is_as_given(void **state) {
    (void)state;
    struct error error;
    struct text_config c = gpt2();
    assert_true(read_text(&c, "{\"n_embd\": 96, \"n_inner\": 3072}", &error));
    assert_int_equal(c.hidden, 96);
    assert_int_equal(c.inner, 3072);
}

// Its model's part, where null leaves the sizes of its type.
static void mingpts_is_read(void **state) {
    (void)state;
    struct error error;
    struct text_config c = arch_gpt[0].text;
    assert_true(read_text(&c,
                          "{\"system\": {\"seed\": 1}, \"model\": {\"model_type\": \"gpt-nano\","
                          "\"n_layer\": null, \"n_embd\": null, \"vocab_size\": 10,"
                          "\"block_size\": 6}}",
                          &error));
    assert_int_equal(c.vocabulary, 10);
    assert_int_equal(c.positions, 6);
    assert_int_equal(c.layers, 3);
    assert_int_equal(c.inner, 192);
}

static void refused(const char *text, const char *why) {
    struct error error;
    struct text_config c = gpt2(), before = gpt2();
    assert_false(read_text(&c, text, &error));
    assert_int_equal(error.kind, ERROR_REQUEST);
    if (!strstr(error.text, why) || !strstr(error.text, path))
        fail_msg("%s", error.text);
    assert_memory_equal(&c, &before, sizeof c);
}

static void what_is_wrong_is_named(void **state) {
    (void)state;
    struct error error = {0};
    struct text_config c = gpt2();
    refused("{\"n_layer\": 2,}", ":1:");
    refused("[2]", "an object");
    refused("{\"model_type\": \"bert\"}", "'bert', not gpt2");
    refused("{\"model_type\": \"llama\"}", "'llama', not gpt2");
    refused("{\"n_layer\": 2.5}", "n_layer must be a whole number");
    refused("{\"n_layer\": \"2\"}", "n_layer must be a whole number");
    refused("{\"n_layer\": 20000}", "n_layer must be a whole number from 1 to 1000");
    refused("{\"vocab_size\": 0}", "vocab_size must be");
    refused("{\"n_embd\": 1000000000000}", "n_embd must be");
    refused("{\"attn_pdrop\": 1}", "attn_pdrop must be a number from 0 to 0.99");
    refused("{\"layer_norm_epsilon\": -1}", "layer_norm_epsilon must be");
    refused("{\"activation_function\": \"relu\"}", "'relu'");
    refused("{\"activation_function\": 3}", "activation_function");
    refused("{\"tie_word_embeddings\": 1}", "true or false");
    assert_false(text_config_read(&c, "there/is/none.json", &error));
    assert_non_null(strstr(error.text, "there/is/none.json"));
    assert_int_equal(mkfifo(path, 0600), 0); // nobody writes to it
    assert_false(text_config_read(&c, path, &error));
    assert_non_null(strstr(error.text, "text_config.json: it is not a regular file"));
    assert_int_equal(unlink(path), 0);
    assert_true(read_text(&c, "\xef\xbb\xbf{\"n_layer\": 2}", &error)); // a byte order mark
    assert_int_equal(c.layers, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hugging_faces_of_bert_is_read),
        cmocka_unit_test(hugging_faces_of_gpt2_is_read),
        cmocka_unit_test(inner_width_is_as_given),
        cmocka_unit_test(mingpts_is_read),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
