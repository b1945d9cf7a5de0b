/* SPDX-License-Identifier: MIT */
/* Walking L1 and L2 tables ("Cluster mapping"). Tables that lie one after another in the file are one request. */
#include <stdlib.h>

#include "base/checked.h"
#include "base/zeroes.h"
#include "format/qcow2/internal.h"

enum { READ_BYTES = 512 * 1024 };

static int64_t l2_entries(const struct qcow2 *q)
{
    return q->cluster_size / q->l2_entry_size;
}

/* What all L2 tables take that are to be read. A table that is named again and again is found out by that before any of
 * its entries is handed on. */
static enum ia_status check_tables(const struct ia_cursor *cursor, struct ia_error *err)
{
    const struct qcow2_map *map = cursor->state;
    int64_t per_table = l2_entries(map->q);
    int64_t most = qcow2_table_bound(cursor->image, 1) / map->q->l2_entry_size;
    int64_t entries = 0;
    for (int64_t i = map->cluster / per_table; i < map->l1_entries && i * per_table < map->clusters; i++)
        if ((map->l1[i] & QCOW2_OFFSET_MASK) != 0)
            entries += ia_min((i + 1) * per_table, map->clusters) - ia_max(i * per_table, map->cluster);
    if (entries > most)
        return ia_fail(err, IA_CORRUPT, "%jd bytes of L2 tables in a file of %jd bytes",
                       (intmax_t)(entries * map->q->l2_entry_size), (intmax_t)cursor->image->main->size);
    return IA_OK;
}

enum ia_status qcow2_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    struct ia_image *image = cursor->image;
    const struct qcow2 *q = image->state;
    struct qcow2_map *map = calloc(1, sizeof(*map));
    if (map == NULL)
        return ia_no_memory(err);
    cursor->state = map;
    map->q = q;
    map->clusters = qcow2_clusters(q, cursor->sink.size);
    map->cluster = ia_min(cursor->from, cursor->sink.size) / q->cluster_size;
    map->data_file = image->facts.parts.len > 0;
    map->look_for_holes = qcow2_is_preallocated(image);
    const struct qcow2_l1 *l1 = qcow2_mapping_l1(image, cursor->mapping);
    map->l1_entries = l1->entries;
    IA_TRY(qcow2_read_l1(image, l1, &map->l1, err));
    if (l1->entries > 0 && ia_zero_words((const uint8_t *)map->l1, l1->entries) == l1->entries)
        image->facts.has_empty_table = true;
    int64_t all = qcow2_clusters(q, map->clusters * q->l2_entry_size) * q->cluster_size;
    map->buffer_size = (size_t)ia_min(READ_BYTES, ia_max(all, q->l2_entry_size));
    map->buffer = malloc(map->buffer_size);
    if (map->buffer == NULL)
        return ia_no_memory(err);
    return check_tables(cursor, err);
}

void qcow2_map_end(struct ia_cursor *cursor)
{
    struct qcow2_map *map = cursor->state;
    if (map == NULL)
        return;
    free(map->l1);
    free(map->buffer);
    free(map);
}

/* How many L2 tables from l1[index] on lie one after another in the file, as far as the buffer holds them. */
static int64_t adjoining_tables(const struct qcow2_map *map, int64_t index, int64_t last)
{
    int64_t cluster = map->q->cluster_size;
    int64_t most = ia_max((int64_t)map->buffer_size / cluster, 1);
    uint64_t first = map->l1[index] & QCOW2_OFFSET_MASK;
    int64_t tables = 1;
    while (tables < most && index + tables < last &&
           (map->l1[index + tables] & QCOW2_OFFSET_MASK) == first + (uint64_t)(tables * cluster))
        tables++;
    return tables;
}

