/* SPDX-License-Identifier: MIT */
/* Open images and cursors: checked wrappers around every driver call. */
#include <stdlib.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "format/format.h"
#include "io/host_blocks.h"

/* Extents gathered before a batch is handed out. */
enum { BATCH_EXTENTS = 4096 };

/* The main file's header, and the facts in it. */
static enum ia_status read_facts(struct ia_image *image, struct ia_error *err)
{
    IA_TRY(image->format->open(image, err));
    size_t parts = image->facts.parts.len;
    int most = image->limits->max_parts;
    if (parts > (size_t)most)
        return ia_fail(err, IA_LIMIT, "made of %zu files, more than %d", parts + 1, most + 1);
    return IA_OK;
}

enum ia_status ia_image_open(const struct ia_format *format, struct ia_source *main, const struct ia_limits *limits,
                             struct ia_image **out, struct ia_error *err)
{
    struct ia_image *image = calloc(1, sizeof(*image));
    if (image == NULL)
        return ia_no_memory(err);
    image->format = format;
    image->main = main;
    image->limits = limits;
    image->facts.metadata_bytes = -1;
    image->facts.overlapping = -1;
    enum ia_status status = read_facts(image, err);
    if (status != IA_OK) {
        image->main = NULL; /* stays the caller's */
        ia_image_close(image);
        return status;
    }
    *out = image;
    return IA_OK;
}

void ia_image_close(struct ia_image *image)
{
    if (image == NULL)
        return;
    image->format->close(image);
    ia_image_facts_release(&image->facts);
    for (size_t i = 0; i < image->parts.len; i++)
        ia_source_close(image->parts.items[i]);
    ia_vec_release(&image->parts);
    ia_source_close(image->main);
    free(image);
}

enum ia_status ia_image_attach(struct ia_image *image, size_t number, struct ia_source *source, struct ia_error *err)
{
    if (number >= image->facts.parts.len || (number < image->parts.len && image->parts.items[number] != NULL))
        return ia_fail(err, IA_BUG, "no part %zu to attach", number);
    if (!ia_vec_reserve(&image->parts, image->facts.parts.len))
        return ia_no_memory(err);
    while (image->parts.len < image->facts.parts.len)
        image->parts.items[image->parts.len++] = NULL;
    image->parts.items[number] = source;
    enum ia_status status = image->format->attached == NULL ? IA_OK : image->format->attached(image, number, err);
    if (status != IA_OK)
        image->parts.items[number] = NULL; /* stays the caller's */
    return status;
}

static bool is_whole(const struct ia_image *image)
{
    if (image->parts.len != image->facts.parts.len)
        return false;
    for (size_t i = 0; i < image->parts.len; i++)
        if (image->parts.items[i] == NULL)
            return false;
    return true;
}

enum ia_status ia_image_assemble(struct ia_image *image, struct ia_error *err)
{
    if (!is_whole(image))
        return ia_fail(err, IA_MISSING, "not all files of the image are open");
    if (image->format->assemble != NULL)
        IA_TRY(image->format->assemble(image, err));
    image->assembled = true;
    return IA_OK;
}

/* Formats without parts need not be assembled. */
static bool is_ready(const struct ia_image *image)
{
    return image->assembled || (image->format->assemble == NULL && is_whole(image));
}

enum ia_status ia_image_read_backing_name(struct ia_image *image, int64_t offset, uint32_t length, struct ia_error *err)
{
    IA_AUTO_FREE char *name = calloc(1, (size_t)length + 1);
    if (name == NULL)
        return ia_no_memory(err);
    IA_TRY(ia_source_read(image->main, offset, name, length, "backing file name", err));
    if (name[0] != '\0')
        image->facts.backing_name = ia_steal_ptr(name);
    return IA_OK;
}

struct ia_source *ia_image_source(struct ia_image *image, uint32_t file)
{
    return file == 0 ? image->main : image->parts.items[file - 1];
}

bool ia_image_read_past_end(const struct ia_image *image)
{
    bool past = image->main->beyond_end;
    for (size_t i = 0; i < image->parts.len; i++)
        past = past || (image->parts.items[i] != NULL && image->parts.items[i]->beyond_end);
    return past;
}

int64_t ia_image_allocated(const struct ia_image *image)
{
    int64_t bytes = image->main->allocated;
    for (size_t i = 0; i < image->parts.len; i++)
        bytes += image->parts.items[i] == NULL ? 0 : image->parts.items[i]->allocated;
    return bytes;
}

int64_t ia_image_bytes_read(const struct ia_image *image)
{
    int64_t bytes = image->main->bytes_read;
    for (size_t i = 0; i < image->parts.len; i++)
        bytes += image->parts.items[i] == NULL ? 0 : image->parts.items[i]->bytes_read;
    return bytes;
}

