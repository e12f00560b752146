// Loading is in two sweeps: the first checks everything and only reads, the second copies.
#include "checkpoint/load.h"
#include "base/xalloc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLOURS = 3 };

struct load {
    const struct model *model;
    const struct weight_file *file;
    const struct load_options *options;
    struct load_report *report;
    struct name_map map;
    const struct tensor_entry **source; // of each parameter; NULL: it keeps its value
    float *scratch;                     // room for the largest source
};

static void add_index(int **list, int *count, int index) {
    *list = xrealloc(*list, (size_t)(*count + 1) * sizeof **list);
    (*list)[(*count)++] = index;
}

// Takes `text`, which is on the heap.
static void add_text(char ***list, int *count, char *text) {
    *list = xrealloc(*list, (size_t)(*count + 1) * sizeof **list);
    (*list)[(*count)++] = text;
}

static bool in_head(const struct model *model, int param) {
    for (int m = model->params[param].module; m >= 0; m = model->modules[m].parent)
        if (model->modules[m].head)
            return true;
    return false;
}

// Whether a name stands below the head: "fc.weight" where the head is fc, also if it has no weight.
static bool names_head(const struct model *model, const char *name) {
    for (int m = 0; m < model->module_count; m++) {
        size_t length = strlen(model->modules[m].name);
        if (model->modules[m].head && strncmp(name, model->modules[m].name, length) == 0 &&
            name[length] == '.')
            return true;
    }
    return false;
}

// The use of the architecture that a name belongs to, or -1: all have it.
static int use_of(const struct model *model, const char *name) {
    for (int i = 0; model->uses && model->uses[i]; i++)
        if (strncmp(name, model->uses[i], strlen(model->uses[i])) == 0)
            return i;
    return -1;
}

// Whether a parameter belongs to a use that the file is not made for: it has nothing of it.
static bool of_other_use(const struct load *l, int param) {
    const int use = use_of(l->model, l->model->params[param].name);
    for (int i = 0; i < l->file->count && use >= 0; i++)
        if (use_of(l->model, l->map.names[i]) == use)
            return false;
    return use >= 0;
}

static const struct tensor_entry *find_entry(const struct load *l, int param) {
    int at = name_map_find(&l->map, l->model->params[param].name);
    return at < 0 ? NULL : &l->file->entries[at];
}

// Under any name of the storage: files keep one of several tied names, not always the first.
static const struct tensor_entry *find_source(const struct load *l, int storage) {
    const struct tensor_entry *found = NULL;
    for (int i = storage; i < l->model->param_count && !found; i++)
        if (l->model->params[i].storage == storage)
            found = find_entry(l, i);
    return found;
}

static void add_misshaped(struct load_report *r, const struct param *p,
                          const struct tensor_entry *e) {
    char theirs[96], ours[96];
    add_text(&r->misshaped, &r->misshaped_count,
             xprintf("%s: the file has %s, the model %s", p->name, dims_text(e->dims, theirs),
                     dims_text(p->dims, ours)));
}

// Whether a parameter is the weight of a convolution that reads the grey samples, and the tensor
// the same for colour.
static bool is_colour_of_grey(const struct model *m, int param, const struct tensor_entry *e) {
    struct dims colour = m->params[param].dims;
    bool reads = false;
    for (int i = 1; i < m->node_count; i++)
        reads |=
            m->nodes[i].op == &op_conv2d && m->nodes[i].in[0] == 0 && m->nodes[i].param[0] == param;
    if (!reads || colour.size[1] != 1)
        return false;
    colour.size[1] = COLOURS;
    return dims_equal(e->dims, colour);
}

// [out][COLOURS][r][s] to [out][1][r][s], in place: `count` elements remain.
static void sum_colours(struct dims dims, float *x) {
    size_t window = (size_t)(dims.size[2] * dims.size[3]), count = dims_count(dims);
    for (size_t i = 0; i < count; i++) {
        const float *from = x + i / window * COLOURS * window + i % window;
        x[i] = (float)((double)from[0] + from[window] + from[2 * window]);
    }
}

// Decides where one storage's value comes from, and notes it.
static void match_param(struct load *l, int i) {
    const struct param *p = &l->model->params[i];
    const struct tensor_entry *e = find_source(l, i);
    struct load_report *r = l->report;
    bool head = in_head(l->model, i);
    bool fits = e && (dims_equal(e->dims, p->dims) || is_colour_of_grey(l->model, i, e));
    bool lacking = !e && l->options->own_head && p->kind != PARAM_COUNTER;
    if (!e && of_other_use(l, i))
        add_index(&r->replaced, &r->replaced_count, i);
    else if (head && (l->options->new_head || (e && !fits) || lacking))
        add_index(&r->replaced, &r->replaced_count, i);
    else if (fits)
        l->source[i] = e;
    else if (e)
        add_misshaped(r, p, e);
    else if (p->kind != PARAM_COUNTER)
        add_index(&r->missing, &r->missing_count, i);
}

// A mask, or numbered positions, that the file keeps beside the parameters.
static bool no_parameter(const struct load *l, const char *name) {
    const char *const *endings = l->model->no_parameters;
    for (int i = 0; endings && endings[i]; i++) {
        size_t length = strlen(name), end = strlen(endings[i]);
        if (length > end && strcmp(name + length - end, endings[i]) == 0)
            return true;
    }
    return false;
}

// What belongs to a use of the architecture that the model is not made for.
static bool passed_over(const struct load *l, const char *name) {
    const int use = use_of(l->model, name);
    for (int i = 0; i < l->model->param_count && use >= 0; i++)
        if (use_of(l->model, l->model->params[i].name) == use)
            return false;
    return use >= 0;
}

