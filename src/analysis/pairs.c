/* SPDX-License-Identifier: MIT */
/* Counting what pairs of heads share. */
#include "analysis/pairs.h"

#include <stdlib.h>

#include "base/checked.h"

/* Steps that a tree has anyway, and those that each change of an image's data brings. */
enum { FIRST_STEPS = 1 << 20, STEPS_PER_CHANGE = 64 };

static int compare_candidates(const void *left, const void *right)
{
    const struct ia_pair_candidate *a = left;
    const struct ia_pair_candidate *b = right;
    if (a->below != b->below)
        return a->below < b->below ? 1 : -1;
    return (a->node > b->node) - (a->node < b->node);
}

void ia_pairs_init(struct ia_pairs *pairs, struct ia_pair_candidate *candidates, size_t count)
{
    *pairs = (struct ia_pairs){.steps = FIRST_STEPS};
    if (count > 0)
        qsort(candidates, count, sizeof(*candidates), compare_candidates);
    for (; pairs->count < count && pairs->count < IA_PAIRS_HEADS; pairs->count++)
        pairs->heads[pairs->count] = candidates[pairs->count].node;
    pairs->others = pairs->count < count ? candidates[pairs->count].below : 0;
}

uint32_t ia_pairs_bit(const struct ia_pairs *pairs, size_t node)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (pairs->heads[i] == node)
            return UINT32_C(1) << i;
    return 0;
}

static int64_t data_before(const struct ia_pair_account *account, int64_t place)
{
    return account->before + (account->counts ? place - account->from : 0);
}

void ia_pairs_set_data(struct ia_pairs *pairs, struct ia_pair_account *account, int64_t place, bool data)
{
    account->before = data_before(account, place);
    account->from = place;
    account->counts = data;
    pairs->steps += STEPS_PER_CHANGE;
}

/* Adds so many bytes to the pairs of one head with each of others. */
static void add(struct ia_pairs *pairs, unsigned head, uint32_t others, int64_t bytes)
{
    for (; others != 0; others &= others - 1) { /* ends: a bit less each time */
        unsigned other = (unsigned)__builtin_ctz(others);
        pairs->shared[head < other ? head : other][head < other ? other : head] += bytes;
        pairs->steps--;
    }
}

static void move(struct ia_pairs *pairs, struct ia_pair_account *account, int64_t place, uint32_t going,
                 uint32_t coming)
{
    int64_t data = data_before(account, place);
    for (; going != 0; going &= going - 1) {
        unsigned head = (unsigned)__builtin_ctz(going);
        account->here &= ~(UINT32_C(1) << head);
        add(pairs, head, account->here, data);
    }
    for (; coming != 0; coming &= coming - 1) {
        unsigned head = (unsigned)__builtin_ctz(coming);
        add(pairs, head, account->here, -data);
        account->here |= UINT32_C(1) << head;
    }
}

void ia_pairs_pass(struct ia_pairs *pairs, struct ia_pair_account *account, struct ia_pair_account *base, int64_t place,
                   uint32_t heads)
{
    pairs->given_up = pairs->given_up || pairs->steps <= 0;
    if (!pairs->given_up)
        move(pairs, base, place, account->passed & ~heads, heads & ~account->passed);
    account->passed = heads;
}

static int compare_pairs(const void *left, const void *right)
{
    const struct ia_pair_row *a = left;
    const struct ia_pair_row *b = right;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    if (a->node != b->node)
        return a->node < b->node ? -1 : 1;
    return (a->other > b->other) - (a->other < b->other);
}

enum ia_status ia_pairs_emit(const struct ia_pairs *pairs, const struct ia_forest_sinks *sinks, struct ia_error *err)
{
    struct ia_pair_row rows[IA_PAIRS_HEADS * (IA_PAIRS_HEADS - 1) / 2];
    size_t count = 0;
    for (size_t low = 0; low < pairs->count && !pairs->given_up; low++)
        for (size_t high = low + 1; high < pairs->count; high++) {
            size_t a = pairs->heads[low];
            size_t b = pairs->heads[high];
            if (pairs->shared[low][high] > 0)
                rows[count++] = (struct ia_pair_row){
                    .node = a < b ? a : b, .other = a < b ? b : a, .bytes = pairs->shared[low][high]};
        }
    if (count > 0)
        qsort(rows, count, sizeof(rows[0]), compare_pairs);
    int64_t others = pairs->others;
    if (count > IA_PAIRS_SHOWN)
        others = ia_max(others, rows[IA_PAIRS_SHOWN].bytes);
    for (size_t i = 0; i < count && i < IA_PAIRS_SHOWN; i++) {
        rows[i].others = others;
        IA_TRY(sinks->pair(sinks->ctx, &rows[i], err));
    }
    return IA_OK;
}
