/* SPDX-License-Identifier: MIT */
/* Files that belong to images besides their main ones: parts, and companions without data. */
#include "base/path.h"
#include "format/format.h"
#include "scan/graph/links.h"

/* One part of an image that was taken over from the store: is it still there, and unchanged? */
static enum ia_status resolve_stored_part(struct ia_links *links, size_t image, const struct ia_image_part *named,
                                          struct ia_error *err)
{
    const struct ia_resolve_rules rules = ia_links_rules(links);
    struct ia_file *owner = links->catalog->files.items[image];
    IA_AUTO_RESOLVED struct ia_resolved file = {0};
    IA_TRY(ia_resolve_part(&rules, ia_file_part_name(owner), named, &file, err));
    struct ia_file_part part = {
        .file = ia_links_file_of(links, &file), .path = file.path, .state = file.state, .found = file.found};
    if (!ia_vec_push(&owner->read->parts, part))
        return ia_no_memory(err);
    file.path = NULL; /* moved */
    owner->node->stale =
        owner->node->stale || part.file == IA_NO_FILE || !links->catalog->files.items[part.file]->from_store;
    return IA_OK;
}

enum ia_status ia_links_resolve_parts(struct ia_links *links, size_t image, struct ia_error *err)
{
    struct ia_file *file = links->catalog->files.items[image];
    const struct ia_image_facts *facts = &file->parsed->facts;
    while (file->from_store && file->read->parts.len < facts->parts.len) /* ends: each round adds a part */
        IA_TRY(resolve_stored_part(links, image, &facts->parts.items[file->read->parts.len], err));
    return IA_OK;
}

void ia_links_mark_parts(struct ia_links *links)
{
    struct ia_file **items = links->catalog->files.items;
    for (size_t i = 0; i < links->catalog->files.len; i++)
        items[i]->node->is_part = false;
    for (size_t i = 0; i < links->catalog->files.len; i++) {
        const struct ia_read *read = items[i]->read;
        for (size_t n = 0; n < read->parts.len && ia_file_is_image(items[i]); n++)
            if (read->parts.items[n].file != IA_NO_FILE)
                items[read->parts.items[n].file]->node->is_part = true;
    }
}

/* The file that an image has beside itself. It is none that an image is in, whatever names it so, and has the name that
 * VMware gives it: what is an image by its name stays one that has to be understood. */
static enum ia_status mark_companion(struct ia_links *links, const struct ia_file *image, struct ia_error *err)
{
    const struct ia_image_part named = {image->parsed->facts.companion, "part", IA_PART_BESIDE};
    const struct ia_resolve_rules rules = ia_links_rules(links);
    IA_AUTO_RESOLVED struct ia_resolved file = {0};
    if (named.name == NULL || !ia_path_has_suffix(named.name, "-ctk.vmdk"))
        return IA_OK;
    IA_TRY(ia_resolve_part(&rules, ia_file_path(image), &named, &file, err));
    size_t target = ia_links_file_of(links, &file);
    if (target != IA_NO_FILE)
        links->catalog->files.items[target]->node->is_companion = true;
    return IA_OK;
}

enum ia_status ia_links_mark_companions(struct ia_links *links, struct ia_error *err)
{
    for (size_t i = 0; i < links->catalog->files.len; i++)
        links->catalog->files.items[i]->node->is_companion = false;
    for (size_t i = 0; i < links->catalog->files.len; i++)
        if (ia_file_is_image(links->catalog->files.items[i]))
            IA_TRY(mark_companion(links, links->catalog->files.items[i], err));
    return IA_OK;
}
