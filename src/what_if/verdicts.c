/* SPDX-License-Identifier: MIT */
/* Judging what a deed would leave, step by step. */
#include "what_if/verdicts.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "judge/judge.h"
#include "store/graph_reader.h"
#include "store/what_if_tables.h"

struct deed {
    struct ia_reader *reader;
    enum ia_what_if_action action;
    const struct ia_what_if_accounts *accounts;
    struct ia_stored_graph *stored;
    struct ia_graph *graph;
    struct ia_judge *judge;        /* of the graph as it is now */
    struct ia_doubts of_all;       /* the same */
    IA_VEC(int64_t) masked_before; /* of each account */
    enum ia_candidate *before;     /* of each image */
    IA_VEC(size_t) found;          /* images that become unreferenced, in one step */
};

static void deed_release(struct deed *deed)
{
    ia_judge_free(deed->judge);
    ia_doubts_release(&deed->of_all);
    ia_vec_release(&deed->masked_before);
    free(deed->before);
    ia_vec_release(&deed->found);
    ia_stored_graph_free(deed->stored);
}
#define AUTO_DEED __attribute__((cleanup(deed_release)))

/* -- Writing ------------------------------------------------------------------------------------------------------- */

/* image: IA_GRAPH_NONE for every image. */
static enum ia_status put_doubts(const struct deed *deed, const char *effect, size_t image,
                                 const struct ia_doubts *doubts, struct ia_error *err)
{
    int64_t image_id = image == IA_GRAPH_NONE ? 0 : ia_stored_graph_image_id(deed->stored, image);
    return ia_what_if_put_doubts(deed->reader, effect, image_id, doubts, err);
}

static enum ia_status put_assumptions(const struct deed *deed, const char *effect, size_t image,
                                      struct ia_assumptions *assumptions, struct ia_error *err)
{
    IA_AUTO_BUF struct ia_buf words = {0};
    if (assumptions->all.len == 0)
        return IA_OK;
    ia_assumptions_render(&words, assumptions);
    if (words.failed)
        return ia_no_memory(err);
    return ia_what_if_put_assumption(deed->reader, effect,
                                     image == IA_GRAPH_NONE ? 0 : ia_stored_graph_image_id(deed->stored, image),
                                     words.data, err);
}

/* The doubts about one image as such a candidate, and what it assumes. */
static enum ia_status put_own(const struct deed *deed, const char *effect, size_t image, enum ia_candidate candidate,
                              struct ia_error *err)
{
    IA_AUTO_DOUBTS struct ia_doubts own = {0};
    IA_AUTO_ASSUMPTIONS struct ia_assumptions assumptions = {0};
    IA_TRY(ia_judge_doubts(deed->judge, image, candidate, &own, err));
    IA_TRY(put_doubts(deed, effect, image, &own, err));
    IA_TRY(ia_judge_assumes(deed->judge, image, candidate, &assumptions, err));
    return put_assumptions(deed, effect, image, &assumptions, err);
}

static enum ia_status put_candidate(const struct deed *deed, const char *effect, size_t image,
                                    enum ia_candidate candidate, struct ia_error *err)
{
    IA_TRY(ia_what_if_put_judged(deed->reader, effect, ia_stored_graph_image_id(deed->stored, image), err));
    IA_TRY(put_own(deed, effect, image, candidate, err));
    return put_doubts(deed, effect, image, &deed->of_all, err);
}

/* -- The deed ------------------------------------------------------------------------------------------------------ */

static enum ia_status drop_name(void *ctx, int64_t image_id, const char *path, struct ia_error *err)
{
    struct deed *deed = ctx;
    size_t image = ia_stored_graph_image(deed->stored, image_id);
    if (image == IA_GRAPH_NONE || path == NULL || ia_graph_drop_name(deed->graph, image, path))
        return IA_OK;
    return ia_no_memory(err);
}

