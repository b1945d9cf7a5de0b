/* SPDX-License-Identifier: MIT */
/* The mapping of a Longhorn image: a sector of 4 KiB is its own where the host keeps anything of it, what was
 * preallocated and never written too, as FIEMAP has it (lookup and preload of longhorn-engine's
 * pkg/replica/diff_disk.go, extents.go); else it is unallocated. Longhorn refuses hosts without FIEMAP: there the holes
 * of the file count. */
#include <stdlib.h>

#include "base/checked.h"
#include "format/longhorn/internal.h"
#include "io/host_blocks.h"

enum ia_status longhorn_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    struct ia_host_blocks *blocks = NULL;
    int fd = ia_source_fd(cursor->image->main);
    if (fd >= 0)
        IA_TRY(ia_host_blocks_open(fd, &blocks, err));
    cursor->state = blocks;
    return IA_OK;
}

/* Whole sectors, and none that was there already: two runs may share one. */
static enum ia_status push(struct ia_cursor *cursor, const struct ia_host_run *run, struct ia_error *err)
{
    struct ia_extent_sink *sink = &cursor->sink;
    int64_t end = ia_min(run->start + run->length, sink->size);
    int64_t start = ia_max(run->start / LONGHORN_SECTOR * LONGHORN_SECTOR, sink->end);
    end = ia_min(ia_round_up(end, LONGHORN_SECTOR), sink->size);
    struct ia_extent extent = {
        .start = start,
        .length = end - start,
        .offset = cursor->image->main->origin + start,
        .state = IA_EXTENT_DATA,
    };
    return start < end ? ia_extent_sink_push(sink, &extent, err) : IA_OK;
}

enum ia_status longhorn_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    struct ia_host_run run = {.length = cursor->sink.size};
    bool have = false;
    if (cursor->state == NULL) { /* memory, in tests: no holes */
        *done = true;
        return push(cursor, &run, err);
    }
    IA_TRY(ia_host_blocks_next(cursor->state, &run, &have, err));
    *done = !have || run.start >= ia_min(cursor->to, cursor->sink.size);
    bool is_wanted = !*done && run.start + run.length > cursor->from / LONGHORN_SECTOR * LONGHORN_SECTOR;
    return is_wanted ? push(cursor, &run, err) : IA_OK;
}

void longhorn_map_end(struct ia_cursor *cursor)
{
    ia_host_blocks_close(cursor->state);
}
