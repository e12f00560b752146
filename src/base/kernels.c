// Chooses among the builds of kernels_unit.c.
#include "base/kernels.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#ifdef KERNELS_AMX
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum { ISA_MAX = 4 };

static const struct kernels *available[ISA_MAX + 1];
static _Atomic(const struct kernels *) current;
static pthread_once_t once = PTHREAD_ONCE_INIT;

#ifdef KERNELS_X86
// __builtin_cpu_supports also asks whether the system saves the wide registers.
static bool has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("fma");
}

static bool has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif

#ifdef KERNELS_AMX
// Tiles are for programs that ask the system for room to save them.
static bool has_amx(void) {
    enum { REQUEST = 0x1023, TILE_DATA = 18 }; // ARCH_REQ_XCOMP_PERM
    enum { BF16 = 1 << 22, TILE = 1 << 24, AVX512_BF16 = 1 << 5 };
    unsigned a, b, c, d, more;
    if (!has_avx512() || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & BF16) || !(d & TILE))
        return false;
    return __get_cpuid_count(7, 1, &more, &b, &c, &d) && (more & AVX512_BF16) &&
           syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
}
#endif

static const struct kernels *find(const char *isa) {
    for (int i = 0; isa && available[i]; i++) {
        if (strcmp(available[i]->isa, isa) == 0) {
            return available[i];
        }
    }
    return NULL;
}

static void choose(void) {
    int count = 0;
#ifdef KERNELS_X86
    __builtin_cpu_init();
#ifdef KERNELS_AMX
    if (has_amx()) {
        available[count++] = &kernels_amx;
    }
#endif
    if (has_avx512()) {
        available[count++] = &kernels_avx512;
    }
    if (has_avx2()) {
        available[count++] = &kernels_avx2;
    }
#endif
    available[count] = &kernels_baseline;
    const struct kernels *asked = find(getenv("THAW_ISA"));
    atomic_store(&current, asked ? asked : available[0]);
}

const struct kernels *kernels(void) {
    const struct kernels *k = atomic_load_explicit(&current, memory_order_acquire);
    if (!k) {
        pthread_once(&once, choose);
        k = atomic_load(&current);
    }
    return k;
}

bool kernels_force(const char *isa) {
    kernels();
    const struct kernels *asked = find(isa);
    if (asked) {
        atomic_store(&current, asked);
    }
    return asked != NULL;
}

const struct kernels *const *kernels_available(void) {
    kernels();
    return available;
}
