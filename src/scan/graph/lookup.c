/* SPDX-License-Identifier: MIT */
/* Looking names up for the graph, and keeping what images may name besides. */
#include <stdlib.h>
#include <string.h>

#include "scan/graph/links.h"

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
