// BERT (Devlin et al., "BERT: pre-training of deep bidirectional transformers for language
// understanding", NAACL 2019) for sequences, under Hugging Face's names and in its order; the small
// ones of Turc et al., "Well-read students learn better", 2019.
//
// A text is what its first token became, by way of the pooler; or (model.pool) the mean over its
// tokens or the last one, without a pooler. All tokens are of segment 0. Or it is a masked language
// model, which says what stands behind [MASK].
#include "models/head.h"
#include "models/models.h"

// *words: the node of the word embeddings.
static int embeddings(struct build *b, const struct text_config *c, int *words) {
    build_push(b, "embeddings", "BertEmbeddings");
    build_mark_block(b);
    int x = *words = build_embedding(b, "word_embeddings", 0, c->vocabulary, c->hidden);
    x = build_token_add(b, "position_embeddings", x, c->positions, true);
    x = build_token_add(b, "token_type_embeddings", x, c->segments, false);
    x = build_layer_norm(b, "LayerNorm", x, c->eps);
    x = build_dropout(b, NULL, x, c->embedding_dropout);
    build_pop(b);
    return x;
}

// A sum with x behind a linear layer: BertSelfOutput and BertOutput.
static int output(struct build *b, const char *kind, int y, int x, const struct text_config *c) {
    build_push(b, "output", kind);
    y = build_token_linear(b, "dense", y, c->hidden, true);
    y = build_dropout(b, NULL, y, c->dropout);
    y = build_layer_norm(b, "LayerNorm", build_add(b, y, x), c->eps);
    build_pop(b);
    return y;
}

// What the tokens `of`, x or one of its tokens, take from x.
static int attention(struct build *b, int of, int x, const struct text_config *c) {
    build_push(b, "attention", "BertAttention");
    build_push(b, "self", "BertSelfAttention");
    int q = build_token_linear(b, "query", of, c->hidden, true);
    int k = build_token_linear(b, "key", x, c->hidden, true);
    int v = build_token_linear(b, "value", x, c->hidden, true);
    int y = build_attention(
        b, NULL, q, k, v,
        (struct build_attention){.heads = c->heads, .dropout = c->attention_dropout});
    build_pop(b);
    y = output(b, "BertSelfOutput", y, of, c);
    build_pop(b);
    return y;
}

// `taken`: the one token whose result is wanted.
static int layer(struct build *b, int index, int x, int taken, const struct text_config *c) {
    build_push_item(b, index, "BertLayer");
    build_mark_block(b);
    const int of =
        taken == HEAD_ALL_TOKENS ? x : build_token_pool(b, NULL, x, (enum token_pool)taken);
    x = attention(b, of, x, c);
    build_push(b, "intermediate", "BertIntermediate");
    int y = build_token_linear(b, "dense", x, c->inner, true);
    y = build_gelu(b, NULL, y, c->gelu_tanh);
    build_pop(b);
    x = output(b, "BertOutput", y, x, c);
    build_pop(b);
    return x;
}

// The last layer computes only the token that is taken: nobody asks what becomes of the others.
static int encoder(struct build *b, int x, int taken, const struct text_config *c) {
    build_push(b, "encoder", "BertEncoder");
    build_push(b, "layer", "ModuleList");
    for (int i = 0; i < c->layers; i++)
        x = layer(b, i, x, i == c->layers - 1 ? taken : HEAD_ALL_TOKENS, c);
    build_pop(b);
    build_pop(b);
    return x;
}

static int pool(struct build *b, int x, const struct arch_options *options) {
    if (options->pool == POOL_MEAN)
        return build_token_pool(b, NULL, x, TOKEN_MEAN);
    if (options->pool == POOL_LAST)
        return x;
    build_push(b, "pooler", "BertPooler");
    x = build_linear(b, "dense", x, options->text->hidden, true);
    x = build_tanh(b, "activation", x);
    build_pop(b);
    return x;
}

// BertForMaskedLM's head, for the tokens that are to be predicted.
static int predictions(struct build *b, int x, int words, const struct arch_options *options) {
    const struct text_config *c = options->text;
    build_push(b, "cls", "BertOnlyMLMHead");
    build_mark_head(b);
    build_push(b, "predictions", "BertLMPredictionHead");
    int bias = build_own_bias(b, c->vocabulary);
    build_push(b, "transform", "BertPredictionHeadTransform");
    x = build_token_pick(b, NULL, x);
    x = build_token_linear(b, "dense", x, c->hidden, true);
    x = build_gelu(b, NULL, x, c->gelu_tanh);
    x = build_layer_norm(b, "LayerNorm", x, c->eps);
    build_pop(b);
    x = build_language_head(b, "decoder", x, words, c->tied, bias);
    build_pop(b);
    build_pop(b);
    return x;
}

static int bert(struct build *b, const struct arch *arch, const struct arch_options *options) {
    static const char *const no_parameters[] = {".position_ids", NULL};
    int words;
    static const char *const uses[] = {"bert.pooler.", "classifier.", "cls.", NULL};
    build_no_parameters(b, no_parameters);
    build_uses(b, uses);
    build_init(b, INIT_NORMAL_TEXT, INIT_NORMAL_TEXT);
    build_init_bias(b, INIT_ZERO);
    build_push(b, "bert", "BertModel");
    int x = embeddings(b, options->text, &words);
    x = encoder(b, x, arch->language ? HEAD_ALL_TOKENS : head_token(options, TOKEN_FIRST),
                options->text);
    x = arch->language ? x : pool(b, x, options);
    build_pop(b);
    return arch->language ? predictions(b, x, words, options)
                          : head_linear(b, "classifier", x, options);
}

#define CONFIG(layer_count, width, head_count)                                                     \
    {                                                                                              \
        .kind = "bert", .vocabulary = 30522, .positions = 512, .segments = 2, .hidden = width,     \
        .layers = layer_count, .heads = head_count, .inner = 4 * width, .dropout = 0.1f,           \
        .attention_dropout = 0.1f, .embedding_dropout = 0.1f, .eps = 1e-12f, .tied = true          \
    }
#define SIZE(size, ...)                                                                            \
    {.name = "bert-" size,                                                                         \
     .help = "BERT-" size " (uncased), for texts of at most 512 tokens",                           \
     .input = {128, 1, 1},                                                                         \
     .dropout = 0.1f,                                                                              \
     .build = bert,                                                                                \
     .text = CONFIG(__VA_ARGS__)},                                                                 \
    {                                                                                              \
        .name = "bert-" size "-lm", .help = "BERT-" size " that predicts masked tokens",           \
        .input = {128, 1, 1}, .build = bert, .text = CONFIG(__VA_ARGS__), .language = true,        \
    }

const struct arch arch_bert[BERT_SIZES] = {SIZE("tiny", 2, 128, 2), SIZE("mini", 4, 256, 4),
                                           SIZE("small", 4, 512, 8), SIZE("base", 12, 768, 12)};
