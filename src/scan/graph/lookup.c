/* SPDX-License-Identifier: MIT */
/* Looking names up for the graph, and keeping what images may name besides. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "scan/graph/links.h"

void ia_node_release_nested(struct ia_node *node)
{
    for (size_t i = 0; i < node->nested.len; i++) {
        free(node->nested.items[i].name);
        free(node->nested.items[i].path);
    }
    ia_vec_release(&node->nested);
}

static bool is_known(const void *catalog, const struct stat *st)
{
    return ia_catalog_find(catalog, (int64_t)st->st_dev, (int64_t)st->st_ino) != IA_NO_FILE;
}

/* From which directory, and by whom, images will be opened is unknown. */
struct ia_resolve_rules ia_links_rules(const struct ia_links *links)
{
    return (struct ia_resolve_rules){
        .confine = &links->catalog->confine, .parts_stay = true, .is_known = is_known, .known = links->catalog};
}

size_t ia_links_file_of(const struct ia_links *links, const struct ia_resolved *file)
{
    if (file->found != IA_RESOLVE_FOLLOWED)
        return IA_NO_FILE;
    return ia_catalog_find(links->catalog, (int64_t)file->st.st_dev, (int64_t)file->st.st_ino);
}

enum ia_status ia_links_file_or_new(struct ia_links *links, const struct ia_resolved *file, enum ia_files_read allowed,
                                    size_t *number, struct ia_error *err)
{
    *number = ia_links_file_of(links, file);
    if (*number != IA_NO_FILE || file->found != IA_RESOLVE_FOLLOWED || allowed == IA_KNOWN_FILES)
        return IA_OK;
    IA_TRY(ia_catalog_add(links->catalog, file->path, &file->st, false, number, err));
    return ia_catalog_match_late(links->catalog, *number, err);
}

static bool is_in(const char *path, const char *directory)
{
    size_t len = strlen(directory);
    return ia_path_directory_length(path) == len + 1 && strncmp(path, directory, len) == 0;
}

/* QEMU takes a relative name of an image from the directory of the name by which the image itself was opened. When an
 * overlay names it through a link from elsewhere, that directory is one more place to look from.
 * Ends: there are no more directories than references. */
enum ia_status ia_links_add_directory(struct ia_links *links, size_t target, const char *named, struct ia_error *err)
{
    struct ia_file *file = links->catalog->files.items[target];
    IA_AUTO_FREE char *name = strdup(named);
    if (name == NULL || !ia_path_go_up(name))
        return name == NULL ? ia_no_memory(err) : IA_OK;
    IA_AUTO_FREE char *directory = realpath(name, NULL);
    if (directory == NULL)
        return IA_OK;
    if (strcmp(directory, "/") == 0)
        directory[0] = '\0';
    for (size_t i = 0; i < file->names.len; i++)
        if (is_in(file->names.items[i].path, directory))
            return IA_OK;
    for (size_t i = 0; i < file->node->alias_directories.len; i++)
        if (strcmp(file->node->alias_directories.items[i], directory) == 0)
            return IA_OK;
    if (!ia_vec_push(&file->node->alias_directories, directory))
        return ia_no_memory(err);
    directory = NULL;
    file->node->resolved = false;
    return IA_OK;
}

enum ia_status ia_links_add_alias(struct ia_links *links, enum ia_alias_kind kind, size_t image, size_t target,
                                  const char *name, const char *path, struct ia_error *err)
{
    struct ia_alias alias = {
        .kind = kind, .image = image, .target = target, .name = strdup(name), .path = strdup(path)};
    if (alias.name != NULL && alias.path != NULL && ia_vec_push(&links->aliases, alias))
        return IA_OK;
    free(alias.name);
    free(alias.path);
    return ia_no_memory(err);
}

enum ia_status ia_links_state_format(struct ia_links *links, size_t image, const char *format, struct ia_error *err)
{
    const struct ia_file *file = links->catalog->files.items[image];
    struct ia_file *target = links->catalog->files.items[file->node->backing];
    target->node->is_referenced = true;
    if (format == NULL)
        return IA_OK;
    if (target->node->stated_format == NULL) {
        target->node->stated_format = strdup(format);
        return target->node->stated_format != NULL ? IA_OK : ia_no_memory(err);
    }
    if (strcmp(target->node->stated_format, format) != 0)
        ia_findings_add(&links->catalog->findings, IA_FINDING_FORMAT_CONFLICT, ia_file_path(file),
                        "takes its backing file for %s, another image takes it for %s", format,
                        target->node->stated_format);
    return IA_OK;
}
