/* SPDX-License-Identifier: MIT */
/* What is wrong with inventories, and with what machines use. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "scan/graph/links.h"

static void report(struct ia_links *links, const struct ia_claim_target *target)
{
    struct ia_findings *findings = &links->catalog->findings;
    const struct ia_machine *machine = ia_claim_machine(&links->claims, target);
    const struct ia_claim *claim = ia_claim_of(&links->claims, target);
    const char *role = ia_claim_role_word(claim->role);
    bool is_no_image = claim->is_directory || (claim->is_optional && !ia_claim_is_image(claim));
    if (is_no_image && target->state != IA_CLAIM_MISSING)
        return;
    /* What has no backing file hides none. */
    bool is_open = !ia_claim_is_image(claim) || (claim->format != NULL && strcmp(claim->format, "raw") == 0);
    void (*add)(struct ia_findings *, enum ia_finding_code, const char *, const char *, ...) =
        is_open ? ia_findings_add_open : ia_findings_add;
    switch (target->state) {
    case IA_CLAIM_MISSING:
    case IA_CLAIM_UNREADABLE:
        if (!claim->is_optional)
            ia_findings_add(findings, IA_FINDING_CLAIM_MISSING, claim->path, "%s of machine '%s' (%s): %s", role,
                            machine->name, machine->defined_in,
                            target->state == IA_CLAIM_MISSING ? "there is no such file" : "permission denied");
        return;
    case IA_CLAIM_OUTSIDE:
        add(findings, IA_FINDING_CLAIM_OUTSIDE, claim->path, "%s of machine '%s' (%s) lies outside of all roots", role,
            machine->name, machine->defined_in);
        return;
    case IA_CLAIM_UNSCANNED:
        add(findings, IA_FINDING_CLAIM_UNSCANNED, claim->path,
            "%s of machine '%s' (%s) is no file of the scan: it is excluded, or no regular file", role, machine->name,
            machine->defined_in);
        return;
    default:
        return;
    }
}

static void report_pools(struct ia_links *links)
{
    const struct ia_inventory *inventory = &links->claims.inventory;
    for (size_t i = 0; i < inventory->pools.len; i++) {
        const struct ia_inventory_pool *pool = &inventory->pools.items[i];
        IA_AUTO_FREE char *canonical = NULL;
        struct ia_error cause = {0};
        enum ia_status status = ia_confine_resolve(&links->catalog->confine, pool->path, &canonical, &cause);
        if (status == IA_REFUSED)
            ia_findings_add(&links->catalog->findings, IA_FINDING_POOL_NOT_SCANNED, pool->path,
                            "the storage '%s' (%s) is below no root", pool->name, pool->defined_in);
        else if (status == IA_NOMEM)
            links->catalog->findings.failed = true;
    }
}

static bool writes(const struct ia_claims *claims, const struct ia_claim_target *target)
{
    const struct ia_claim *claim = ia_claim_of(claims, target);
    const struct ia_machine *machine = ia_claim_machine(claims, target);
    return target->file != IA_NO_FILE && claim->role == IA_CLAIM_DISK && !claim->read_only && !claim->shareable &&
           !claim->transient && (machine->state == IA_MACHINE_RUNNING || machine->state == IA_MACHINE_PAUSED);
}

static int by_file(const void *left, const void *right, void *ctx)
{
    const struct ia_claims *claims = ctx;
    const struct ia_claim_target *a = &claims->all.items[*(const size_t *)left];
    const struct ia_claim_target *b = &claims->all.items[*(const size_t *)right];
    int order = (a->file > b->file) - (a->file < b->file);
    return order != 0 ? order : (a->machine > b->machine) - (a->machine < b->machine);
}

/* A machine of two sources, as one that runs and its definition, is one machine. */
static bool is_same_machine(const struct ia_machine *a, const struct ia_machine *b)
{
    return a == b ||
           (a->uuid != NULL && b->uuid != NULL ? strcmp(a->uuid, b->uuid) == 0 : strcmp(a->name, b->name) == 0);
}

static enum ia_status report_shared(struct ia_links *links, struct ia_error *err)
{
    struct ia_claims *claims = &links->claims;
    IA_AUTO_FREE size_t *order = calloc(claims->all.len + 1, sizeof(*order));
    size_t count = 0;
    if (order == NULL)
        return ia_no_memory(err);
    for (size_t i = 0; i < claims->all.len; i++)
        if (writes(claims, &claims->all.items[i]))
            order[count++] = i;
    if (count > 1)
        qsort_r(order, count, sizeof(*order), by_file, claims);
    for (size_t i = 1; i < count; i++) {
        const struct ia_claim_target *first = &claims->all.items[order[i - 1]];
        const struct ia_claim_target *second = &claims->all.items[order[i]];
        const struct ia_machine *a = ia_claim_machine(claims, first);
        const struct ia_machine *b = ia_claim_machine(claims, second);
        if (first->file == second->file && !is_same_machine(a, b))
            ia_findings_add(&links->catalog->findings, IA_FINDING_DISK_IN_TWO_MACHINES,
                            ia_file_path(links->catalog->files.items[first->file]),
                            "machines '%s' and '%s' run, and both may write to it", a->name, b->name);
    }
    return IA_OK;
}

enum ia_status ia_links_report_claims(struct ia_links *links, struct ia_error *err)
{
    const struct ia_inventory *inventory = &links->claims.inventory;
    for (size_t i = 0; i < inventory->problems.len; i++)
        ia_findings_add(&links->catalog->findings, IA_FINDING_INVENTORY_UNREADABLE, inventory->problems.items[i].path,
                        "%s", inventory->problems.items[i].detail);
    for (size_t i = 0; i < links->claims.all.len; i++)
        report(links, &links->claims.all.items[i]);
    report_pools(links);
    return report_shared(links, err);
}
