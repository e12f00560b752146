#include "experiment/experiment.h"
#include "experiment/experiment_parts.h"

#include "base/xalloc.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(struct experiment, member)

// The largest whole number that a double tells from the next one, as the bounds are doubles.
#define WHOLE_MAX 9007199254740991.0

#define TEXT(p, m, d, ex, h)                                                                       \
    { .path = p, .type = KEY_TEXT, .at = AT(m), .preset = d, .example = ex, .help = h }
#define CHOICE(p, m, d, c, h)                                                                      \
    { .path = p, .type = KEY_CHOICE, .at = AT(m), .preset = d, .choices = c, .help = h }
#define BOOL(p, m, d, h)                                                                           \
    { .path = p, .type = KEY_BOOL, .at = AT(m), .preset = d, .help = h }
#define INT(p, m, d, lo, hi, h)                                                                    \
    { .path = p, .type = KEY_INT, .at = AT(m), .preset = d, .min = lo, .max = hi, .help = h }
#define REAL(p, m, d, lo, hi, h)                                                                   \
    { .path = p, .type = KEY_REAL, .at = AT(m), .preset = d, .min = lo, .max = hi, .help = h }
#define TEXTS(p, m, d, ex, h)                                                                      \
    {                                                                                              \
        .path = p, .type = KEY_TEXTS, .at = AT(m), .preset = d, .most = EXPERIMENT_LIST_MAX,       \
        .example = ex, .help = h                                                                   \
    }
#define REALS(p, m, d, n, lo, hi, ex, h)                                                           \
    {                                                                                              \
        .path = p, .type = KEY_REALS, .at = AT(m), .preset = d, .most = n, .min = lo, .max = hi,   \
        .example = ex, .help = h                                                                   \
    }

