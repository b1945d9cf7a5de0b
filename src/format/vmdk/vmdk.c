/* SPDX-License-Identifier: MIT */
/* The VMDK driver's entry points. */
#include "format/vmdk/vmdk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/vmdk/internal.h"

static bool is_sparse(const uint8_t *head)
{
    return memcmp(head, "KDMV", 4) == 0 || memcmp(head, "COWD", 4) == 0;
}

static bool begins(const char *at, const char *end, const char *text)
{
    size_t len = strlen(text);
    return (size_t)(end - at) >= len && memcmp(at, text, len) == 0;
}

/* Behind comments and lines of blanks a version, as QEMU requires it. */
static bool is_descriptor(const char *at, const char *end)
{
    while (at < end && (*at == '#' || *at == ' ')) {
        bool comment = *at == '#';
        while (at < end && (comment ? *at != '\n' : *at == ' '))
            at++;
        if (!comment && at < end && *at == '\r')
            at++;
        if (at == end || *at != '\n')
            return false;
        at++;
    }
    if (!begins(at, end, "version=") || end - at < 10 || at[8] < '1' || at[8] > '3')
        return false;
    return at[9] == '\n' || begins(at + 9, end, "\r\n");
}

static bool vmdk_probe(const uint8_t *head, size_t len)
{
    return len >= 4 && (is_sparse(head) || is_descriptor((const char *)head, (const char *)head + len));
}

/* Puts the extents one after another and completes the facts that follow from them. */
static enum ia_status complete(struct ia_image *image, struct vmdk *v, struct ia_error *err)
{
    struct ia_image_facts *facts = &image->facts;
    int64_t end = 0;
    for (size_t i = 0; i < v->extents.len; i++) {
        struct vmdk_extent *extent = &v->extents.items[i];
        bool sparse = extent->kind == VMDK_SPARSE || extent->kind == VMDK_SESPARSE;
        int64_t grain_size = sparse ? extent->grain_size : 0;
        extent->start = end;
        if (!ia_add(end, extent->length, &end))
            return ia_fail(err, IA_CORRUPT, "the extents together are larger than 2^63 bytes");
        facts->cluster_size = i == 0 || facts->cluster_size == grain_size ? grain_size : 0;
        facts->dirty = facts->dirty || extent->dirty;
        facts->zeroed_grains = facts->zeroed_grains || extent->has_zero_grains;
        /* vmdk_open_se_sparse; vmdk_write_extent: a grain that is there is not compressed again */
        facts->read_only = facts->read_only || extent->kind == VMDK_SESPARSE;
        facts->write_once = facts->write_once || extent->compressed;
        facts->marked_corrupt = facts->marked_corrupt || extent->damaged;
    }
    facts->virtual_size = end;
    return IA_OK;
}

/* The text names the extents' files; their headers are read when these are there. */
static enum ia_status open_text(struct ia_image *image, struct vmdk *v, const char *text, struct ia_error *err)
{
    IA_TRY(vmdk_parse_create_type(v, text, err));
    IA_TRY(vmdk_parse_lines(image, v, text, err));
    IA_TRY(vmdk_parse_identity(image, text, err));
    snprintf(image->facts.variant, sizeof(image->facts.variant), "%.90s", v->create_type);
    return complete(image, v, err);
}

static void describe_sparse(struct ia_image *image, const struct vmdk_extent *extent, bool piece)
{
    struct ia_image_facts *facts = &image->facts;
    const char *what = piece ? "sparse extent" : extent->compressed ? "streamOptimized" : "monolithicSparse";
    facts->version = extent->cowd ? 1 : (int)extent->version;
    if (extent->cowd)
        snprintf(facts->variant, sizeof(facts->variant), "COWD extent");
    else
        snprintf(facts->variant, sizeof(facts->variant), "%s v%u%s", what, extent->version,
                 extent->has_zero_grains ? " zeroed-grain" : "");
}

