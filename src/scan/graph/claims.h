/* SPDX-License-Identifier: MIT */
/* What machines use: inventories of this host, and which files of the scan their claims lead to. */
#ifndef IA_SCAN_GRAPH_CLAIMS_H
#define IA_SCAN_GRAPH_CLAIMS_H

#include "chain/resolve.h"
#include "inventory/inventory.h"

enum ia_claim_state {
    IA_CLAIM_FOUND,
    IA_CLAIM_MISSING,
    IA_CLAIM_OUTSIDE,    /* of what was walked */
    IA_CLAIM_UNSCANNED,  /* below a root, and no file of the scan: excluded, or no regular file */
    IA_CLAIM_UNREADABLE, /* the operating system does not let anybody look */
    IA_CLAIM_STATES
};
const char *ia_claim_state_word(enum ia_claim_state state);

/* A claim, and where it leads. */
struct ia_claim_target {
    size_t machine, claim; /* places in the inventory */
    enum ia_claim_state state;
    bool was_outside;    /* of the roots: it is now, or was when it was last found */
    bool is_unmounted;   /* missing, and it was outside, or of its path there is an empty directory outside */
    char *path;          /* owned; canonical; NULL: not found */
    size_t file;         /* number in the catalog; IA_NO_FILE: none */
    int64_t before_id;   /* file_id of what the path led to when it was last found; 0: it never was, or is found now */
    int64_t base_id;     /* file_id of what that was based on; 0: on nothing, or unknown */
    size_t before, base; /* the same two, numbers in the catalog; IA_NO_FILE: none */
};

/* Where a path of an earlier scan's claim led. */
struct ia_claim_before {
    char *path;               /* owned */
    int64_t file_id, base_id; /* 0: none */
    bool was_outside;
};

struct ia_claims {
    struct ia_inventory inventory;
    bool is_vouched; /* --inventory none */
    IA_VEC(struct ia_claim_target) all;
    IA_VEC(struct ia_claim_before) before; /* by path */
};
void ia_claims_release(struct ia_claims *claims);

static inline const struct ia_machine *ia_claim_machine(const struct ia_claims *claims,
                                                        const struct ia_claim_target *target)
{
    return &claims->inventory.machines.items[target->machine];
}
static inline const struct ia_claim *ia_claim_of(const struct ia_claims *claims, const struct ia_claim_target *target)
{
    return &ia_claim_machine(claims, target)->claims.items[target->claim];
}
/* The machine's disk, or an image of another role: not what a machine only boots from. */
bool ia_claim_is_image(const struct ia_claim *claim);

#endif
