/* SPDX-License-Identifier: MIT */
/* Reading packed files with libarchive: its callbacks, its members, and what they may cost. */
#include "io/packed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "io/archive_library.h"

/* Of a stream whose length nobody states. It can be rounded up and added to. */
#define UNKNOWN_SIZE (INT64_C(1) << 62)

enum { BLOCK_BYTES = 64 << 10, MAX_NAME = 4096 };

struct ia_packed {
    struct ia_archive_library lib;
    struct archive *archive;
    struct ia_source *source; /* borrowed */
    struct ia_packed_budget *budget;
    int64_t at;        /* in the source: what is read next */
    int64_t opening;   /* bytes that may be read until the first member is found */
    bool began, ended; /* a member was found; there is none behind this */
    char name[MAX_NAME];
    struct ia_error failure;
    uint8_t block[BLOCK_BYTES];
};

/* The first failure is the cause of those that follow. libarchive has no words for some. */
static void note(struct ia_packed *packed, enum ia_status status, const char *why)
{
    if (packed->failure.status == IA_OK)
        ia_fail(&packed->failure, status, "%s", why == NULL ? "cannot be unpacked" : why);
}

/* The cause of a failing call. What it had no memory for may be read another time. */
static void note_error(struct ia_packed *packed)
{
    bool no_memory = packed->lib.archive_errno(packed->archive) == ENOMEM;
    note(packed, no_memory ? IA_IO : IA_CORRUPT, packed->lib.archive_error_string(packed->archive));
}

/* -- What libarchive reads ------------------------------------------------------------------------------------------
 */

static la_ssize_t refuse(struct ia_packed *packed, enum ia_status status, const char *why)
{
    note(packed, status, why);
    packed->lib.archive_set_error(packed->archive, EIO, "%s", why);
    return ARCHIVE_FATAL;
}

