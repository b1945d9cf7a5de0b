/* SPDX-License-Identifier: MIT */
/* The members of packed files, and their heads. */
#include "io/packed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "io/packed_stream.h"

/* Of a stream whose length nobody states. It can be rounded up and added to. */
#define UNKNOWN_SIZE (INT64_C(1) << 62)

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
    size_t cap = head->cap == 0 ? IA_PACKED_BLOCK_BYTES : head->cap;
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
            ia_packed_note_error(packed);
        else if ((packed->budget->bytes_out -= got) < 0)
            ia_packed_note(packed, IA_LIMIT, "too much to unpack");
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
            ia_packed_note_error(packed);
        else if ((packed->budget->bytes_out -= (int64_t)ia_max((int64_t)len, 1)) < 0)
            ia_packed_note(packed, IA_LIMIT, "too much to unpack");
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
        ia_packed_note_error(packed);
    else if (--packed->budget->members < 0)
        ia_packed_note(packed, IA_LIMIT, "too many members");
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