static void match_names(struct load *l) {
    struct load_report *r = l->report;
    for (int i = 0; i < l->model->param_count; i++)
        if (l->model->params[i].storage == i)
            match_param(l, i);
    for (int i = 0; i < l->file->count; i++)
        if (model_param(l->model, l->map.names[i]) < 0 && !no_parameter(l, l->map.names[i]) &&
            !passed_over(l, l->map.names[i]) &&
            !(l->options->own_head && names_head(l->model, l->map.names[i])))
            add_text(&r->unexpected, &r->unexpected_count, xstrdup(l->file->entries[i].name));
}

// Whether there is anything to load, or to leave to a new head.
static bool fits_somewhere(const struct load *l) {
    for (int i = 0; i < l->model->param_count; i++)
        if (l->source[i])
            return true;
    return l->report->replaced_count > 0 || l->file->count == 0;
}

static bool check_fit(const struct load *l, struct error *error) {
    const struct load_report *r = l->report;
    if (r->misshaped_count == 0 && !fits_somewhere(l))
        return error_set(
            error,
            "no name in it is one of %s's: it begins with %s, the model with %s; is it "
            "another architecture's? If not, model.rename gives its names new ones",
            l->model->arch, l->file->entries[0].name, l->model->params[0].name);
    bool names_fit = r->missing_count == 0 && r->unexpected_count == 0;
    if (r->misshaped_count == 0 && (names_fit || l->options->partial))
        return true;
    struct text misfits = {0};
    load_report_misfits(r, l->model, "; ", &misfits);
    error_set(error, "the weights do not fit %s: %s%s", l->model->arch, misfits.data,
              r->misshaped_count > 0 ? "they are another architecture's"
              : r->missing_count > 0 && r->unexpected_count > 0
                  ? "model.rename gives names new ones, and only a partial load would "
                    "take them so"
                  : "only a partial load would take them");
    text_free(&misfits);
    return false;
}

static bool check_ties(const struct load *l, struct error *error) {
    for (int i = 0; i < l->model->param_count; i++) {
        const struct param *p = &l->model->params[i];
        const struct tensor_entry *source = l->source[p->storage];
        const struct tensor_entry *own = find_entry(l, i);
        if (source && own && source != own && !tensor_equal(source, own))
            return error_set(error, "%s and %s are one parameter in %s, but differ in the file",
                             source->name, own->name, l->model->arch);
    }
    return true;
}

static bool check_values(const struct load *l, int i, struct error *error) {
    const struct tensor_entry *e = l->source[i];
    if (l->model->params[i].kind == PARAM_COUNTER)
        return e->dtype == DTYPE_I64 ||
               error_set(error, "%s: a counter must be I64, not %s", e->name, dtype_name(e->dtype));
    tensor_to_float(e, l->scratch);
    for (size_t k = 0; k < dims_count(e->dims); k++)
        if (!isfinite(l->scratch[k]))
            return error_set(error, "%s: element %zu is %g in float32; weights must be finite",
                             e->name, k, (double)l->scratch[k]);
    return true;
}

static bool check_all_values(const struct load *l, struct error *error) {
    for (int i = 0; i < l->model->param_count; i++)
        if (l->source[i] && !check_values(l, i, error))
            return false;
    return true;
}

static void copy_values(const struct load *l, struct weights *w) {
    struct load_report *r = l->report;
    for (int i = 0; i < l->model->param_count; i++) {
        const struct param *p = &l->model->params[i];
        if (!l->source[i])
            continue;
        r->loaded++;
        if (p->kind == PARAM_COUNTER) {
            tensor_copy(l->source[i], weights_counter(w, i));
            continue;
        }
        tensor_to_float(l->source[i], l->scratch);
        if (!dims_equal(l->source[i]->dims, p->dims)) {
            sum_colours(p->dims, l->scratch);
            add_index(&r->summed, &r->summed_count, i);
        }
        layout_from_torch(p, l->scratch, weights_at(w, i));
    }
}

static size_t largest(const struct load *l) {
    size_t most = 0;
    for (int i = 0; i < l->model->param_count; i++)
        if (l->source[i] && dims_count(l->source[i]->dims) > most)
            most = dims_count(l->source[i]->dims);
    return most;
}

static void note_names(struct load *l) {
    struct load_report *r = l->report;
    r->prefix = l->map.prefix ? xstrdup(l->map.prefix) : NULL;
    r->prefix_count = l->map.prefix_count;
    for (int i = 0; i < l->map.renamed_count; i++)
        add_text(&r->renamed, &r->renamed_count, xstrdup(l->map.renamed[i]));
    r->part = l->file->torch.part ? xstrdup(l->file->torch.part) : NULL;
    r->aside = l->file->torch.aside ? xstrdup(l->file->torch.aside) : NULL;
}

static bool load_named(struct load *l, struct weights *w, struct error *error) {
    l->source = xcalloc((size_t)l->model->param_count, sizeof *l->source);
    note_names(l);
    match_names(l);
    l->scratch = xmalloc(largest(l) * sizeof *l->scratch);
    bool good = check_fit(l, error) && check_ties(l, error) && check_all_values(l, error);
    if (good)
        copy_values(l, w);
    free(l->source);
    free(l->scratch);
    return good;
}

bool load_weights(struct weights *w, const struct weight_file *file,
                  const struct load_options *options, struct load_report *report,
                  struct error *error) {
    struct load_report own = {0};
    if (report)
        *report = own;
    struct load l = {.model = w->model, .file = file, .options = options};
    l.report = report ? report : &own;
    if (!name_map_make(&l.map, file, w->model, options->rename, options->rename_count, error))
        return false;
    bool good = load_named(&l, w, error);
    name_map_close(&l.map);
    load_report_close(&own);
    return good;
}
