/* SPDX-License-Identifier: MIT */
/* What the files of the Parallels driver share. An expandable image by itself is a disk of one storage that holds one
 * piece; a DiskDescriptor.xml may have many of both, and a tree of shots. */
#ifndef IA_FORMAT_PARALLELS_INTERNAL_H
#define IA_FORMAT_PARALLELS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/format.h"

#define PRL_SECTOR INT64_C(512)
/* QEMU's own bounds. */
#define PRL_MAX_SIZE (INT64_MAX >> 30 << 30) /* guest bytes of a disk */
#define PRL_MAX_TRACKS (INT32_MAX / 513)     /* sectors of a cluster: 2 GiB */
#define PRL_MAX_ENTRIES (INT32_MAX / 4)      /* of the BAT */

enum { PRL_BAT_OFFSET = 64, PRL_ENTRY_BYTES = 4 };

#define PRL_NONE SIZE_MAX /* no shot, no piece */

/* What clusters of the disk are accounted for as, in the shots too: no structure lies over them. */
#define PRL_GUEST_USES (IA_SPACE_STORED | IA_SPACE_BIT(IA_SPACE_SNAPSHOT))

/* "{5fbaabe3-6958-40ff-92a7-860e329aab41}", in lower case; empty: not stated. */
struct prl_guid {
    char text[39];
};

/* An image file: expandable ("Compressed", with header and BAT) or plain. */
struct prl_piece {
    struct prl_guid guid;
    uint32_t file; /* number among the files of the image */
    bool has_type;
    bool is_plain;
    bool is_v1;
    bool is_dirty;
    bool is_empty;           /* by its flags, nothing was ever written */
    int64_t size;            /* guest bytes */
    int64_t cluster_size;    /* bytes */
    int64_t unit;            /* bytes that a BAT entry counts in: sectors or clusters */
    int64_t entries;         /* of the BAT, that lie inside the file and belong to the size */
    int64_t entries_in_file; /* of the BAT, with those past the size */
    int64_t data_start;      /* bytes of header, BAT and what fills up to the data area */
    int64_t extension;       /* where the cluster of the format extension is, bytes; 0: none */
    bool has_bitmap;
};

/* A part of the disk, kept in one piece for each shot. */
struct prl_storage {
    int64_t start, end;   /* guest bytes; -1: not stated */
    int64_t cluster_size; /* bytes; -1: not stated */
    size_t first, count;  /* its pieces among those of the disk */
    size_t *of_shot;      /* owned; the piece of each shot */
};

struct prl_shot {
    struct prl_guid guid, parent_guid;
    size_t parent; /* number of the shot, or PRL_NONE for a root */
    char *name;    /* owned; NULL: not stated */
};

struct prl_disk {
    IA_VEC(struct prl_piece) pieces;
    IA_VEC(struct prl_storage) storages; /* in ascending order, once linked */
    IA_VEC(struct prl_shot) shots;
    size_t top; /* the shot that the guest writes to */
    bool is_descriptor;
    bool is_encrypted;
    int64_t size;             /* guest bytes; -1: not stated */
    struct prl_guid top_guid; /* as in the descriptor; may be empty */
    int64_t table_bytes;      /* of BATs read so far, for all mappings */
    int64_t extension_bytes;  /* of extensions read */
};

/* header.c: reads the header of an expandable image. */
IA_MUST_CHECK enum ia_status prl_read_header(struct ia_image *image, struct prl_piece *piece, struct ia_error *err);
/* Whether the bytes begin with one of the two magics. */
bool prl_has_magic(const uint8_t *head, size_t len);

/* extension.c: reads the format extension of a piece whose header is known. */
IA_MUST_CHECK enum ia_status prl_read_extension(struct ia_image *image, struct prl_piece *piece, struct ia_error *err);
/* Claims its cluster, and those of its bitmaps. */
IA_MUST_CHECK enum ia_status prl_account_extension(struct ia_image *image, struct prl_piece *piece,
                                                   struct ia_error *err);

/* descriptor.c: reads DiskDescriptor.xml into the disk and into facts.parts. */
IA_MUST_CHECK enum ia_status prl_read_descriptor(struct ia_image *image, struct ia_error *err);

/* tree.c: orders the storages, finds parents, the top and the piece of each shot, and fills facts.snapshots. */
IA_MUST_CHECK enum ia_status prl_link(struct ia_image *image, struct ia_error *err);
/* The shot of a mapping. */
size_t prl_mapping_shot(const struct prl_disk *disk, size_t mapping);

/* account.c */
IA_MUST_CHECK enum ia_status prl_account(struct ia_image *image, struct ia_error *err);

/* map.c */
IA_MUST_CHECK enum ia_status prl_map_begin(struct ia_cursor *cursor, struct ia_error *err);
IA_MUST_CHECK enum ia_status prl_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err);
void prl_map_end(struct ia_cursor *cursor);

#endif
