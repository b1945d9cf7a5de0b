/* SPDX-License-Identifier: MIT */
/* Writing the store: the one connection that a scan owns, and one transaction from begin to commit, so that a scan
 * becomes visible as a whole or not at all. Errors: IA_BUSY (another writer), IA_FULL, IA_FOREIGN, IA_CORRUPT, IA_IO.
 */
#ifndef IA_STORE_WRITER_H
#define IA_STORE_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "analysis/forest.h"
#include "base/status.h"
#include "store/rows.h"

struct ia_writer;

/* Opens or creates the store, takes the write lock for all that follows, migrates an older one. */
IA_MUST_CHECK enum ia_status ia_writer_begin(const char *path, struct ia_writer **out, struct ia_error *err);

/* Publishes everything since begin. */
IA_MUST_CHECK enum ia_status ia_writer_commit(struct ia_writer *writer, struct ia_error *err);

/* Rolls back what was not committed. NULL is fine. */
void ia_writer_close(struct ia_writer *writer);

static inline void ia_cleanup_writer_(struct ia_writer **writer)
{
    ia_writer_close(*writer);
}
#define IA_AUTO_WRITER __attribute__((cleanup(ia_cleanup_writer_)))

/* The number of the scan that is being written; the next free ids. */
int64_t ia_writer_scan_id(const struct ia_writer *writer);
/* When the scan before ended; 0: there was none. */
int64_t ia_writer_last_scan_ns(const struct ia_writer *writer);
int64_t ia_writer_new_image_id(struct ia_writer *writer);
int64_t ia_writer_new_map_id(struct ia_writer *writer);

/* What the scan before left, each table by ascending numbers: a row for each file, image and mapping. Strings are valid
 * during the call only. */
