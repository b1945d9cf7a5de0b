/* SPDX-License-Identifier: MIT */
/* The snapshot table ("Snapshots"): each snapshot is a second L1 table with a size of its own. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "format/qcow2/internal.h"
#include "io/window.h"

enum { FIXED_LENGTH = 40, KNOWN_EXTRA = 24 };

struct entry {
    struct qcow2_l1 l1;
    uint16_t id_length, name_length;
    uint32_t extra_length;
    struct ia_snapshot snapshot;
};

static void release_entry(struct entry *entry)
{
    free(entry->snapshot.id);
    free(entry->snapshot.name);
}

#define AUTO_ENTRY __attribute__((cleanup(release_entry)))

static enum ia_status read_fixed(struct ia_image *image, int64_t offset, struct entry *entry, struct ia_error *err)
{
    uint8_t bytes[FIXED_LENGTH];
    IA_TRY(ia_source_read(image->main, offset, bytes, sizeof(bytes), "snapshot table", err));
    struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
    entry->l1.offset = ia_window_be_size(&w, 0);
    entry->l1.entries = ia_window_be32(&w, 8);
    entry->id_length = ia_window_be16(&w, 12);
    entry->name_length = ia_window_be16(&w, 14);
    entry->snapshot.date_ns = (int64_t)ia_window_be32(&w, 16) * 1000000000 + ia_window_be32(&w, 20);
    entry->snapshot.vm_state = ia_window_be32(&w, 32);
    entry->extra_length = ia_window_be32(&w, 36);
    if (w.failed)
        return ia_fail(err, IA_CORRUPT, "snapshot entry at %#jx: L1 table offset above 2^63 - 1", (uintmax_t)offset);
    if (entry->extra_length > QCOW2_MAX_SNAPSHOT_EXTRA)
        return ia_fail(err, IA_CORRUPT, "snapshot entry at %#jx: %u extra bytes", (uintmax_t)offset,
                       entry->extra_length);
    return IA_OK;
}

static enum ia_status read_extra(struct ia_image *image, int64_t offset, struct entry *entry, struct ia_error *err)
{
    uint8_t bytes[KNOWN_EXTRA] = {0};
    size_t len = (size_t)ia_min(entry->extra_length, sizeof(bytes));
    IA_TRY(ia_source_read(image->main, offset, bytes, len, "snapshot table", err));
    struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
    if (entry->extra_length >= 8)
        entry->snapshot.vm_state = ia_window_be_size(&w, 0);
    /* A version 2 entry has no size: the disk's present one (as QEMU takes it). */
    entry->snapshot.size = entry->extra_length >= 16 ? ia_window_be_size(&w, 8) : image->facts.virtual_size;
    if (w.failed)
        return ia_fail(err, IA_CORRUPT, "snapshot entry: a size above 2^63 - 1");
    return IA_OK;
}

static enum ia_status read_text(struct ia_image *image, int64_t offset, size_t len, char **out, struct ia_error *err)
{
    char *text = calloc(1, len + 1);
    if (text == NULL)
        return ia_no_memory(err);
    *out = text;
    return ia_source_read(image->main, offset, text, len, "snapshot name", err);
}

/* Reads the entry at *offset and moves it past the entry. */
static enum ia_status read_entry(struct ia_image *image, int64_t *offset, struct entry *entry, struct ia_error *err)
{
    int64_t at = ia_round_up(*offset, 8);
    IA_TRY(read_fixed(image, at, entry, err));
    at += FIXED_LENGTH;
    IA_TRY(read_extra(image, at, entry, err));
    at += entry->extra_length;
    IA_TRY(read_text(image, at, entry->id_length, &entry->snapshot.id, err));
    at += entry->id_length;
    IA_TRY(read_text(image, at, entry->name_length, &entry->snapshot.name, err));
    *offset = at + entry->name_length;
    return IA_OK;
}

/* Entry number i, into the facts. *l1_bytes are those of all L1 tables so far. */
static enum ia_status add_entry(struct ia_image *image, struct qcow2 *q, uint32_t i, int64_t *offset, int64_t *l1_bytes,
                                struct ia_error *err)
{
    AUTO_ENTRY struct entry entry = {0};
    IA_TRY(read_entry(image, offset, &entry, err));
    if (*offset - q->snapshots_offset > QCOW2_MAX_SNAPSHOT_TABLE)
        return ia_fail(err, IA_CORRUPT, "snapshot table too large at entry %u", i);
    *l1_bytes += ia_round_up((int64_t)entry.l1.entries * 8, q->cluster_size);
    if (*l1_bytes > qcow2_table_bound(image, 1))
        return ia_fail(err, IA_CORRUPT, "%jd bytes of L1 tables of snapshots in a file of %jd bytes",
                       (intmax_t)*l1_bytes, (intmax_t)image->main->size);
    if (!ia_vec_push(&image->facts.snapshots, entry.snapshot))
        return ia_no_memory(err);
    entry.snapshot = (struct ia_snapshot){0}; /* the facts own it now */
    q->snapshot_l1[i] = entry.l1;
    return IA_OK;
}

enum ia_status qcow2_read_snapshots(struct ia_image *image, struct qcow2 *q, struct ia_error *err)
{
    if ((int64_t)q->snapshot_count > image->limits->max_snapshots)
        return ia_fail(err, IA_LIMIT, "%u internal snapshots", q->snapshot_count);
    /* An entry takes at least FIXED_LENGTH bytes of the file: what does not fit is not there. */
    if (q->snapshot_count > (image->main->size + FIXED_LENGTH) / FIXED_LENGTH)
        return ia_fail(err, IA_CORRUPT, "%u internal snapshots in a file of %jd bytes", q->snapshot_count,
                       (intmax_t)image->main->size);
    q->snapshot_l1 = calloc(q->snapshot_count > 0 ? q->snapshot_count : 1, sizeof(*q->snapshot_l1));
    if (q->snapshot_l1 == NULL)
        return ia_no_memory(err);

    int64_t offset = q->snapshots_offset;
    int64_t l1_bytes = 0;
    for (uint32_t i = 0; i < q->snapshot_count; i++)
        IA_TRY(add_entry(image, q, i, &offset, &l1_bytes, err));
    q->snapshot_table_bytes = q->snapshot_count > 0 ? offset - q->snapshots_offset : 0;
    return IA_OK;
}
