// Every operation once more, naively and in double: what the fast ones are checked against, and
// what is itself checked against finite differences.
#ifndef THAW_TESTS_OPS_REFERENCE_H
#define THAW_TESTS_OPS_REFERENCE_H

#include "ops/op.h"

// As struct op_call, in double. Layouts are the same: activations [n][h][w][c].
struct reference_call {
    const union op_attr *attr;
    int n;
    struct shape in_shape[OP_INPUTS], out_shape;
    const double *in[OP_INPUTS];
    double *out;
    const double *param[OP_PARAMS]; // NULL where absent
    double *moved[OP_PARAMS];       // forward: running statistics after this batch; NULL: not asked
    const double *dout;
    double *din[OP_INPUTS], *dparam[OP_PARAMS]; // set; NULL where there is no such gradient
    struct op_mode mode;
    const int *label;
    const uint32_t *sample;
    const float *class_weight;
    const int *length; // NULL: no texts; what is behind a text's tokens is neither read nor written
    const int *target; // token_pick
};

struct reference {
    const char *name;
    int trained; // the first so many parameters get gradients
    void (*forward)(const struct reference_call *call);
    void (*backward)(const struct reference_call *call); // reads in; may overwrite out
    // Elements of parameter i; 0: absent. NULL: there are none.
    size_t (*param_count)(const union op_attr *attr, struct shape in, int i);
};

// NULL when there is no reference for that operation.
const struct reference *reference_find(const char *name);

#endif
