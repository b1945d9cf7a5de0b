/* SPDX-License-Identifier: MIT */
/* Where the names in packed images lead, as if each image lay unpacked beside the file that it is packed in. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/path.h"
#include "chain/names.h"
#include "chain/reference.h"
#include "scan/graph/identities.h"
#include "scan/graph/links.h"

/* Takes the path of `file`. */
static enum ia_status add_target(struct ia_links *links, size_t number, size_t name, struct ia_resolved *file,
                                 struct ia_error *err)
{
    struct ia_node *node = links->catalog->files.items[number]->node;
    const struct ia_packed_target target = {
        .name = name, .state = file->state, .file = ia_links_file_of(links, file), .path = file->path};
    if (!ia_vec_push(&node->packed, target))
        return ia_no_memory(err);
    file->path = NULL; /* moved */
    return IA_OK;
}

/* A name of a packed image: as it is written, or a path that was found in that. */
struct packed_name {
    const struct ia_packed_name *name;
    size_t at;        /* in packed->names */
    const char *path; /* NULL: as it is written */
};

/* From one place where the image may be unpacked. */
static enum ia_status look_up(const struct ia_links *links, const char *image, const struct packed_name *of,
                              struct ia_resolved *file, struct ia_error *err)
{
    const struct ia_packed_name *name = of->name;
    const struct ia_resolve_rules rules = ia_links_rules(links);
    IA_AUTO_REFERENCE struct ia_reference reference = {0};
    ia_resolved_release(file);
    if (of->path != NULL || name->kind == IA_PACKED_PATH)
        return ia_resolve_path(&rules, image, of->path != NULL ? of->path : name->name, file, err);
    if (name->kind == IA_PACKED_DATA_FILE || name->kind == IA_PACKED_EXTENT) {
        const struct ia_image_part part = {
            .name = name->name,
            .role = "part",
            .place = name->kind == IA_PACKED_EXTENT ? IA_PART_BESIDE : IA_PART_REFERENCE,
        };
        return ia_resolve_part(&rules, image, &part, file, err);
    }
    IA_TRY(ia_reference_parse(name->name, &reference, err));
    return ia_resolve(&rules, image, &reference, name->stated, file, err);
}

/* The image beside the archive: by the last component of its name, then by all of it. */
static bool put_place(struct ia_buf *out, const char *archive, const char *member)
{
    ia_buf_clear(out);
    ia_buf_add(out, archive, ia_path_directory_length(archive));
    ia_buf_add_str(out, member[0] == '\0' ? "." : member);
    return !out->failed;
}

static enum ia_status add_place(struct ia_links *links, size_t number, size_t name, const char *path, bool is_end,
                                struct ia_error *err)
{
    if (path == NULL || path[0] != '/')
        return IA_OK;
    struct ia_packed_place place = {number, name, strdup(path), is_end};
    if (place.path == NULL || !ia_vec_push(&links->places, place)) {
        free(place.path);
        return ia_no_memory(err);
    }
    ia_path_simplify(place.path);
    return IA_OK;
}

/* What is found first counts, from each name of the archive; else what was looked up last. */
static enum ia_status follow(struct ia_links *links, size_t number, const struct packed_name *of, struct ia_error *err)
{
    const struct ia_file *archive = links->catalog->files.items[number];
    const char *const members[] = {ia_path_name(of->name->member), of->name->member};
    IA_AUTO_RESOLVED struct ia_resolved file = {0};
    IA_AUTO_BUF struct ia_buf place = {0};
    for (size_t i = 0; i < archive->names.len && file.found != IA_RESOLVE_FOLLOWED; i++) {
        for (size_t m = 0; m < 2 && file.found != IA_RESOLVE_FOLLOWED; m++) {
            if (!put_place(&place, archive->names.items[i].path, members[m]))
                return ia_no_memory(err);
            IA_TRY(look_up(links, place.data, of, &file, err));
            IA_TRY(add_place(links, number, of->at, file.named, false, err));
            IA_TRY(add_place(links, number, of->at, file.path, true, err));
        }
    }
    return add_target(links, number, of->at, &file, err);
}

/* One of the services may serve any file of this host. */
static void judge_services(struct ia_links *links, const struct ia_file *file, const struct ia_packed_name *name,
                           const struct ia_services *services)
{
    bool is_here = false;
    for (size_t i = 0; i < services->all.len; i++)
        is_here =
            is_here || services->all.items[i].host == NULL || ia_own_host_is(&links->host, services->all.items[i].host);
    if (is_here)
        ia_findings_add(
            &links->catalog->findings, IA_FINDING_SERVED_LOCALLY, ia_file_path(file),
            "'%s', named in a packed image, is reached through a service of this host, which may serve any of "
            "its files",
            name->name);
}

/* What a description holds besides its main file. */
static enum ia_status resolve_nested(struct ia_links *links, size_t number, size_t at, struct ia_error *err)
{
    const struct ia_file *file = links->catalog->files.items[number];
    const struct ia_packed_name *name = &file->packed->names.items[at];
    bool is_reference = name->kind == IA_PACKED_BACKING || name->kind == IA_PACKED_DATA_FILE;
    IA_AUTO_NAMES struct ia_names names = {0};
    if (!is_reference || !ia_reference_has_protocol(name->name))
        return IA_OK;
    IA_TRY(ia_names_take_apart(name->name, &names, err));
    for (size_t i = 0; i < names.files.len; i++)
        IA_TRY(follow(links, number, &(struct packed_name){name, at, names.files.items[i].path}, err));
    judge_services(links, file, name, &names.services);
    return IA_OK;
}

static enum ia_status resolve_name(struct ia_links *links, size_t number, size_t at, struct ia_error *err)
{
    const struct ia_packed_name *name = &links->catalog->files.items[number]->packed->names.items[at];
    IA_TRY(follow(links, number, &(struct packed_name){.name = name, .at = at}, err));
    return resolve_nested(links, number, at, err);
}

/* All images that the parent may be. */
static enum ia_status resolve_identity(struct ia_links *links, size_t number, size_t at, struct ia_error *err)
{
    struct ia_file *const *items = links->catalog->files.items;
    const struct ia_packed_name *name = &items[number]->packed->names.items[at];
    const struct ia_identities *known = &links->identities;
    size_t first = ia_identities_find(known, links->catalog, name->format, name->name);
    size_t found = 0;
    for (size_t i = first; i < known->sorted.len; i++, found++) {
        size_t target = known->sorted.items[i];
        if (!ia_identity_is(items[target], name->format, name->name))
            break;
        struct ia_packed_target added = {
            .name = at, .state = IA_RESOLVE_FOLLOWED, .file = target, .path = strdup(ia_file_path(items[target]))};
        if (added.path == NULL || !ia_vec_push(&items[number]->node->packed, added)) {
            free(added.path);
            return ia_no_memory(err);
        }
    }
    const struct ia_packed_target missing = {.name = at, .state = IA_RESOLVE_MISSING, .file = IA_NO_FILE};
    return found > 0 || ia_vec_push(&items[number]->node->packed, missing) ? IA_OK : ia_no_memory(err);
}

enum ia_status ia_links_resolve_packed(struct ia_links *links, struct ia_error *err)
{
    for (size_t i = 0; i < links->catalog->files.len; i++) {
        const struct ia_packed_content *packed = links->catalog->files.items[i]->packed;
        for (size_t n = 0; packed != NULL && n < packed->names.len; n++)
            IA_TRY(packed->names.items[n].kind == IA_PACKED_IDENTITY ? resolve_identity(links, i, n, err)
                                                                     : resolve_name(links, i, n, err));
    }
    return IA_OK;
}
