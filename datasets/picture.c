#include "datasets/picture.h"

#include "base/arena.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "datasets/picture_parts.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

const char picture_endings[] = ".jpg, .jpeg, .png, .bmp, .gif, .tga, .ppm, .pgm, .pbm or .pnm";

bool picture_named(const char *name) {
    static const char *const endings[] = {"jpg", "jpeg", "png", "bmp", "gif",
                                          "tga", "ppm",  "pgm", "pbm", "pnm"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && dot > name && i < sizeof endings / sizeof endings[0]; i++)
        if (strcasecmp(dot + 1, endings[i]) == 0)
            return true;
    return false;
}

static bool refuse_content(struct span head, struct error *error) {
    if (head.size == 0)
        return error_set(error, "the file is empty");
    bool webp = head.size >= 12 && memcmp(head.data, "RIFF", 4) == 0;
    bool tiff =
        head.size >= 4 && (memcmp(head.data, "II*", 4) == 0 || memcmp(head.data, "MM", 2) == 0);
    return error_set(error, "%s; JPEG, PNG, BMP, GIF, TGA or PNM would be right",
                     webp   ? "a WebP picture"
                     : tiff ? "a TIFF picture"
                            : "no picture by its content");
}

// -1 after an error.
static int open_file(const char *path, size_t *size, struct error *error) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // never waits for a pipe's writer
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0)
        error_set(error, "cannot read it (%s)", strerror(errno));
    else if (!S_ISREG(info.st_mode))
        error_set(error, "no regular file");
    else if (info.st_size > PICTURE_FILE)
        error_set(error, "the file is larger than %d MiB", PICTURE_FILE >> 20);
    else {
        *size = (size_t)info.st_size;
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

// Up to `size` bytes; fewer when the file has become shorter.
static bool read_bytes(int fd, unsigned char *out, size_t size, size_t *got, struct error *error) {
    *got = 0;
    while (*got < size) {
        ssize_t n = read(fd, out + *got, size - *got);
        if (n < 0 && errno != EINTR)
            return error_set(error, "cannot read it (%s)", strerror(errno));
        if (n == 0)
            break;
        *got += n > 0 ? (size_t)n : 0;
    }
    return true;
}

bool picture_check(const char *path, struct error *error) {
    unsigned char head[PICTURE_HEAD];
    size_t size, got;
    int fd = open_file(path, &size, error);
    if (fd < 0)
        return false;
    bool fine = read_bytes(fd, head, sizeof head, &got, error);
    close(fd);
    struct span span = {head, got};
    return fine && (picture_format_of(span, path) != FORMAT_NONE || refuse_content(span, error));
}

// PIL's weights for L, of 16 binary places.
static unsigned char luma(const unsigned char *p) {
    return (unsigned char)((p[0] * 19595 + p[1] * 38470 + p[2] * 7471 + 0x8000) >> 16);
}

static void convert(struct picture *p, enum picture_colour colour) {
    int have = p->shape.c, want = (int)colour;
    size_t pixels = (size_t)p->shape.h * (size_t)p->shape.w;
    unsigned char *to = have == want ? NULL : xmalloc(pixels * (size_t)want);
    const unsigned char *from = p->pixels;
    if (!to)
        return;
    for (size_t i = 0; i < pixels; i++, from += have) {
        if (want == PICTURE_GREY)
            to[i] = have < 3 ? from[0] : luma(from);
        else
            for (int c = 0; c < 3; c++)
                to[3 * i + (size_t)c] = from[have < 3 ? 0 : c];
    }
    free(p->pixels);
    p->pixels = to;
    p->shape.c = want;
}

static bool decode(struct span file, enum picture_format format, struct picture *out,
                   struct error *error) {
    int w, h;
    if (format == FORMAT_PNM)
        return picture_pnm_decode(file, out, error);
    return picture_header(file, format, &w, &h, error) &&
           picture_whole(file, format, w, h, error) && picture_stb_decode(file, w, h, out, error);
}

bool picture_parse(struct picture *out, const void *bytes, size_t size, const char *name,
                   enum picture_colour colour, struct error *error) {
    struct span file = {bytes, size};
    enum picture_format format = picture_format_of(file, name);
    *out = (struct picture){0};
    if (size > PICTURE_FILE)
        return error_set(error, "the file is larger than %d MiB", PICTURE_FILE >> 20);
    if (format == FORMAT_NONE)
        return refuse_content(file, error);
    if (!decode(file, format, out, error))
        return false;
    convert(out, colour);
    return true;
}

bool picture_read(struct picture *out, const char *path, enum picture_colour colour,
                  struct error *error) {
    size_t size, got;
    *out = (struct picture){0};
    int fd = open_file(path, &size, error);
    if (fd < 0)
        return false;
    unsigned char *bytes = xmalloc(size);
    bool fine = read_bytes(fd, bytes, size, &got, error) &&
                picture_parse(out, bytes, got, path, colour, error);
    close(fd);
    free(bytes);
    return fine;
}

void picture_close(struct picture *p) {
    free(p->pixels);
    *p = (struct picture){0};
}
