/* SPDX-License-Identifier: MIT */
/* Walking two levels of tables of 64-bit entries. */
#include "format/two_level.h"

#include <endian.h>
#include <stdlib.h>

#include "base/checked.h"

/* Entries of a table that are read at once. */
enum { PIECE_ENTRIES = 16384 };

static enum ia_status read_entries(struct ia_image *image, const struct ia_two_level *tables, int64_t offset,
                                   uint64_t *entries, int64_t count, const char *what, struct ia_error *err)
{
    IA_TRY(ia_source_read(image->main, offset, entries, (size_t)count * sizeof(*entries), what, err));
    for (int64_t i = 0; i < count; i++)
        entries[i] = tables->big_endian ? be64toh(entries[i]) : le64toh(entries[i]);
    return IA_OK;
}

enum ia_status ia_two_level_begin(struct ia_cursor *cursor, const struct ia_two_level *tables, struct ia_error *err)
{
    struct ia_two_level_walk *walk = calloc(1, sizeof(*walk));
    if (walk == NULL)
        return ia_no_memory(err);
    cursor->state = walk;
    int64_t size = cursor->sink.size;
    walk->tables = tables;
    walk->cluster = ia_min(cursor->from, size) / tables->cluster_size;
    walk->clusters = size / tables->cluster_size + (size % tables->cluster_size != 0);
    walk->table = -1;
    walk->l1 = calloc((size_t)ia_min(PIECE_ENTRIES, ia_max(tables->l1_entries, 1)), sizeof(*walk->l1));
    walk->l2 = calloc((size_t)ia_min(PIECE_ENTRIES, tables->l2_entries), sizeof(*walk->l2));
    if (walk->l1 == NULL || walk->l2 == NULL)
        return ia_no_memory(err);
    return IA_OK;
}

void ia_two_level_end(struct ia_cursor *cursor)
{
    struct ia_two_level_walk *walk = cursor->state;
    if (walk == NULL)
        return;
    free(walk->l1);
    free(walk->l2);
    free(walk);
}

/* Tables that are all there fit into the file. Entries that name one table again and again, or tables past the end,
 * would cost far more than the file is long. The slack is for truncated files. */
static int64_t table_bound(const struct ia_image *image)
{
    enum { SLACK = 8 << 20 };
    int64_t size = ia_source_most_bytes(image->main);
    return size > INT64_MAX - SLACK ? INT64_MAX : size + SLACK;
}

static enum ia_status charge(struct ia_cursor *cursor, int64_t entries, struct ia_error *err)
{
    struct ia_two_level_walk *walk = cursor->state;
    int64_t most = cursor->image->limits->max_table_bytes;
    walk->table_bytes += entries * (int64_t)sizeof(uint64_t);
    if (walk->table_bytes > most)
        return ia_fail(err, IA_LIMIT, "more than %jd bytes of L1 and L2 tables", (intmax_t)most);
    if (walk->table_bytes > table_bound(cursor->image))
        return ia_fail(err, IA_CORRUPT, "%jd bytes of L1 and L2 tables in a file of %jd bytes",
                       (intmax_t)walk->table_bytes, (intmax_t)cursor->image->main->size);
    return IA_OK;
}

/* The piece of the L1 table that begins with entry `index`. */
static enum ia_status read_l1(struct ia_cursor *cursor, int64_t index, struct ia_error *err)
{
    struct ia_two_level_walk *walk = cursor->state;
    const struct ia_two_level *tables = walk->tables;
    int64_t offset = tables->l1_offset + index * (int64_t)sizeof(uint64_t);
    if (offset >= cursor->image->main->size) { /* nothing but zeroes to come */
        cursor->image->facts.truncated = true;
        walk->cluster = walk->clusters;
        return IA_OK;
    }
    int64_t last = (walk->clusters - 1) / tables->l2_entries;
    walk->l1_first = index;
    walk->l1_count = ia_min(PIECE_ENTRIES, last + 1 - index);
    IA_TRY(charge(cursor, walk->l1_count, err));
    return read_entries(cursor->image, tables, offset, walk->l1, walk->l1_count, "L1 table", err);
}

/* The next piece of L2 table `index`. */
static enum ia_status read_l2(struct ia_cursor *cursor, int64_t index, uint64_t l1_entry, struct ia_error *err)
{
    struct ia_two_level_walk *walk = cursor->state;
    const struct ia_two_level *tables = walk->tables;
    if (walk->table != index) {
        walk->table = index;
        walk->carry = 0;
        IA_TRY(tables->check_table(cursor->image, index, l1_entry, err));
    }
    int64_t first = walk->cluster - index * tables->l2_entries;
    int64_t count = ia_min(PIECE_ENTRIES, ia_min(tables->l2_entries - first, walk->clusters - walk->cluster));
    IA_TRY(charge(cursor, count, err));
    IA_TRY(read_entries(cursor->image, tables, (int64_t)l1_entry + first * (int64_t)sizeof(uint64_t), walk->l2, count,
                        "L2 table", err));
    int64_t guest = walk->cluster * tables->cluster_size;
    walk->cluster += count;
    return tables->push_entries(cursor, walk->l2, count, guest, err);
}

