#include "ops/token_rows.h"

int token_rows(const struct op_call *call, int *row) {
    const int tokens = call->out_shape.h;
    int count = 0;
    for (int s = 0; s < call->n; s++)
        for (int i = 0; i < op_rows(call, call->out_shape, s); i++)
            row[count++] = s * tokens + i;
    return count;
}
