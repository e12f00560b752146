// What the operations are tried on: several configurations of each, filled with numbers, and one
// run of the float operation on them.
#ifndef THAW_TESTS_OPS_CASES_H
#define THAW_TESTS_OPS_CASES_H

#include "ops/op.h"
#include "ops/reference.h"

struct op_config {
    const char *op;
    int n;
    struct shape in[OP_INPUTS];
    union op_attr attr;
    struct op_mode mode;
    bool weighted; // classes have weights
    bool coarse;   // inputs take few different values, so that there are ties
    bool big;  // so big that the work is cut into several pieces; too big for finite differences
    bool text; // samples are of different lengths
};

extern const struct op_config op_configs[];
extern const int op_config_count;

// A configuration with numbers; the doubles hold the same values as the floats.
struct op_case {
    const struct op_config *config;
    const struct operation *op;
    const struct reference *reference;
    struct shape out_shape;
    size_t in_count[OP_INPUTS], out_count, param_count[OP_PARAMS]; // of the batch; 0: absent
    float *in[OP_INPUTS], *param[OP_PARAMS], *dout;
    double *in_double[OP_INPUTS], *param_double[OP_PARAMS], *dout_double;
    int *label;
    uint32_t *sample;
    float *class_weight;  // [classes], or NULL
    int *length;          // NULL: no texts
    int *target, *picked; // of token_pick: [n][tokens]; and how many of each sample
};

// Labels that a sample has.
int case_labels(const struct op_config *config);

// Asserts that operation and reference exist and accept the configuration. Free with case_close.
struct op_case *case_open(const struct op_config *config);
void case_close(struct op_case *c);

// Whether element i of a batch of such samples is there: not behind a text's tokens.
bool case_live(const struct op_case *c, struct shape shape, size_t i);

// Destinations are numbered: 0 .. OP_INPUTS - 1 the inputs, then the trained parameters.
enum { CASE_DESTINATIONS = OP_INPUTS + OP_PARAMS };
size_t case_destination_count(const struct op_case *c, int destination); // elements; 0: none

// What the reference gives.
struct reference_result {
    double *out, *gradient[CASE_DESTINATIONS], *moved[OP_PARAMS];
};
struct reference_result *reference_open(const struct op_case *c);
void reference_close(struct reference_result *result);

// The reference's sum of out * dout for the doubles that the case has at the moment.
double reference_loss(const struct op_case *c);

// Floats with exactly as many bytes as asked for (so that the address sanitizer sees an overrun),
// 64-byte aligned, filled with NaN. Free with free().
float *case_floats(size_t count);

// What a run of the float operation gives: out, the wanted gradients, and the parameters after it.
struct op_result {
    float *out, *gradient[CASE_DESTINATIONS], *param[OP_PARAMS];
};

// Forward, and backward unless `wanted` (a bit per destination) is 0. With `add`, gradients are
// added to case_base. Backward sees just what `reads` asks for; every buffer is exactly as large as
// asked.
struct op_result *result_open(const struct op_case *c, struct pool *pool, unsigned wanted,
                              bool add);
void result_close(struct op_result *result);

// What element i of a destination holds before a run that adds.
float case_base(size_t i);

#endif
