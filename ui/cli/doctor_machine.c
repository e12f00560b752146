// The machine, as thaw doctor sees it.
#include "base/blas.h"
#include "base/kernels.h"
#include "base/pool.h"
#include "base/text.h"
#include "ui/cli/doctor.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double MEMORY_LEAST = 256.0 * 1024 * 1024, MEMORY_GOOD = 1024.0 * 1024 * 1024;

static void add_cores(struct doctor *d) {
    int usable = pool_processors();
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    const char *advice = NULL;
    if (usable < online)
        advice = "this shell or container may use only some of them (see taskset)";
    doctor_add(d, "cores", advice ? FACT_NOTE : FACT_OK, advice, "%d usable of %ld", usable,
               online);
}

static void add_load(struct doctor *d) {
    double load;
    if (getloadavg(&load, 1) != 1)
        return;
    bool busy = load > 0.5 * pool_processors();
    doctor_add(d, "load", busy ? FACT_NOTE : FACT_OK,
               busy ? "other programs are busy, so the times below are longer than they need be"
                    : NULL,
               "%.1f in the last minute", load);
}

static bool available_memory(double *bytes) {
    FILE *file = fopen("/proc/meminfo", "re");
    char line[256];
    int64_t kib;
    bool found = false;
    while (file && !found && fgets(line, sizeof line, file))
        found = sscanf(line, "MemAvailable: %" SCNd64 " kB", &kib) == 1;
    if (file)
        fclose(file);
    if (found)
        *bytes = (double)kib * 1024;
    return found;
}

static void add_memory(struct doctor *d) {
    double bytes;
    char text[32];
    if (!available_memory(&bytes)) {
        doctor_add(d, "memory", FACT_NOTE, NULL, "this system does not say how much is available");
        return;
    }
    text_bytes(bytes, text);
    if (bytes < MEMORY_LEAST)
        doctor_add(d, "memory", FACT_PROBLEM, "close other programs", "%s available", text);
    else if (bytes < MEMORY_GOOD)
        doctor_add(d, "memory", FACT_NOTE, "enough for small networks and batches alone",
                   "%s available", text);
    else
        doctor_add(d, "memory", FACT_OK, NULL, "%s available", text);
}

static void add_instructions(struct doctor *d) {
    const char *asked = getenv("THAW_ISA"), *used = kernels()->isa;
    const struct kernels *const *all = kernels_available();
    struct text list = {0};
    for (int i = 0; all[i]; i++)
        text_add(&list, "%s%s", i ? ", " : "", all[i]->isa);
    const char *advice = NULL;
    if (asked && strcmp(asked, used) != 0)
        advice = "THAW_ISA names none of them and is ignored; unset it";
    else if (asked && all[0] != kernels())
        advice = "THAW_ISA asks for a slower one; unset it";
    else if (strcmp(used, "baseline") == 0)
        advice = "without AVX2 a step takes several times as long";
    doctor_add(d, "instructions", advice ? FACT_NOTE : FACT_OK, advice, "%s in use, of %s", used,
               list.data);
    text_free(&list);
}

// OpenBLAS chooses the kernel that is best for this processor, unless it is told otherwise.
static void add_blas(struct doctor *d) {
    static const char *const presets[] = {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE",
                                          "OPENBLAS_BLOCK_FACTOR"};
    doctor_add(d, "BLAS", FACT_OK, NULL, "%s", blas_description());
    for (int i = 0; i < 3; i++) {
        const char *value = getenv(presets[i]);
        if (value && value[0])
            doctor_add(d, "BLAS preset", FACT_NOTE,
                       "unset it: OpenBLAS finds what is fastest here by itself", "%s=%s",
                       presets[i], value);
    }
}

void doctor_machine(struct doctor *d) {
    add_cores(d);
    add_load(d);
    add_memory(d);
    add_instructions(d);
    add_blas(d);
}
