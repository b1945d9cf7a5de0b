/* SPDX-License-Identifier: MIT */
/* What a path is, by the options of the scan and by suffixes. */
#include <string.h>

#include "base/path.h"
#include "chain/described.h"
#include "format/format.h"
#include "inventory/inventory.h"
#include "scan/catalog/catalog.h"

bool ia_catalog_is_below_a_root(const struct ia_catalog *catalog, const char *path)
{
    for (size_t i = 0; i < catalog->options->root_count; i++)
        if (ia_path_below(path, catalog->confine.allowed.items[i].path) != NULL)
            return true;
    return false;
}

bool ia_catalog_excludes(const struct ia_catalog *catalog, const char *path)
{
    for (size_t i = 0; i < catalog->options->exclude_count; i++)
        if (ia_path_matches(path, catalog->options->exclude[i]))
            return true;
    return false;
}

bool ia_catalog_has_raw_suffix(const struct ia_catalog *catalog, const char *path)
{
    for (size_t i = 0; i < catalog->options->raw_suffix_count; i++)
        if (ia_path_has_suffix(path, catalog->options->raw_suffixes[i]))
            return true;
    return false;
}

bool ia_name_claims_image(const char *path)
{
    const struct ia_format *format = ia_format_by_suffix(path);
    return format != NULL && !format->is_plain;
}

bool ia_catalog_any_raw_suffix(const struct ia_catalog *catalog, const struct ia_file *file)
{
    for (size_t i = 0; i < file->names.len; i++)
        if (ia_catalog_has_raw_suffix(catalog, file->names.items[i].path) ||
            ia_inventory_is_image_by_place(file->names.items[i].path))
            return true;
    return false;
}

bool ia_file_claims_image(const struct ia_file *file)
{
    for (size_t i = 0; i < file->names.len; i++)
        if (ia_name_claims_image(file->names.items[i].path))
            return true;
    return false;
}

bool ia_catalog_is_root(const struct ia_catalog *catalog, const struct ia_file *file)
{
    for (size_t i = 0; i < catalog->options->root_count; i++)
        if (strcmp(catalog->confine.allowed.items[i].path, ia_file_path(file)) == 0)
            return true;
    return false;
}

bool ia_catalog_is_raw_by_name(const struct ia_catalog *catalog, const struct ia_file *file)
{
    return ia_catalog_any_raw_suffix(catalog, file) || ia_catalog_is_root(catalog, file);
}

const char *ia_file_described_name(const struct ia_file *file, const struct ia_format **format)
{
    *format = NULL;
    for (size_t i = 0; i < file->names.len; i++)
        if ((*format = ia_described_format(file->names.items[i].path)) != NULL)
            return file->names.items[i].path;
    return NULL;
}

const char *ia_file_part_name(const struct ia_file *file)
{
    const struct ia_format *format;
    const char *name = ia_file_described_name(file, &format);
    bool is_of = name != NULL && file->parsed->format != NULL && strcmp(file->parsed->format, format->name) == 0;
    return is_of ? name : ia_file_path(file);
}