/* false: out of memory. */
static bool edit(struct ia_graph *graph, enum ia_what_if_action action, size_t image)
{
    if (action == IA_WHAT_IF_DELETE)
        return ia_graph_delete(graph, image);
    if (action == IA_WHAT_IF_FLATTEN)
        return ia_graph_flatten(graph, image);
    /* It is emptied where its format can be, and its backing image written to. */
    const struct ia_graph_image *overlay = &graph->images.items[image];
    size_t base = overlay->backing;
    return (!overlay->can_be_empty || ia_graph_write(graph, image)) &&
           (base == IA_GRAPH_NONE || ia_graph_commit_into(graph, base));
}

static enum ia_status edit_image(void *ctx, int64_t image_id, const char *path, struct ia_error *err)
{
    (void)path;
    struct deed *deed = ctx;
    size_t image = ia_stored_graph_image(deed->stored, image_id);
    return image == IA_GRAPH_NONE || edit(deed->graph, deed->action, image) ? IA_OK : ia_no_memory(err);
}

static enum ia_status act(struct deed *deed, struct ia_error *err)
{
    if (deed->action != IA_WHAT_IF_DELETE)
        return ia_what_if_each_image(deed->reader, IA_WHAT_IF_IN_SET, edit_image, deed, err);
    IA_TRY(ia_what_if_each_image(deed->reader, IA_WHAT_IF_UNNAMED, drop_name, deed, err));
    return ia_what_if_each_image(deed->reader, IA_WHAT_IF_DELETED, edit_image, deed, err);
}

/* -- Judging ------------------------------------------------------------------------------------------------------- */

static enum ia_status look(struct deed *deed, struct ia_error *err)
{
    ia_judge_free(deed->judge);
    deed->judge = NULL;
    deed->of_all.all.len = 0;
    IA_TRY(ia_judge_new(deed->graph, &deed->judge, err));
    return ia_judge_doubts_of_all(deed->judge, &deed->of_all, err);
}

/* After an edit, as the next scan would. */
static enum ia_status look_again(struct deed *deed, struct ia_error *err)
{
    return ia_graph_settle(deed->graph) ? look(deed, err) : ia_no_memory(err);
}

/* The doubts about everything before the deed, and about each image itself. */
static enum ia_status put_before(struct deed *deed, struct ia_error *err)
{
    IA_AUTO_DOUBTS struct ia_doubts own = {0};
    IA_AUTO_ASSUMPTIONS struct ia_assumptions assumptions = {0};
    IA_TRY(put_doubts(deed, "all", IA_GRAPH_NONE, &deed->of_all, err));
    IA_TRY(ia_judge_assumes_of_all(deed->judge, &assumptions, err));
    IA_TRY(put_assumptions(deed, "all", IA_GRAPH_NONE, &assumptions, err));
    deed->before = calloc(deed->graph->images.len + 1, sizeof(*deed->before));
    if (deed->before == NULL)
        return ia_no_memory(err);
    for (size_t i = 0; i < deed->graph->images.len; i++) {
        deed->before[i] = ia_judge_candidate(deed->judge, i);
        own.all.len = 0;
        IA_TRY(ia_judge_own_doubts(deed->judge, i, &own, err));
        if (own.all.len > 0)
            IA_TRY(put_doubts(deed, "own", i, &own, err));
    }
    return IA_OK;
}

/* What is to be deleted, as a candidate for that before the deed: what may need it is still there. Who asks has
 * decided that it is unused, whatever it is. */
static enum ia_status put_deleted(void *ctx, int64_t image_id, const char *path, struct ia_error *err)
{
    (void)path;
    struct deed *deed = ctx;
    size_t image = ia_stored_graph_image(deed->stored, image_id);
    if (image == IA_GRAPH_NONE)
        return IA_OK;
    bool is_unclaimed = deed->before[image] == IA_CANDIDATE_UNCLAIMED;
    return put_own(deed, "deleted", image, is_unclaimed ? IA_CANDIDATE_UNCLAIMED : IA_CANDIDATE_UNREFERENCED, err);
}

