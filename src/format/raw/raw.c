/* SPDX-License-Identifier: MIT */
/* A raw image is mapped by the holes of its file. Its size rounds up to whole sectors; what that adds past the end of
 * the file reads as zeroes. */
#include "format/raw/raw.h"

#include <stdio.h>

#include "base/checked.h"

static bool raw_probe(const uint8_t *head, size_t len)
{
    (void)head;
    (void)len;
    return false; /* anything can be raw: that is the caller's decision, never the content's */
}

static enum ia_status raw_open(struct ia_image *image, struct ia_error *err)
{
    if (image->main->size > INT64_MAX - 511)
        return ia_fail(err, IA_LIMIT, "raw image of %jd bytes", (intmax_t)image->main->size);
    image->facts.virtual_size = ia_round_up(image->main->size, 512);
    image->facts.metadata_bytes = 0;
    const char *kind;
    /* The kind is only a description: a disk whose beginning cannot be read has a map all the same. */
    if (ia_raw_kind(image->main, &kind, NULL) == IA_OK)
        snprintf(image->facts.variant, sizeof(image->facts.variant), "%s", kind);
    return IA_OK;
}

static void raw_close(struct ia_image *image)
{
    (void)image;
}

/* Every byte is the guest's: what the host keeps of them does not matter. */
static enum ia_status raw_account(struct ia_image *image, struct ia_error *err)
{
    (void)err;
    ia_space_account(image->space, 0, IA_SPACE_DATA, 0, image->main->size);
    return IA_OK;
}

static enum ia_status raw_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    (void)err;
    cursor->sink.end = ia_min(cursor->from, cursor->sink.size);
    return IA_OK;
}

static enum ia_status raw_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    struct ia_extent_sink *sink = &cursor->sink;
    int64_t at = sink->end;
    *done = at >= sink->size;
    if (*done)
        return IA_OK;
    int64_t end;
    bool hole = ia_source_is_hole(cursor->image->main, at, &end);
    struct ia_extent extent = {
        .start = at,
        .length = ia_min(end, sink->size) - at,
        .offset = cursor->image->main->origin + at,
        .state = hole ? IA_EXTENT_ZERO : IA_EXTENT_DATA,
    };
    return ia_extent_sink_push(sink, &extent, err);
}

static void raw_map_end(struct ia_cursor *cursor)
{
    (void)cursor;
}

/* A hole for zeroes, where the host's file system has them. */
static void raw_describe(const struct ia_image_facts *facts, struct ia_abilities *out)
{
    (void)facts;
    out->zeroes = IA_ZEROES_KEPT;
    out->can_be_written = true;
    out->can_receive = true;
    out->is_good_base = true;
    out->can_grow = true;
    out->can_grow_with_snapshots = true; /* it has none */
}

static const char *const suffixes[] = {".img", ".raw", NULL};

const struct ia_format ia_format_raw = {
    .name = "raw",
    .suffixes = suffixes,
    .is_plain = true,
    .describe = raw_describe,
    .probe = raw_probe,
    .open = raw_open,
    .close = raw_close,
    .account = raw_account,
    .map_begin = raw_map_begin,
    .map_step = raw_map_step,
    .map_end = raw_map_end,
};
