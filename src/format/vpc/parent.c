/* SPDX-License-Identifier: MIT */
/* The parent of a differencing disk: its unique id and name in the dynamic header, and the parent locators.
 * The parent's time stamp is not used: it is the modification time of the parent's file when the child was made, which
 * any copy changes, and Hyper-V does not insist on it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/cleanup.h"
#include "format/names.h"
#include "format/vpc/internal.h"

/* Offsets in the dynamic header and in a locator of it */
enum {
    UUID_AT = 40,
    NAME_AT = 64,
    NAME_BYTES = 512,
    LOCATORS_AT = 576,
    LOCATOR_BYTES = 24,
    SPACE_AT = 4,
    LENGTH_AT = 8,
    OFFSET_AT = 16,
};

void vpc_identity(const uint8_t uuid[16], char out[64])
{
    static const uint8_t none[16];
    char text[37];
    if (memcmp(uuid, none, sizeof(none)) == 0)
        return;
    ia_names_uuid(uuid, false, text);
    snprintf(out, 64, "uuid %s", text);
}

static enum ia_status to_utf8(const uint8_t *bytes, size_t len, bool big_endian, char **out, struct ia_error *err)
{
    struct ia_buf text = {0};
    ia_buf_add_str(&text, "");
    ia_names_add_utf16(&text, bytes, len, big_endian);
    *out = ia_buf_steal(&text);
    return *out != NULL ? IA_OK : ia_no_memory(err);
}

/* A path to try. The first one is the parent's name where the header has none. */
static enum ia_status add_path(struct ia_image_facts *facts, const char *path, struct ia_error *err)
{
    if (path[0] == '\0')
        return IA_OK;
    if (facts->backing_name == NULL)
        facts->backing_name = strdup(path);
    if (facts->backing_name == NULL || !ia_names_add_backing_path(facts, path))
        return ia_no_memory(err);
    return IA_OK;
}

static enum ia_status add_locator(struct ia_image *image, unsigned number, const uint8_t *locator, struct ia_error *err)
{
    uint32_t length = ia_be32(locator + LENGTH_AT);
    uint64_t offset = ia_be64(locator + OFFSET_AT);
    if (length > VPC_MAX_LOCATOR_BYTES || offset > INT64_MAX ||
        !ia_range_inside((int64_t)offset, length, image->main->size))
        return ia_fail(err, IA_CORRUPT, "VHD parent locator %u: %u bytes at %#jx", number, length, (uintmax_t)offset);
    IA_AUTO_FREE char *path = NULL;
    IA_AUTO_FREE uint8_t *bytes = malloc((size_t)length + 1);
    if (bytes == NULL)
        return ia_no_memory(err);
    IA_TRY(ia_source_read(image->main, (int64_t)offset, bytes, length, "VHD parent locator", err));
    IA_TRY(to_utf8(bytes, length, false, &path, err));
    return add_path(&image->facts, path, err);
}

/* All locators of one platform code. */
static enum ia_status add_locators(struct ia_image *image, const uint8_t *header, const char *code,
                                   struct ia_error *err)
{
    for (unsigned i = 0; i < VPC_LOCATORS; i++) {
        const uint8_t *locator = header + LOCATORS_AT + (size_t)i * LOCATOR_BYTES;
        if (memcmp(locator, code, 4) == 0)
            IA_TRY(add_locator(image, i, locator, err));
    }
    return IA_OK;
}

/* The room of each locator. "Platform Data Space" is a number of sectors by the specification, and one of bytes by
 * those who write it; below the length of the data it cannot be bytes. */
static void note_locators(const struct ia_image *image, struct vpc *v, const uint8_t *header)
{
    for (size_t i = 0; i < VPC_LOCATORS; i++) {
        const uint8_t *locator = header + LOCATORS_AT + i * LOCATOR_BYTES;
        int64_t space = ia_be32(locator + SPACE_AT);
        int64_t length = ia_be32(locator + LENGTH_AT);
        uint64_t offset = ia_be64(locator + OFFSET_AT);
        if (ia_be32(locator) == 0 || offset > INT64_MAX)
            continue;
        space = space < length ? space * VPC_SECTOR : space;
        length = space <= VPC_MAX_LOCATOR_BYTES ? ia_max(space, length) : length;
        if (ia_range_inside((int64_t)offset, length, image->main->size))
            v->locators[i] = (struct vpc_range){(int64_t)offset, length};
    }
}

enum ia_status vpc_read_parent(struct ia_image *image, struct vpc *v, const uint8_t *header, struct ia_error *err)
{
    struct ia_image_facts *facts = &image->facts;
    IA_AUTO_FREE char *name = NULL;
    vpc_identity(header + UUID_AT, image->identity.parent);
    note_locators(image, v, header);
    IA_TRY(to_utf8(header + NAME_AT, NAME_BYTES, true, &name, err));
    if (name[0] != '\0' && (facts->backing_name = strdup(name)) == NULL)
        return ia_no_memory(err);
    /* Relative paths first: they hold when all images were moved together. Other codes are of old Mac OS, or of
     * Windows software that writes these two as well. */
    IA_TRY(add_locators(image, header, "W2ru", err));
    IA_TRY(add_locators(image, header, "W2ku", err));
    IA_TRY(add_path(facts, name, err));
    if (facts->backing_paths.len == 0)
        return ia_fail(err, IA_CORRUPT, "differencing VHD that does not name its parent");
    /* XenServer and its kin: a parent without an identity is a raw disk (libvhd of blktap, vhd_parent_raw). */
    if ((facts->backing_format = strdup(image->identity.parent[0] != '\0' ? "vpc" : "raw")) == NULL)
        return ia_no_memory(err);
    return IA_OK;
}