// clang-format off
const struct experiment_key experiment_keys[] = {
    TEXT("name", name, "\"\"", "clothes-noise",
         "free text; empty: the file's name without its ending"),
    INT("seed", seed, "0", 0, WHOLE_MAX,
        "decides every random draw: split, initial values, order, augmentation, dropout"),

    TEXT("model.name", model.name, "\"\"", "resnet20",
         "the architecture (required, or model.file); `thaw models` lists them"),
    TEXT("model.file", model.file, "\"\"", "net.yaml",
         "a network of your own: a file that describes it, relative to this file; empty: none"),
    TEXT("model.weights", model.weights, "\"\"", "fashion-resnet20",
         "a built-in name, or a file (with a / or a dot), relative to this file; empty: none"),
    BOOL("model.partial", model.partial, "false",
         "accept a weight file in which names are missing or unexpected"),
    TEXTS("model.rename", model.rename, "[]", "[fc linear]",
          "OLD NEW: names in the weight file, or their beginnings, for the model's; OLD: taken away"),
    BOOL("model.new_head", model.new_head, "false",
         "start the classifier from new random values instead of those in the weights"),
    TEXT("model.config", model.config, "\"\"", "bert/config.json",
         "texts: the sizes of the model, a file or built-in weights; empty: what model.weights has"),
    CHOICE("model.pool", model.pool, "default", "default first mean last",
           "texts: the token, or the mean, that is classified; default: as the architecture's own"),
    CHOICE("model.shortcut", model.shortcut, "default", "default a b",
           "residual shortcuts: a pads with zeros, b uses a 1x1 convolution"),
    REAL("model.dropout", model.dropout, "-1", -1, 0.95,
         "probability of dropping a feature in the classifier; below 0: as the architecture's own"),
    REAL("model.block_dropout", model.block_dropout, "0", 0, 0.95,
         "the same inside blocks, in front of the last convolution; off in the frozen prefix"),
    TEXTS("model.head", model.head, "[]", "[dropout 0.5, linear 256, relu, linear]",
          "layers in place of the classifier: linear, relu, relu6, dropout or batchnorm"),

    TEXT("data.name", data.name, "\"\"", "fashion-mini",
         "the data set (required); `thaw datasets` lists them"),
    TEXT("data.path", data.path, "\"\"", "images",
         "your own files, relative to this file; empty: where the data set usually lies"),
    INT("data.size", data.size, "0", 0, 1024,
        "side of the square that images are resized to, in pixels; 0: as they are"),
    INT("data.resize", data.resize, "0", 0, 4096,
        "folder: shorter side of pictures before the middle is cut out; 0: data.size"),
    CHOICE("data.colour", data.colour, "rgb", "rgb grey",
           "folder: three channels or one"),
    BOOL("data.skip_unreadable", data.skip_unreadable, "false",
         "folder: leave out and name what cannot be read; decodes all pictures at the start"),
    INT("data.cache", data.cache, "1024", 0, 1048576,
        "folder: MiB for decoded pictures, kept to be used again; 0: none"),
    TEXT("data.tokenizer", data.tokenizer, "\"\"", "bert/vocab.txt",
         "text: a name, or a vocabulary or folder (with a / or a dot); empty: beside the weights"),
    INT("data.length", data.length, "128", 4, 65536,
        "text: tokens of the longest text; what lies beyond is cut off, and reported"),
    CHOICE("data.encoding", data.encoding, "utf-8", "utf-8 latin-1",
           "text: how the file's characters are written"),
    CHOICE("data.format", data.format, "auto", "auto csv tsv jsonl first-word lines",
           "text: auto: by its ending; first-word: label, space, text; lines: texts without labels"),
    TEXT("data.text_column", data.text_column, "text", "sentence",
         "text: the column, by name, or, where no line has names, by position (\"1\", ...)"),
    TEXT("data.label_column", data.label_column, "label", "class",
         "text: the column of the labels, likewise"),
    INT("data.limit", data.limit, "0", 0, 1e9,
        "training samples per class; 0: all"),
    INT("data.test_limit", data.test_limit, "0", 0, 1e9,
        "test samples per class; 0: all, or, of your own files without a test part, none"),
    REAL("data.validation", data.validation, "0.2", 0, 1e6,
         "validation samples: a fraction of each class below 1, or a number per class"),
    TEXTS("data.shift", data.shift, "[]", "[noise 0.353]",
          "changes made to every sample, in order, to pose a new task"),
    TEXTS("data.augment", data.augment, "[]", "[flip, crop 2]",
          "changes to training samples: flip, crop N, random_resized_crop AREA, jitter B C S H"),
    INT("data.views", data.views, "0", 0, 100000,
        "augmented views of each sample, one an epoch in turn; 0: a new one every epoch"),
    REALS("data.mean", data.mean, "[0]", 4, -1e6, 1e6, "[0.286]",
          "subtracted from the pixels (0 to 1): one number, or one per channel"),
    REALS("data.std", data.std, "[1]", 4, 1e-6, 1e6, "[0.353]",
          "divides the pixels after that: one number, or one per channel"),

    TEXT("source.name", old_task.name, "\"\"", "fashion-mini",
         "the data that model.weights was trained on, to see what is forgotten of it; empty: none"),
    TEXT("source.path", old_task.path, "\"\"", "images",
         "its files, relative to this file; empty: where the data set usually lies"),
    INT("source.limit", old_task.limit, "0", 0, 1e9,
        "samples of it per class, from those it has for testing; 0: all"),

    INT("train.epochs", train.epochs, "10", 1, 100000,
        "passes over the training samples"),
    INT("train.batch", train.batch, "64", 1, 65536,
        "samples per step"),
    REAL("train.label_smoothing", train.label_smoothing, "0", 0, 1,
         "share of the target spread evenly over all classes"),
    TEXTS("train.class_weights", train.class_weights, "[]", "[malignant 4]",
          "CLASS WEIGHT in the loss (others: 1), or balanced alone: n / (classes x n of the class)"),
    BOOL("train.prefix_dropout", train.prefix_dropout, "false",
         "keep dropout active in the frozen prefix, which rules out caching it"),
    BOOL("train.precise", train.precise, "false",
         "multiply directly also where a faster convolution rounds about twice as much"),
    INT("train.cache", train.cache, "1024", 0, 1048576,
        "MiB for what the frozen prefix computes of each sample, kept to be used again; 0: none"),
    INT("train.cache_disk", train.cache_disk, "4096", 0, 16777216,
        "MiB of a file for the same, which is there again when the run is taken up; 0: none"),
    TEXT("train.cache_directory", train.cache_directory, "\"\"", "features",
         "where such files are, for several runs to share; empty: the run's own directory"),
    CHOICE("train.features", train.features, "float32", "float32 bfloat16",
           "what the frozen prefix hands on, kept or not; bfloat16 takes half the room"),
    INT("train.evaluate_every", train.evaluate_every, "1", 1, 100000,
        "epochs between evaluations on the validation samples"),
    INT("train.save_every", train.save_every, "0", 0, 1e9,
        "steps between saved states; 0: at the ends of epochs, once a second at most"),
    CHOICE("train.best", train.best, "accuracy", "accuracy loss balanced_accuracy macro_f1 auroc",
           "the validation figure that best.safetensors is chosen by"),

    TEXTS("freeze.rules", freeze.rules, "[thaw all]", "[thaw head, \"freeze *.bias\"]",
          "thaw PATTERN or freeze PATTERN, from all frozen, in order; the last one wins"),
    CHOICE("freeze.bn", freeze.bn, "frozen", "frozen batch torch",
           "BatchNorm statistics move: never, where thawed, or everywhere as in PyTorch"),
    BOOL("freeze.reestimate_bn", freeze.reestimate_bn, "false",
         "measure all BatchNorm statistics anew on the training samples before the first step"),

    CHOICE("optim.name", optim.name, "sgd", "sgd adam adamw",
           "the optimiser"),
    REAL("optim.lr", optim.lr, "0.05", 0, 1000,
         "learning rate: the highest that the schedule reaches"),
    REAL("optim.momentum", optim.momentum, "0.9", 0, 0.999999,
         "momentum of sgd"),
    BOOL("optim.nesterov", optim.nesterov, "true",
         "Nesterov's form of momentum, for sgd"),
    REAL("optim.weight_decay", optim.weight_decay, "0.0001", 0, 100,
         "pull of the weights towards zero: L2 for sgd and adam, decoupled for adamw"),
    REAL("optim.l2_sp", optim.l2_sp, "0", 0, 100,
         "pull of pretrained weights towards their start, there in place of weight_decay; 0: none"),
    BOOL("optim.decay_all", optim.decay_all, "false",
         "decay biases and normalisation layers too"),
    REAL("optim.clip", optim.clip, "0", 0, 1e6,
         "largest norm of the gradient over all that is thawed; 0: no clipping"),
    REAL("optim.beta1", optim.beta1, "0.9", 0, 0.999999,
         "decay of the mean of gradients, for adam and adamw"),
    REAL("optim.beta2", optim.beta2, "0.999", 0, 0.999999,
         "decay of the mean of squared gradients, for adam and adamw"),
    REAL("optim.eps", optim.eps, "1e-08", 1e-16, 1,
         "added to the root of that mean, for adam and adamw"),
    CHOICE("optim.on_thaw", optim.on_thaw, "reset", "reset keep",
           "what a block thawed again does with its old momentum"),
    CHOICE("optim.rates", optim.rates, "given", "given auto-rgn",
           "multipliers of the blocks' rates: as given, or each epoch by relative gradient norms"),
    TEXTS("optim.lr_scale", optim.lr_scale, "[]", "[layer3 0.1]",
          "PATTERN FACTOR: multiplies the learning rate; the last one that matches wins"),
    REAL("optim.layer_decay", optim.layer_decay, "1", 0, 1,
         "factor of the learning rate from each block to the one before it; 1: all alike"),

    CHOICE("schedule.name", schedule.name, "one-cycle", "constant step cosine one-cycle slanted-triangular",
           "how the learning rate changes over the run"),
    REAL("schedule.warmup", schedule.warmup, "0", 0, 1,
         "fraction of all steps in which the rate rises from 0; not for one-cycle"),
    REAL("schedule.gamma", schedule.gamma, "0.1", 0, 10,
         "step: factor at each milestone"),
    REALS("schedule.milestones", schedule.milestones, "[0.5, 0.75]", 8, 0, 1, NULL,
          "step: fractions of all steps, rising"),
    REAL("schedule.floor", schedule.floor, "0", 0, 1,
         "cosine: last rate as a fraction of optim.lr"),
    REAL("schedule.start_div", schedule.start_div, "25", 1, 1e9,
         "one-cycle, slanted-triangular: first rate is optim.lr divided by this"),
    REAL("schedule.end_div", schedule.end_div, "10000", 1, 1e12,
         "one-cycle: last rate is the first one divided by this"),
    REAL("schedule.rise", schedule.rise, "0.3", 0, 1,
         "one-cycle, slanted-triangular: fraction of steps spent rising"),
    TEXTS("schedule.phases", schedule.phases, "[]", "[epoch 3 -> thaw layer3; lr x0.5]",
          "WHEN -> WHAT; ...: what changes on the way, in order; see README"),
    TEXT("schedule.stop", schedule.stop, "\"\"", "plateau loss 5",
         "when to end before all epochs are done; empty: never"),

    CHOICE("strategy.name", strategy.name, "none",
           "none full head-only last-k first-k single bitfit norm-only all-but-norm layer-decay "
           "auto-rgn progressive gradual fine-tune lp-ft freezeout",
           "a ready-made way of freezing, which sets other keys; `thaw strategies` tells"),
    INT("strategy.blocks", strategy.blocks, "1", 1, 1000,
        "last-k, first-k: how many blocks; progressive: how many at a time"),
    TEXT("strategy.block", strategy.block, "\"\"", "layer1",
         "single: the block that is thawed"),
    REAL("strategy.epochs", strategy.epochs, "0", 0, 100000,
         "progressive, gradual, fine-tune: epochs of a stage; 0: as the strategy has it"),
    REAL("strategy.decay", strategy.decay, "0.8", 0.001, 1,
         "layer-decay: rate of a block as a fraction of the rate of the one behind it"),
    REAL("strategy.start", strategy.start, "0.8", 0.01, 1,
         "freezeout: cube root of the share of the run after which the first block is frozen"),
};
// clang-format on

