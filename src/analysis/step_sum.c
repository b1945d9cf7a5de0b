/* SPDX-License-Identifier: MIT */
/* Adding step functions. */
#include "analysis/step_sum.h"

#include <stdlib.h>

#include "base/checked.h"

static uint32_t capped(uint32_t value, uint32_t cap)
{
    return value < cap ? value : cap;
}

static bool add_two(const struct ia_steps *a, const struct ia_steps *b, uint32_t cap, struct ia_steps *out)
{
    struct ia_steps_builder builder;
    ia_steps_builder_init(&builder);
    struct ia_steps_cursor at_a = {.steps = a};
    struct ia_steps_cursor at_b = {.steps = b};
    int64_t end_a;
    int64_t end_b;
    for (int64_t pos = 0; pos < INT64_MAX; pos = ia_min(end_a, end_b)) {
        uint32_t value = capped(ia_steps_at(&at_a, pos, &end_a), cap) + capped(ia_steps_at(&at_b, pos, &end_b), cap);
        ia_steps_builder_set(&builder, pos, capped(value, cap));
    }
    return ia_steps_builder_finish(&builder, out);
}

/* Replaces the two topmost functions by their sum. */
static bool fold(struct ia_steps_sum *sum)
{
    struct ia_steps *top = &sum->stack.items[sum->stack.len - 1];
    struct ia_steps *next = top - 1;
    struct ia_steps both;
    if (!add_two(next, top, sum->cap, &both))
        return false;
    ia_steps_release(top);
    ia_steps_release(next);
    *next = both;
    sum->stack.len--;
    return true;
}

void ia_steps_sum_release(struct ia_steps_sum *sum)
{
    for (size_t i = 0; i < sum->stack.len; i++)
        ia_steps_release(&sum->stack.items[i]);
    ia_vec_release(&sum->stack);
}

bool ia_steps_sum_add(struct ia_steps_sum *sum, struct ia_steps *steps)
{
    if (steps->count == 0) {
        ia_steps_release(steps);
        return true;
    }
    if (!ia_vec_push(&sum->stack, *steps)) {
        ia_steps_release(steps);
        return false;
    }
    *steps = (struct ia_steps){0};
    while (sum->stack.len > 1) {
        const struct ia_steps *top = &sum->stack.items[sum->stack.len - 1];
        if (top->count < top[-1].count / 2)
            break;
        if (!fold(sum))
            return false;
    }
    return true;
}

bool ia_steps_sum_finish(struct ia_steps_sum *sum, struct ia_steps *out)
{
    while (sum->stack.len > 1)
        if (!fold(sum))
            return false;
    *out = sum->stack.len == 1 ? sum->stack.items[0] : (struct ia_steps){0};
    sum->stack.len = 0;
    ia_vec_release(&sum->stack);
    return true;
}