/* A sparse extent, with its descriptor inside; one of several of an image has none, and is read by its header alone. */
static enum ia_status open_sparse(struct ia_image *image, struct vmdk *v, struct ia_error *err)
{
    IA_AUTO_FREE char *text = NULL;
    struct vmdk_extent extent = {.kind = VMDK_SPARSE};
    IA_TRY(vmdk_read_sparse(image->main, &extent, err));
    if (extent.descriptor_sector > 1)
        return ia_fail(err, IA_UNSUPPORTED, "embedded descriptor at sector %jd", (intmax_t)extent.descriptor_sector);
    IA_TRY(vmdk_read_text(image->main, VMDK_DESCRIPTOR_OFFSET, VMDK_EMBEDDED_BYTES, &text, err));
    if (extent.entry_size == 0)
        return open_text(image, v, text, err);
    bool piece = !vmdk_has_cid(text) && (extent.descriptor_sector == 0 || text[0] == '\0');
    if (!piece)
        IA_TRY(vmdk_parse_identity(image, text, err));
    if (!ia_vec_push(&v->extents, extent))
        return ia_no_memory(err);
    describe_sparse(image, &extent, piece);
    return complete(image, v, err);
}

static enum ia_status open_descriptor(struct ia_image *image, struct vmdk *v, struct ia_error *err)
{
    IA_AUTO_FREE char *text = NULL;
    IA_TRY(vmdk_read_text(image->main, 0, VMDK_TEXT_BYTES, &text, err));
    return open_text(image, v, text, err);
}

static enum ia_status vmdk_open(struct ia_image *image, struct ia_error *err)
{
    uint8_t magic[4];
    struct vmdk *v = calloc(1, sizeof(*v));
    if (v == NULL)
        return ia_no_memory(err);
    image->state = v;
    if (image->main->size < (int64_t)sizeof(magic))
        return ia_fail(err, IA_NOT_MINE, "no VMDK image in %jd bytes", (intmax_t)image->main->size);
    IA_TRY(ia_source_read(image->main, 0, magic, sizeof(magic), "VMDK magic", err));
    return is_sparse(magic) ? open_sparse(image, v, err) : open_descriptor(image, v, err);
}

static enum ia_status read_part(struct ia_image *image, struct vmdk_extent *extent, struct ia_error *err)
{
    struct ia_source *source = ia_image_source(image, extent->file);
    if (extent->kind == VMDK_FLAT && extent->offset + extent->length > ia_round_up(source->size, VMDK_SECTOR))
        image->facts.truncated = true;
    if (extent->kind == VMDK_SESPARSE)
        return vmdk_read_sesparse(source, extent, err);
    if (extent->kind != VMDK_SPARSE)
        return IA_OK;
    IA_TRY(vmdk_read_sparse(source, extent, err));
    if (extent->entry_size == 0)
        IA_TRY(ia_fail(err, IA_UNSUPPORTED, "an extent that is itself described by another descriptor"));
    return IA_OK;
}

static enum ia_status vmdk_assemble(struct ia_image *image, struct ia_error *err)
{
    struct vmdk *v = image->state;
    for (size_t i = 0; i < v->extents.len && image->facts.parts.len > 0; i++) {
        struct vmdk_extent *extent = &v->extents.items[i];
        struct ia_error cause = {0};
        enum ia_status status = read_part(image, extent, &cause);
        if (status != IA_OK)
            return ia_fail(err, status, "extent '%.200s': %.280s", image->facts.parts.items[extent->file - 1].name,
                           cause.message);
    }
    return complete(image, v, err);
}

static void vmdk_close(struct ia_image *image)
{
    struct vmdk *v = image->state;
    if (v == NULL)
        return;
    ia_vec_release(&v->extents);
    free(v->create_type);
    free(v);
}

/* Alone among the formats that are not QEMU's own it has backing files for QEMU. A commit does not empty it. */
static void vmdk_describe(const struct ia_image_facts *facts, struct ia_abilities *out)
{
    out->zeroes_are_known = !facts->zeroed_grains;
    out->can_be_written = !facts->read_only && !facts->write_once;
    out->can_commit = !facts->read_only;
    out->can_receive = out->can_be_written;
}

static const char *const suffixes[] = {".vmdk", NULL};

const struct ia_format ia_format_vmdk = {
    .name = "vmdk",
    .suffixes = suffixes,
    .has_lock_files = true,
    .describe = vmdk_describe,
    .probe = vmdk_probe,
    .open = vmdk_open,
    .close = vmdk_close,
    .assemble = vmdk_assemble,
    .map_begin = vmdk_map_begin,
    .map_step = vmdk_map_step,
    .map_end = vmdk_map_end,
    .find_compressed = vmdk_find_compressed,
    .account = vmdk_account,
};