const int experiment_key_count = sizeof(experiment_keys) / sizeof(experiment_keys[0]);

const struct experiment_key *experiment_key_find(const char *path) {
    for (int i = 0; i < experiment_key_count; i++)
        if (strcmp(experiment_keys[i].path, path) == 0)
            return &experiment_keys[i];
    return NULL;
}

int experiment_key_section(const char *section) {
    size_t length = strlen(section);
    for (int i = 0; i < experiment_key_count; i++)
        if (strncmp(experiment_keys[i].path, section, length) == 0 &&
            experiment_keys[i].path[length] == '.')
            return i;
    return -1;
}

void experiment_key_nearest(struct text *t, const char *wrong) {
    char **sections = xcalloc((size_t)experiment_key_count, sizeof(*sections));
    const char **names = xcalloc(2 * (size_t)experiment_key_count, sizeof(*names));
    int section_count = 0, count = 0;
    for (int i = 0; i < experiment_key_count; i++) {
        const char *path = experiment_keys[i].path, *dot = strchr(path, '.');
        names[count++] = path;
        if (!dot)
            continue;
        char *section = xstrndup(path, (size_t)(dot - path));
        if (experiment_key_section(section) == i)
            names[count++] = sections[section_count++] = section;
        else
            free(section);
    }
    text_nearest(t, wrong, names, count);
    for (int i = 0; i < section_count; i++)
        free(sections[i]);
    free(sections);
    free(names);
}

