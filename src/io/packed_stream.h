/* SPDX-License-Identifier: MIT */
/* A packed file that libarchive reads. Private to packed.c and packed_stream.c. */
#ifndef IA_IO_PACKED_STREAM_H
#define IA_IO_PACKED_STREAM_H

#include "io/archive_library.h"
#include "io/packed.h"

enum { IA_PACKED_BLOCK_BYTES = 64 << 10, IA_PACKED_MAX_NAME = 4096 };

struct ia_packed {
    struct ia_archive_library lib;
    struct archive *archive;
    struct ia_source *source; /* borrowed */
    struct ia_packed_budget *budget;
    int64_t at;        /* in the source: what is read next */
    int64_t opening;   /* bytes that may be read until the first member is found */
    bool began, ended; /* a member was found; there is none behind this */
    char name[IA_PACKED_MAX_NAME];
    struct ia_error failure;
    uint8_t block[IA_PACKED_BLOCK_BYTES];
};

/* The first failure is the cause of those that follow. why: NULL where libarchive has no words for it. */
void ia_packed_note(struct ia_packed *packed, enum ia_status status, const char *why);
/* The cause of a failing call. What it had no memory for may be read another time. */
void ia_packed_note_error(struct ia_packed *packed);

#endif