static la_ssize_t read_block(struct archive *archive, void *ctx, const void **bytes)
{
    struct ia_packed *packed = ctx;
    struct ia_error err = {0};
    (void)archive;
    *bytes = packed->block;
    int64_t len = ia_min(BLOCK_BYTES, packed->source->size - packed->at);
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
    note_error(packed);
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

enum ia_status ia_packed_failure(const struct ia_packed *packed, struct ia_error *err)
{
    if (packed->failure.status == IA_OK)
        return IA_OK;
    return ia_fail(err, packed->failure.status, "%s", packed->failure.message);
}

/* -- The head of a member -------------------------------------------------------------------------------------------
 */

struct head {
    struct ia_source base;
    struct ia_packed *packed;
    uint8_t *bytes; /* owned */
    size_t len, cap;
    bool ended; /* it is no longer than this */
};

static bool grow(struct head *head, size_t want)
{
    if (want <= head->cap)
        return true;
    size_t cap = head->cap == 0 ? BLOCK_BYTES : head->cap;
    while (cap < want) /* ends: want is at most IA_PACKED_HEAD_BYTES */
        cap *= 2;
    uint8_t *bytes = realloc(head->bytes, cap);
    if (bytes == NULL)
        return false;
    head->bytes = bytes;
    head->cap = cap;
    return true;
}

/* Unpacks up to `want` bytes. A failing one is noted. */
static bool fill(struct head *head, size_t want)
{
    struct ia_packed *packed = head->packed;
    while (head->len < want && !head->ended) { /* ends: each round has a byte more, or is the last */
        la_ssize_t got = packed->lib.archive_read_data(packed->archive, head->bytes + head->len, want - head->len);
        if (got < 0)
            note_error(packed);
        else if ((packed->budget->bytes_out -= got) < 0)
            note(packed, IA_LIMIT, "too much to unpack");
        if (packed->failure.status != IA_OK)
            return false;
        head->len += (size_t)got;
        head->ended = got == 0;
    }
    if (head->ended)
        head->base.size = (int64_t)head->len;
    return true;
}

static int64_t head_pread(struct ia_source *source, int64_t off, void *bytes, size_t len)
{
    struct head *head = (struct head *)source;
    int64_t want = ia_min(off, IA_PACKED_HEAD_BYTES) + (int64_t)ia_min((int64_t)len, IA_PACKED_HEAD_BYTES);
    want = ia_min(want, IA_PACKED_HEAD_BYTES);
    if (!grow(head, (size_t)want))
        return -ENOMEM;
    if (!fill(head, (size_t)want))
        return -EIO;
    if (off >= (int64_t)head->len)
        return head->ended ? 0 : -EFBIG;
    size_t count = (size_t)ia_min((int64_t)len, (int64_t)head->len - off);
    memcpy(bytes, head->bytes + off, count);
    return (int64_t)count;
}

static int64_t head_extent_end(struct ia_source *source, int64_t off, bool *hole)
{
    (void)off;
    *hole = false;
    return source->size;
}

static void head_close(struct ia_source *source)
{
    free(((struct head *)source)->bytes);
    free(source);
}

static const struct ia_source_ops head_ops = {.pread = head_pread, .extent_end = head_extent_end, .close = head_close};

static enum ia_status open_head(struct ia_packed *packed, struct archive_entry *entry, struct ia_source **out,
                                struct ia_error *err)
{
    struct head *head = calloc(1, sizeof(*head));
    if (head == NULL)
        return ia_no_memory(err);
    int64_t size = packed->lib.archive_entry_size_is_set(entry) ? packed->lib.archive_entry_size(entry) : UNKNOWN_SIZE;
    if (size < 0 || size > UNKNOWN_SIZE)
        size = UNKNOWN_SIZE;
    head->base = (struct ia_source){.ops = &head_ops, .size = size, .is_head = size > IA_PACKED_HEAD_BYTES};
    head->packed = packed;
    *out = &head->base;
    return IA_OK;
}

/* -- Members --------------------------------------------------------------------------------------------------------
 */

static bool is_compressed(const struct ia_packed *packed)
{
    return packed->lib.archive_filter_count(packed->archive) > 1; /* the last is the file itself */
}

/* Passes the rest of a member over. Where libarchive finds the next one without unpacking it does that by itself; else
 * it would unpack without a bound. */
static enum ia_status pass_over(struct ia_packed *packed, struct ia_error *err)
{
    int format = packed->lib.archive_format(packed->archive) & ARCHIVE_FORMAT_BASE_MASK;
    if (format == ARCHIVE_FORMAT_ZIP || (format == ARCHIVE_FORMAT_TAR && !is_compressed(packed)))
        return IA_OK;
    for (;;) { /* ends: each round takes from the budget, or is the last */
        const void *bytes;
        size_t len = 0;
        la_int64_t offset;
        int code = packed->lib.archive_read_data_block(packed->archive, &bytes, &len, &offset);
        if (code == ARCHIVE_EOF)
            return IA_OK;
        if (code != ARCHIVE_OK)
            note_error(packed);
        else if ((packed->budget->bytes_out -= (int64_t)ia_max((int64_t)len, 1)) < 0)
            note(packed, IA_LIMIT, "too much to unpack");
        IA_TRY(ia_packed_failure(packed, err));
    }
}

/* What has a magic and is none of the formats is taken for a compressed file without compression. */
static enum ia_status check_kind(const struct ia_packed *packed, struct ia_error *err)
{
    bool is_raw = packed->lib.archive_format(packed->archive) == ARCHIVE_FORMAT_RAW;
    return is_raw && !is_compressed(packed)
               ? ia_fail(err, IA_UNSUPPORTED, "damaged, or packed in a way that is not read")
               : IA_OK;
}

/* The header of the next member; NULL behind the last. */
static enum ia_status next_entry(struct ia_packed *packed, struct archive_entry **entry, struct ia_error *err)
{
    *entry = NULL;
    if (packed->began)
        IA_TRY(pass_over(packed, err));
    int code = packed->lib.archive_read_next_header(packed->archive, entry);
    if (code == ARCHIVE_EOF) {
        *entry = NULL;
        return IA_OK;
    }
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN)
        note_error(packed);
    else if (--packed->budget->members < 0)
        note(packed, IA_LIMIT, "too many members");
    IA_TRY(ia_packed_failure(packed, err));
    packed->began = true;
    packed->ended = packed->lib.archive_format(packed->archive) == ARCHIVE_FORMAT_RAW; /* that has one */
    return check_kind(packed, err);
}

static void set_name(struct ia_packed *packed, struct archive_entry *entry)
{
    const char *name = packed->lib.archive_entry_pathname(entry);
    if (name == NULL)
        name = packed->lib.archive_entry_pathname_utf8(entry);
    if (name == NULL || packed->lib.archive_format(packed->archive) == ARCHIVE_FORMAT_RAW)
        name = "";
    snprintf(packed->name, sizeof(packed->name), "%s", name);
}

enum ia_status ia_packed_next(struct ia_packed *packed, struct ia_source **member, const char **name,
                              struct ia_error *err)
{
    *member = NULL;
    *name = packed->name;
    while (!packed->ended) { /* ends: each round takes a member from the budget */
        struct archive_entry *entry;
        IA_TRY(next_entry(packed, &entry, err));
        if (entry == NULL)
            break;
        if (packed->lib.archive_entry_filetype(entry) != AE_IFREG)
            continue;
        set_name(packed, entry);
        if (packed->lib.archive_entry_is_encrypted(entry))
            return ia_fail(err, IA_UNSUPPORTED, "'%.200s' is encrypted", packed->name);
        return open_head(packed, entry, member, err);
    }
    return IA_OK;
}