void experiment_key_choices(struct text *t, const struct experiment_key *key) {
    for (const char *at = key->choices; *at;) {
        size_t length = strcspn(at, " ");
        const char *next = at + length + (at[length] == ' ');
        bool last = !strchr(next, ' ');
        text_add(t, "%.*s%s", (int)length, at, !*next ? "" : last ? " or " : ", ");
        at = next;
    }
}

void experiment_key_range(struct text *t, const struct experiment_key *key) {
    if (key->type == KEY_INT) {
        text_add(t, "%.0f to %.0f", key->min, key->max);
        return;
    }
    experiment_text_real(t, key->min);
    text_add(t, " to ");
    experiment_text_real(t, key->max);
}

void experiment_key_expects(struct text *t, const struct experiment_key *key) {
    static const char *const kinds[] = {
        [KEY_TEXT] = "a text",           [KEY_INT] = "a whole number",      [KEY_REAL] = "a number",
        [KEY_TEXTS] = "a list of texts", [KEY_REALS] = "a list of numbers",
    };
    if (key->type == KEY_BOOL) {
        text_add(t, "true or false");
        return;
    }
    if (key->type == KEY_CHOICE) {
        experiment_key_choices(t, key);
        return;
    }
    text_add(t, "%s", kinds[key->type]);
    if (key->type != KEY_TEXT && key->type != KEY_TEXTS) {
        text_add(t, " from ");
        experiment_key_range(t, key);
    }
    text_add(t, ", such as %s", key->example ? key->example : key->preset);
}
