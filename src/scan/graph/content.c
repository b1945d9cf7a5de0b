/* SPDX-License-Identifier: MIT */
/* Aliases for what contents name that are used as another format (links.h). */
#include "scan/graph/content.h"

#include "chain/names.h"
#include "chain/reference.h"

/* What such a name leads to besides its main file. */
static enum ia_status resolve_nested_names(struct ia_links *links, size_t image, const char *text, struct ia_error *err)
{
    const struct ia_resolve_rules rules = ia_links_rules(links);
    IA_AUTO_NAMES struct ia_names names = {0};
    IA_TRY(ia_names_take_apart(text, &names, err));
    for (size_t i = 0; i < names.files.len; i++) {
        IA_AUTO_RESOLVED struct ia_resolved file = {0};
        IA_TRY(ia_resolve_path(&rules, ia_file_path(links->catalog->files.items[image]), names.files.items[i].path,
                               &file, err));
        size_t target = ia_links_file_of(links, &file);
        if (target != IA_NO_FILE && target != image)
            IA_TRY(ia_links_add_alias(links, IA_ALIAS_CONTENT, image, target, text, file.path, err));
    }
    return IA_OK;
}

/* One name in a content that is used as another format. */
static enum ia_status resolve_content_name(struct ia_links *links, size_t image, const struct ia_content_part *named,
                                           struct ia_error *err)
{
    const struct ia_resolve_rules rules = ia_links_rules(links);
    const char *from = ia_file_path(links->catalog->files.items[image]);
    IA_AUTO_REFERENCE struct ia_reference reference = {0};
    IA_AUTO_RESOLVED struct ia_resolved file = {0};
    if (named->place != IA_PART_REFERENCE) {
        IA_TRY(ia_resolve_path(&rules, from, named->name, &file, err));
    } else {
        IA_TRY(resolve_nested_names(links, image, named->name, err));
        IA_TRY(ia_reference_parse(named->name, &reference, err));
        IA_TRY(ia_resolve(&rules, from, &reference, NULL, &file, err));
    }
    size_t target = ia_links_file_of(links, &file);
    return target == IA_NO_FILE || target == image
               ? IA_OK
               : ia_links_add_alias(links, IA_ALIAS_CONTENT, image, target, named->name, file.path, err);
}

/* A content that is used as raw, and looks like an image that names files: nobody follows that, but who took it for an
 * image would need them. */
enum ia_status ia_links_resolve_content(struct ia_links *links, size_t image, struct ia_error *err)
{
    const struct ia_node *node = links->catalog->files.items[image]->node;
    const struct ia_content_part backing = {node->content_backing, IA_PART_REFERENCE};
    if (backing.name != NULL)
        IA_TRY(resolve_content_name(links, image, &backing, err));
    for (size_t i = 0; i < node->content_parts.len; i++)
        IA_TRY(resolve_content_name(links, image, &node->content_parts.items[i], err));
    return IA_OK;
}

/* Numbers of files, each once. */
struct file_set {
    IA_VEC(size_t) all;
};

static bool add_once(struct file_set *set, size_t number)
{
    for (size_t i = 0; i < set->all.len; i++)
        if (set->all.items[i] == number)
            return true;
    return ia_vec_push(&set->all, number);
}

/* What a file that is a part of the image names, by its content; its own parts are added to the set. */
static enum ia_status keep_names(struct ia_links *links, size_t image, size_t part, struct file_set *parts,
                                 struct ia_error *err)
{
    const struct ia_file *file = links->catalog->files.items[part];
    const struct ia_node *node = file->node;
    enum ia_status status = IA_OK;
    if (node->backing_target != IA_NO_FILE && node->backing_target != image)
        status =
            ia_links_add_alias(links, IA_ALIAS_CONTENT, image, node->backing_target, file->parsed->facts.backing_name,
                               node->backing_path != NULL ? node->backing_path : "", err);
    for (size_t i = 0; i < node->nested.len && status == IA_OK; i++) {
        const struct ia_nested *nested = &node->nested.items[i];
        if (nested->target != IA_NO_FILE && nested->target != image)
            status =
                ia_links_add_alias(links, IA_ALIAS_CONTENT, image, nested->target, nested->name, nested->path, err);
    }
    for (size_t i = 0, count = links->aliases.len; i < count && status == IA_OK; i++) {
        const struct ia_alias alias = links->aliases.items[i];
        if (alias.image == part && alias.target != image)
            status = ia_links_add_alias(links, IA_ALIAS_CONTENT, image, alias.target, alias.name, alias.path, err);
    }
    for (size_t i = 0; i < file->read->parts.len && status == IA_OK; i++) {
        const struct ia_file_part *own = &file->read->parts.items[i];
        const char *name = file->parsed->facts.parts.items[i].name;
        if (own->file == IA_NO_FILE || own->file == image)
            continue;
        status = ia_links_add_alias(links, IA_ALIAS_CONTENT, image, own->file, name == NULL ? "" : name,
                                    own->path == NULL ? "" : own->path, err);
        if (status == IA_OK && !add_once(parts, own->file))
            status = ia_no_memory(err);
    }
    return status;
}

/* A file that holds another image's data may look like an image itself. Nobody follows that, but who took it for one
 * would need what it names: the image that it is a part of names that instead. Ends: each part is looked at once. */
enum ia_status ia_links_keep_content(struct ia_links *links, size_t image, size_t part, struct ia_error *err)
{
    struct file_set parts = {0};
    enum ia_status status = add_once(&parts, part) ? IA_OK : ia_no_memory(err);
    for (size_t i = 0; i < parts.all.len && status == IA_OK; i++)
        if (ia_node_is_only_a_part(links->catalog->files.items[parts.all.items[i]]->node))
            status = keep_names(links, image, parts.all.items[i], &parts, err);
    ia_vec_release(&parts.all);
    return status;
}
