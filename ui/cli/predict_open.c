// A trained network made ready for `thaw predict`.
#include "base/files.h"
#include "base/xalloc.h"
#include "datasets/datasets.h"
#include "datasets/pictures.h"
#include "datasets/shift.h"
#include "datasets/texts.h"
#include "model/card.h"
#include "models/models.h"
#include "models/pretrained.h"
#include "models/text_config.h"
#include "ui/cli/predict.h"
#include "ui/cli/workbench_open.h"
#include "ui/network.h"
#include <stdlib.h>
#include <string.h>

static void replace(char **text, char *with) {
    free(*text);
    *text = with;
}

// Of a run: best or last, or what there is.
static char *run_weights(const struct predict_request *r, struct error *error) {
    char *best = files_join(r->subject, "best.safetensors"),
         *last = files_join(r->subject, "last.safetensors");
    bool take_best = r->weights ? strcmp(r->weights, "best") == 0 : files_exist(best);
    char *path = take_best ? best : last;
    free(take_best ? last : best);
    if (files_exist(path))
        return path;
    error_set(error, "%s: there is no such file%s; --weights FILE takes another", path,
              r->weights ? "" : " yet: the run has neither evaluated nor ended");
    free(path);
    return NULL;
}

// Decides which file the setup loads. The files of a run have all of its parameters under their own
// names, whatever was asked of the file that it began with.
static bool choose_weights(struct experiment *e, bool run, const struct predict_request *r,
                           struct error *error) {
    bool named = r->weights && strcmp(r->weights, "best") != 0 && strcmp(r->weights, "last") != 0;
    if (!run && !r->weights)
        return *e->model.weights ||
               error_set(error, "%s has no model.weights; give a run, or --weights FILE",
                         r->subject);
    if (!run && !named)
        return error_set(error, "%s is no run and has no %s weights; give --weights FILE",
                         r->subject, r->weights);
    char *path = named ? xstrdup(r->weights) : run_weights(r, error);
    if (!path)
        return false;
    // These may lie beside the weights of before.
    char *config = network_config(e);
    replace(&e->data.tokenizer, setup_tokenizer(e));
    if (config)
        replace(&e->model.config, config);
    replace(&e->model.weights, path);
    return experiment_set(e, "model.partial=false", error) &&
           experiment_set(e, "model.new_head=false", error) &&
           experiment_set(e, "model.rename=[]", error);
}

// A built-in language model by itself, for texts as long as it has places.
static bool built_in_experiment_of(struct experiment *e, const struct pretrained *p,
                                   struct error *error) {
    struct text_config config = arch_find(p->arch, NULL)->text;
    const struct embedded file = p->config();
    char *name = xprintf("model.name=%s-lm", p->arch),
         *weights = xprintf("model.weights=%s", p->name);
    experiment_defaults(e);
    bool ok = text_config_parse(&config, file.data, file.size, p->name, error) &&
              experiment_set(e, name, error) && experiment_set(e, weights, error) &&
              experiment_set(e, "data.name=text", error);
    e->data.length = config.positions;
    free(name);
    free(weights);
    return ok;
}

static bool open_experiment(struct experiment *e, const char *subject, bool *run,
                            struct error *error) {
    const struct pretrained *p = files_exist(subject) ? NULL : pretrained_find(subject, NULL);
    *run = false;
    return p && p->config ? built_in_experiment_of(e, p, error)
                          : opening_experiment(e, subject, run, error);
}

// Nothing is trained here: no room for steps or for what the frozen prefix computes.
static bool read_experiment(struct experiment *e, const struct predict_request *r,
                            struct error *error) {
    bool run;
    return open_experiment(e, r->subject, &run, error) && choose_weights(e, run, r, error) &&
           experiment_set(e, "train.batch=1", error) && experiment_set(e, "train.cache=0", error) &&
           experiment_set(e, "data.augment=[]", error) && experiment_check(e, error);
}

// A head that starts anew says nothing about any class.
static bool check_trained(const struct setup *s, struct error *error) {
    const struct load_report *r = &s->report;
    int untrained = r->missing_count > 0    ? r->missing[0]
                    : r->replaced_count > 0 ? r->replaced[0]
                                            : -1;
    return untrained < 0 ||
           error_set(error,
                     "%s: %s is not in the file as this network needs it, so that nothing could be "
                     "predicted; train first (`thaw run`), and give the run",
                     s->experiment->model.weights, s->model->params[untrained].name);
}

// The run's own samples

static struct dataset **part_of(struct training_data *data, const char *name) {
    return strcmp(name, "train") == 0        ? &data->train
           : strcmp(name, "validation") == 0 ? &data->validation
                                             : &data->test;
}

static bool open_samples(struct predict_subject *s, const struct predict_request *r,
                         struct error *error) {
    if (network_is_language(&s->experiment))
        return error_set(error,
                         "--samples: %s predicts tokens, not classes; give texts, or see what it "
                         "says of its own in the workbench's data view (key 4)",
                         s->experiment.model.name);
    if (!setup_open(&s->setup, &s->experiment, r->threads, error))
        return false;
    s->labelled = true;
    return *part_of(&s->setup.data, r->samples) ||
           error_set(error, "%s has no %s samples", r->subject, r->samples);
}

// A person's pictures

static bool check_shifts(const struct experiment *e, struct error *error) {
    for (int i = 0; i < e->data.shift.count; i++) {
        struct shift shift;
        if (!shift_parse(e->data.shift.item[i], &shift, error))
            return error_prefix(error, "data.shift: ");
        if (shift.kind < SHIFT_RELABEL)
            return error_set(error,
                             "the samples of this run are changed by data.shift ('%s'), which "
                             "pictures are not: predict its own with --samples test",
                             e->data.shift.item[i]);
    }
    return true;
}

