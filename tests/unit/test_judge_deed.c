/* SPDX-License-Identifier: MIT */
/* Each rule about what a deed leads to, both ways: which facts raise the doubt, and which like them do not. */
#include "judge/deed.h"

#include "support/unit.h"

/* Facts of which nothing is doubted. */
static const struct ia_effect_facts fine = {
    .is_ok = true,
    .chain_ok = true,
    .is_freed_known = true,
    .can_commit = true,
    .can_receive = true,
    .can_grow = true,
    .can_grow_with_snapshots = true,
    .can_grow_over_backing = true,
    .zeroes_are_known = true,
    .names_what_goes = true,
    .is_change_known = true,
};

#define CHANGE(name, ...)                                                                                              \
    static void name(struct ia_effect_facts *f)                                                                        \
    {                                                                                                                  \
        __VA_ARGS__;                                                                                                   \
    }
CHANGE(nothing, (void)f)
CHANGE(chain_is_broken, f->chain_ok = false)
CHANGE(not_read_at_all, f->chain_ok = f->is_ok = false)
CHANGE(cannot_be_committed, f->can_commit = false)
CHANGE(cannot_receive, f->can_receive = false)
CHANGE(zeroes_are_unknown, f->zeroes_are_known = false)
CHANGE(cannot_grow, f->can_grow = f->can_grow_with_snapshots = false)
CHANGE(has_to_grow, f->grows = true)
CHANGE(has_to_grow_and_cannot, f->grows = true; cannot_grow(f))
CHANGE(has_snapshots, f->has_snapshots = true; f->can_grow_with_snapshots = false)
CHANGE(has_to_grow_with_snapshots, f->grows = true; has_snapshots(f))
CHANGE(has_larger_backing, f->has_larger_backing = true; f->can_grow_over_backing = false)
CHANGE(has_to_grow_over_it, f->grows = true; has_larger_backing(f))
CHANGE(has_data_file, f->has_data_file = true)
CHANGE(may_name_what_stays, f->names_what_goes = false)
CHANGE(change_is_unknown, f->is_change_known = false)
CHANGE(was_flattened, f->is_flattened = true)
CHANGE(rows_have_doubts, f->rows_have_doubts = true)
CHANGE(sharing_is_unknown, f->is_freed_known = false)

#define ONE(effect) (1U << IA_EFFECT_##effect)

/* The doubts of all effects that have any: "" for the others. */
static const struct rule {
    const char *name;
    void (*change)(struct ia_effect_facts *facts);
    unsigned effects;
    const char *expected; /* "code", "code [subject]" */
} rules[] = {
    {"nothing is wrong", nothing, 0, ""},
    {"its chain is broken", chain_is_broken, ONE(FLATTENED) | ONE(COMMITTED) | ONE(BREAKS), "own-chain-broken"},
    {"one that was not read breaks all the same", not_read_at_all, ONE(FLATTENED) | ONE(COMMITTED), "own-chain-broken"},
    {"it cannot be committed", cannot_be_committed, ONE(COMMITTED), "cannot-commit"},
    {"it cannot be committed into", cannot_receive, ONE(RECEIVES), "cannot-receive"},
    {"what zeroes become is unknown", zeroes_are_unknown, ONE(RECEIVES), "zeroes-unknown"},
    {"it cannot grow, and need not", cannot_grow, 0, ""},
    {"it grows", has_to_grow, 0, ""},
    {"it cannot grow", has_to_grow_and_cannot, ONE(RECEIVES), "cannot-grow [an image of this kind]"},
    {"it cannot grow with internal snapshots, and need not", has_snapshots, 0, ""},
    {"it cannot grow with internal snapshots", has_to_grow_with_snapshots, ONE(RECEIVES),
     "cannot-grow [with internal snapshots]"},
    {"it cannot grow over a larger backing file, and need not", has_larger_backing, 0, ""},
    {"it cannot grow over a larger backing file", has_to_grow_over_it, ONE(RECEIVES),
     "cannot-grow [over a larger backing file]"},
    {"it has an external data file", has_data_file, ONE(FLATTENED) | ONE(COMMITTED) | ONE(RECEIVES), "external-data"},
    {"it may name what stays", may_name_what_stays, ONE(BREAKS), "other-name"},
    {"how much it changes is unknown", change_is_unknown, ONE(CHANGES), "change-unknown"},
    {"it was flattened itself", was_flattened, ONE(MASKED_MORE), "zeroes-not-copied"},
    {"what its files share is unknown", sharing_is_unknown,
     ONE(DELETED) | ONE(COMMITTED) | ONE(RECEIVES) | ONE(UNREFERENCED), "sharing-unknown"},
    {"a row above has more", rows_have_doubts, ONE(TOTAL) | ONE(TOTAL_WITH_NEXT), "other-rows"},
};
#define RULES (sizeof(rules) / sizeof(rules[0]))

static void expect_doubts(enum ia_effect effect, const struct ia_effect_facts *facts, const char *expected)
{
    struct ia_doubts doubts = {0};
    struct ia_buf text = {0};
    assert_true(ia_effect_doubts(effect, facts, &doubts));
    for (size_t i = 0; i < doubts.all.len; i++) {
        const struct ia_candidate_doubt *doubt = &doubts.all.items[i];
        ia_buf_addf(&text, "%s%s", i > 0 ? " " : "", ia_doubt_kinds[doubt->doubt].code);
        if (doubt->subject[0] != '\0')
            ia_buf_addf(&text, " [%s]", doubt->subject);
    }
    ia_buf_add_char(&text, '\0');
    assert_string_equal(text.data, expected);
    ia_buf_release(&text);
    ia_doubts_release(&doubts);
}

static void doubt_is_raised_for_its_effects_and_no_others(void **state)
{
    const struct rule *rule = *state;
    struct ia_effect_facts facts = fine;
    rule->change(&facts);
    for (enum ia_effect effect = IA_EFFECT_DELETED; effect < IA_EFFECT_COUNT; effect++)
        expect_doubts(effect, &facts, (rule->effects & (1U << effect)) != 0 ? rule->expected : "");
}

static void words_of_effects_lead_back_to_them(void **state)
{
    (void)state;
    for (enum ia_effect effect = IA_EFFECT_DELETED; effect < IA_EFFECT_COUNT; effect++)
        assert_int_equal(ia_effect_by_word(ia_effect_word(effect)), effect);
    assert_int_equal(ia_effect_by_word("copied"), IA_EFFECT_COUNT);
}

int main(void)
{
    struct CMUnitTest tests[RULES + 1];
    for (size_t i = 0; i < RULES; i++)
        tests[i] = (struct CMUnitTest){rules[i].name, doubt_is_raised_for_its_effects_and_no_others, NULL, NULL,
                                       (void *)&rules[i]};
    tests[RULES] = (struct CMUnitTest)cmocka_unit_test(words_of_effects_lead_back_to_them);
    return _cmocka_run_group_tests("judge_deed", tests, RULES + 1, NULL, NULL);
}
