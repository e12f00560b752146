// Files that the program carries inside itself. An assembler file names them, each with a symbol:
//
//     #include "base/embed.h"
//     EMBED(fashion_train_images, "fashion-mini/train-images-idx3-ubyte.gz")
//     EMBED_END
//
// and C reads EMBEDDED(fashion_train_images) after EMBED_DECLARE(fashion_train_images). meson.build
// lists the files too, so that a changed file is assembled again.
#ifndef THAW_BASE_EMBED_H
#define THAW_BASE_EMBED_H

#ifdef __ASSEMBLER__

// clang-format off
.macro embed_file symbol, file
    .section .rodata
    .global \symbol
    .hidden \symbol
    .global \symbol\()_size
    .hidden \symbol\()_size
    .balign 64
\symbol:
    .incbin "\file"
.L\symbol\()_end:
    .balign 8
\symbol\()_size:
    .8byte .L\symbol\()_end - \symbol
.endm

#define EMBED(symbol, file) embed_file embedded_##symbol, file
// Without this note the linker makes the stack executable.
#define EMBED_END .section .note.GNU-stack, "", %progbits
// clang-format on

#else

#include <stddef.h>
#include <stdint.h>

struct embedded {
    const unsigned char *data;
    size_t size;
};

#define EMBED_DECLARE(symbol)                                                                      \
    extern const unsigned char embedded_##symbol[];                                                \
    extern const uint64_t embedded_##symbol##_size

#define EMBEDDED(symbol) ((struct embedded){embedded_##symbol, embedded_##symbol##_size})

#endif

#endif
