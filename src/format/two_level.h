/* SPDX-License-Identifier: MIT */
/* Two levels of tables of 64-bit entries, as qcow (version 1) and QED have them: an L1 table names L2 tables, and these
 * name clusters; 0 is "none" in both. They are read in pieces of bounded size; what an entry means is the driver's. */
#ifndef IA_FORMAT_TWO_LEVEL_H
#define IA_FORMAT_TWO_LEVEL_H

#include <stdbool.h>
#include <stdint.h>

#include "format/format.h"

struct ia_two_level {
    int64_t l1_offset;    /* in the main file; the table ends at INT64_MAX at most */
    int64_t l1_entries;   /* enough for all of the guest's bytes */
    int64_t l2_entries;   /* of one L2 table; a power of two */
    int64_t cluster_size; /* guest bytes of one L2 entry; a power of two */
    bool big_endian;
    /* Refuses an L1 entry, not 0, that cannot be the offset of a whole L2 table below INT64_MAX. */
    enum ia_status (*check_table)(const struct ia_image *image, int64_t index, uint64_t entry, struct ia_error *err);
    /* Pushes the runs of `count` L2 entries, for the guest bytes from `guest` on. */
    enum ia_status (*push_entries)(struct ia_cursor *cursor, const uint64_t *entries, int64_t count, int64_t guest,
                                   struct ia_error *err);
    /* Claims what an L2 entry, not 0, names: space that is kept for nothing, as the entry is past the disk's end. */
    void (*account_past_end)(struct ia_image *image, uint64_t entry);
};

/* cursor->state while mapping. */
struct ia_two_level_walk {
    const struct ia_two_level *tables;
    uint64_t carry;      /* push_entries' own, from one piece of an L2 table to the next; 0 where a table begins */
    int64_t cluster;     /* next guest cluster */
    int64_t clusters;    /* guest clusters of the range */
    int64_t table;       /* index of the L2 table that was read last, or -1 */
    int64_t table_bytes; /* read so far */
    int64_t l1_first, l1_count; /* the entries in l1 */
    uint64_t *l1;               /* owned */
    uint64_t *l2;               /* owned */
};

/* For map_begin, map_step and map_end of the driver. `tables` has to outlive the cursor. */
IA_MUST_CHECK enum ia_status ia_two_level_begin(struct ia_cursor *cursor, const struct ia_two_level *tables,
                                                struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_two_level_step(struct ia_cursor *cursor, bool *done, struct ia_error *err);
void ia_two_level_end(struct ia_cursor *cursor);

/* The L2 entry of guest byte `at`, which is inside the disk; 0 where there is none. */
IA_MUST_CHECK enum ia_status ia_two_level_find(struct ia_image *image, const struct ia_two_level *tables, int64_t at,
                                               uint64_t *entry, struct ia_error *err);

/* Claims the L1 table, and the L2 tables that begin inside the file, as metadata, and what is past the disk's end. */
IA_MUST_CHECK enum ia_status ia_two_level_account(struct ia_image *image, const struct ia_two_level *tables,
                                                  struct ia_error *err);

#endif