enum ia_status ia_two_level_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    struct ia_two_level_walk *walk = cursor->state;
    int64_t per_table = walk->tables->l2_entries;
    *done = walk->cluster >= walk->clusters;
    if (*done)
        return IA_OK;
    int64_t index = walk->cluster / per_table;
    if (index >= walk->l1_first + walk->l1_count) /* it only goes up, and at first there are none */
        return read_l1(cursor, index, err);
    while (index < walk->l1_first + walk->l1_count && walk->l1[index - walk->l1_first] == 0)
        walk->cluster = ++index * per_table;
    if (index == walk->l1_first + walk->l1_count)
        return IA_OK;
    return read_l2(cursor, index, walk->l1[index - walk->l1_first], err);
}

enum ia_status ia_two_level_find(struct ia_image *image, const struct ia_two_level *tables, int64_t at, uint64_t *entry,
                                 struct ia_error *err)
{
    int64_t cluster = at / tables->cluster_size;
    int64_t index = cluster / tables->l2_entries;
    uint64_t table = 0;
    *entry = 0;
    IA_TRY(read_entries(image, tables, tables->l1_offset + index * (int64_t)sizeof(table), &table, 1, "L1 table", err));
    if (table == 0)
        return IA_OK;
    IA_TRY(tables->check_table(image, index, table, err));
    return read_entries(image, tables, (int64_t)table + cluster % tables->l2_entries * (int64_t)sizeof(*entry), entry,
                        1, "L2 table", err);
}

/* L2 table `index`, from the first entry on that is past the disk's end. *left is what may be read of such yet. */
static enum ia_status account_past_end(struct ia_image *image, const struct ia_two_level *tables, int64_t index,
                                       uint64_t l1_entry, int64_t *left, struct ia_error *err)
{
    enum { AT_ONCE = 1024 };
    uint64_t entries[AT_ONCE];
    int64_t size = image->facts.virtual_size;
    int64_t clusters = size / tables->cluster_size + (size % tables->cluster_size != 0);
    int64_t first = ia_max(clusters - index * tables->l2_entries, 0);
    if (first >= tables->l2_entries || tables->check_table(image, index, l1_entry, NULL) != IA_OK)
        return IA_OK; /* what cannot be a table names nothing */
    if ((*left -= (tables->l2_entries - first) * (int64_t)sizeof(*entries)) < 0)
        return ia_fail(err, IA_LIMIT, "too many L2 tables past the end of the disk");
    for (int64_t i = first; i < tables->l2_entries; i += AT_ONCE) {
        int64_t some = ia_min(AT_ONCE, tables->l2_entries - i);
        IA_TRY(read_entries(image, tables, (int64_t)l1_entry + i * (int64_t)sizeof(*entries), entries, some, "L2 table",
                            err));
        for (int64_t j = 0; j < some; j++)
            if (entries[j] != 0)
                tables->account_past_end(image, entries[j]);
    }
    return IA_OK;
}

enum ia_status ia_two_level_account(struct ia_image *image, const struct ia_two_level *tables, struct ia_error *err)
{
    enum { AT_ONCE = 1024 };
    uint64_t entries[AT_ONCE];
    const int64_t entry_bytes = (int64_t)sizeof(*entries);
    int64_t left = ia_min(table_bound(image), image->limits->max_table_bytes);
    ia_image_use_exclusive(image, 0, IA_SPACE_METADATA, tables->l1_offset, tables->l1_entries * entry_bytes,
                           IA_SPACE_STORED);
    /* Ends with the table or with the file, whichever is shorter. */
    for (int64_t i = 0; i < tables->l1_entries; i += AT_ONCE) {
        int64_t offset = tables->l1_offset + i * entry_bytes;
        if (offset >= image->main->size)
            break;
        int64_t some = ia_min(AT_ONCE, tables->l1_entries - i);
        IA_TRY(read_entries(image, tables, offset, entries, some, "L1 table", err));
        for (int64_t j = 0; j < some; j++) {
            if (entries[j] == 0 || entries[j] >= (uint64_t)image->main->size)
                continue;
            ia_image_use_exclusive(image, 0, IA_SPACE_METADATA, (int64_t)entries[j], tables->l2_entries * entry_bytes,
                                   IA_SPACE_STORED);
            IA_TRY(account_past_end(image, tables, i + j, entries[j], &left, err));
        }
    }
    return IA_OK;
}
