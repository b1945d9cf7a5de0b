/* SPDX-License-Identifier: MIT */
/* Reading the inventories of machines, and what the scan before found by them. */
#include <stdlib.h>
#include <string.h>

#include "scan/graph/links.h"

static enum ia_status keep_before(void *ctx, const struct ia_claim_row *row, struct ia_error *err)
{
    struct ia_claims *claims = ctx;
    struct ia_claim_before before = {strdup(row->path), row->before_id, row->base_id, row->was_outside};
    if (before.path != NULL && ia_vec_push(&claims->before, before))
        return IA_OK;
    free(before.path);
    return ia_no_memory(err);
}

static int by_path(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Some were listed by a second look at their directory, too. */
static enum ia_status read_beside(struct ia_links *links, struct ia_error *err)
{
    struct ia_catalog *catalog = links->catalog;
    if (catalog->beside.len > 1)
        qsort(catalog->beside.items, catalog->beside.len, sizeof(catalog->beside.items[0]), by_path);
    for (size_t i = 0; i < catalog->beside.len; i++)
        if (i == 0 || strcmp(catalog->beside.items[i - 1], catalog->beside.items[i]) != 0)
            ia_inventory_read_beside(&links->claims.inventory, catalog->beside.items[i]);
    return links->claims.inventory.failed ? ia_no_memory(err) : IA_OK;
}

static enum ia_status settle_services(struct ia_links *links, struct ia_error *err)
{
    struct ia_inventory *inventory = &links->claims.inventory;
    for (size_t i = 0; i < inventory->services.len; i++) {
        const struct ia_inventory_service *service = &inventory->services.items[i];
        bool is_own = service->host == NULL || ia_own_host_is(&links->host, service->host);
        IA_TRY(ia_inventory_settle_service(inventory, service, is_own, err));
    }
    return IA_OK;
}

enum ia_status ia_links_find_inventories(struct ia_links *links, struct ia_error *err)
{
    const struct ia_scan_options *options = links->catalog->options;
    for (size_t i = 0; i < options->inventory_count; i++) {
        char *source = ia_inventory_at_home(options->inventories[i]);
        if (source != NULL && ia_vec_push(&links->sources, source))
            continue;
        free(source);
        return ia_no_memory(err);
    }
    return IA_OK;
}

enum ia_status ia_links_read_inventories(struct ia_links *links, struct ia_error *err)
{
    const struct ia_scan_options *options = links->catalog->options;
    struct ia_claims *claims = &links->claims;
    bool is_asked = false;
    for (size_t i = 0; i < links->sources.len; i++) {
        const char *source = links->sources.items[i];
        bool is_none = strcmp(source, "none") == 0;
        is_asked |= !is_none;
        claims->is_vouched |= is_none;
        if (options->without_stdin && (strcmp(source, "-") == 0 || strcmp(source, "list:-") == 0))
            ia_inventory_add_problem(&claims->inventory, "-", "was the standard input of an earlier scan");
        else if (!is_none)
            IA_TRY(ia_inventory_read(&claims->inventory, source, err));
    }
    if (is_asked) /* whatever was named besides: what lies beside images has what uses them */
        IA_TRY(read_beside(links, err));
    IA_TRY(settle_services(links, err));
    return ia_writer_load_claims(links->catalog->writer, keep_before, claims, err);
}
