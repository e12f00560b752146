#include "ui/report/ticks.h"
#include "base/text.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER_COLUMNS = 6, FIGURES = 4 };

static double power_of_ten(int exponent) {
    return exponent < 0 ? 1 / pow(10, -exponent) : pow(10, exponent);
}

static int exponent_of(double value) {
    return (int)floor(log10(fabs(value)) + 1e-12);
}

// A fixed number of decimals, with a decimal point in every locale.
static void print_fixed(char out[16], double value, int decimals, const char *suffix) {
    struct text t = {0};
    text_add(&t, "%.*f%s", decimals, value, suffix);
    snprintf(out, 16, "%s", t.data);
    text_free(&t);
}

static void trim_zeros(char *number) {
    if (!strchr(number, '.'))
        return;
    size_t length = strlen(number);
    while (number[length - 1] == '0')
        length--;
    number[number[length - 1] == '.' ? length - 1 : length] = '\0';
}

struct unit {
    double size;
    const char *suffix;
};

static struct unit unit_of(double value) {
    static const struct unit units[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (fabs(value) >= units[i].size)
            return units[i];
    return (struct unit){1, ""};
}

static void print_figures(char out[16], double value, int figures) {
    int exponent = exponent_of(value);
    double last = power_of_ten(exponent - figures + 1);
    double rounded = round(value / last) * last;
    exponent = exponent_of(rounded);
    char suffix[8];
    if (exponent < -3 || exponent > 14) {
        snprintf(suffix, sizeof suffix, "e%d", exponent);
        rounded /= power_of_ten(exponent);
        exponent = 0;
    } else {
        struct unit unit = unit_of(rounded * (1 + 1e-12));
        snprintf(suffix, sizeof suffix, "%s", unit.suffix);
        rounded /= unit.size;
        exponent = exponent_of(rounded);
    }
    int decimals = figures - 1 - exponent;
    print_fixed(out, rounded, decimals > 0 ? decimals : 0, "");
    trim_zeros(out);
    strncat(out, suffix, 15 - strlen(out));
}

const char *ticks_number(double value, char out[16]) {
    if (isnan(value))
        return strcpy(out, "-");
    if (fabs(value) > 1e300)
        return strcpy(out, value > 0 ? "inf" : "-inf");
    if (fabs(value) < 1e-99) // three figures of exponent have no room
        return strcpy(out, "0");
    for (int figures = FIGURES; figures > 0; figures--) {
        print_figures(out, value, figures);
        if (strlen(out) <= NUMBER_COLUMNS)
            break;
    }
    return out;
}

// Multiples of `step` within low..high: the first one's factor, and how many.
static int multiples(double low, double high, double step, double *first) {
    *first = ceil(low / step - 1e-9);
    double count = floor(high / step + 1e-9) - *first + 1;
    return count > TICKS_MOST ? TICKS_MOST + 1 : (int)fmax(count, 0);
}

static int linear_ticks(double low, double high, int most, double *out) {
    static const double nice[] = {1, 2, 5};
    for (int e = exponent_of((high - low) / most) - 1;; e++) {
        for (int k = 0; k < 3; k++) {
            double first, step = nice[k] * power_of_ten(e);
            int count = multiples(low, high, step, &first);
            if (count > most)
                continue;
            for (int i = 0; i < count; i++)
                out[i] = (first + i) * step;
            return count;
        }
    }
}

// 1, 2 and 5 (all) or 1 times every `stride`-th power of ten; how many, or most + 1 for too many.
static int decade_ticks(double low, double high, bool all, int stride, int most, double *out) {
    static const double nice[] = {1, 2, 5};
    int count = 0;
    for (int e = (int)floor(log10(low)); e <= (int)floor(log10(high) + 1e-9); e++) {
        for (int k = 0; e % stride == 0 && k < (all ? 3 : 1); k++) {
            double tick = nice[k] * power_of_ten(e);
            if (tick < low * (1 - 1e-9) || tick > high * (1 + 1e-9))
                continue;
            if (count == most)
                return most + 1;
            out[count++] = tick;
        }
    }
    return count;
}

static int log_ticks(double low, double high, int most, double *out) {
    int count = decade_ticks(low, high, true, 1, most, out);
    for (int stride = 1; count > most; stride++)
        count = decade_ticks(low, high, false, stride, most, out);
    bool narrow = high / low < 20; // so that multiples of one step are spread well enough
    return count < 2 && narrow ? linear_ticks(low, high, most, out) : count;
}

int ticks_choose(double low, double high, bool log, int most, double *out) {
    most = most > TICKS_MOST ? TICKS_MOST : most;
    double range = high - low;
    if (!(range > 1e-290 && range < 1e300) || most < 1 || (log && low <= 0))
        return 0;
    return log ? log_ticks(low, high, most, out) : linear_ticks(low, high, most, out);
}

void ticks_label(const double *ticks, int count, int index, bool percent, char out[16]) {
    double largest = fmax(fabs(ticks[0]), fabs(ticks[count - 1]));
    double step = count > 1 ? ticks[1] - ticks[0] : largest;
    struct unit unit = percent ? (struct unit){1, "%"} : unit_of(largest * (1 + 1e-12));
    double shown = ticks[index] / unit.size;
    int decimals = step > 0 ? -exponent_of(step / unit.size) : 0;
    out[0] = '\0';
    if (ticks[index] == 0 && unit.size > 1) // no unit, and nothing to count of it
        strcpy(out, "0");
    else if (decimals <= NUMBER_COLUMNS && fabs(shown) < 1e6)
        print_fixed(out, shown, decimals > 0 ? decimals : 0, unit.suffix);
    if (!out[0] || strlen(out) > NUMBER_COLUMNS || (!percent && step < 1e-3))
        ticks_number(ticks[index], out);
}