static enum ia_status charge(struct ia_cursor *cursor, int64_t bytes, struct ia_error *err)
{
    struct qcow2_map *map = cursor->state;
    struct qcow2 *q = cursor->image->state;
    int64_t most = cursor->image->limits->max_table_bytes;
    map->table_bytes += bytes;
    q->table_bytes += bytes;
    if (q->table_bytes > most)
        return ia_fail(err, IA_LIMIT, "more than %jd bytes of L2 tables", (intmax_t)most);
    if (map->table_bytes > qcow2_table_bound(cursor->image, 1))
        return ia_fail(err, IA_CORRUPT, "%jd bytes of L2 tables in a file of %jd bytes", (intmax_t)map->table_bytes,
                       (intmax_t)cursor->image->main->size);
    return IA_OK;
}

/* Announces the tables that come after entry `index` of the L1 table, which may lie anywhere. */
static void expect_tables(struct ia_cursor *cursor, int64_t index, int64_t last)
{
    enum { AHEAD = 64 };
    struct qcow2_map *map = cursor->state;
    map->expected = ia_max(map->expected, index);
    for (; map->expected < ia_min(last, index + AHEAD); map->expected++) {
        int64_t table = (int64_t)(map->l1[map->expected] & QCOW2_OFFSET_MASK);
        if (table != 0)
            ia_source_expect(cursor->image->main, table, map->q->cluster_size);
    }
}

/* Looks for tables without an entry among the `count` entries in the buffer. One that is read in pieces, from its first
 * entry on, counts with its last piece. */
static void find_empty_tables(struct qcow2_map *map, struct ia_image_facts *facts, int64_t count)
{
    int64_t words = map->q->l2_entry_size / 8;
    int64_t per_table = l2_entries(map->q);
    for (int64_t i = 0; i < count;) { /* ends: a piece has an entry at least */
        int64_t at = (map->cluster + i) % per_table;
        int64_t piece = ia_min(count - i, per_table - at);
        const uint8_t *entries = map->buffer + i * map->q->l2_entry_size;
        map->is_empty = (at == 0 || map->is_empty) && ia_zero_words(entries, piece * words) == piece * words;
        i += piece;
        bool ends = at + piece == per_table || map->cluster + i == map->clusters;
        facts->has_empty_table = facts->has_empty_table || (ends && map->is_empty);
    }
}

/* Reads and decodes as much from the next L2 table, and those adjoining it, as the buffer holds. */
static enum ia_status read_tables(struct ia_cursor *cursor, int64_t index, int64_t last, struct ia_error *err)
{
    struct qcow2_map *map = cursor->state;
    const struct qcow2 *q = map->q;
    int64_t per_table = l2_entries(q);
    int64_t table = (int64_t)(map->l1[index] & QCOW2_OFFSET_MASK);
    IA_TRY(qcow2_check_l2(q, index, table, err));
    int64_t tables = adjoining_tables(map, index, last);
    int64_t skipped = map->cluster - index * per_table;
    int64_t count = ia_min(tables * per_table - skipped, (int64_t)map->buffer_size / q->l2_entry_size);
    count = ia_min(count, map->clusters - map->cluster);
    int64_t bytes = count * q->l2_entry_size;
    IA_TRY(charge(cursor, bytes, err));
    IA_TRY(ia_source_read(cursor->image->main, table + skipped * q->l2_entry_size, map->buffer, (size_t)bytes,
                          "L2 table", err));
    expect_tables(cursor, index + tables, last);
    find_empty_tables(map, &cursor->image->facts, count);
    int64_t guest = map->cluster * q->cluster_size;
    map->cluster += count;
    return qcow2_push_entries(cursor, map->buffer, count, guest, err);
}

enum ia_status qcow2_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    struct qcow2_map *map = cursor->state;
    int64_t per_table = l2_entries(map->q);
    int64_t last = ia_min(map->l1_entries, (map->clusters + per_table - 1) / per_table);
    int64_t index = map->cluster / per_table;
    while (index < last && (map->l1[index] & QCOW2_OFFSET_MASK) == 0)
        map->cluster = ++index * per_table;
    *done = index >= last || map->cluster >= map->clusters;
    if (*done)
        return IA_OK;
    return read_tables(cursor, index, last, err);
}
