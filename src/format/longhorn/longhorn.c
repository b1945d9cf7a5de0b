/* SPDX-License-Identifier: MIT */
/* The Longhorn driver's entry points. A replica is a directory: volume-head-NNN.img, into which the volume writes,
 * volume-snap-NAME.img, beside each NAME.img.meta, and volume.meta (longhorn-engine, pkg/replica/replica.go; names:
 * pkg/util/disk/constant.go). What a file does not have it takes from its Parent, and the last one from the volume's
 * backing image. */
#include "format/longhorn/longhorn.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/path.h"
#include "format/longhorn/internal.h"

static bool longhorn_probe(const uint8_t *head, size_t len)
{
    (void)head;
    (void)len;
    return false; /* the content is the guest's alone */
}

static bool may_be_described(const char *name)
{
    static const char head[] = "volume-head-";
    static const char snapshot[] = "volume-snap-";
    if (!ia_path_ends_in(name, ".img"))
        return false;
    if (strncmp(name, snapshot, sizeof(snapshot) - 1) == 0)
        return true;
    if (strncmp(name, head, sizeof(head) - 1) != 0)
        return false;
    const char *digits = name + sizeof(head) - 1;
    size_t count = strspn(digits, "0123456789");
    return count > 0 && strcmp(digits + count, ".img") == 0;
}

static enum ia_status longhorn_open(struct ia_image *image, struct ia_error *err)
{
    if (image->main->size > INT64_MAX - LONGHORN_SECTOR)
        return ia_fail(err, IA_LIMIT, "longhorn image of %jd bytes", (intmax_t)image->main->size);
    image->state = calloc(1, sizeof(struct longhorn));
    if (image->state == NULL ||
        !ia_image_facts_add_part(&image->facts, image->format->description, "description", IA_PART_OWN_DESCRIPTION))
        return ia_no_memory(err);
    image->facts.virtual_size = ia_round_up(image->main->size, 512);
    return IA_OK;
}

static void longhorn_close(struct ia_image *image)
{
    free(image->state);
}

static enum ia_status longhorn_assemble(struct ia_image *image, struct ia_error *err)
{
    const struct longhorn *longhorn = image->state;
    return longhorn->status == IA_OK ? IA_OK : ia_fail(err, longhorn->status, "%s", longhorn->failed.message);
}

/* Every byte is the guest's: what the host keeps of them does not matter. */
static enum ia_status longhorn_account(struct ia_image *image, struct ia_error *err)
{
    (void)err;
    ia_image_use(image, 0, IA_SPACE_DATA, 0, image->main->size);
    for (size_t i = 0; i < image->parts.len; i++)
        ia_image_use(image, (uint32_t)i + 1, IA_SPACE_METADATA, 0, image->parts.items[i]->size);
    return IA_OK;
}

const struct ia_format ia_format_longhorn = {
    .name = "longhorn",
    .is_foreign = true,
    /* Newer engines refuse a longer backing image (app/cmd/replica.go); older ones read it past the end of snapshots
     * from before the volume grew. */
    .backing_must_fit = true,
    .may_be_described = may_be_described,
    .description = ".meta",
    .description_of_all = "volume.meta",
    .probe = longhorn_probe,
    .open = longhorn_open,
    .close = longhorn_close,
    .attached = longhorn_attached,
    .assemble = longhorn_assemble,
    .account = longhorn_account,
    .map_begin = longhorn_map_begin,
    .map_step = longhorn_map_step,
    .map_end = longhorn_map_end,
};
