/* SPDX-License-Identifier: MIT */
/* Following what names of images lead to besides their main files. Nobody opens these as backing files here, but who
 * opens the image may read them. */
#include "scan/graph/nested.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "chain/names.h"
#include "chain/reference.h"

/* One file that a name leads to, and where that name is. */
struct nested_name {
    const struct ia_named_file *file;
    size_t image;
    enum ia_files_read allowed;
};

static enum ia_status add(struct ia_links *links, size_t image, enum ia_resolve_state state, size_t target,
                          const char *name, const char *path, struct ia_error *err)
{
    struct ia_nested nested = {.state = state, .target = target, .name = strdup(name), .path = strdup(path)};
    if (target != IA_NO_FILE)
        links->catalog->files.items[target]->node->is_nested = true;
    if (nested.name != NULL && nested.path != NULL &&
        ia_vec_push(&links->catalog->files.items[image]->node->nested, nested))
        return IA_OK;
    free(nested.name);
    free(nested.path);
    return ia_no_memory(err);
}

static bool is_listed(const struct ia_node *node, size_t target)
{
    for (size_t i = 0; i < node->nested.len; i++)
        if (node->nested.items[i].target == target)
            return true;
    return false;
}

/* From one name of the image. *found: it leads to a file of the catalog; *deferred: see ia_links_resolve_nested. */
static enum ia_status follow_from(struct ia_links *links, const struct nested_name *name, const char *from,
                                  struct ia_resolved *first, bool *found, bool *deferred, struct ia_error *err)
{
    const struct ia_resolve_rules rules = ia_links_rules(links);
    const char *path = name->file->path;
    IA_AUTO_RESOLVED struct ia_resolved file = {0};
    size_t target = IA_NO_FILE;
    IA_TRY(ia_resolve_path(&rules, from, path, &file, err));
    if (name->file->is_sure && path[0] != '/') /* QEMU takes it from its working directory */
        file.state = file.found == IA_RESOLVE_FOLLOWED ? IA_RESOLVE_AMBIGUOUS : file.found;
    enum ia_files_read allowed = name->file->is_sure ? name->allowed : IA_KNOWN_FILES;
    IA_TRY(ia_links_file_or_new(links, &file, allowed, &target, err));
    *deferred = name->file->is_sure && file.found == IA_RESOLVE_FOLLOWED && target == IA_NO_FILE;
    if (*deferred || target == IA_NO_FILE) {
        if (first->path == NULL) {
            *first = file;
            file = (struct ia_resolved){0}; /* moved */
        }
        return IA_OK;
    }
    *found = true;
    if (target == name->image || is_listed(links->catalog->files.items[name->image]->node, target))
        return IA_OK;
    IA_TRY(add(links, name->image, file.state, target, path, file.path, err));
    return ia_links_add_directory(links, target, file.named, err);
}

/* From every name that the image has, or that others have for it, where that makes a difference. */
static enum ia_status follow(struct ia_links *links, const struct nested_name *name, bool *deferred,
                             struct ia_error *err)
{
    const struct ia_file *file = links->catalog->files.items[name->image];
    bool relative = name->file->path[0] != '/';
    size_t names = relative ? file->names.len : 1;
    size_t aliases = relative ? file->node->alias_directories.len : 0;
    IA_AUTO_RESOLVED struct ia_resolved first = {0};
    bool found = false;
    for (size_t i = 0; i < names && !*deferred; i++)
        IA_TRY(follow_from(links, name, file->names.items[i].path, &first, &found, deferred, err));
    for (size_t i = 0; i < aliases && !*deferred; i++) {
        IA_AUTO_FREE char *from = NULL;
        if (asprintf(&from, "%s/.", file->node->alias_directories.items[i]) < 0) {
            from = NULL;
            return ia_no_memory(err);
        }
        IA_TRY(follow_from(links, name, from, &first, &found, deferred, err));
    }
    if (*deferred || found || !name->file->is_sure)
        return IA_OK;
    return add(links, name->image, first.state, IA_NO_FILE, name->file->path, first.path, err);
}

/* The services of one name. *here: one of them is this host's, and may serve any file; what others are asked for is
 * kept, since this host may have given it to them. */
static enum ia_status keep_services(struct ia_links *links, size_t image, const struct ia_services *services,
                                    bool *here, struct ia_error *err)
{
    for (size_t i = 0; i < services->all.len; i++) {
        const struct ia_service *service = &services->all.items[i];
        if (service->host == NULL || ia_own_host_is(&links->host, service->host))
            *here = true;
        else if (service->object != NULL)
            IA_TRY(add(links, image, IA_RESOLVE_REMOTE, IA_NO_FILE, service->object, "", err));
    }
    return IA_OK;
}

