/* SPDX-License-Identifier: MIT */
/* Names of packed images, and what is found in them. */
#include "scan/catalog/packed.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/path.h"
#include "format/format.h"
#include "scan/catalog/catalog.h"

const char *ia_packed_kind_word(enum ia_packed_kind kind)
{
    static const char *const words[IA_PACKED_KINDS] = {
        [IA_PACKED_BACKING] = "backing",     [IA_PACKED_PATH] = "parent-path", [IA_PACKED_IDENTITY] = "identity",
        [IA_PACKED_DATA_FILE] = "data-file", [IA_PACKED_EXTENT] = "extent",
    };
    return words[kind];
}

static void release_name(struct ia_packed_name *name)
{
    free(name->member);
    free(name->format);
    free(name->name);
    free(name->stated);
    ia_vec_release(&name->bases);
    free(name->misled);
}

void ia_packed_content_free(struct ia_packed_content *content)
{
    if (content == NULL)
        return;
    for (size_t i = 0; i < content->names.len; i++)
        release_name(&content->names.items[i]);
    ia_vec_release(&content->names);
    free(content->problem);
    free(content);
}

bool ia_packed_content_add(struct ia_packed_content *content, const struct ia_packed_name *name)
{
    struct ia_packed_name copy = {
        .kind = name->kind,
        .member = strdup(name->member),
        .format = strdup(name->format),
        .name = strdup(name->name),
        .stated = name->stated == NULL ? NULL : strdup(name->stated),
        .was_seen = name->was_seen,
    };
    bool copied = copy.member != NULL && copy.format != NULL && copy.name != NULL &&
                  (copy.stated != NULL || name->stated == NULL);
    if (copied && ia_vec_push(&content->names, copy))
        return true;
    release_name(&copy);
    return false;
}

/* Endings that packers give to files, those included that nothing here reads. */
static const char *const packers[] = {".gz",  ".tgz",  ".xz",  ".txz", ".zst",  ".zstd", ".tzst",     ".bz2",
                                      ".tbz", ".tbz2", ".lz4", ".lz",  ".lzma", ".Z",    ".tar",      ".zip",
                                      ".7z",  ".lzo",  ".lrz", ".rar", ".gpg",  ".age",  ".br",       ".enc",
                                      ".aes", ".asc",  ".pgp", ".b64", ".uu",   ".cpio", ".squashfs", ".sqfs"};

/* The length of a path without the packer's ending that it has; 0: it has none. */
static size_t length_without_packer(const char *path, size_t len)
{
    for (size_t i = 0; i < sizeof(packers) / sizeof(packers[0]); i++) {
        size_t suffix = strlen(packers[i]);
        if (len > suffix && strncasecmp(path + len - suffix, packers[i], suffix) == 0)
            return len - suffix;
    }
    return 0;
}

bool ia_name_has_packer_suffix(const char *path)
{
    return length_without_packer(path, strlen(path)) > 0 || ia_path_has_suffix(path, ".ova");
}

static bool claims_packed(const char *path)
{
    size_t len = strlen(path);
    size_t without = len;
    if (ia_path_has_suffix(path, ".ova"))
        return true;
    for (size_t next = without; next > 0; next = length_without_packer(path, without)) /* ends: it grows shorter */
        without = next;
    if (without == len)
        return false;
    char *name = strndup(path, without);
    bool claims = name != NULL && (ia_name_claims_image(name) || ia_path_has_suffix(name, ".ova"));
    free(name);
    return claims;
}

bool ia_file_claims_packed(const struct ia_file *file)
{
    for (size_t i = 0; i < file->names.len; i++)
        if (claims_packed(file->names.items[i].path))
            return true;
    return false;
}

/* A part of a name between dots is the ending, or begins with it: "qcow2", "qcow2-old". */
static bool is_ending(const char *part, const char *suffix)
{
    size_t len = strlen(suffix) - 1;
    return strncasecmp(part, suffix + 1, len) == 0 && !isalnum((unsigned char)part[len]);
}

static bool is_image_ending(const struct ia_catalog *catalog, const char *part)
{
    for (size_t i = 0; ia_formats[i] != NULL; i++)
        for (const char *const *suffix = ia_formats[i]->suffixes; suffix != NULL && *suffix != NULL; suffix++)
            if (is_ending(part, *suffix))
                return true;
    for (size_t i = 0; i < catalog->options->raw_suffix_count; i++)
        if (catalog->options->raw_suffixes[i][0] == '.' && is_ending(part, catalog->options->raw_suffixes[i]))
            return true;
    return false;
}

/* vm.qcow2.gz, vm.qcow2.2026-11-30.tar.xz, vm.qcow2-old.gz: an image's ending, and more behind it. */
static bool has_inner_ending(const struct ia_catalog *catalog, const char *path)
{
    for (const char *dot = strchr(ia_path_name(path), '.'); dot != NULL; dot = strchr(dot + 1, '.'))
        if (strchr(dot + 1, '.') != NULL && is_image_ending(catalog, dot + 1))
            return true;
    return false;
}

bool ia_catalog_may_be_packed(const struct ia_catalog *catalog, const struct ia_file *file)
{
    const struct ia_previous *previous = ia_catalog_previous(catalog, file);
    if (file->packed != NULL || (previous != NULL && previous->was_packed))
        return true;
    for (size_t i = 0; i < file->names.len; i++)
        if (has_inner_ending(catalog, file->names.items[i].path))
            return true;
    return ia_file_claims_packed(file);
}
