/* SPDX-License-Identifier: MIT */
/* The uses that the bytes of an image's files have, and sets of them. */
#ifndef IA_MODEL_SPACE_USE_H
#define IA_MODEL_SPACE_USE_H

/* The numbers are those of precedence. What the store keeps are the words of ia_space_use_name. */
enum ia_space_use {
    IA_SPACE_UNUSED = 0,      /* nothing refers to it */
    IA_SPACE_LEAKED = 1,      /* counted as in use by the format's own accounts, and nothing refers to it */
    IA_SPACE_UNALLOCATED = 2, /* kept for guest bytes that the active mapping does not have */
    IA_SPACE_SNAPSHOT = 3,    /* only internal snapshots refer to it: their data, zeroes and machine state */
    IA_SPACE_ZERO = 4,        /* kept for guest bytes that read as zeroes without it */
    IA_SPACE_COMPRESSED = 5, /* for accounting alone: data whose neighbours may share units with it. Reported as data */
    IA_SPACE_DATA = 6,       /* data of the active mapping, plain, compressed or encrypted */
    IA_SPACE_BITMAP = 7,     /* dirty bitmaps: directory, tables and bits */
    IA_SPACE_METADATA = 8,   /* headers, mapping tables of all mappings, accounts, logs, encryption headers */
};
#define IA_SPACE_USES 9

/* Sets of uses. */
#define IA_SPACE_BIT(use) (1U << (use))
#define IA_SPACE_STORED (IA_SPACE_BIT(IA_SPACE_COMPRESSED) | IA_SPACE_BIT(IA_SPACE_DATA))
#define IA_SPACE_STRUCTURE (IA_SPACE_BIT(IA_SPACE_BITMAP) | IA_SPACE_BIT(IA_SPACE_METADATA))
/* All that something refers to for certain. */
#define IA_SPACE_TAKEN                                                                                                 \
    (IA_SPACE_BIT(IA_SPACE_SNAPSHOT) | IA_SPACE_BIT(IA_SPACE_ZERO) | IA_SPACE_STORED | IA_SPACE_STRUCTURE)

/* The word of the views: "unused", "leaked"... */
const char *ia_space_use_name(enum ia_space_use use);

#endif
