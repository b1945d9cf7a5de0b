/* SPDX-License-Identifier: MIT */
/* A bounded source of bytes: a host file, a slice of one, or memory in tests and fuzz targets.
 * Reads past the end give zeroes, as QEMU's block layer does, and are noted in `beyond_end`. */
#ifndef IA_IO_SOURCE_H
#define IA_IO_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct ia_source;

struct ia_source_ops {
    /* Reads up to len bytes at off, inside [0, size). Returns the count, 0 at the end, or -errno. */
    int64_t (*pread)(struct ia_source *source, int64_t off, void *bytes, size_t len);
    /* Where the data or hole that off (< size) lies in ends, and which of the two it is. */
    int64_t (*extent_end)(struct ia_source *source, int64_t off, bool *hole);
    /* These bytes will be read soon. Optional. */
    void (*expect)(struct ia_source *source, int64_t off, int64_t len);
    void (*close)(struct ia_source *source);
};

struct ia_source {
    const struct ia_source_ops *ops;
    int64_t size;      /* bytes */
    int64_t origin;    /* where in the host file its first byte is: 0 but for slices */
    int64_t allocated; /* bytes of blocks on the host */
    int64_t bytes_read;
    bool beyond_end; /* a read went past the end */
    bool is_head; /* only its beginning can be read; what a driver needs not to find out what the image names, it leaves
                   * alone, and the image cannot be mapped */
    bool waited;  /* the last read took as long as one from storage, not from memory */
    /* The last result of extent_end: [known_start, known_end) is a hole or not. */
    int64_t known_start, known_end;
    bool known_hole;
};

/* Takes ownership of fd on success. Regular files and block devices only. */
IA_MUST_CHECK enum ia_status ia_source_open_fd(int fd, struct ia_source **out, struct ia_error *err);

/* Reads from memory that the caller keeps until the source is closed; no holes. */
IA_MUST_CHECK enum ia_status ia_source_open_memory(const void *bytes, size_t len, struct ia_source **out,
                                                   struct ia_error *err);

/* Reads [offset, offset + size) of another source; a size of -1 takes all that follows. The other source's length
 * counts in whole sectors, as QEMU's file driver has it. Takes ownership of `whole` on success. IA_REFUSED where the
 * range is not inside of it, or is no whole number of sectors long. */
IA_MUST_CHECK enum ia_status ia_source_open_slice(struct ia_source *whole, int64_t offset, int64_t size,
                                                  struct ia_source **out, struct ia_error *err);

void ia_source_close(struct ia_source *source); /* NULL is fine */

/* The file's descriptor, which stays the source's; -1: there is none. */
int ia_source_fd(const struct ia_source *source);

/* Fills all of bytes; what lies past the end is zero. `what` names the thing read, for the message. */
IA_MUST_CHECK enum ia_status ia_source_read(struct ia_source *source, int64_t off, void *bytes, size_t len,
                                            const char *what, struct ia_error *err);

/* How many bytes other than zeroes the file may hold, at most: its length, or what its blocks can hold where the host
 * compresses them as well as tables can be. A length alone costs whoever made the file nothing. */
int64_t ia_source_most_bytes(const struct ia_source *source);

/* Will be read soon: where reads have to wait, it is fetched in the meantime. */
void ia_source_expect(struct ia_source *source, int64_t off, int64_t len);

/* Whether the host keeps a hole at off, and where (> off) that stretch ends. Past the end is one endless hole.
 * A source whose holes are unknown has none. */
bool ia_source_is_hole(struct ia_source *source, int64_t off, int64_t *end);

#endif
