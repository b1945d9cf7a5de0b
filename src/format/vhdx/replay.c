/* SPDX-License-Identifier: MIT */
/* The file as its log makes it: patches that lie over its bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "format/vhdx/internal.h"

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Where patches begin and end, ascending, each once. */
static size_t find_points(const struct vhdx_patch *written, size_t count, int64_t *points)
{
    for (size_t i = 0; i < count; i++) {
        points[2 * i] = written[i].start;
        points[2 * i + 1] = written[i].start + written[i].length;
    }
    qsort(points, 2 * count, sizeof(*points), compare);
    size_t kept = 0;
    for (size_t i = 0; i < 2 * count; i++)
        if (kept == 0 || points[kept - 1] != points[i])
            points[kept++] = points[i];
    return kept;
}

static size_t find_point(const int64_t *points, size_t count, int64_t value)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (points[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first piece from `at` on that no later patch has taken; ends, as each link leads upwards. The links that were
 * followed are made to lead further. */
static size_t skip_taken(size_t *next, size_t at)
{
    while (next[at] != at) {
        next[at] = next[next[at]];
        at = next[at];
    }
    return at;
}

/* Gives each piece between two points to the last patch that covers it: the newest patch takes first. */
static void assign(const struct vhdx_patch *written, size_t count, const int64_t *points, size_t point_count,
                   size_t *next, const struct vhdx_patch **owners)
{
    for (size_t i = 0; i < point_count; i++)
        next[i] = i;
    for (size_t i = count; i-- > 0;) {
        int64_t end = written[i].start + written[i].length;
        size_t at = skip_taken(next, find_point(points, point_count, written[i].start));
        while (points[at] < end) { /* ends: the last point is no less than any end, and none takes it */
            owners[at] = &written[i];
            next[at] = at + 1;
            at = skip_taken(next, at);
        }
    }
}

enum ia_status vhdx_replay_set(struct vhdx_replay *replay, struct vhdx_patch *written, size_t count,
                               struct ia_error *err)
{
    if (count == 0)
        return IA_OK;
    IA_AUTO_FREE int64_t *points = calloc(2 * count, sizeof(*points));
    IA_AUTO_FREE size_t *next = calloc(2 * count, sizeof(*next));
    IA_AUTO_FREE const struct vhdx_patch **owners = calloc(2 * count, sizeof(*owners));
    if (points == NULL || next == NULL || owners == NULL)
        return ia_no_memory(err);
    size_t point_count = find_points(written, count, points);
    assign(written, count, points, point_count, next, owners);
    for (size_t i = 0; i + 1 < point_count; i++) {
        if (owners[i] == NULL)
            continue;
        struct vhdx_patch piece = *owners[i];
        piece.start = points[i];
        piece.length = points[i + 1] - points[i];
        if (!ia_vec_push(&replay->patches, piece))
            return ia_no_memory(err);
    }
    replay->size = ia_max(replay->size, points[point_count - 1]);
    return IA_OK;
}

const struct vhdx_patch *vhdx_replay_find(const struct vhdx_replay *replay, int64_t at)
{
    size_t low = 0;
    size_t high = replay->patches.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct vhdx_patch *patch = &replay->patches.items[middle];
        if (patch->start + patch->length > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low < replay->patches.len ? &replay->patches.items[low] : NULL;
}

/* Puts what `patch` has for [off, off + len) into bytes. */
static enum ia_status apply(struct ia_source *main, const struct vhdx_patch *patch, int64_t off, uint8_t *bytes,
                            int64_t len, struct ia_error *err)
{
    int64_t start = ia_max(off, patch->start);
    int64_t end = ia_min(off + len, patch->start + patch->length);
    uint8_t sector[VHDX_LOG_SECTOR];
    if (patch->sector == -1) {
        memset(bytes + (start - off), 0, (size_t)(end - start));
        return IA_OK;
    }
    IA_TRY(ia_source_read(main, patch->sector, sector, sizeof(sector), "log", err));
    memcpy(sector, patch->leading, sizeof(patch->leading));
    memcpy(sector + sizeof(sector) - sizeof(patch->trailing), patch->trailing, sizeof(patch->trailing));
    memcpy(bytes + (start - off), sector + (start - patch->start), (size_t)(end - start));
    return IA_OK;
}

enum ia_status vhdx_read(struct ia_image *image, int64_t off, void *bytes, size_t len, const char *what,
                         struct ia_error *err)
{
    const struct vhdx_replay *replay = &((const struct vhdx *)image->state)->replay;
    struct ia_source *main = image->main;
    if (replay->size <= main->size && replay->patches.len == 0)
        return ia_source_read(main, off, bytes, len, what, err);
    if (!ia_range_inside(off, (int64_t)len, vhdx_file_size(image)))
        main->beyond_end = true;
    /* What the log adds to the file's length is not there yet, and zero. */
    size_t inside = off >= main->size ? 0 : (size_t)ia_min((int64_t)len, main->size - off);
    if (inside > 0)
        IA_TRY(ia_source_read(main, off, bytes, inside, what, err));
    memset((uint8_t *)bytes + inside, 0, len - inside);
    int64_t end = off > INT64_MAX - (int64_t)len ? INT64_MAX : off + (int64_t)len;
    const struct vhdx_patch *patch = vhdx_replay_find(replay, off);
    while (patch != NULL && patch->start < end) {
        IA_TRY(apply(main, patch, off, bytes, end - off, err));
        patch = vhdx_replay_find(replay, patch->start + patch->length);
    }
    return IA_OK;
}
