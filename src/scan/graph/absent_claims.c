/* SPDX-License-Identifier: MIT */
/* Claims of what need not be there, and is not. They are nothing, unless an image that nobody claims has the name: it
 * may be what is meant, by a path that leads nowhere tonight. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/search.h"
#include "scan/graph/links.h"

/* A claim by the last component of its path. */
struct absent {
    const char *name;
    size_t number; /* among the claims */
};

/* It was not there before, or is gone. */
static bool is_absent(const struct ia_claims *claims, const struct ia_claim_target *target)
{
    return ia_claim_of(claims, target)->is_optional && target->state == IA_CLAIM_MISSING &&
           target->before == IA_NO_FILE && target->base == IA_NO_FILE;
}

static int by_name(const void *left, const void *right)
{
    return strcasecmp(((const struct absent *)left)->name, ((const struct absent *)right)->name);
}

/* Those of a name are marked together: they are looked at once. */
static void mark(const struct absent *absent, size_t count, const char *path, bool *is_meant)
{
    const struct absent wanted = {.name = ia_path_name(path)};
    size_t first = ia_lower_bound(&wanted, absent, count, sizeof(wanted), by_name);
    for (size_t i = first; i < count && by_name(&absent[i], &wanted) == 0 && !is_meant[absent[i].number]; i++)
        is_meant[absent[i].number] = true;
}

static enum ia_status find_meant(const struct ia_links *links, bool *is_meant, struct ia_error *err)
{
    const struct ia_claims *claims = &links->claims;
    const struct ia_catalog *catalog = links->catalog;
    IA_AUTO_FREE struct absent *absent = calloc(claims->all.len + 1, sizeof(*absent));
    size_t count = 0;
    if (absent == NULL)
        return ia_no_memory(err);
    for (size_t i = 0; i < claims->all.len; i++) {
        const struct ia_claim *claim = ia_claim_of(claims, &claims->all.items[i]);
        if (is_absent(claims, &claims->all.items[i]) && !claim->is_past && !claim->is_directory)
            absent[count++] = (struct absent){ia_path_name(claim->path), i};
    }
    if (count > 1)
        qsort(absent, count, sizeof(*absent), by_name);
    for (size_t i = 0; i < catalog->files.len && count > 0; i++) {
        const struct ia_file *file = catalog->files.items[i];
        if (!ia_file_is_image(file) || file->node->is_claimed)
            continue;
        for (size_t n = 0; n < file->names.len; n++)
            mark(absent, count, file->names.items[n].path, is_meant);
    }
    return IA_OK;
}

enum ia_status ia_links_drop_absent_claims(struct ia_links *links, struct ia_error *err)
{
    struct ia_claims *claims = &links->claims;
    IA_AUTO_FREE bool *is_meant = calloc(claims->all.len + 1, sizeof(*is_meant));
    size_t kept = 0;
    if (is_meant == NULL)
        return ia_no_memory(err);
    IA_TRY(find_meant(links, is_meant, err));
    for (size_t i = 0; i < claims->all.len; i++) {
        struct ia_claim_target *target = &claims->all.items[i];
        if (is_absent(claims, target) && !is_meant[i])
            free(target->path);
        else
            claims->all.items[kept++] = *target;
    }
    claims->all.len = kept;
    return IA_OK;
}
