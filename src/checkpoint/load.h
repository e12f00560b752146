// Between a weight file's tensors and a model's parameters: names, layouts, what is missing.
#ifndef THAW_CHECKPOINT_LOAD_H
#define THAW_CHECKPOINT_LOAD_H

#include "base/text.h"
#include "checkpoint/name_map.h"
#include "checkpoint/weight_file.h"
#include "model/model.h"

// What a load did, for a person to read.
struct load_report {
    int loaded;
    int missing_count, unexpected_count, misshaped_count, replaced_count, summed_count;
    int *missing;      // parameters that the file does not have
    char **unexpected; // names in the file that the model does not have
    char **misshaped;  // "conv1.weight: the file has [64, 3, 7, 7], the model [16, 3, 3, 3]"
    int *replaced;     // parameters of the head that keep their init
    int *summed;       // first convolutions' weights whose input channels were summed
    // How the file's names became the model's (see name_map.h), and which part of a checkpoint it
    // was (see torch_file.h); NULL where there is nothing to say.
    char *prefix, *part, *aside;
    int prefix_count, renamed_count;
    char **renamed;
};
void load_report_close(struct load_report *r);

// One line for each kind of finding that there is, appended to t.
void load_report_text(const struct load_report *r, const struct model *model, struct text *t);
// Of these only what a strict load refuses, each with `end` behind it.
void load_report_misfits(const struct load_report *r, const struct model *model, const char *end,
                         struct text *t);

struct load_options {
    bool partial;  // allow missing and unexpected names
    bool new_head; // parameters of head modules keep their initialisation, whatever the file has
    // The head is a person's own stack of layers: what the file lacks of it keeps its
    // initialisation, and other names below it in the file are of the head replaced.
    bool own_head;
    char *const *rename; // rules: see name_map_make
    int rename_count;
};

// Copies the values of the file's tensors, under their names in the model (name_map_make), into w,
// converting to float32 and to this build's layouts. Head parameters whose shape differs keep their
// initialisation and are reported as replaced, and so are those of a use of the architecture
// (model.uses) of which the file has nothing; what it has of another use is passed over. Missing
// counters are not an error (older PyTorch files lack num_batches_tracked). A convolution that
// reads the samples, for colour (3 input channels) in the file, is summed over them for grey
// samples: then it computes what the file's computes of the grey repeated in all channels. Values
// that are not finite are an error, and so is a file of which nothing fits. On error w is
// unchanged. `report` may be NULL; else it is filled on error too (with loaded == 0), and the
// caller closes it. A tied parameter is one of the report's parameters, under its first name: the
// file may have any of its names, all with the same value. With new_head all parameters of the head
// are reported as replaced, with own_head those that the file lacks.
bool load_weights(struct weights *w, const struct weight_file *file,
                  const struct load_options *options, struct load_report *report,
                  struct error *error);

// Writes all parameters under PyTorch's names, shapes and order of elements: F32, counters I64; a
// tied parameter under its first name only. "format": "pt" is put before the metadata (see
// safetensors_write), which must not have that key. Needs memory for a copy of what PyTorch orders
// differently.
bool save_weights(const struct weights *w, const char *path, const char *const *metadata,
                  int metadata_pairs, struct error *error);

// One parameter between this build's layout and PyTorch's order, p->count floats. Not in place; not
// for counters.
void layout_to_torch(const struct param *p, const float *from, float *to);
void layout_from_torch(const struct param *p, const float *from, float *to);

#endif
