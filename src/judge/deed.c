/* SPDX-License-Identifier: MIT */
/* A rule a function, and the effects that it is for. */
#include "judge/deed.h"

#include <string.h>

const char *ia_effect_word(enum ia_effect effect)
{
    static const char *const words[IA_EFFECT_COUNT] = {
        [IA_EFFECT_DELETED] = "deleted",
        [IA_EFFECT_FLATTENED] = "flattened",
        [IA_EFFECT_COMMITTED] = "committed",
        [IA_EFFECT_RECEIVES] = "receives",
        [IA_EFFECT_BREAKS] = "breaks",
        [IA_EFFECT_CHANGES] = "changes",
        [IA_EFFECT_UNREFERENCED] = "unreferenced",
        [IA_EFFECT_MASKED_MORE] = "masked-more",
        [IA_EFFECT_TOTAL] = "total",
        [IA_EFFECT_TOTAL_WITH_NEXT] = "total-with-next",
    };
    return words[effect];
}

enum ia_effect ia_effect_by_word(const char *word)
{
    enum ia_effect effect = IA_EFFECT_DELETED;
    while (effect < IA_EFFECT_COUNT && strcmp(ia_effect_word(effect), word) != 0)
        effect++;
    return effect;
}

#define AT(effect) (1U << (IA_EFFECT_##effect))

static bool chain_is_broken(const struct ia_effect_facts *facts)
{
    return !facts->chain_ok;
}

static bool chain_was_broken(const struct ia_effect_facts *facts)
{
    return facts->is_ok && !facts->chain_ok;
}

static bool cannot_commit(const struct ia_effect_facts *facts)
{
    return !facts->can_commit;
}

static bool cannot_receive(const struct ia_effect_facts *facts)
{
    return !facts->can_receive;
}

static bool zeroes_are_unknown(const struct ia_effect_facts *facts)
{
    return !facts->zeroes_are_known;
}

static bool cannot_grow(const struct ia_effect_facts *facts)
{
    return facts->grows && !facts->can_grow;
}

static bool cannot_grow_with_snapshots(const struct ia_effect_facts *facts)
{
    return facts->grows && facts->can_grow && facts->has_snapshots && !facts->can_grow_with_snapshots;
}

static bool cannot_grow_over_backing(const struct ia_effect_facts *facts)
{
    return facts->grows && facts->has_larger_backing && !facts->can_grow_over_backing;
}

static bool has_data_file(const struct ia_effect_facts *facts)
{
    return facts->has_data_file;
}

static bool may_name_what_stays(const struct ia_effect_facts *facts)
{
    return !facts->names_what_goes;
}

static bool change_is_unknown(const struct ia_effect_facts *facts)
{
    return !facts->is_change_known;
}

/* An image that was flattened has less than all that its bases held, where that was zeroes. */
static bool zeroes_are_not_copied(const struct ia_effect_facts *facts)
{
    return facts->is_flattened;
}

static bool sharing_is_unknown(const struct ia_effect_facts *facts)
{
    return !facts->is_freed_known;
}

static bool rows_have_doubts(const struct ia_effect_facts *facts)
{
    return facts->rows_have_doubts;
}

static const struct rule {
    enum ia_doubt doubt;
    unsigned effects; /* a set, by AT */
    bool (*holds)(const struct ia_effect_facts *facts);
    const char *subject;
} rules[] = {
    {IA_DOUBT_OWN_CHAIN_BROKEN, AT(FLATTENED) | AT(COMMITTED), chain_is_broken, ""},
    {IA_DOUBT_OWN_CHAIN_BROKEN, AT(BREAKS), chain_was_broken, ""},
    {IA_DOUBT_CANNOT_COMMIT, AT(COMMITTED), cannot_commit, ""},
    {IA_DOUBT_CANNOT_RECEIVE, AT(RECEIVES), cannot_receive, ""},
    {IA_DOUBT_ZEROES_UNKNOWN, AT(RECEIVES), zeroes_are_unknown, ""},
    {IA_DOUBT_CANNOT_GROW, AT(RECEIVES), cannot_grow, "an image of this kind"},
    {IA_DOUBT_CANNOT_GROW, AT(RECEIVES), cannot_grow_with_snapshots, "with internal snapshots"},
    {IA_DOUBT_CANNOT_GROW, AT(RECEIVES), cannot_grow_over_backing, "over a larger backing file"},
    {IA_DOUBT_EXTERNAL_DATA, AT(FLATTENED) | AT(COMMITTED) | AT(RECEIVES), has_data_file, ""},
    {IA_DOUBT_OTHER_NAME, AT(BREAKS), may_name_what_stays, ""},
    {IA_DOUBT_CHANGE_UNKNOWN, AT(CHANGES), change_is_unknown, ""},
    {IA_DOUBT_ZEROES_NOT_COPIED, AT(MASKED_MORE), zeroes_are_not_copied, ""},
    {IA_DOUBT_SHARING_UNKNOWN, AT(DELETED) | AT(COMMITTED) | AT(RECEIVES) | AT(UNREFERENCED), sharing_is_unknown, ""},
    {IA_DOUBT_OTHER_ROWS, AT(TOTAL) | AT(TOTAL_WITH_NEXT), rows_have_doubts, ""},
};

bool ia_effect_doubts(enum ia_effect effect, const struct ia_effect_facts *facts, struct ia_doubts *out)
{
    bool ok = true;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]) && ok; i++)
        if ((rules[i].effects & (1U << effect)) != 0 && rules[i].holds(facts))
            ok = ia_vec_push(&out->all, ((struct ia_candidate_doubt){rules[i].doubt, rules[i].subject}));
    return ok;
}
