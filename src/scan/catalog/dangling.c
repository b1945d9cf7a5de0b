/* SPDX-License-Identifier: MIT */
/* Symbolic links that lead nowhere now, and led to images: the disk that they are on may not be mounted tonight. */
#include <string.h>

#include "base/search.h"
#include "scan/catalog/catalog.h"

static int by_path(const void *left, const void *right)
{
    return strcmp(((const struct ia_past_finding *)left)->path, ((const struct ia_past_finding *)right)->path);
}

/* Of findings about one path, which lie side by side. */
static bool led_outside(const struct ia_catalog *catalog, const char *link)
{
    const struct ia_past_finding wanted = {.path = (char *)link};
    const struct ia_past_finding *all = catalog->past_findings.items;
    size_t first;
    size_t count = ia_equal_range(&wanted, all, catalog->past_findings.len, sizeof(wanted), by_path, &first);
    for (size_t i = first; i < first + count; i++)
        if (all[i].code == IA_FINDING_SYMLINK_OUTSIDE)
            return true;
    return false;
}

enum ia_status ia_catalog_keep_linked(struct ia_catalog *catalog, struct ia_error *err)
{
    for (size_t i = 0; i < catalog->dangling.len; i++) {
        const char *link = catalog->dangling.items[i];
        bool kept;
        IA_TRY(ia_catalog_keep_behind(catalog, link, &kept, err));
        if (kept || led_outside(catalog, link))
            ia_findings_add(&catalog->findings, IA_FINDING_SYMLINK_OUTSIDE, link,
                            "leads nowhere now, and an earlier scan saw what it led to, or what lay there: what that "
                            "names is not known");
    }
    return IA_OK;
}
