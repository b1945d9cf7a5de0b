/* SPDX-License-Identifier: MIT */
/* A machine that several files describe uses a file once in each role. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "inventory/reader.h"

static const char *over_path(const struct ia_machine *machine, const struct ia_claim *claim)
{
    return claim->over == 0 ? "" : machine->claims.items[claim->over - 1].path;
}

/* The disk as it is now is no restore point, though a snapshot has it, too. */
static enum ia_claim_role role_of(const struct ia_claim *claim)
{
    return claim->role == IA_CLAIM_RESTORE_POINT ? IA_CLAIM_DISK : claim->role;
}

static int compare(const struct ia_machine *machine, size_t left, size_t right)
{
    const struct ia_claim *a = &machine->claims.items[left];
    const struct ia_claim *b = &machine->claims.items[right];
    if (role_of(a) != role_of(b))
        return role_of(a) > role_of(b) ? 1 : -1;
    int order = strcmp(a->path, b->path);
    return order != 0 ? order : strcmp(over_path(machine, a), over_path(machine, b));
}

/* Equal ones in their order. */
static int by_claim(const void *left, const void *right, void *ctx)
{
    size_t a = *(const size_t *)left;
    size_t b = *(const size_t *)right;
    int order = compare(ctx, a, b);
    return order != 0 ? order : (a > b) - (a < b);
}

/* What is looser in one of them does not hold of both. */
static void merge(struct ia_claim *kept, struct ia_claim *again)
{
    if (again->role == IA_CLAIM_DISK)
        kept->role = IA_CLAIM_DISK;
    kept->read_only &= again->read_only;
    kept->shareable &= again->shareable;
    kept->transient &= again->transient;
    kept->is_optional &= again->is_optional;
    kept->is_past &= again->is_past;
    bool differ = kept->format != NULL && again->format != NULL && strcmp(kept->format, again->format) != 0;
    if (differ || kept->format == NULL) {
        free(kept->format);
        kept->format = differ ? NULL : ia_steal_ptr(again->format);
    }
}

/* The claims of which kept_as has their own place stay, in their order. */
static void compact(struct ia_machine *machine, size_t *kept_as)
{
    size_t kept = 0;
    for (size_t i = 0; i < machine->claims.len; i++) {
        struct ia_claim *claim = &machine->claims.items[i];
        if (kept_as[i] != i) {
            kept_as[i] = kept_as[kept_as[i]]; /* the first, which got its new place before */
            free(claim->path);
            free(claim->format);
            continue;
        }
        if (claim->over != 0) /* an earlier claim */
            claim->over = kept_as[claim->over - 1] + 1;
        kept_as[i] = kept;
        machine->claims.items[kept++] = *claim;
    }
    machine->claims.len = kept;
}

void ia_inventory_merge_claims(struct ia_inventory *inventory, struct ia_machine *machine)
{
    size_t count = machine->claims.len;
    IA_AUTO_FREE size_t *order = calloc(count + 1, sizeof(*order));
    IA_AUTO_FREE size_t *kept_as = calloc(count + 1, sizeof(*kept_as));
    if (order == NULL || kept_as == NULL) {
        inventory->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        order[i] = kept_as[i] = i;
    if (count > 1)
        qsort_r(order, count, sizeof(*order), by_claim, machine);
    for (size_t i = 1; i < count; i++) {
        if (compare(machine, order[i - 1], order[i]) != 0)
            continue;
        kept_as[order[i]] = kept_as[order[i - 1]];
        merge(&machine->claims.items[kept_as[order[i]]], &machine->claims.items[order[i]]);
    }
    compact(machine, kept_as);
}
