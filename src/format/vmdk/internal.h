/* SPDX-License-Identifier: MIT */
/* What the files of the VMDK driver share. */
#ifndef IA_FORMAT_VMDK_INTERNAL_H
#define IA_FORMAT_VMDK_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/checked.h"
#include "format/format.h"

#define VMDK_SECTOR INT64_C(512)
#define VMDK_MAX_SECTORS (INT64_MAX / VMDK_SECTOR)

/* Extents of one image: 4096 of the 2 GiB ones are 8 TiB. */
#define VMDK_MAX_EXTENTS 4096

/* The embedded descriptor: QEMU looks for it in these 20 sectors, whatever is in the header. */
#define VMDK_DESCRIPTOR_OFFSET INT64_C(512)
#define VMDK_EMBEDDED_BYTES (20 * 512)
#define VMDK_TEXT_BYTES ((1 << 20) - 1) /* QEMU's bound on a descriptor file */

/* Before the grain marker's compressed bytes: its LBA and their length ("Stream-Optimized Compressed Sparse
 * Extents"). */
#define VMDK_MARKER_BYTES 12

/* A stream's end: the footer's marker, the footer, the end-of-stream marker. */
#define VMDK_FOOTER_BYTES (3 * 512)

enum vmdk_kind { VMDK_FLAT, VMDK_ZERO, VMDK_SPARSE, VMDK_SESPARSE };

/* An extent of the format's: a stretch of the guest's disk in one file (not to be taken for struct ia_extent). */
struct vmdk_extent {
    enum vmdk_kind kind;
    uint32_t file;  /* as in struct ia_extent */
    int64_t start;  /* guest bytes; so is length */
    int64_t length; /* of sparse ones in files of their own, not known before the image is assembled */
    int64_t offset; /* VMDK_FLAT: of the first byte in the file */

    /* VMDK_SPARSE and VMDK_SESPARSE: a directory of tables of grains. */
    bool cowd;        /* VMDK_SPARSE: with a COWD header, else KDMV */
    uint32_t version; /* KDMV */
    int64_t grain_size;
    int64_t directory_offset;
    int64_t directory_entries;
    int64_t table_entries; /* of each table */
    int64_t entry_size;    /* of directory and tables: 4, seSparse 8 */
    bool compressed;
    bool has_marker; /* compressed grains are preceded by one */
    bool has_zero_grains;
    bool dirty;
    bool damaged;               /* line ends were converted, as a text transfer does */
    bool has_footer;            /* KDMV: the directory's place is in a footer at the end of the file */
    int64_t descriptor_sector;  /* 0: no embedded descriptor */
    int64_t descriptor_sectors; /* as in the header */
    int64_t first_grain; /* KDMV, seSparse: where metadata at the file's beginning ends; COWD: where the header ends */
    int64_t tables_sector; /* seSparse: what directory entries count from */
    /* Sectors of the first and the last compressed grain in the file that the active mapping has; while it is mapped
     * for an account. 0: none so far. */
    uint32_t packed_first, packed_last;
};

struct vmdk {
    IA_VEC(struct vmdk_extent) extents; /* by start, without gaps */
    char *create_type;                  /* owned; NULL where it was not read from the text */
};

static inline int64_t vmdk_divide_up(int64_t value, int64_t unit)
{
    return value / unit + (value % unit != 0);
}

static inline int64_t vmdk_grains(const struct vmdk_extent *extent)
{
    return vmdk_divide_up(extent->length, extent->grain_size);
}

/* Tables that are all there fit into the files; see qcow2_table_bound. */
int64_t vmdk_table_bound(const struct ia_image *image);

/* descriptor.c. Reads up to `most` bytes of text, as far as the first NUL; IA_LIMIT where there is more of it.
 * The caller frees *out. */
IA_MUST_CHECK enum ia_status vmdk_read_text(struct ia_source *source, int64_t offset, int64_t most, char **out,
                                            struct ia_error *err);
/* Whether there is a CID somewhere in the text, without which QEMU opens nothing. */
bool vmdk_has_cid(const char *text);
/* Its identity and its parent's: facts.identity, facts.backing_*. */
IA_MUST_CHECK enum ia_status vmdk_parse_identity(struct ia_image *image, const char *text, struct ia_error *err);
/* v->create_type, of the sorts that QEMU opens. */
IA_MUST_CHECK enum ia_status vmdk_parse_create_type(struct vmdk *v, const char *text, struct ia_error *err);
/* The end of a line's text; the next line's beginning or NULL. */
const char *vmdk_next_line(const char *line);
const char *vmdk_skip_blanks(const char *at);

/* lines.c: v->extents and facts.parts from the extent lines. Sparse extents have no tables yet. */
IA_MUST_CHECK enum ia_status vmdk_parse_lines(struct ia_image *image, struct vmdk *v, const char *text,
                                              struct ia_error *err);

/* sparse.c, sesparse.c: the header of a sparse extent; fills length and tables. */
IA_MUST_CHECK enum ia_status vmdk_read_sparse(struct ia_source *source, struct vmdk_extent *extent,
                                              struct ia_error *err);
IA_MUST_CHECK enum ia_status vmdk_read_sesparse(struct ia_source *source, struct vmdk_extent *extent,
                                                struct ia_error *err);
/* What both have to check: sizes and places are such that nothing overflows. */
IA_MUST_CHECK enum ia_status vmdk_check_tables(const struct vmdk_extent *extent, struct ia_error *err);
/* The byte at which the table of a directory entry is; 0: not allocated. */
IA_MUST_CHECK enum ia_status vmdk_table_offset(const struct vmdk_extent *extent, const uint8_t *entry, int64_t *offset,
                                               struct ia_error *err);
/* A table's seSparse entry: its state and its offset: where the data is, or was before the guest unmapped it. */
IA_MUST_CHECK enum ia_status vmdk_sesparse_grain(const struct vmdk_extent *extent, uint64_t entry, bool *allocated,
                                                 bool *zero, int64_t *offset, struct ia_error *err);

/* map.c */
IA_MUST_CHECK enum ia_status vmdk_map_begin(struct ia_cursor *cursor, struct ia_error *err);
IA_MUST_CHECK enum ia_status vmdk_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err);
void vmdk_map_end(struct ia_cursor *cursor);
/* The number of the extent that holds guest byte `at`, or how many there are. */
size_t vmdk_find_extent(const struct vmdk *v, int64_t at);

/* grains.c: pushes a run that begins at guest byte `start`, cut at the end of the extent that it is in. */
IA_MUST_CHECK enum ia_status vmdk_push(struct ia_cursor *cursor, const struct vmdk_extent *extent,
                                       enum ia_extent_state state, int64_t start, int64_t length, int64_t offset,
                                       struct ia_error *err);
/* Pushes the runs of `count` entries of a grain table, for the guest bytes from `guest` on. `extent` is one of the
 * image's. */
IA_MUST_CHECK enum ia_status vmdk_push_grains(struct ia_cursor *cursor, const struct vmdk_extent *extent,
                                              const uint8_t *entries, int64_t count, int64_t guest,
                                              struct ia_error *err);

/* compressed.c */
IA_MUST_CHECK enum ia_status vmdk_find_compressed(struct ia_image *image, size_t mapping, int64_t at,
                                                  struct ia_compressed_cluster *found, struct ia_error *err);

/* account.c */
IA_MUST_CHECK enum ia_status vmdk_account(struct ia_image *image, struct ia_error *err);
/* Tables at `offset`, `bytes` of them together. */
void vmdk_account_tables(struct ia_image *image, const struct vmdk_extent *extent, int64_t offset, int64_t bytes);

#endif
