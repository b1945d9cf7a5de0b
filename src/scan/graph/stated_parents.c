/* SPDX-License-Identifier: MIT */
/* Where an inventory has what an image is made on, that and what the image names must agree: else one of the two is of
 * another time, and who reads what is unknown. */
#include <string.h>

#include "scan/graph/links.h"

/* What the claim after it has below it; NULL: nothing. */
static const struct ia_claim_target *stated(const struct ia_claims *claims, size_t number)
{
    const struct ia_claim_target *next = &claims->all.items[number] + 1;
    bool is_parent = number + 1 < claims->all.len && next->machine == next[-1].machine &&
                     ia_claim_of(claims, next)->over == next[-1].claim + 1;
    return is_parent ? next : NULL;
}

static void check(struct ia_links *links, size_t number)
{
    const struct ia_claims *claims = &links->claims;
    const struct ia_claim_target *target = &claims->all.items[number];
    if (!ia_claim_of(claims, target)->knows_parent || target->file == IA_NO_FILE)
        return;
    const struct ia_file *file = links->catalog->files.items[target->file];
    const struct ia_claim_target *parent = stated(claims, number);
    if (!ia_file_is_sound(file))
        return;
    const char *named = file->parsed->facts.backing_name;
    size_t backing = file->node->backing;
    /* What is not found is a finding of its own. */
    bool agrees = parent == NULL  ? named == NULL
                  : named == NULL ? false
                                  : backing == IA_NO_FILE || parent->file == IA_NO_FILE || backing == parent->file;
    if (!agrees)
        ia_findings_add(&links->catalog->findings, IA_FINDING_INVENTORY_UNREADABLE,
                        ia_claim_machine(claims, target)->defined_in, "it has %s as the parent, and the image names %s",
                        parent == NULL ? "nothing" : ia_claim_of(claims, parent)->path, named == NULL ? "none" : named);
}

void ia_links_check_parents(struct ia_links *links)
{
    for (size_t i = 0; i < links->claims.all.len; i++)
        check(links, i);
}
