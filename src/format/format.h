/* SPDX-License-Identifier: MIT */
/* The format layer: a const table of drivers, an open image, and cursors over its mappings.
 *
 * Life of an image: ia_image_open (header, facts) -> the caller opens facts.parts, as far as it allows them, and hands
 * them over with ia_image_attach, in their order, for one may name more -> ia_image_assemble -> ia_cursor_open for a
 * mapping -> ia_cursor_next until it gives nothing -> ia_image_account, if the account of host space is wanted ->
 * close. A driver never opens a file and never reads more than its limits allow. */
#ifndef IA_FORMAT_FORMAT_H
#define IA_FORMAT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/vec.h"
#include "io/source.h"
#include "model/abilities.h"
#include "model/extent_sink.h"
#include "model/image.h"
#include "model/limits.h"
#include "model/space.h"

/* As much as QEMU looks at, so that both see the same. */
#define IA_PROBE_BYTES 512

struct ia_image;
struct ia_cursor;

struct ia_format {
    const char *name; /* as in qemu-img: "raw", "qcow2"... */
    /* Endings of file names that claim this format, whatever the content, each with its dot; ending with NULL.
     * Optional. No two formats have the same. */
    const char *const *suffixes;
    /* Beside an image that is open, its platform keeps NAME.lck, or the same for the name without its suffix. */
    bool has_lock_files;
    /* QEMU has no such format, and takes an image of it for one of another. */
    bool is_foreign;
    /* Images are at least as long as what they are made on. Past the end of a shorter one the platform may read on from
     * below; a map of the chain has zeroes there. */
    bool backing_must_fit;
    /* Guest byte n is byte n of the file, and any content is good: every file can be read as this format. Its suffixes
     * are no claims, but the default of --raw-suffix. */
    bool is_plain;
    /* What QEMU does with an image of these facts. *out is set already: nothing can be done, its unit is its cluster
     * and zeroes are stored as data. Facts that are all zero are those of an image that was not understood: *out is
     * then for the format's present version. Optional: QEMU only reads the format. */
    void (*describe)(const struct ia_image_facts *facts, struct ia_abilities *out);
    /* The content is the guest's alone, and shows nothing of the format: files beside the image do. An image that may
     * be called so (its last component) is one, whatever its content looks like, where a file is there that is called
     * as it is with `description` behind, or one called `description_of_all`. Optional, all three together. */
    bool (*may_be_described)(const char *name);
    const char *description;
    const char *description_of_all;
    /* The first bytes look like this format. */
    bool (*probe)(const uint8_t *head, size_t len);
    /* So does the file's name, where no content looks like a format: QEMU's way with .dmg. Optional. */
    bool (*probe_name)(const char *name);
    /* So do the last 512 bytes, where the first ones look like no format. Optional. */
    bool (*probe_footer)(const uint8_t *footer);
    /* Reads the header from image->main, fills image->facts and image->state. */
    enum ia_status (*open)(struct ia_image *image, struct ia_error *err);
    void (*close)(struct ia_image *image);
    /* Part `number` of facts.parts is attached, the last so far: may name more of them, and the backing file. Fails
     * without memory only: what is wrong with the part is for assemble. Optional. */
    enum ia_status (*attached)(struct ia_image *image, size_t number, struct ia_error *err);
    /* All of facts.parts are attached: reads their own headers and completes the facts. Optional. */
    enum ia_status (*assemble)(struct ia_image *image, struct ia_error *err);
    /* Prepares cursor->state for mapping cursor->mapping. May skip what lies
     * outside [cursor->from, cursor->to). */
    enum ia_status (*map_begin)(struct ia_cursor *cursor, struct ia_error *err);
    /* Pushes some more runs into cursor->sink; *done when there are none left. Bounded work per call. */
    enum ia_status (*map_step)(struct ia_cursor *cursor, bool *done, struct ia_error *err);
    void (*map_end)(struct ia_cursor *cursor);
    /* The compressed cluster that guest byte `at` of an extent of state compressed is in. Only formats that compress
     * have it. */
    enum ia_status (*find_compressed)(struct ia_image *image, size_t mapping, int64_t at,
                                      struct ia_compressed_cluster *found, struct ia_error *err);
    /* What zeroes keep is for them alone, as data is. In other formats the offset in such an entry may be a stale one.
     */
    bool zero_clusters_are_exclusive;
    /* Claims in image->space what the main and other files keep besides the located extents of the mappings: metadata,
     * bitmaps, leaked clusters, snapshots' machine state. Extents with host bytes but without an offset (compressed
     * ones, zeroes of encrypted images) are accounted for while they are mapped. */
    enum ia_status (*account)(struct ia_image *image, struct ia_error *err);
};

struct ia_image {
    const struct ia_format *format;
    struct ia_source *main;           /* owned */
    IA_VEC(struct ia_source *) parts; /* owned; as facts.parts, NULL where not attached */
    bool assembled;                   /* ia_image_assemble was done, or is not needed */
    const struct ia_limits *limits;
    struct ia_image_facts facts;
    struct ia_image_identity identity; /* known once it is open */
    struct ia_space
        *space;    /* borrowed; NULL: no account is wanted. For 1 + facts.parts.len files; set before mapping */
    bool overlaps; /* two uses in `space` cannot be true of the same bytes */
    void *state;   /* the driver's */
};

