/* SPDX-License-Identifier: MIT */
/* The rows of the report what-if, whose figures SQL makes (what_if_rows.sql): what is known of each, and the words that
 * go with it. */
#ifndef IA_STORE_WHAT_IF_ROWS_H
#define IA_STORE_WHAT_IF_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "judge/deed.h"
#include "store/reader.h"

/* A row of what_if_fact. Texts are sqlite's. */
struct ia_what_if_fact {
    int64_t row_id, image_id, step;
    const char *effect, *snapshot;                 /* snapshot: NULL: the image as it is */
    int64_t freed_bytes, most_bytes, needed_bytes; /* -1: not known */
    bool keeps_name, is_head, is_template, has_backing, names_backing, has_names, is_foreign, can_rebase, can_be_empty;
    bool has_other_links, is_shared, is_encoded, is_unread;
    const char *broken_at, *overlay; /* paths; NULL: there is none */
    const char *machines;            /* names of those that use it; NULL: none does */
    int64_t virtual_size, overlay_size;
    struct ia_effect_facts of_effect;
};

/* A row of what_if_words. */
struct ia_what_if_words {
    int64_t row_id, rank;
    const char *detail, *why, *why_codes; /* why: NULL: proven */
};

/* A row of what_if_row that sums up others. */
struct ia_what_if_total {
    const char *effect;
    int64_t step;                                  /* 0: NULL */
    int64_t freed_bytes, most_bytes, needed_bytes; /* -1: not known */
};

struct ia_what_if_rows;

/* Close it before the reader. */
IA_MUST_CHECK enum ia_status ia_what_if_rows_open(struct ia_reader *reader, struct ia_what_if_rows **out,
                                                  struct ia_error *err);
void ia_what_if_rows_close(struct ia_what_if_rows *rows); /* NULL is fine */

static inline void ia_cleanup_what_if_rows_(struct ia_what_if_rows **rows)
{
    ia_what_if_rows_close(*rows);
}
#define IA_AUTO_WHAT_IF_ROWS __attribute__((cleanup(ia_cleanup_what_if_rows_)))

typedef enum ia_status ia_what_if_row(void *ctx, const struct ia_what_if_fact *fact, struct ia_error *err);
/* Calls for each row of an image, until a call fails. */
IA_MUST_CHECK enum ia_status ia_what_if_rows_each(struct ia_what_if_rows *rows, ia_what_if_row *each, void *ctx,
                                                  struct ia_error *err);

/* Appends the doubts that the judge had (what_if_doubt). Subjects live until rows are closed. */
IA_MUST_CHECK enum ia_status ia_what_if_rows_find_doubts(struct ia_what_if_rows *rows, const char *effect,
                                                         int64_t image_id, struct ia_doubts *out, struct ia_error *err);

IA_MUST_CHECK enum ia_status ia_what_if_rows_put_words(struct ia_what_if_rows *rows, const struct ia_what_if_words *row,
                                                       struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_what_if_rows_put_total(struct ia_what_if_rows *rows,
                                                       const struct ia_what_if_total *total, int64_t *row_id,
                                                       struct ia_error *err);

#endif
