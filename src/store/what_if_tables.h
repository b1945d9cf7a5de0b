/* SPDX-License-Identifier: MIT */
/* The temporary tables that a what-if is worked out in (what_if_tables.sql), and what it looks up in the store. They
 * are the reader's: nothing is written to the store. */
#ifndef IA_STORE_WHAT_IF_TABLES_H
#define IA_STORE_WHAT_IF_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/forest_edit.h"
#include "base/status.h"
#include "judge/doubt.h"
#include "store/reader.h"

/* Makes the tables, empty. Once for a reader. */
IA_MUST_CHECK enum ia_status ia_what_if_define(struct ia_reader *reader, struct ia_error *err);

/* The action: 'delete', 'flatten' or 'commit'. */
IA_MUST_CHECK enum ia_status ia_what_if_put_deed(struct ia_reader *reader, const char *action, struct ia_error *err);
/* Puts a name of an image of the set, by a path that the store has, and finds the image. IA_MISSING for a path of no
 * image. */
IA_MUST_CHECK enum ia_status ia_what_if_put_name(struct ia_reader *reader, const char *path, int64_t *image_id,
                                                 struct ia_error *err);
/* Puts an image of the set, after all names. is_deleted: it goes, unless it keeps a name. */
IA_MUST_CHECK enum ia_status ia_what_if_put_image(struct ia_reader *reader, int64_t image_id, bool is_deleted,
                                                  struct ia_error *err);
/* The step in which nothing names the image any more. */
IA_MUST_CHECK enum ia_status ia_what_if_put_step(struct ia_reader *reader, int64_t image_id, int64_t step,
                                                 struct ia_error *err);

enum ia_what_if_images {
    IA_WHAT_IF_IN_SET,  /* of the set */
    IA_WHAT_IF_DELETED, /* of the set, and gone */
    IA_WHAT_IF_UNNAMED, /* of the set, and stays: with each name that it loses */
};
/* path: NULL but for IA_WHAT_IF_UNNAMED. */
typedef enum ia_status ia_what_if_image(void *ctx, int64_t image_id, const char *path, struct ia_error *err);
/* Calls for each of them until one fails. */
IA_MUST_CHECK enum ia_status ia_what_if_each_image(struct ia_reader *reader, enum ia_what_if_images which,
                                                   ia_what_if_image *each, void *ctx, struct ia_error *err);
/* Whether an image of the set goes. */
IA_MUST_CHECK enum ia_status ia_what_if_goes(struct ia_reader *reader, int64_t image_id, bool *goes,
                                             struct ia_error *err);

/* What is written to the image, and how; not what it shares. */
IA_MUST_CHECK enum ia_status ia_what_if_get_terms(struct ia_reader *reader, int64_t image_id,
                                                  struct ia_forest_edit_terms *terms, struct ia_error *err);

/* What the forest gives. */
IA_MUST_CHECK enum ia_status ia_what_if_put_usage(struct ia_reader *reader, int64_t image_id,
                                                  const struct ia_usage *usage, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_what_if_put_effect(struct ia_reader *reader, int64_t image_id,
                                                   const struct ia_forest_edit_effect *effect, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_what_if_put_snapshot(struct ia_reader *reader, int64_t image_id, size_t number,
                                                     int64_t changed_bytes, struct ia_error *err);

/* The judge's: a row that it judged, and its doubts. effect: as in what_if_judged and what_if_doubt; image_id: 0 for
 * doubts about every image. */
IA_MUST_CHECK enum ia_status ia_what_if_put_judged(struct ia_reader *reader, const char *effect, int64_t image_id,
                                                   struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_what_if_put_doubts(struct ia_reader *reader, const char *effect, int64_t image_id,
                                                   const struct ia_doubts *doubts, struct ia_error *err);

/* What the verdict of such a row assumes, in words. */
IA_MUST_CHECK enum ia_status ia_what_if_put_assumption(struct ia_reader *reader, const char *effect, int64_t image_id,
                                                       const char *assumes, struct ia_error *err);

/* What SQL makes of these: the script of that name, each with a comment about what it needs. */
enum ia_what_if_script { IA_WHAT_IF_LINKS, IA_WHAT_IF_FILES, IA_WHAT_IF_ROWS };
IA_MUST_CHECK enum ia_status ia_what_if_run(struct ia_reader *reader, enum ia_what_if_script script,
                                            struct ia_error *err);

#endif
