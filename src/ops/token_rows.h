// The tokens of a batch of texts as the rows of one matrix: those that are there, sample by sample,
// and none of the empty places behind them.
#ifndef THAW_OPS_TOKEN_ROWS_H
#define THAW_OPS_TOKEN_ROWS_H

#include "ops/op.h"

// Writes the numbers of the rows of [n][tokens] that are there, at most n * tokens, and returns how
// many.
int token_rows(const struct op_call *call, int *row);

#endif
