/* SPDX-License-Identifier: MIT */
/* Symbolic links that lead nowhere now, and led to images: the disk that they are on may not be mounted tonight. */
#include <stdlib.h>
#include <string.h>

#include "scan/catalog/catalog.h"

static int by_path(const void *key, const void *item)
{
    return strcmp(key, ((const struct ia_past_finding *)item)->path);
}

/* Of findings about one path, which lie side by side. */
static bool led_outside(const struct ia_catalog *catalog, const char *link)
{
    const struct ia_past_finding *all = catalog->past_findings.items;
    size_t count = catalog->past_findings.len;
    const struct ia_past_finding *found = count == 0 ? NULL : bsearch(link, all, count, sizeof(*all), by_path);
    if (found == NULL)
        return false;
    size_t at = (size_t)(found - all);
    while (at > 0 && strcmp(all[at - 1].path, link) == 0)
        at--;
    for (; at < count && strcmp(all[at].path, link) == 0; at++)
        if (all[at].code == IA_FINDING_SYMLINK_OUTSIDE)
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
