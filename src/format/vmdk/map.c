/* SPDX-License-Identifier: MIT */
/* Walking the extents, and in sparse ones the grain directory and grain tables ("Grain Directories and Grain Tables").
 * Tables that lie one after another are read in one request. */
#include <stdlib.h>

#include "format/vmdk/internal.h"

enum { DIRECTORY_BYTES = 64 * 1024, TABLE_BYTES = 256 * 1024 };

struct map_state {
    size_t extent;           /* number of the one that holds `at` */
    int64_t at;              /* guest byte to go on with; in a sparse extent the beginning of a grain */
    uint8_t *directory;      /* a piece of the extent's grain directory: */
    int64_t directory_first; /* its first entry */
    int64_t directory_count; /* 0: none loaded */
    uint8_t *tables;
    int64_t table_bytes; /* read so far */
    int64_t table_bound;
};

int64_t vmdk_table_bound(const struct ia_image *image)
{
    int64_t slack = INT64_C(8) << 20;
    int64_t size = ia_source_most_bytes(image->main);
    for (size_t i = 0; i < image->parts.len; i++)
        if (!ia_add(size, ia_source_most_bytes(image->parts.items[i]), &size))
            return INT64_MAX;
    return size > (INT64_MAX - slack) / 4 ? INT64_MAX : 4 * size + slack;
}