/* Mapping numbers: 0 is the active one, n > 0 is facts.snapshots.items[n - 1]. */
struct ia_cursor {
    struct ia_image *image;
    size_t mapping;
    int64_t from, to; /* guest bytes the caller wants; extents may begin before `from`, none goes past `to` */
    struct ia_extent_sink sink;
    bool done;
    void *state; /* the driver's */
};

/* The drivers, ending with NULL: all formats that there are, each with its name, which is unique, and its suffixes. */
extern const struct ia_format *const ia_formats[];

/* By name; NULL for a format that is not read here. */
const struct ia_format *ia_format_by_name(const char *name);

/* By the first bytes, and by the name where they look like no format; NULL: none of them. name may be NULL. */
const struct ia_format *ia_format_probe(const uint8_t *head, size_t len, const char *name);

/* By the last 512 bytes, where a file's first ones look like no format; or NULL. */
const struct ia_format *ia_format_probe_footer(const uint8_t *footer);

/* The format that a file's name claims, by its ending; NULL: none. */
const struct ia_format *ia_format_by_suffix(const char *path);
/* An image of this format (NULL: unknown), or a file of this name, may have a lock file beside it. */
bool ia_format_may_have_lock_file(const char *format, const char *path);

/* What QEMU does with an image; see model/abilities.h. format may be NULL: nothing can be done with it. */
struct ia_abilities ia_format_abilities(const struct ia_format *format, const struct ia_image_facts *facts);

/* Opens `main` as `format`. Takes ownership of main on success. */
IA_MUST_CHECK enum ia_status ia_image_open(const struct ia_format *format, struct ia_source *main,
                                           const struct ia_limits *limits, struct ia_image **out, struct ia_error *err);
void ia_image_close(struct ia_image *image); /* NULL is fine */

/* Hands over part `number` of facts.parts, which may become more by that. Takes ownership of source on success. */
IA_MUST_CHECK enum ia_status ia_image_attach(struct ia_image *image, size_t number, struct ia_source *source,
                                             struct ia_error *err);

/* Completes an image whose parts were attached; to be called for every image, once. IA_MISSING when one was not. */
IA_MUST_CHECK enum ia_status ia_image_assemble(struct ia_image *image, struct ia_error *err);

/* For drivers: facts.backing_name from `length` bytes of the main file at `offset`, up to a NUL; an empty one is none.
 */
IA_MUST_CHECK enum ia_status ia_image_read_backing_name(struct ia_image *image, int64_t offset, uint32_t length,
                                                        struct ia_error *err);

/* The source of an extent's file number. */
struct ia_source *ia_image_source(struct ia_image *image, uint32_t file);

/* A read went past the end of one of the files. */
bool ia_image_read_past_end(const struct ia_image *image);

/* Bytes of blocks that its files take on the host. */
int64_t ia_image_allocated(const struct ia_image *image);

/* Bytes read from all of its files so far. */
int64_t ia_image_bytes_read(const struct ia_image *image);

/* See ia_format.find_compressed. IA_UNSUPPORTED where the format does not compress. */
IA_MUST_CHECK enum ia_status ia_image_find_compressed(struct ia_image *image, size_t mapping, int64_t at,
                                                      struct ia_compressed_cluster *found, struct ia_error *err);

/* Guest bytes of a mapping. */
int64_t ia_image_mapping_size(const struct ia_image *image, size_t mapping);

/* For drivers, while they map and when they account: [start, start + length) of a file has this use. Nothing happens
 * where image->space is NULL. */
void ia_image_use(struct ia_image *image, uint32_t file, enum ia_space_use use, int64_t start, int64_t length);

/* The same of bytes that cannot have one of the uses `conflicts`, a set, as well: where some were accounted for as one
 * before, the image has things that lie over each other, and facts.overlapping will be 1. */
void ia_image_use_exclusive(struct ia_image *image, uint32_t file, enum ia_space_use use, int64_t start, int64_t length,
                            unsigned conflicts);

/* Claims a batch of a mapping's extents in image->space, which may be NULL. What guest bytes are stored at is theirs
 * alone: no other guest byte of the same mapping, and no structure of the format, is there too. Mappings may share. */
void ia_image_account_extents(struct ia_image *image, size_t mapping, const struct ia_extent *extents, size_t count);

/* How many extents all mappings of an assembled image may have together, by what its files hold: tables that are named
 * again and again, by one mapping or by many snapshots, are worth far more extents than bytes. Each byte of a bitmap
 * may begin four, but then there is data beside it. */
int64_t ia_image_most_extents(const struct ia_image *image);

/* The rest of what image->space is to have, and facts.metadata_bytes and overlapping by it, of an assembled image.
 * Where this fails, the account has failed too. To be called after all mappings were read. */
IA_MUST_CHECK enum ia_status ia_image_account(struct ia_image *image, struct ia_error *err);

/* A cursor over [from, to) of a mapping; 0 and INT64_MAX for all of it. */
IA_MUST_CHECK enum ia_status ia_cursor_open(struct ia_image *image, size_t mapping, int64_t from, int64_t to,
                                            struct ia_cursor **out, struct ia_error *err);
/* The next extents in ascending order; *count is 0 at the end. The batch is valid until the next call. */
IA_MUST_CHECK enum ia_status ia_cursor_next(struct ia_cursor *cursor, const struct ia_extent **batch, size_t *count,
                                            struct ia_error *err);
void ia_cursor_close(struct ia_cursor *cursor); /* NULL is fine */

#endif
