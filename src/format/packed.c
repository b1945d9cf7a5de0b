/* SPDX-License-Identifier: MIT */
/* The members of packed files, as images. */
#include "format/packed.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "io/packed.h"

enum { MAX_LEVELS = 3 };

_Static_assert((int)IA_PACKED_MAGIC_BYTES <= (int)IA_PROBE_BYTES, "what is read to probe is enough");

struct unpacking {
    const struct ia_limits *limits;
    struct ia_packed_budget budget;
    ia_packed_image *each;
    void *ctx;
    bool *found;          /* the beginning of an image is enough: it is set, and that is all; NULL: each is called */
    int level;            /* of the archive whose members are read */
    bool is_image;        /* some member should be one */
    bool callback_failed; /* `each` did, and not the packed file */
};

static enum ia_status read_level(struct unpacking *unpacking, struct ia_source *source, const char *outer,
                                 struct ia_error *err);

/* The name of a member of what is packed itself. */
static bool join(struct ia_buf *out, const char *outer, const char *name)
{
    ia_buf_add_str(out, outer);
    if (outer[0] != '\0' && name[0] != '\0')
        ia_buf_add_char(out, '/');
    ia_buf_add_str(out, name);
    return !out->failed;
}

/* Takes ownership of member. */
static enum ia_status read_image(struct unpacking *unpacking, const struct ia_format *format, struct ia_source *member,
                                 const char *name, struct ia_error *err)
{
    struct ia_image *image = NULL;
    enum ia_status status = ia_image_open(format, member, unpacking->limits, &image, err);
    if (status != IA_OK) {
        ia_source_close(member);
        return status;
    }
    status = unpacking->each(unpacking->ctx, name, image, err);
    unpacking->callback_failed = status != IA_OK;
    ia_image_close(image);
    return status;
}

static enum ia_status read_packed_again(struct unpacking *unpacking, struct ia_source *member, const char *name,
                                        struct ia_error *err)
{
    if (unpacking->level == MAX_LEVELS)
        return ia_fail(err, IA_LIMIT, "packed more than %d times", MAX_LEVELS);
    unpacking->level++;
    enum ia_status status = read_level(unpacking, member, name, err);
    unpacking->level--;
    return status;
}

/* Takes ownership of member. */
static enum ia_status read_member(struct unpacking *unpacking, struct ia_source *member, const char *name,
                                  struct ia_error *err)
{
    uint8_t head[IA_PROBE_BYTES] = {0};
    enum ia_status status = ia_source_read(member, 0, head, sizeof(head), "the first bytes", err);
    const struct ia_format *format = NULL;
    if (status == IA_OK && member->size > 0)
        format = ia_format_probe(head, sizeof(head), NULL);
    if (format != NULL && unpacking->found == NULL)
        return read_image(unpacking, format, member, name, err);
    if (format != NULL)
        *unpacking->found = true;
    else if (status == IA_OK && ia_packed_has_magic(head, sizeof(head)))
        status = read_packed_again(unpacking, member, name, err);
    else if (status == IA_OK && unpacking->is_image && ia_packed_has_unread_magic(head, sizeof(head)))
        status = ia_fail(err, IA_UNSUPPORTED, "holds an archive of a kind that is not read");
    ia_source_close(member);
    return status;
}

/* The cause of a failure is what went wrong in unpacking, if anything did. */
static enum ia_status explain(const struct unpacking *unpacking, const struct ia_packed *packed, enum ia_status status,
                              const char *name, struct ia_error *err)
{
    struct ia_error cause = *err;
    if (status == IA_NOMEM || unpacking->callback_failed)
        return status;
    enum ia_status failed = ia_packed_failure(packed, &cause);
    status = failed != IA_OK ? failed : status;
    return name[0] == '\0' ? ia_fail(err, status, "%s", cause.message)
                           : ia_fail(err, status, "'%.200s': %.280s", name, cause.message);
}

static enum ia_status read_members(struct unpacking *unpacking, struct ia_packed *packed, const char *outer,
                                   struct ia_error *err)
{
    for (;;) { /* ends: each member takes from the budget */
        IA_AUTO_BUF struct ia_buf full = {0};
        struct ia_source *member;
        const char *name;
        IA_TRY(ia_packed_next(packed, &member, &name, err));
        if (member == NULL)
            return IA_OK;
        if (!join(&full, outer, name)) {
            ia_source_close(member);
            return ia_no_memory(err);
        }
        enum ia_status status = read_member(unpacking, member, full.data, err);
        bool is_passed = unpacking->found != NULL && status != IA_NOMEM && !ia_packed_has_failed(packed);
        if (status != IA_OK && !is_passed)
            return explain(unpacking, packed, status, name, err);
        if (unpacking->found != NULL && *unpacking->found)
            return IA_OK;
    }
}

static enum ia_status read_level(struct unpacking *unpacking, struct ia_source *source, const char *outer,
                                 struct ia_error *err)
{
    struct ia_packed *packed = NULL;
    IA_TRY(ia_packed_open(source, &unpacking->budget, &packed, err));
    enum ia_status status = read_members(unpacking, packed, outer, err);
    ia_packed_close(packed);
    return status;
}

static enum ia_status unpack(struct unpacking *unpacking, struct ia_source *source, struct ia_error *err)
{
    struct ia_error cause = {0};
    uint8_t head[IA_PACKED_MAGIC_BYTES] = {0};
    bool beyond_end = source->beyond_end;
    IA_TRY(ia_source_read(source, 0, head, sizeof(head), "the first bytes", err));
    source->beyond_end = beyond_end;
    if (!ia_packed_has_magic(head, sizeof(head)))
        return ia_fail(err, IA_NOT_MINE, "not packed");
    enum ia_status status = read_level(unpacking, source, "", &cause);
    return status == IA_OK ? IA_OK : ia_fail(err, status == IA_NOT_MINE ? IA_CORRUPT : status, "%s", cause.message);
}

enum ia_status ia_packed_read(struct ia_source *source, const struct ia_limits *limits, bool is_image,
                              ia_packed_image *each, void *ctx, struct ia_error *err)
{
    struct unpacking unpacking = {
        .limits = limits,
        .budget = {limits->max_packed_members, limits->max_packed_bytes, limits->max_packed_bytes},
        .each = each,
        .ctx = ctx,
        .is_image = is_image,
        .level = 1,
    };
    return unpack(&unpacking, source, err);
}

enum ia_status ia_packed_peek(struct ia_source *source, const struct ia_limits *limits, bool *found,
                              struct ia_error *err)
{
    struct unpacking unpacking = {
        .limits = limits,
        .budget = {limits->max_packed_members, limits->max_peek_bytes, limits->max_peek_bytes},
        .found = found,
        .level = 1,
    };
    *found = false;
    return unpack(&unpacking, source, err);
}