size_t vmdk_find_extent(const struct vmdk *v, int64_t at)
{
    size_t low = 0;
    size_t high = v->extents.len;
    while (low < high) { /* ends: the distance halves */
        size_t middle = low + (high - low) / 2;
        const struct vmdk_extent *extent = &v->extents.items[middle];
        if (extent->start + extent->length <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

enum ia_status vmdk_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    const struct vmdk *v = cursor->image->state;
    struct map_state *map = calloc(1, sizeof(*map));
    if (map == NULL)
        return ia_no_memory(err);
    cursor->state = map;
    map->directory = malloc(DIRECTORY_BYTES);
    map->tables = malloc(TABLE_BYTES);
    if (map->directory == NULL || map->tables == NULL)
        return ia_no_memory(err);
    map->table_bound = vmdk_table_bound(cursor->image);
    map->at = ia_min(cursor->from, cursor->sink.size);
    map->extent = vmdk_find_extent(v, map->at);
    if (map->extent < v->extents.len) {
        const struct vmdk_extent *extent = &v->extents.items[map->extent];
        if (extent->kind == VMDK_SPARSE || extent->kind == VMDK_SESPARSE)
            map->at -= (map->at - extent->start) % extent->grain_size;
    }
    return IA_OK;
}

void vmdk_map_end(struct ia_cursor *cursor)
{
    struct map_state *map = cursor->state;
    if (map == NULL)
        return;
    free(map->directory);
    free(map->tables);
    free(map);
}

static enum ia_status step_flat(struct ia_cursor *cursor, const struct vmdk_extent *extent, struct ia_error *err)
{
    struct map_state *map = cursor->state;
    int64_t start = map->at;
    if (extent->kind == VMDK_ZERO) {
        map->at = extent->start + extent->length;
        return vmdk_push(cursor, extent, IA_EXTENT_ZERO, start, map->at - start, IA_NO_OFFSET, err);
    }
    int64_t offset = extent->offset + (start - extent->start);
    int64_t end;
    bool hole = ia_source_is_hole(ia_image_source(cursor->image, extent->file), offset, &end);
    map->at += ia_min(end - offset, extent->start + extent->length - start);
    return vmdk_push(cursor, extent, hole ? IA_EXTENT_SPARSE : IA_EXTENT_DATA, start, map->at - start, offset, err);
}

static enum ia_status charge(struct ia_cursor *cursor, int64_t bytes, struct ia_error *err)
{
    struct map_state *map = cursor->state;
    int64_t most = cursor->image->limits->max_table_bytes;
    map->table_bytes += ia_max(bytes, VMDK_SECTOR); /* a request has a price, however small its table */
    if (map->table_bytes > most)
        return ia_fail(err, IA_LIMIT, "more than %jd bytes of grain directories and tables", (intmax_t)most);
    if (map->table_bytes > map->table_bound)
        return ia_fail(err, IA_CORRUPT, "%jd bytes of grain directories and tables, more than the files hold",
                       (intmax_t)map->table_bytes);
    return IA_OK;
}

static void go_to_grain(struct map_state *map, const struct vmdk_extent *extent, int64_t grain)
{
    int64_t end = extent->start + extent->length;
    map->at = grain >= vmdk_grains(extent) ? end : extent->start + grain * extent->grain_size;
}

/* Loads the directory from entry `index` on, as far as the buffer holds it. What the file does not hold is zero. */
static enum ia_status load_directory(struct ia_cursor *cursor, const struct vmdk_extent *extent, int64_t index,
                                     struct ia_error *err)
{
    struct map_state *map = cursor->state;
    struct ia_source *source = ia_image_source(cursor->image, extent->file);
    if (index >= extent->directory_entries)
        return ia_fail(err, IA_CORRUPT, "grain directory of %jd entries, too few for %jd grains",
                       (intmax_t)extent->directory_entries, (intmax_t)vmdk_grains(extent));
    int64_t offset = extent->directory_offset + index * extent->entry_size;
    map->directory_first = index;
    map->directory_count = ia_min(extent->directory_entries - index, DIRECTORY_BYTES / extent->entry_size);
    if (offset >= source->size) { /* nor is anything behind it */
        cursor->image->facts.truncated = true;
        map->directory_count = 0;
        go_to_grain(map, extent, extent->directory_entries * extent->table_entries);
        return IA_OK;
    }
    int64_t bytes = map->directory_count * extent->entry_size;
    IA_TRY(charge(cursor, bytes, err));
    return ia_source_read(source, offset, map->directory, (size_t)bytes, "grain directory", err);
}

/* Where table `index` is; it is in the piece of the directory that is loaded. */
static enum ia_status table_offset(const struct map_state *map, const struct vmdk_extent *extent, int64_t index,
                                   int64_t *offset, struct ia_error *err)
{
    const uint8_t *entry = map->directory + (index - map->directory_first) * extent->entry_size;
    return vmdk_table_offset(extent, entry, offset, err);
}

/* How many tables from `index` on lie one after another in the file, as far as they are known and fit the buffer. */
static int64_t adjoining_tables(const struct map_state *map, const struct vmdk_extent *extent, int64_t index,
                                int64_t offset)
{
    int64_t table_size = extent->table_entries * extent->entry_size;
    int64_t end = map->directory_first + map->directory_count;
    int64_t tables = 1;
    int64_t next;
    while (tables < TABLE_BYTES / table_size && index + tables < end &&
           table_offset(map, extent, index + tables, &next, NULL) == IA_OK && next == offset + tables * table_size)
        tables++;
    return tables;
}

/* Reads and decodes table `index`, at `offset`, and those adjoining it. */
static enum ia_status read_tables(struct ia_cursor *cursor, const struct vmdk_extent *extent, int64_t index,
                                  int64_t offset, struct ia_error *err)
{
    struct map_state *map = cursor->state;
    struct ia_source *source = ia_image_source(cursor->image, extent->file);
    int64_t grain = (map->at - extent->start) / extent->grain_size;
    int64_t skipped = grain - index * extent->table_entries;
    int64_t tables = adjoining_tables(map, extent, index, offset);
    int64_t count = ia_min(tables * extent->table_entries - skipped, vmdk_grains(extent) - grain);
    int64_t wanted = vmdk_divide_up(cursor->sink.size - extent->start, extent->grain_size) - grain;
    int64_t guest = map->at;
    go_to_grain(map, extent, grain + count);
    if (offset >= source->size) { /* QEMU reads zeroes there */
        cursor->image->facts.truncated = true;
        return IA_OK;
    }
    vmdk_account_tables(cursor->image, extent, offset, tables * extent->table_entries * extent->entry_size);
    count = ia_min(count, wanted);
    int64_t bytes = count * extent->entry_size;
    IA_TRY(charge(cursor, bytes, err));
    IA_TRY(
        ia_source_read(source, offset + skipped * extent->entry_size, map->tables, (size_t)bytes, "grain table", err));
    return vmdk_push_grains(cursor, extent, map->tables, count, guest, err);
}

/* Decodes some more of a sparse extent: some tables, or nothing but a piece of an empty directory. */
static enum ia_status step_sparse(struct ia_cursor *cursor, const struct vmdk_extent *extent, struct ia_error *err)
{
    struct map_state *map = cursor->state;
    int64_t index = (map->at - extent->start) / extent->grain_size / extent->table_entries;
    if (index < map->directory_first || index >= map->directory_first + map->directory_count) {
        IA_TRY(load_directory(cursor, extent, index, err));
        if (map->directory_count == 0)
            return IA_OK;
    }
    int64_t end = map->directory_first + map->directory_count;
    int64_t first = index;
    int64_t offset = 0;
    while (index < end && offset == 0) {
        IA_TRY(table_offset(map, extent, index, &offset, err));
        index += offset == 0;
    }
    if (index > first)
        go_to_grain(map, extent, index * extent->table_entries);
    return offset == 0 || map->at >= cursor->sink.size ? IA_OK : read_tables(cursor, extent, index, offset, err);
}

enum ia_status vmdk_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    struct map_state *map = cursor->state;
    const struct vmdk *v = cursor->image->state;
    *done = map->extent >= v->extents.len || map->at >= cursor->sink.size;
    if (*done)
        return IA_OK;
    const struct vmdk_extent *extent = &v->extents.items[map->extent];
    if (map->at >= extent->start + extent->length) {
        map->extent++;
        map->directory_count = 0;
        return IA_OK;
    }
    return extent->kind == VMDK_FLAT || extent->kind == VMDK_ZERO ? step_flat(cursor, extent, err)
                                                                  : step_sparse(cursor, extent, err);
}
