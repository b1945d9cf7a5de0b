/* SPDX-License-Identifier: MIT */
/* Packed files as libarchive reads them: its callbacks, what they may cost, and the first failure. */
#include "io/packed_stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/checked.h"

void ia_packed_note(struct ia_packed *packed, enum ia_status status, const char *why)
{
    if (packed->failure.status == IA_OK)
        ia_fail(&packed->failure, status, "%s", why == NULL ? "cannot be unpacked" : why);
}

void ia_packed_note_error(struct ia_packed *packed)
{
    bool no_memory = packed->lib.archive_errno(packed->archive) == ENOMEM;
    ia_packed_note(packed, no_memory ? IA_IO : IA_CORRUPT, packed->lib.archive_error_string(packed->archive));
}

static la_ssize_t refuse(struct ia_packed *packed, enum ia_status status, const char *why)
{
    ia_packed_note(packed, status, why);
    packed->lib.archive_set_error(packed->archive, EIO, "%s", why);
    return ARCHIVE_FATAL;
}

static la_ssize_t read_block(struct archive *archive, void *ctx, const void **bytes)
{
    struct ia_packed *packed = ctx;
    struct ia_error err = {0};
    (void)archive;
    *bytes = packed->block;
    int64_t len = ia_min(IA_PACKED_BLOCK_BYTES, packed->source->size - packed->at);
    if (len <= 0)
        return 0;
    if (!packed->began && (packed->opening -= len) < 0)
        return refuse(packed, IA_LIMIT, "too much to read before the first member");
    if ((packed->budget->bytes_in -= len) < 0)
        return refuse(packed, IA_LIMIT, "too much to read");
    if (ia_source_read(packed->source, packed->at, packed->block, (size_t)len, "a packed file", &err) != IA_OK)
        return refuse(packed, err.status, err.message);
    len = ia_max(ia_min(len, packed->source->size - packed->at), 0); /* a member may turn out to end here */
    packed->at += len;
    return (la_ssize_t)len;
}

static la_int64_t skip(struct archive *archive, void *ctx, la_int64_t count)
{
    struct ia_packed *packed = ctx;
    (void)archive;
    if (packed->source->is_head)
        return 0; /* it has to be read: where it ends is unknown */
    la_int64_t skipped = ia_max(ia_min(count, packed->source->size - packed->at), 0);
    packed->at += skipped;
    return skipped;
}

static la_int64_t seek(struct archive *archive, void *ctx, la_int64_t offset, int whence)
{
    struct ia_packed *packed = ctx;
    int64_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? packed->at : packed->source->size;
    int64_t to;
    (void)archive;
    if (offset < -from || !ia_add(from, offset, &to))
        return refuse(packed, IA_CORRUPT, "a place outside of the file");
    packed->at = ia_min(to, packed->source->size);
    return packed->at;
}

/* Those that libarchive reads by itself. Where it was built without one it would run a program instead, and returns a
 * warning. Of zip files the directory at their end counts: without it they would have to be unpacked to be passed over.
 */
static enum ia_status enable_readers(struct ia_packed *packed, struct ia_error *err)
{
    const struct ia_archive_library *lib = &packed->lib;
    const struct {
        int (*enable)(struct archive *archive);
        const char *what;
    } readers[] = {
        {lib->archive_read_support_filter_gzip, "gzip"},     {lib->archive_read_support_filter_bzip2, "bzip2"},
        {lib->archive_read_support_filter_xz, "xz"},         {lib->archive_read_support_filter_lzma, "lzma"},
        {lib->archive_read_support_filter_lzip, "lzip"},     {lib->archive_read_support_filter_zstd, "zstd"},
        {lib->archive_read_support_filter_lz4, "lz4"},       {lib->archive_read_support_filter_compress, "compress"},
        {lib->archive_read_support_format_tar, "tar"},       {lib->archive_read_support_format_zip_seekable, "zip"},
        {lib->archive_read_support_format_7zip, "7-Zip"},    {lib->archive_read_support_format_raw, "compressed files"},
        {lib->archive_read_support_format_empty, "nothing"},
    };
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
        if (readers[i].enable(packed->archive) != ARCHIVE_OK)
            return ia_fail(err, IA_UNSUPPORTED, "this libarchive does not read %s", readers[i].what);
    return IA_OK;
}

static enum ia_status begin(struct ia_packed *packed, struct ia_error *err)
{
    packed->archive = packed->lib.archive_read_new();
    if (packed->archive == NULL)
        return ia_no_memory(err);
    IA_TRY(enable_readers(packed, err));
    packed->lib.archive_read_set_read_callback(packed->archive, read_block);
    packed->lib.archive_read_set_skip_callback(packed->archive, skip);
    if (!packed->source->is_head)
        packed->lib.archive_read_set_seek_callback(packed->archive, seek);
    packed->lib.archive_read_set_callback_data(packed->archive, packed);
    if (packed->lib.archive_read_open1(packed->archive) == ARCHIVE_OK)
        return IA_OK;
    ia_packed_note_error(packed);
    return ia_packed_failure(packed, err);
}

enum ia_status ia_packed_open(struct ia_source *source, struct ia_packed_budget *budget, struct ia_packed **out,
                              struct ia_error *err)
{
    struct ia_packed *packed = calloc(1, sizeof(*packed));
    if (packed == NULL)
        return ia_no_memory(err);
    packed->source = source;
    packed->budget = budget;
    packed->opening = IA_PACKED_OPENING_BYTES;
    enum ia_status status = ia_archive_library_load(&packed->lib, err);
    if (status == IA_OK)
        status = begin(packed, err);
    if (status != IA_OK) {
        ia_packed_close(packed);
        return status;
    }
    *out = packed;
    return IA_OK;
}

void ia_packed_close(struct ia_packed *packed)
{
    if (packed == NULL)
        return;
    if (packed->archive != NULL)
        packed->lib.archive_read_free(packed->archive);
    free(packed);
}

bool ia_packed_has_failed(const struct ia_packed *packed)
{
    return packed->failure.status != IA_OK;
}

enum ia_status ia_packed_failure(const struct ia_packed *packed, struct ia_error *err)
{
    if (packed->failure.status == IA_OK)
        return IA_OK;
    return ia_fail(err, packed->failure.status, "%s", packed->failure.message);
}
