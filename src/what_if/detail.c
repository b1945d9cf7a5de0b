/* SPDX-License-Identifier: MIT */
/* A function an effect. */
#include "what_if/detail.h"

static const char is_shared[] = "; something else uses some of its blocks";
static const char is_foreign[] =
    "QEMU does not know this format, and would lose what it is made on: only its own platform can";
static const char no_backing[] = "it has no backing file: nothing to do";

/* Why less is freed than the blocks of its files. */
static void add_remarks(struct ia_buf *out, const struct ia_what_if_fact *fact)
{
    if (fact->has_other_links)
        ia_buf_add_str(out, "; its file has hard links that the scan did not find");
    if (fact->is_shared)
        ia_buf_add_str(out, is_shared);
    if (fact->is_encoded)
        ia_buf_add_str(out, "; the host compresses it and does not report what that takes");
}

static const char *loss(const struct ia_what_if_fact *fact)
{
    if (fact->keeps_name)
        return "its file keeps other names, and stays";
    if (!fact->is_head)
        return "it is the backing file of other images";
    return fact->has_backing ? "a head: its own data is lost" : "a disk without a backing file: its data is lost";
}

static void detail_deleted(struct ia_buf *out, const struct ia_what_if_fact *fact)
{
    ia_buf_add_str(out, loss(fact));
    add_remarks(out, fact);
}

static void detail_flattened(struct ia_buf *out, const struct ia_what_if_fact *fact)
{
    if (!fact->names_backing)
        ia_buf_add_str(out, no_backing);
    else if (fact->is_foreign)
        ia_buf_add_str(out, is_foreign);
    else if (fact->can_rebase)
        ia_buf_add_str(out, "becomes independent, with the same content");
    else
        ia_buf_add_str(out, "qemu-img cannot rebase an image of this format in place: convert it to a new one");
}

static void detail_committed(struct ia_buf *out, const struct ia_what_if_fact *fact)
{
    if (!fact->names_backing)
        ia_buf_add_str(out, no_backing);
    else if (fact->is_foreign)
        ia_buf_add_str(out, is_foreign);
    else if (!fact->can_be_empty)
        ia_buf_add_str(out, "qemu-img does not empty an image of this format: it keeps its data");
    else
        ia_buf_addf(out, "emptied: reads everything from its backing file%s", fact->is_shared ? is_shared : "");
}

static void detail_receives(struct ia_buf *out, const struct ia_what_if_fact *fact)
{
    ia_buf_addf(out, "is written to, where %s has something of its own", fact->overlay);
    if (fact->of_effect.grows)
        ia_buf_addf(out, ", and grows from %jd to %jd guest bytes", (intmax_t)fact->virtual_size,
                    (intmax_t)fact->overlay_size);
    if (fact->is_shared)
        ia_buf_addf(out, "%s: what is written there takes new ones", is_shared);
}

static void detail_breaks(struct ia_buf *out, const struct ia_what_if_fact *fact)
{
    if (fact->snapshot != NULL)
        ia_buf_add_str(out, "its internal snapshots go on to read through it: this one reads zeroes where it read the "
                            "backing file");
    else if (fact->broken_at != NULL)
        ia_buf_addf(out, "reads through %s, and does not open without it", fact->broken_at);
    else
        ia_buf_add_str(out, "refers to what is deleted, otherwise than as its backing file");
}

static void detail_changes(struct ia_buf *out, const struct ia_what_if_fact *fact)
{
    if (fact->snapshot != NULL)
        ia_buf_add_str(out, "this internal snapshot reads what is committed");
    else if (fact->is_template && fact->of_effect.is_change_known)
        ia_buf_add_str(out, "it is kept as a template, and would not be what it was: each clone of it gets what is "
                            "committed");
    else if (fact->of_effect.is_change_known)
        ia_buf_add_str(out, "reads what is committed instead of what it read before");
    else
        ia_buf_add_str(out, "reads the backing file that is written to");
}

static void detail_unreferenced(struct ia_buf *out, const struct ia_what_if_fact *fact)
{
    ia_buf_add_str(out, "nothing would name it any more");
    if (fact->step > 1)
        ia_buf_addf(out, ", once those of step %jd are deleted", (intmax_t)fact->step - 1);
    if (fact->has_names)
        ia_buf_add_str(out, "; its file has several names");
    add_remarks(out, fact);
}

static void detail_masked_more(struct ia_buf *out, const struct ia_what_if_fact *fact)
{
    ia_buf_add_str(out, fact->is_unread ? "no byte of it would be read any more" : "less of it would be read");
}

void ia_what_if_detail(struct ia_buf *out, enum ia_effect effect, const struct ia_what_if_fact *fact)
{
    static void (*const details[])(struct ia_buf *, const struct ia_what_if_fact *) = {
        [IA_EFFECT_DELETED] = detail_deleted,
        [IA_EFFECT_FLATTENED] = detail_flattened,
        [IA_EFFECT_COMMITTED] = detail_committed,
        [IA_EFFECT_RECEIVES] = detail_receives,
        [IA_EFFECT_BREAKS] = detail_breaks,
        [IA_EFFECT_CHANGES] = detail_changes,
        [IA_EFFECT_UNREFERENCED] = detail_unreferenced,
        [IA_EFFECT_MASKED_MORE] = detail_masked_more,
    };
    details[effect](out, fact);
    if (fact->machines != NULL)
        ia_buf_addf(out, "; used by '%s'", fact->machines);
}