static bool check_shape(struct shape shape, struct error *error) {
    char text[32];
    if (shape.h == shape.w && (shape.c == 1 || shape.c == 3))
        return true;
    return error_set(error,
                     "the network takes samples of %s, which pictures are not made to be: predict "
                     "the run's own with --samples test",
                     shape_text(shape, text));
}

// The network without its data.
static bool open_alone(struct predict_subject *s, const struct predict_request *r, int vocabulary,
                       struct shape input, int classes, char *const *names, struct error *error) {
    if (!setup_open_model(&s->setup, &s->experiment, input, classes, vocabulary, r->threads, error))
        return false;
    s->setup.data.train = dataset_new("card", input, 0, classes, (const char *const *)names);
    return true;
}

// Classes and shape as the weights say, or else as the data set does, which must be there then; a
// language model has no classes to know.
static bool open_network(struct predict_subject *s, const struct predict_request *r, int vocabulary,
                         struct error *error) {
    struct experiment *e = &s->experiment;
    const struct dataset_kind *kind = dataset_find(e->data.name, error);
    struct weight_file file;
    struct card card;
    if (!kind)
        return error_prefix(error, "data.name: ");
    if (!setup_weight_file(&file, e->model.weights, error))
        return false;
    bool ok = card_read(&card, &file, error) || error_prefix(error, "%s: ", e->model.weights);
    weight_file_close(&file);
    if (ok && card.classes == 0 && network_is_language(e)) {
        ok =
            open_alone(s, r, vocabulary, (struct shape){(int)e->data.length, 1, 1}, 1, NULL, error);
    } else if (ok && card.classes == 0) {
        ok = setup_open(&s->setup, e, r->threads, error) ||
             error_prefix(error, "%s does not say what its classes are, and the data set cannot: ",
                          e->model.weights);
    } else if (ok) {
        int size = (int)e->data.size;
        if (kind->pictures)
            card.input = (struct shape){size, size, strcmp(e->data.colour, "grey") == 0 ? 1 : 3};
        ok = open_alone(s, r, vocabulary, card.input, card.classes, card.class_names, error);
    }
    card_close(&card);
    return ok;
}

static bool open_pictures(struct predict_subject *s, const struct predict_request *r,
                          struct error *error) {
    const struct experiment *e = &s->experiment;
    struct listing listing;
    bool ok =
        check_shifts(e, error) && (listing_unlabelled(&listing, r->inputs, r->input_count, error) ||
                                   (listing_close(&listing), false));
    if (!ok)
        return false;
    if (!open_network(s, r, 0, error) || !check_shape(s->setup.data.train->shape, error)) {
        listing_close(&listing);
        return false;
    }
    struct dataset *pictures = pictures_open(listing, s->setup.data.train, (int)e->data.resize);
    training_data_close(&s->setup.data);
    s->setup.data.train = pictures;
    return true;
}

// A person's texts

static bool open_texts(struct predict_subject *s, const struct predict_request *r,
                       struct error *error) {
    struct predict_texts texts;
    struct tokenizer *t = NULL;
    char *name = setup_tokenizer(&s->experiment);
    bool ok = predict_texts_open(&texts, r, error);
    if (ok && !(t = tokenizer_open(name, error)))
        ok = error_prefix(error, "data.tokenizer: ");
    if (ok && open_network(s, r, t->vocabulary.size, error)) {
        if (model_is_masked(s->setup.model))
            t->mask = tokenizer_find_mask(t);
        s->tokenizer = t;
        struct dataset *d = texts_given(texts.item, texts.count, t, s->setup.data.train, error);
        training_data_close(&s->setup.data);
        s->setup.data.train = d;
        ok = d != NULL;
    } else if (ok) {
        tokenizer_close(t);
        ok = false;
    }
    predict_texts_close(&texts);
    free(name);
    return ok;
}

static bool open_inputs(struct predict_subject *s, const struct predict_request *r,
                        struct error *error) {
    const struct dataset_kind *kind = dataset_find(s->experiment.data.name, error);
    if (!kind)
        return error_prefix(error, "data.name: ");
    return kind->texts ? open_texts(s, r, error) : open_pictures(s, r, error);
}

// Only a causal language model goes on with a text.
static bool check_tokens(const struct model *m, const struct predict_request *r,
                         struct error *error) {
    if (r->tokens > 0 && !model_is_language(m))
        return error_set(error, "--tokens: %s predicts classes; leave the option out", m->arch);
    if (r->tokens > 0 && model_is_masked(m))
        return error_set(error,
                         "--tokens: %s predicts what stands at a [MASK], not what comes next; "
                         "leave the option out",
                         m->arch);
    return true;
}

bool predict_subject_open(struct predict_subject *s, const struct predict_request *r,
                          struct error *error) {
    *s = (struct predict_subject){0};
    if (!read_experiment(&s->experiment, r, error) ||
        !(r->samples ? open_samples(s, r, error) : open_inputs(s, r, error)) ||
        !check_trained(&s->setup, error))
        return false;
    if (!check_tokens(s->setup.model, r, error))
        return false;
    s->training = setup_training(&s->setup, error);
    if (s->training)
        s->data = *part_of(&s->training->data, r->samples ? r->samples : "train");
    return s->training != NULL;
}

void predict_subject_close(struct predict_subject *s) {
    training_close(s->training);
    setup_close(&s->setup);
    experiment_close(&s->experiment);
    *s = (struct predict_subject){0};
}
