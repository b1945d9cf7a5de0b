/* SPDX-License-Identifier: MIT */
/* The drivers. */
#include <string.h>
#include <strings.h>

#include "base/checked.h"
#include "base/path.h"
#include "format/bochs/bochs.h"
#include "format/cloop/cloop.h"
#include "format/dmg/dmg.h"
#include "format/format.h"
#include "format/longhorn/longhorn.h"
#include "format/luks/luks.h"
#include "format/parallels/parallels.h"
#include "format/qcow1/qcow1.h"
#include "format/qcow2/qcow2.h"
#include "format/qed/qed.h"
#include "format/raw/raw.h"
#include "format/vdi/vdi.h"
#include "format/vhdx/vhdx.h"
#include "format/vmdk/vmdk.h"
#include "format/vpc/vpc.h"

const struct ia_format *const ia_formats[] = {
    &ia_format_qcow2, &ia_format_qcow1, &ia_format_qed,       &ia_format_vmdk, &ia_format_vdi,
    &ia_format_vpc,   &ia_format_vhdx,  &ia_format_parallels, &ia_format_luks, &ia_format_dmg,
    &ia_format_cloop, &ia_format_bochs, &ia_format_longhorn,  &ia_format_raw,  NULL};

const struct ia_format *ia_format_by_name(const char *name)
{
    for (size_t i = 0; ia_formats[i] != NULL; i++)
        if (strcmp(ia_formats[i]->name, name) == 0)
            return ia_formats[i];
    return NULL;
}

static bool has_suffix_of(const char *path, const struct ia_format *format)
{
    for (const char *const *suffix = format->suffixes; suffix != NULL && *suffix != NULL; suffix++)
        if (ia_path_has_suffix(path, *suffix))
            return true;
    return false;
}

const struct ia_format *ia_format_by_suffix(const char *path)
{
    for (size_t i = 0; ia_formats[i] != NULL; i++)
        if (has_suffix_of(path, ia_formats[i]))
            return ia_formats[i];
    return NULL;
}

bool ia_format_may_have_lock_file(const char *format, const char *path)
{
    for (size_t i = 0; ia_formats[i] != NULL; i++)
        if (ia_formats[i]->has_lock_files &&
            ((format != NULL && strcmp(ia_formats[i]->name, format) == 0) || has_suffix_of(path, ia_formats[i])))
            return true;
    return false;
}

struct ia_abilities ia_format_abilities(const struct ia_format *format, const struct ia_image_facts *facts)
{
    int64_t cluster = ia_max(facts->cluster_size, 1);
    struct ia_abilities abilities = {.unit = cluster, .cluster = cluster, .zeroes_are_known = true};
    if (format == NULL)
        return abilities;
    abilities.is_plain = format->is_plain;
    abilities.is_foreign = format->is_foreign;
    if (format->describe != NULL)
        format->describe(facts, &abilities);
    return abilities;
}

const struct ia_format *ia_format_probe(const uint8_t *head, size_t len, const char *name)
{
    for (size_t i = 0; ia_formats[i] != NULL; i++)
        if (ia_formats[i]->probe(head, len))
            return ia_formats[i];
    for (size_t i = 0; ia_formats[i] != NULL && name != NULL; i++)
        if (ia_formats[i]->probe_name != NULL && ia_formats[i]->probe_name(name))
            return ia_formats[i];
    return NULL;
}

const struct ia_format *ia_format_probe_footer(const uint8_t *footer)
{
    for (size_t i = 0; ia_formats[i] != NULL; i++)
        if (ia_formats[i]->probe_footer != NULL && ia_formats[i]->probe_footer(footer))
            return ia_formats[i];
    return NULL;
}