/* One name in QEMU's syntax; main: the path that is followed as its main file, NULL: none is. */
static enum ia_status resolve_name(struct ia_links *links, size_t image, const char *text, const char *main,
                                   enum ia_files_read allowed, bool *here, bool *deferred, struct ia_error *err)
{
    IA_AUTO_NAMES struct ia_names names = {0};
    IA_TRY(ia_names_take_apart(text, &names, err));
    for (size_t i = 0; i < names.files.len && !*deferred; i++) {
        const struct nested_name name = {&names.files.items[i], image, allowed};
        if (main == NULL || strcmp(main, name.file->path) != 0)
            IA_TRY(follow(links, &name, deferred, err));
    }
    return keep_services(links, image, &names.services, here, err);
}

static enum ia_status resolve_backing(struct ia_links *links, size_t image, enum ia_files_read allowed, bool *deferred,
                                      struct ia_error *err)
{
    const struct ia_file *file = links->catalog->files.items[image];
    const struct ia_image_facts *facts = &file->parsed->facts;
    bool by_name = facts->backing_name != NULL && !facts->backing_by_identity && facts->backing_paths.len == 0;
    if (!by_name || !ia_reference_has_protocol(facts->backing_name))
        return IA_OK;
    IA_AUTO_REFERENCE struct ia_reference reference = {0};
    IA_TRY(ia_reference_parse(facts->backing_name, &reference, err));
    return resolve_name(links, image, facts->backing_name, reference.path, allowed, &file->node->backing_is_here,
                        deferred, err);
}

static enum ia_status resolve_part(struct ia_links *links, size_t image, const struct ia_image_part *part,
                                   enum ia_files_read allowed, bool *deferred, struct ia_error *err)
{
    struct ia_node *node = links->catalog->files.items[image]->node;
    if (part->place != IA_PART_REFERENCE || part->name == NULL || !ia_reference_has_protocol(part->name))
        return IA_OK;
    IA_AUTO_REFERENCE struct ia_reference reference = {0};
    IA_TRY(ia_reference_parse(part->name, &reference, err));
    size_t before = node->nested.len;
    bool followed = reference.kind == IA_REFERENCE_PATH || reference.kind == IA_REFERENCE_WORKING_DIR;
    IA_TRY(resolve_name(links, image, part->name, followed ? reference.path : NULL, allowed, &node->data_is_here,
                        deferred, err));
    for (size_t i = before; i < node->nested.len; i++)
        node->nested.items[i].of_part = true;
    return IA_OK;
}

enum ia_status ia_links_resolve_nested(struct ia_links *links, size_t image, enum ia_files_read allowed, bool *deferred,
                                       struct ia_error *err)
{
    struct ia_node *node = links->catalog->files.items[image]->node;
    ia_node_release_nested(node);
    node->backing_is_here = node->data_is_here = false;
    IA_TRY(resolve_backing(links, image, allowed, deferred, err));
    for (size_t i = 0; i < links->catalog->files.items[image]->parsed->facts.parts.len && !*deferred; i++)
        IA_TRY(resolve_part(links, image, &links->catalog->files.items[image]->parsed->facts.parts.items[i], allowed,
                            deferred, err));
    return IA_OK;
}

static void judge_one(struct ia_links *links, const struct ia_file *file, const struct ia_nested *nested)
{
    static const struct {
        const char *words; /* NULL: no finding */
        enum ia_finding_code code;
    } kinds[IA_RESOLVE_STATES] = {
        [IA_RESOLVE_MISSING] = {"does not exist", IA_FINDING_BACKING_MISSING},
        [IA_RESOLVE_OUTSIDE] = {"is outside the roots and was not opened", IA_FINDING_BACKING_OUTSIDE},
        [IA_RESOLVE_DENIED] = {"cannot be reached", IA_FINDING_BACKING_UNREADABLE},
        [IA_RESOLVE_NOT_A_FILE] = {"is neither a file nor a block device", IA_FINDING_BACKING_UNREADABLE},
        [IA_RESOLVE_LOOP] = {"leads in a circle", IA_FINDING_BACKING_UNREADABLE},
        [IA_RESOLVE_AMBIGUOUS] = {"is named relative to a working directory; looked for beside the image",
                                  IA_FINDING_BACKING_AMBIGUOUS},
    };
    if (kinds[nested->state].words != NULL)
        ia_findings_add(&links->catalog->findings, kinds[nested->state].code, ia_file_path(file),
                        "'%s', in the description of its backing file, %s", nested->path, kinds[nested->state].words);
}

void ia_links_judge_nested(struct ia_links *links, const struct ia_file *file)
{
    const struct ia_node *node = file->node;
    for (size_t i = 0; i < node->nested.len; i++)
        if (!node->nested.items[i].of_part)
            judge_one(links, file, &node->nested.items[i]);
    if (node->backing_is_here)
        ia_findings_add(&links->catalog->findings, IA_FINDING_SERVED_LOCALLY, ia_file_path(file),
                        "backing file '%s' is reached through a service of this host, which may serve any of its files",
                        file->parsed->facts.backing_name);
    if (node->data_is_here)
        ia_findings_add(&links->catalog->findings, IA_FINDING_SERVED_LOCALLY, ia_file_path(file),
                        "its data file is reached through a service of this host, which may serve any of its files");
}
