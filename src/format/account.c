/* SPDX-License-Identifier: MIT */
/* What an extent makes of the host bytes that it lies at, and what drivers account for. */
#include "base/checked.h"
#include "format/format.h"

void ia_image_use(struct ia_image *image, uint32_t file, enum ia_space_use use, int64_t start, int64_t length)
{
    if (image->space != NULL && length > 0)
        ia_space_account(image->space, file, use, start, length);
}

void ia_image_use_exclusive(struct ia_image *image, uint32_t file, enum ia_space_use use, int64_t start, int64_t length,
                            unsigned conflicts)
{
    if (image->space != NULL && length > 0 &&
        (ia_space_account(image->space, file, use, start, length) & conflicts) != 0)
        image->overlaps = true;
}

/* The use by a state of the active mapping; IA_SPACE_UNUSED: none. */
static enum ia_space_use use_of(enum ia_extent_state state)
{
    switch (state) {
    case IA_EXTENT_DATA:
    case IA_EXTENT_COMPRESSED:
    case IA_EXTENT_ENCRYPTED:
    case IA_EXTENT_SPARSE: /* the format's data, whatever the host keeps of it */
        return IA_SPACE_DATA;
    case IA_EXTENT_ZERO_ALLOCATED:
        return IA_SPACE_ZERO;
    case IA_EXTENT_RESERVED:
        return IA_SPACE_UNALLOCATED;
    case IA_EXTENT_ZERO: /* takes no host space: where it has an offset, that is a hole's */
        return IA_SPACE_UNUSED;
    }
    return IA_SPACE_UNUSED;
}

/* What an extent keeps. The last cluster of a mapping is kept whole, however little of it the guest can reach. */
static int64_t kept_length(const struct ia_image *image, size_t mapping, const struct ia_extent *extent)
{
    int64_t cluster = image->facts.cluster_size;
    int64_t end = extent->start + extent->length;
    if (cluster == 0 || end % cluster == 0 || end != ia_image_mapping_size(image, mapping))
        return extent->length;
    int64_t kept;
    return ia_add(extent->length, cluster - end % cluster, &kept) ? kept : extent->length;
}

/* What cannot be where an extent with this use is. Snapshots share data with the active mapping and among themselves,
 * but nothing is plain in one mapping and compressed in another. */
static unsigned conflicts_of(const struct ia_image *image, enum ia_space_use use)
{
    unsigned zeroes = image->format->zero_clusters_are_exclusive ? IA_SPACE_BIT(IA_SPACE_ZERO) : 0;
    switch (use) {
    case IA_SPACE_DATA:
        return zeroes | IA_SPACE_STORED | IA_SPACE_STRUCTURE;
    case IA_SPACE_ZERO:
    case IA_SPACE_UNALLOCATED:
        return zeroes != 0 ? zeroes | IA_SPACE_STORED | IA_SPACE_STRUCTURE : 0;
    case IA_SPACE_SNAPSHOT:
        return IA_SPACE_BIT(IA_SPACE_COMPRESSED) | IA_SPACE_STRUCTURE;
    default:
        return 0;
    }
}

void ia_image_account_extents(struct ia_image *image, size_t mapping, const struct ia_extent *extents, size_t count)
{
    if (image->space == NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        const struct ia_extent *extent = &extents[i];
        enum ia_space_use use = use_of((enum ia_extent_state)extent->state);
        if (extent->offset == IA_NO_OFFSET || use == IA_SPACE_UNUSED)
            continue;
        use = mapping > 0 ? IA_SPACE_SNAPSHOT : use;
        ia_image_use_exclusive(image, extent->file, use, extent->offset, kept_length(image, mapping, extent),
                               conflicts_of(image, use));
    }
}
