/* SPDX-License-Identifier: MIT */
/* What is wrong with inventories, and with what machines use. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "scan/graph/links.h"

typedef void add_finding(struct ia_findings *, enum ia_finding_code, const char *, const char *, ...);

static const char *why_missing(const struct ia_claim_target *target)
{
    if (target->state == IA_CLAIM_UNREADABLE)
        return "permission denied";
    return target->is_unmounted ? "there is no such file; it may lie on what is not mounted" : "there is no such file";
}

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
    add_finding *add = is_open ? ia_findings_add_open : ia_findings_add;
    switch (target->state) {
    case IA_CLAIM_MISSING:
    case IA_CLAIM_UNREADABLE:
        if (!target->is_unmounted)
            add = ia_findings_add_open;
        if (!claim->is_optional)
            add(findings, IA_FINDING_CLAIM_MISSING, claim->path, "%s of machine '%s' (%s): %s", role, machine->name,
                machine->defined_in, why_missing(target));
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

/* -- Disks of machines that run ------------------------------------------------------------------------------------ */

static bool runs(const struct ia_claims *claims, const struct ia_claim_target *target)
{
    const struct ia_machine *machine = ia_claim_machine(claims, target);
    return target->file != IA_NO_FILE && ia_claim_of(claims, target)->role == IA_CLAIM_DISK &&
           (machine->state == IA_MACHINE_RUNNING || machine->state == IA_MACHINE_PAUSED);
}

static bool writes(const struct ia_claims *claims, const struct ia_claim_target *target)
{
    const struct ia_claim *claim = ia_claim_of(claims, target);
    return runs(claims, target) && !claim->read_only && !claim->shareable && !claim->transient;
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

/* Claims of disks that machines may write to now, by file. */
struct written {
    struct ia_links *links;
    size_t *order;
    size_t count;
};

static const struct ia_claim_target *written_at(const struct written *written, size_t at)
{
    return &written->links->claims.all.items[written->order[at]];
}

static size_t first_of_file(const struct written *written, size_t file)
{
    size_t low = 0;
    for (size_t high = written->count; low < high;) { /* ends: each round halves what is left */
        size_t middle = low + (high - low) / 2;
        if (written_at(written, middle)->file < file)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void report_shared(const struct written *written)
{
    struct ia_catalog *catalog = written->links->catalog;
    const struct ia_claims *claims = &written->links->claims;
    for (size_t i = 1; i < written->count; i++) {
        const struct ia_claim_target *first = written_at(written, i - 1);
        const struct ia_claim_target *second = written_at(written, i);
        const struct ia_machine *a = ia_claim_machine(claims, first);
        const struct ia_machine *b = ia_claim_machine(claims, second);
        if (first->file == second->file && !is_same_machine(a, b))
            ia_findings_add(&catalog->findings, IA_FINDING_DISK_IN_TWO_MACHINES,
                            ia_file_path(catalog->files.items[first->file]),
                            "machines '%s' and '%s' run, and both may write to it", a->name, b->name);
    }
}

/* What a machine writes to is below the disk of another one. */
static void report_written_below(const struct written *written, const struct ia_claim_target *target)
{
    struct ia_catalog *catalog = written->links->catalog;
    const struct ia_claims *claims = &written->links->claims;
    const struct ia_machine *reader = ia_claim_machine(claims, target);
    size_t file = catalog->files.items[target->file]->node->backing;
    while (file != IA_NO_FILE) { /* ends: backing loops are cut */
        size_t at = first_of_file(written, file);
        if (at < written->count && written_at(written, at)->file == file) {
            const struct ia_machine *writer = ia_claim_machine(claims, written_at(written, at));
            if (!is_same_machine(writer, reader))
                ia_findings_add(&catalog->findings, IA_FINDING_DISK_IN_TWO_MACHINES,
                                ia_file_path(catalog->files.items[file]),
                                "machines '%s' and '%s' run: the first one may write to it, the disk of the second one "
                                "is based on it",
                                writer->name, reader->name);
        }
        file = catalog->files.items[file]->node->backing;
    }
}

static enum ia_status report_running(struct ia_links *links, struct ia_error *err)
{
    struct ia_claims *claims = &links->claims;
    IA_AUTO_FREE size_t *order = calloc(claims->all.len + 1, sizeof(*order));
    struct written written = {links, order, 0};
    if (order == NULL)
        return ia_no_memory(err);
    for (size_t i = 0; i < claims->all.len; i++)
        if (writes(claims, &claims->all.items[i]))
            order[written.count++] = i;
    if (written.count > 1)
        qsort_r(order, written.count, sizeof(*order), by_file, claims);
    report_shared(&written);
    for (size_t i = 0; i < claims->all.len && written.count > 0; i++)
        if (runs(claims, &claims->all.items[i]))
            report_written_below(&written, &claims->all.items[i]);
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
    return report_running(links, err);
}
