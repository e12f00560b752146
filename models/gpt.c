// GPT-2 (Radford et al., "Language models are unsupervised multitask learners", 2019) under Hugging
// Face's names and in its order; and minGPT's models, which differ in how their linear layers are
// stored, and whose head has weights of its own. For classes, a text is what its last token became,
// or (model.pool) the mean over its tokens, or the first one.
#include "models/head.h"
#include "models/models.h"

static int linear(struct build *b, const char *name, int x, int out, const struct text_config *c) {
    return c->transposed ? build_conv1d(b, name, x, out)
                         : build_token_linear(b, name, x, out, true);
}

// The last linear layer before a sum starts smaller, the more sums there are.
static int projection(struct build *b, int x, const struct text_config *c) {
    build_init_fan(b, 2 * c->layers);
    x = linear(b, "c_proj", x, c->hidden, c);
    build_init_fan(b, 1);
    return build_dropout(b, NULL, x, c->dropout);
}

// x, or the one token of it that is taken.
static int take(struct build *b, int x, int taken) {
    return taken == HEAD_ALL_TOKENS ? x : build_token_pool(b, NULL, x, (enum token_pool)taken);
}

static int attention(struct build *b, int x, int taken, const struct text_config *c) {
    build_push(b, "attn", "GPT2Attention");
    x = linear(b, "c_attn", x, 3 * c->hidden, c);
    x = build_attention_packed(b, NULL, x,
                               (struct build_attention){.heads = c->heads,
                                                        .causal = true,
                                                        .dropout = c->attention_dropout});
    x = projection(b, take(b, x, taken), c);
    build_pop(b);
    return x;
}

static int feed_forward(struct build *b, int x, const struct text_config *c) {
    build_push(b, "mlp", "GPT2MLP");
    x = linear(b, "c_fc", x, c->inner, c);
    x = build_gelu(b, NULL, x, c->gelu_tanh);
    x = projection(b, x, c);
    build_pop(b);
    return x;
}

// `taken`: the one token whose result is wanted.
static int block(struct build *b, int index, int x, int taken, const struct text_config *c) {
    build_push_item(b, index, "GPT2Block");
    build_mark_block(b);
    int y = attention(b, build_layer_norm(b, "ln_1", x, c->eps), taken, c);
    x = build_add(b, y, take(b, x, taken));
    x = build_add(b, feed_forward(b, build_layer_norm(b, "ln_2", x, c->eps), c), x);
    build_pop(b);
    return x;
}

// *embedding: the node of wte. The last block computes only the token that is taken, behind its
// attention: nobody asks what becomes of the others.
static int transformer(struct build *b, int taken, const struct text_config *c, int *embedding) {
    build_push(b, "transformer", "GPT2Model");
    build_mark_next_block(b); // wte; wpe behind it belongs to it
    int x = *embedding = build_embedding(b, "wte", 0, c->vocabulary, c->hidden);
    x = build_token_add(b, "wpe", x, c->positions, true);
    x = build_dropout(b, "drop", x, c->embedding_dropout);
    build_push(b, "h", "ModuleList");
    for (int i = 0; i < c->layers; i++)
        x = block(b, i, x, i == c->layers - 1 ? taken : HEAD_ALL_TOKENS, c);
    build_pop(b);
    x = build_layer_norm(b, "ln_f", x, c->eps);
    build_pop(b);
    return x;
}

static int classifier(struct build *b, int x, const struct arch_options *options) {
    if (options->pool == POOL_MEAN)
        x = build_token_pool(b, NULL, x, TOKEN_MEAN);
    if (options->head)
        return head_stack(b, "score", x, options);
    x = build_dropout(b, NULL, x, options->dropout);
    build_mark_head(b);
    return build_linear(b, "score", x, options->classes, false);
}

static int gpt(struct build *b, const struct arch *arch, const struct arch_options *options) {
    static const char *const no_parameters[] = {".attn.bias", ".attn.masked_bias", NULL};
    int embedding;
    static const char *const uses[] = {"lm_head.", "score.", NULL};
    build_no_parameters(b, no_parameters);
    build_uses(b, uses);
    build_init(b, INIT_NORMAL_TEXT, INIT_NORMAL_TEXT);
    build_init_bias(b, INIT_ZERO);
    const int taken = arch->language ? HEAD_ALL_TOKENS : head_token(options, TOKEN_LAST);
    int x = transformer(b, taken, options->text, &embedding);
    if (!arch->language)
        return classifier(b, x, options);
    build_mark_head(b);
    return build_language_head(b, "lm_head", x, embedding, options->text->tied, -1);
}

#define CONFIG(rows, length, layer_count, width, head_count, of_gpt2)                              \
    {                                                                                              \
        .kind = "gpt2", .vocabulary = rows, .positions = length, .hidden = width,                  \
        .layers = layer_count, .heads = head_count, .inner = 4 * width, .dropout = 0.1f,           \
        .attention_dropout = 0.1f, .embedding_dropout = 0.1f, .eps = 1e-5f, .gelu_tanh = true,     \
        .tied = of_gpt2, .transposed = of_gpt2,                                                    \
    }
#define SIZE(named, described, ...)                                                                \
    {.name = named,                                                                                \
     .help = described ", for texts of at most 1024 tokens",                                       \
     .input = {128, 1, 1},                                                                         \
     .build = gpt,                                                                                 \
     .text = CONFIG(__VA_ARGS__)},                                                                 \
    {                                                                                              \
        .name = named "-lm", .help = described " that predicts each next token",                   \
        .input = {128, 1, 1}, .build = gpt, .text = CONFIG(__VA_ARGS__), .language = true,         \
    }

// minGPT's names of sizes: gpt-nano, gpt-micro, gpt-mini.
const struct arch arch_gpt[GPT_SIZES] = {
    SIZE("gpt-nano", "minGPT's smallest (3 layers of 48)", 50257, 1024, 3, 48, 3, false),
    SIZE("gpt-micro", "a small one of minGPT's (4 layers of 128)", 50257, 1024, 4, 128, 4, false),
    SIZE("gpt-mini", "a small one of minGPT's (6 layers of 192)", 50257, 1024, 6, 192, 6, false),
    SIZE("gpt2", "GPT-2 (12 layers of 768)", 50257, 1024, 12, 768, 12, true),
};