enum ia_status ia_image_find_compressed(struct ia_image *image, size_t mapping, int64_t at,
                                        struct ia_compressed_cluster *found, struct ia_error *err)
{
    if (!is_ready(image))
        return ia_fail(err, IA_MISSING, "not all files of the image are open");
    if (image->format->find_compressed == NULL)
        return ia_fail(err, IA_UNSUPPORTED, "format %s has no compressed extents", image->format->name);
    return image->format->find_compressed(image, mapping, at, found, err);
}

int64_t ia_image_mapping_size(const struct ia_image *image, size_t mapping)
{
    return mapping == 0 ? image->facts.virtual_size : image->facts.snapshots.items[mapping - 1].size;
}

static int64_t add_capped(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

/* Bytes that are no hole. What the host compresses, or reports late, has more of them than blocks. */
static int64_t held_bytes(const struct ia_source *source)
{
    enum { LATE_BYTES = 8 << 20 };
    int fd = ia_source_fd(source);
    bool is_exact = source->allocated > 0 && fd >= 0 && !ia_host_can_compress(fd);
    return is_exact ? source->allocated : add_capped(ia_source_most_bytes(source), LATE_BYTES);
}

int64_t ia_image_most_extents(const struct ia_image *image)
{
    enum { BYTES_EACH = 4, OF_EACH_FILE = 4096 };
    int64_t most = 0;
    for (size_t i = 0; i <= image->parts.len; i++) {
        const struct ia_source *source = i == 0 ? image->main : image->parts.items[i - 1];
        if (source != NULL)
            most = add_capped(most, held_bytes(source) / BYTES_EACH + OF_EACH_FILE);
    }
    return most;
}

/* The one place where metadata_bytes comes from the account. */
static void note_metadata(struct ia_image *image)
{
    int64_t bytes;
    if (!ia_space_failed(image->space) &&
        ia_add(ia_space_bytes(image->space, IA_SPACE_METADATA), ia_space_bytes(image->space, IA_SPACE_BITMAP), &bytes))
        image->facts.metadata_bytes = bytes;
}

static enum ia_status account_space(struct ia_image *image, struct ia_error *err)
{
    if (!is_ready(image))
        return ia_fail(err, IA_MISSING, "not all files of the image are open");
    return image->space == NULL ? IA_OK : image->format->account(image, err);
}

enum ia_status ia_image_account(struct ia_image *image, struct ia_error *err)
{
    enum ia_status status = account_space(image, err);
    if (image->space == NULL)
        return status;
    if (status != IA_OK)
        ia_space_fail(image->space);
    else
        note_metadata(image);
    image->facts.overlapping = image->overlaps ? 1 : ia_space_failed(image->space) ? -1 : 0;
    return status;
}

enum ia_status ia_cursor_open(struct ia_image *image, size_t mapping, int64_t from, int64_t to, struct ia_cursor **out,
                              struct ia_error *err)
{
    if (mapping > image->facts.snapshots.len)
        return ia_fail(err, IA_BUG, "no mapping %zu", mapping);
    if (!is_ready(image))
        return ia_fail(err, IA_MISSING, "not all files of the image are open");
    struct ia_cursor *cursor = calloc(1, sizeof(*cursor));
    if (cursor == NULL)
        return ia_no_memory(err);
    *cursor = (struct ia_cursor){.image = image, .mapping = mapping, .from = from, .to = to};
    ia_extent_sink_init(&cursor->sink, ia_min(to, ia_image_mapping_size(image, mapping)), image->limits->max_extents);
    enum ia_status status = image->format->map_begin(cursor, err);
    if (status != IA_OK) {
        ia_cursor_close(cursor);
        return status;
    }
    *out = cursor;
    return IA_OK;
}

enum ia_status ia_cursor_next(struct ia_cursor *cursor, const struct ia_extent **batch, size_t *count,
                              struct ia_error *err)
{
    struct ia_extent_sink *sink = &cursor->sink;
    sink->batch.len = 0;
    while (!cursor->done && sink->batch.len < BATCH_EXTENTS) {
        IA_TRY(cursor->image->format->map_step(cursor, &cursor->done, err));
        if (cursor->done)
            IA_TRY(ia_extent_sink_finish(sink, err));
    }
    *batch = sink->batch.items;
    *count = sink->batch.len;
    return IA_OK;
}

void ia_cursor_close(struct ia_cursor *cursor)
{
    if (cursor == NULL)
        return;
    cursor->image->format->map_end(cursor);
    ia_extent_sink_release(&cursor->sink);
    free(cursor);
}
