/* SPDX-License-Identifier: MIT */
/* The account of host space: a tree for each file. */
#include "model/space.h"

#include <stdlib.h>

#include "base/checked.h"
#include "model/space_tree.h"

struct file {
    struct ia_space_tree tree;
    int64_t end;
};

struct ia_space {
    struct ia_space_cost cost;
    size_t count;
    struct file files[];
};

struct ia_space *ia_space_new(size_t files)
{
    struct ia_space *space = calloc(1, sizeof(*space) + files * sizeof(*space->files));
    if (space != NULL)
        space->count = files;
    return space;
}

void ia_space_free(struct ia_space *space)
{
    if (space == NULL)
        return;
    for (size_t i = 0; i < space->count; i++)
        ia_space_tree_release(&space->files[i].tree);
    free(space);
}

static unsigned account_units(struct ia_space *space, struct file *file, enum ia_space_use use, int64_t from,
                              int64_t to)
{
    return from < to ? ia_space_tree_account(&file->tree, &space->cost, from, to, use) : 0;
}

/* What the first and the last unit had before is left out where the range has a part of them only. */
unsigned ia_space_account(struct ia_space *space, uint32_t file, enum ia_space_use use, int64_t start, int64_t length)
{
    if (file >= space->count)
        space->cost.failed = true;
    if (space->cost.failed || use == IA_SPACE_UNUSED || start < 0 || length <= 0)
        return 0;
    struct file *f = &space->files[file];
    int64_t end = length > INT64_MAX - start ? INT64_MAX : start + length;
    int64_t from = start / IA_SPACE_UNIT;
    int64_t to = end / IA_SPACE_UNIT + (end % IA_SPACE_UNIT != 0);
    int64_t whole_from = from + (start % IA_SPACE_UNIT != 0);
    int64_t whole_to = ia_max(end / IA_SPACE_UNIT, whole_from);
    (void)account_units(space, f, use, from, whole_from);
    (void)account_units(space, f, use, whole_to, to);
    if (use != IA_SPACE_LEAKED)
        f->end = ia_max(f->end, end);
    return account_units(space, f, use, whole_from, whole_to);
}

void ia_space_fail(struct ia_space *space)
{
    space->cost.failed = true;
}

bool ia_space_failed(const struct ia_space *space)
{
    return space->cost.failed;
}

int64_t ia_space_end(const struct ia_space *space, uint32_t file)
{
    return space->files[file].end;
}

static enum ia_space_use reported_as(enum ia_space_use use)
{
    return use == IA_SPACE_COMPRESSED ? IA_SPACE_DATA : use;
}

enum ia_space_use ia_space_at(const struct ia_space *space, uint32_t file, int64_t pos, int64_t *until)
{
    const struct file *f = &space->files[file];
    int64_t end;
    int64_t next;
    enum ia_space_use use = reported_as(ia_space_tree_at(&f->tree, pos / IA_SPACE_UNIT, &end));
    while (end != INT64_MAX && reported_as(ia_space_tree_at(&f->tree, end, &next)) == use)
        end = next;
    *until = end > INT64_MAX / IA_SPACE_UNIT ? INT64_MAX : end * IA_SPACE_UNIT;
    return use;
}

static int64_t add_up(int64_t a, int64_t b)
{
    int64_t sum;
    return ia_add(a, b, &sum) ? sum : INT64_MAX;
}

int64_t ia_space_bytes(const struct ia_space *space, enum ia_space_use use)
{
    int64_t sum = 0;
    for (size_t i = 0; i < space->count; i++) {
        int64_t bytes;
        const struct ia_space_tree *tree = &space->files[i].tree;
        int64_t units = use == IA_SPACE_COMPRESSED ? 0 : ia_space_tree_units(tree, use);
        if (use == IA_SPACE_DATA)
            units += ia_space_tree_units(tree, IA_SPACE_COMPRESSED);
        sum = add_up(sum, ia_mul(units, IA_SPACE_UNIT, &bytes) ? bytes : INT64_MAX);
    }
    return sum;
}
