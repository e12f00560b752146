// The references of the operations on texts.
#ifndef THAW_TESTS_OPS_REFERENCE_TEXT_H
#define THAW_TESTS_OPS_REFERENCE_TEXT_H

#include "ops/reference.h"

// Ended by an entry without a name.
extern const struct reference text_references[];

#endif