/* The accounts of the forest after the action, in place of those before. */
static enum ia_status set_accounts(struct deed *deed, struct ia_error *err)
{
    for (size_t i = 0; i < deed->accounts->all.len; i++) {
        const struct ia_what_if_account *account = &deed->accounts->all.items[i];
        size_t number = ia_stored_graph_image(deed->stored, account->image_id);
        int64_t before = number == IA_GRAPH_NONE ? INT64_MAX : deed->graph->images.items[number].masked_bytes;
        if (!ia_vec_push(&deed->masked_before, before))
            return ia_no_memory(err);
        if (number == IA_GRAPH_NONE)
            continue;
        struct ia_graph_image *image = &deed->graph->images.items[number];
        image->visible_present = account->visible_present;
        image->masked_bytes = account->masked_bytes;
    }
    return IA_OK;
}

/* What is masked more is what the next scan lists as masked; where it would list nothing, the reason is a doubt. */
static enum ia_status put_masked(struct deed *deed, struct ia_error *err)
{
    for (size_t i = 0; i < deed->accounts->all.len; i++) {
        size_t number = ia_stored_graph_image(deed->stored, deed->accounts->all.items[i].image_id);
        if (number == IA_GRAPH_NONE || deed->graph->images.items[number].is_gone ||
            deed->accounts->all.items[i].masked_bytes <= deed->masked_before.items[i])
            continue;
        enum ia_candidate candidate = ia_judge_candidate(deed->judge, number);
        IA_TRY(put_candidate(deed, "masked-more", number,
                             candidate == IA_CANDIDATE_NONE ? IA_CANDIDATE_PARTLY_MASKED : candidate, err));
    }
    return IA_OK;
}

/* One step: what is unreferenced by now and was not before is recorded, then deleted. */
static enum ia_status put_step(struct deed *deed, int64_t step, struct ia_error *err)
{
    deed->found.len = 0;
    for (size_t i = 0; i < deed->graph->images.len; i++) {
        if (deed->before[i] == IA_CANDIDATE_UNREFERENCED ||
            ia_judge_candidate(deed->judge, i) != IA_CANDIDATE_UNREFERENCED)
            continue;
        if (!ia_vec_push(&deed->found, i))
            return ia_no_memory(err);
        IA_TRY(ia_what_if_put_step(deed->reader, ia_stored_graph_image_id(deed->stored, i), step, err));
        IA_TRY(put_candidate(deed, "unreferenced", i, IA_CANDIDATE_UNREFERENCED, err));
    }
    for (size_t i = 0; i < deed->found.len; i++)
        if (!ia_graph_delete(deed->graph, deed->found.items[i]))
            return ia_no_memory(err);
    return IA_OK;
}

static enum ia_status judge(struct deed *deed, struct ia_error *err)
{
    IA_TRY(look(deed, err));
    IA_TRY(put_before(deed, err));
    if (deed->action == IA_WHAT_IF_DELETE)
        IA_TRY(ia_what_if_each_image(deed->reader, IA_WHAT_IF_IN_SET, put_deleted, deed, err));
    IA_TRY(set_accounts(deed, err));
    IA_TRY(act(deed, err));
    IA_TRY(look_again(deed, err));
    IA_TRY(put_masked(deed, err));
    for (int64_t step = 1;; step++) { /* ends: each step deletes an image */
        IA_TRY(put_step(deed, step, err));
        if (deed->found.len == 0)
            return IA_OK;
        IA_TRY(look_again(deed, err));
    }
}

enum ia_status ia_what_if_judge(struct ia_reader *reader, enum ia_what_if_action action,
                                const struct ia_what_if_accounts *accounts, struct ia_error *err)
{
    AUTO_DEED struct deed deed = {.reader = reader, .action = action, .accounts = accounts};
    IA_TRY(ia_stored_graph_load(reader, &deed.stored, err));
    deed.graph = ia_stored_graph(deed.stored);
    return judge(&deed, err);
}
