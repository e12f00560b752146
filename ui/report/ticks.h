// Where an axis has its ticks, and what stands beside them.
#ifndef THAW_UI_TICKS_H
#define THAW_UI_TICKS_H

#include <stdbool.h>

enum { TICKS_MOST = 32 };

// Ticks at 1, 2 or 5 times a power of ten within low..high, at most `most` (and TICKS_MOST);
// returns how many. On a log scale at powers of ten (and 2, 5 when there is room), as on a linear
// one when low..high holds too few of them. low..high are the values themselves; not positive ones
// have no log ticks.
int ticks_choose(double low, double high, bool log, int most, double *out);

// "0.05", "1.2k", "3e-4": up to four figures in at most 6 columns. Returns out.
const char *ticks_number(double value, char out[16]);

// The same for a tick of a linear axis: all have one unit and one number of decimals, but that 0 of
// thousands and more is "0". `percent`: the ticks are in percent.
void ticks_label(const double *ticks, int count, int index, bool percent, char out[16]);

#endif