typedef enum ia_status ia_load_volume(void *ctx, const struct ia_volume_row *row, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_load_volumes(struct ia_writer *writer, ia_load_volume *each, void *ctx,
                                                    struct ia_error *err);
typedef enum ia_status ia_load_file(void *ctx, const struct ia_file_row *row, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_load_files(struct ia_writer *writer, ia_load_file *each, void *ctx,
                                                  struct ia_error *err);
typedef enum ia_status ia_load_image(void *ctx, const struct ia_image_row *row, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_load_images(struct ia_writer *writer, ia_load_image *each, void *ctx,
                                                   struct ia_error *err);
/* The globs of images that are to be kept whole. */
typedef enum ia_status ia_load_template(void *ctx, const char *glob, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_load_templates(struct ia_writer *writer, ia_load_template *each, void *ctx,
                                                      struct ia_error *err);
/* Of all references, those to parts of images and the paths to try for parents, by image and number. */
typedef enum ia_status ia_load_reference(void *ctx, const struct ia_reference_row *row, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_load_references(struct ia_writer *writer, ia_load_reference *each, void *ctx,
                                                       struct ia_error *err);
/* What was found in packed files, by file; the references of each in order. */
typedef enum ia_status ia_load_packed_file(void *ctx, const struct ia_packed_file_row *row, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_load_packed_files(struct ia_writer *writer, ia_load_packed_file *each, void *ctx,
                                                         struct ia_error *err);
typedef enum ia_status ia_load_packed_reference(void *ctx, const struct ia_packed_reference_row *row,
                                                struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_load_packed_references(struct ia_writer *writer, ia_load_packed_reference *each,
                                                              void *ctx, struct ia_error *err);
/* The names that images have no more. */
typedef enum ia_status ia_load_former_name(void *ctx, const struct ia_former_name_row *row, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_load_former_names(struct ia_writer *writer, ia_load_former_name *each, void *ctx,
                                                         struct ia_error *err);
/* The files that have this name by the scan before, and those of images that had it before that. */
typedef enum ia_status ia_load_named(void *ctx, int64_t file_id, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_find_named(struct ia_writer *writer, const char *path, ia_load_named *each,
                                                  void *ctx, struct ia_error *err);
/* The files of images that had this last component in some directory by earlier scans, or are away and had it then. */
IA_MUST_CHECK enum ia_status ia_writer_find_namesakes(struct ia_writer *writer, const char *component,
                                                      ia_load_named *each, void *ctx, struct ia_error *err);
typedef enum ia_status ia_load_mapping(void *ctx, const struct ia_mapping_row *row, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_load_mappings(struct ia_writer *writer, ia_load_mapping *each, void *ctx,
                                                     struct ia_error *err);

/* Inserts (volume_id 0: a new one, set on return) or replaces. */
IA_MUST_CHECK enum ia_status ia_writer_put_volume(struct ia_writer *writer, struct ia_volume_row *row,
                                                  struct ia_error *err);
/* Removes those that no file lies on. */
IA_MUST_CHECK enum ia_status ia_writer_drop_empty_volumes(struct ia_writer *writer, struct ia_error *err);
/* Inserts (file_id 0: a new one, set on return) or replaces. */
IA_MUST_CHECK enum ia_status ia_writer_put_file(struct ia_writer *writer, struct ia_file_row *row,
                                                struct ia_error *err);
/* An image once in a scan. */
IA_MUST_CHECK enum ia_status ia_writer_put_image(struct ia_writer *writer, const struct ia_image_row *row,
                                                 struct ia_error *err);
/* The same for an image whose file did not change: its header, its abilities and its account stay. */
IA_MUST_CHECK enum ia_status ia_writer_put_known_image(struct ia_writer *writer, const struct ia_image_row *row,
                                                       struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_space(struct ia_writer *writer, const struct ia_space_row *row,
                                                 struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_drop_space(struct ia_writer *writer, int64_t image_id, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_image_file(struct ia_writer *writer, int64_t image_id, int64_t number,
                                                      const char *role, const char *path, int64_t file_id,
                                                      struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_mapping(struct ia_writer *writer, const struct ia_mapping_row *row,
                                                   struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_extents(struct ia_writer *writer, int64_t map_id,
                                                   const struct ia_extent *extents, size_t count, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_name(struct ia_writer *writer, const char *path, int64_t file_id,
                                                const char *kind, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_reference(struct ia_writer *writer, const struct ia_reference_row *row,
                                                     struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_packed_file(struct ia_writer *writer, const struct ia_packed_file_row *row,
                                                       struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_packed_reference(struct ia_writer *writer,
                                                            const struct ia_packed_reference_row *row,
                                                            struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_finding(struct ia_writer *writer, const struct ia_finding_row *row,
                                                   struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_chain(struct ia_writer *writer, const struct ia_chain_store_row *row,
                                                 struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_chain_place(struct ia_writer *writer, const struct ia_chain_place_row *row,
                                                       struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_chain_change(struct ia_writer *writer, const struct ia_chain_change_row *row,
                                                        struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_usage(struct ia_writer *writer, int64_t image_id,
                                                 const struct ia_usage *usage, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_reader_bytes(struct ia_writer *writer, int64_t image_id, int64_t readers,
                                                        int64_t bytes, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_pair(struct ia_writer *writer, int64_t image_id, int64_t other_id,
                                                int64_t bytes, int64_t others, struct ia_error *err);
/* Pieces of any images: images[i] has pieces[i]. */
IA_MUST_CHECK enum ia_status ia_writer_put_masked(struct ia_writer *writer, const int64_t *images,
                                                  const struct ia_extent *pieces, size_t count, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_scan(struct ia_writer *writer, const struct ia_scan_row *row,
                                                struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_option(struct ia_writer *writer, const char *kind, const char *value,
                                                  struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_passed(struct ia_writer *writer, const char *reason, int64_t files,
                                                  struct ia_error *err);

/* A format that images have. */
IA_MUST_CHECK enum ia_status ia_writer_put_format(struct ia_writer *writer, const struct ia_format_row *row,
                                                  struct ia_error *err);

/* What files share on the host: clear empties both tables. */
IA_MUST_CHECK enum ia_status ia_writer_clear_sharing(struct ia_writer *writer, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_sharing(struct ia_writer *writer, const struct ia_sharing_row *row,
                                                   struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_shared_run(struct ia_writer *writer, const struct ia_shared_run_row *row,
                                                      struct ia_error *err);

/* Directories of images that vanished with their mount, and what identified that; roots and mount points below them. */
typedef enum ia_status ia_load_mount(void *ctx, const struct ia_mount_row *row, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_load_mounts(struct ia_writer *writer, ia_load_mount *each, void *ctx,
                                                   struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_load_places(struct ia_writer *writer, ia_load_mount *each, void *ctx,
                                                   struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_mount(struct ia_writer *writer, const struct ia_mount_row *row,
                                                 struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_place(struct ia_writer *writer, const struct ia_mount_row *row,
                                                 struct ia_error *err);
/* Of both. */
IA_MUST_CHECK enum ia_status ia_writer_clear_mounts(struct ia_writer *writer, struct ia_error *err);

/* What earlier scans found out about files that vanished, by ascending file_id. */
typedef enum ia_status ia_load_vanished(void *ctx, const struct ia_vanished_row *row, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_load_vanished(struct ia_writer *writer, ia_load_vanished *each, void *ctx,
                                                     struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_vanished(struct ia_writer *writer, const struct ia_vanished_row *row,
                                                    struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_drop_vanished(struct ia_writer *writer, int64_t file_id, struct ia_error *err);

/* Files that backing names led to, besides the first of each, by ascending file_id of the images. */
typedef enum ia_status ia_load_former_base(void *ctx, int64_t file_id, int64_t base_id, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_load_former_bases(struct ia_writer *writer, ia_load_former_base *each, void *ctx,
                                                         struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_former_base(struct ia_writer *writer, int64_t file_id, int64_t base_id,
                                                       struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_clear_former_bases(struct ia_writer *writer, struct ia_error *err);

/* What an administrator accepted, by ascending numbers. */
typedef enum ia_status ia_load_acceptance(void *ctx, const struct ia_acceptance_row *row, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_load_acceptances(struct ia_writer *writer, ia_load_acceptance *each, void *ctx,
                                                        struct ia_error *err);
/* Adds one, and sets its number; or takes one away: IA_MISSING where there is none of that number. */
IA_MUST_CHECK enum ia_status ia_writer_add_acceptance(struct ia_writer *writer, struct ia_acceptance_row *row,
                                                      struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_drop_acceptance(struct ia_writer *writer, int64_t number, struct ia_error *err);

/* The findings of the latest scan, to be accepted or not: *accepted_by is what the finding gets in place of its own.
 * Strings are valid during the call only. */
typedef enum ia_status ia_accept_finding(void *ctx, const char *code, const char *path, int64_t *accepted_by,
                                         struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_accept_findings(struct ia_writer *writer, ia_accept_finding *each, void *ctx,
                                                       struct ia_error *err);
/* What the latest scan counted, where findings of it were accepted since. */
IA_MUST_CHECK enum ia_status ia_writer_recount(struct ia_writer *writer, int64_t errors, int64_t doubts,
                                               struct ia_error *err);

/* Verdicts: what the scan before left of candidates; clear_verdicts empties the tables candidate, evidence and doubt.
 */
typedef enum ia_status ia_load_candidate(void *ctx, const struct ia_candidate_row *row, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_load_candidates(struct ia_writer *writer, ia_load_candidate *each, void *ctx,
                                                       struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_clear_verdicts(struct ia_writer *writer, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_candidate(struct ia_writer *writer, const struct ia_candidate_row *row,
                                                     struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_evidence(struct ia_writer *writer, const struct ia_evidence_row *row,
                                                    struct ia_error *err);
/* Who held files at the end of the scan. */
IA_MUST_CHECK enum ia_status ia_writer_clear_holders(struct ia_writer *writer, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_holder(struct ia_writer *writer, const struct ia_holder_row *row,
                                                  struct ia_error *err);
/* Machines and claims. The latter are loaded in the order of their paths, those that ever led to a file;
 * clear_inventories empties the tables inventory, machine and claim. */
typedef enum ia_status ia_load_claim(void *ctx, const struct ia_claim_row *row, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_load_claims(struct ia_writer *writer, ia_load_claim *each, void *ctx,
                                                   struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_clear_inventories(struct ia_writer *writer, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_inventory(struct ia_writer *writer, const struct ia_inventory_row *row,
                                                     struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_machine(struct ia_writer *writer, const struct ia_machine_row *row,
                                                   struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_claim(struct ia_writer *writer, const struct ia_claim_row *row,
                                                 struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_doubt(struct ia_writer *writer, const struct ia_doubt_row *row,
                                                 struct ia_error *err);

/* What the forest accounts for an image; *known is false where it does not. Guest bytes. */
IA_MUST_CHECK enum ia_status ia_writer_get_usage(struct ia_writer *writer, int64_t image_id, bool *known,
                                                 int64_t *visible_present, int64_t *masked_bytes, struct ia_error *err);

/* A name of an image, or of a part of one, that the scan before saw. */
struct ia_past_name {
    int64_t file_id; /* 0: it saw none there */
    bool is_link;    /* symbolic */
    int64_t seen_ns; /* when that scan had ended */
};
/* Before ia_writer_clear_links. */
IA_MUST_CHECK enum ia_status ia_writer_get_name(struct ia_writer *writer, const char *path, struct ia_past_name *out,
                                                struct ia_error *err);

/* The findings of the scan before that raised a doubt about every candidate, or would have, by path. */
typedef enum ia_status ia_load_hiding(void *ctx, const char *path, const char *code, bool is_accepted,
                                      struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_load_hiding(struct ia_writer *writer, ia_load_hiding *each, void *ctx,
                                                   struct ia_error *err);

/* The symbolic links that the scan before saw, by path. Before ia_writer_clear_links. */
typedef enum ia_status ia_load_link(void *ctx, const char *path, int64_t id, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_load_links(struct ia_writer *writer, ia_load_link *each, void *ctx,
                                                  struct ia_error *err);

/* Values for the next scan; *value is untouched where there is none. */
IA_MUST_CHECK enum ia_status ia_writer_get_setting(struct ia_writer *writer, const char *key, int64_t *value,
                                                   struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_setting(struct ia_writer *writer, const char *key, int64_t value,
                                                   struct ia_error *err);

/* Removes. A file takes its image and everything of it along, but not the extents of its mappings. */
IA_MUST_CHECK enum ia_status ia_writer_drop_file(struct ia_writer *writer, int64_t file_id, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_drop_image(struct ia_writer *writer, int64_t image_id, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_drop_mapping(struct ia_writer *writer, int64_t map_id, struct ia_error *err);

/* Empties the tables file_name, reference, image_file, packed_file and packed_reference, to be written anew. Names of
 * images are kept as former ones, until those that they still have are taken out. */
IA_MUST_CHECK enum ia_status ia_writer_clear_links(struct ia_writer *writer, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_settle_former_names(struct ia_writer *writer, struct ia_error *err);
/* Its backing image keeps the names that this image has in the store. Before its rows change, or are dropped. */
IA_MUST_CHECK enum ia_status ia_writer_keep_overlay(struct ia_writer *writer, int64_t image_id, struct ia_error *err);
/* Images that have a name of a former overlay of theirs: the name, and the number of the image. */
IA_MUST_CHECK enum ia_status ia_writer_load_overlay_names(struct ia_writer *writer, ia_load_link *each, void *ctx,
                                                          struct ia_error *err);
/* Scans up to the one before found the image by this path alone since that time. Before ia_writer_clear_links. */
IA_MUST_CHECK enum ia_status ia_writer_put_former_path(struct ia_writer *writer, int64_t image_id, const char *path,
                                                       int64_t since_ns, struct ia_error *err);
/* The image is a copy of another, which had this file: it gets the names of that as former ones. Before the other goes.
 */
IA_MUST_CHECK enum ia_status ia_writer_inherit_names(struct ia_writer *writer, int64_t image_id, int64_t other_id,
                                                     int64_t file_id, struct ia_error *err);

/* Whether there are results of the forest, of any image: a first scan has none to take away. */
IA_MUST_CHECK enum ia_status ia_writer_have_results(struct ia_writer *writer, bool *have, struct ia_error *err);
/* Takes away the results of the forest for an image: its rows in chain, chain_place, chain_change, usage,
 * reader_bytes, pair and masked. */
IA_MUST_CHECK enum ia_status ia_writer_clear_results(struct ia_writer *writer, int64_t image_id, struct ia_error *err);

/* The trees that were analysed, by ascending root. put replaces; drop_trees_of_others forgets those whose root has
 * a backing image by now. */
typedef enum ia_status ia_load_tree(void *ctx, int64_t root_id, int64_t fingerprint, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_load_trees(struct ia_writer *writer, ia_load_tree *each, void *ctx,
                                                  struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_put_tree(struct ia_writer *writer, int64_t root_id, int64_t fingerprint,
                                                struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_drop_trees_of_others(struct ia_writer *writer, struct ia_error *err);

/* Notes an image, or all images that a file is part of, whose history may have to be written: anything of them was. */
IA_MUST_CHECK enum ia_status ia_writer_touch_image(struct ia_writer *writer, int64_t image_id, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_writer_touch_file(struct ia_writer *writer, int64_t file_id, struct ia_error *err);

/* The history of the noted images, after all else was written; only the newest `keep` scans (0: all) stay. */
IA_MUST_CHECK enum ia_status ia_writer_keep_history(struct ia_writer *writer, int64_t keep, struct ia_error *err);

/* Up to `capacity` extents of a stored mapping that begin at guest byte `from` or behind it, in order. */
IA_MUST_CHECK enum ia_status ia_writer_read_extents(struct ia_writer *writer, int64_t map_id, int64_t from,
                                                    struct ia_extent *out, size_t capacity, size_t *count,
                                                    struct ia_error *err);

#endif
