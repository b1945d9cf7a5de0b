/* SPDX-License-Identifier: MIT */
/* From names of images to an edited forest, and to all that follows. */
#include "what_if/what_if.h"

#include "analysis/forest_edit.h"
#include "base/vec.h"
#include "store/forest_reader.h"
#include "store/what_if_host.h"
#include "store/what_if_tables.h"
#include "what_if/verdicts.h"
#include "what_if/words.h"

struct question {
    struct ia_reader *reader;
    enum ia_what_if_action action;
    IA_VEC(int64_t) images; /* the set, each once */
    struct ia_stored_forest *stored;
    struct ia_forest_edit *edited;
    struct ia_what_if_accounts accounts;
};

static void question_release(struct question *question)
{
    ia_forest_edit_free(question->edited);
    ia_stored_forest_free(question->stored);
    ia_vec_release(&question->images);
    ia_vec_release(&question->accounts.all);
}
#define AUTO_QUESTION __attribute__((cleanup(question_release)))

const char *ia_what_if_word(enum ia_what_if_action action)
{
    static const char *const words[] = {
        [IA_WHAT_IF_DELETE] = "delete", [IA_WHAT_IF_FLATTEN] = "flatten", [IA_WHAT_IF_COMMIT] = "commit"};
    return words[action];
}

static enum ia_status add_path(struct question *question, const char *path, struct ia_error *err)
{
    int64_t image = 0;
    IA_TRY(ia_what_if_put_name(question->reader, path, &image, err));
    for (size_t i = 0; i < question->images.len; i++)
        if (question->images.items[i] == image)
            return IA_OK;
    return ia_vec_push(&question->images, image) ? IA_OK : ia_no_memory(err);
}

static enum ia_status add_images(struct question *question, struct ia_error *err)
{
    for (size_t i = 0; i < question->images.len; i++)
        IA_TRY(ia_what_if_put_image(question->reader, question->images.items[i], question->action == IA_WHAT_IF_DELETE,
                                    err));
    return IA_OK;
}

static enum ia_status get_terms(struct question *question, size_t node, struct ia_forest_edit_terms *terms,
                                struct ia_error *err)
{
    return ia_what_if_get_terms(question->reader, ia_stored_forest_image(question->stored, node), terms, err);
}

static enum ia_status flatten(struct question *question, size_t node, struct ia_error *err)
{
    struct ia_forest_edit_terms own;
    IA_TRY(get_terms(question, node, &own, err));
    return ia_forest_edit_flatten(question->edited, node, &own, err);
}

static enum ia_status get_shared(struct question *question, size_t node, struct ia_host_ranges *shared,
                                 struct ia_forest_edit_terms *terms, struct ia_error *err)
{
    bool known = false;
    int64_t image = ia_stored_forest_image(question->stored, node);
    IA_TRY(ia_what_if_shared_ranges(question->reader, image, shared, &known, err));
    terms->shared = shared;
    terms->may_share_all = !known;
    return IA_OK;
}

static enum ia_status commit(struct question *question, size_t node, struct ia_error *err)
{
    size_t parent = ia_stored_forest(question->stored)->nodes[node].parent;
    if (parent == IA_NO_PARENT)
        return ia_fail(err, IA_USAGE, "nothing to commit into: the store has no backing image of it");
    struct ia_forest_edit_terms own, base;
    IA_AUTO_HOST_RANGES struct ia_host_ranges shared = {0};
    IA_AUTO_HOST_RANGES struct ia_host_ranges base_shared = {0};
    IA_TRY(get_terms(question, node, &own, err));
    IA_TRY(get_terms(question, parent, &base, err));
    IA_TRY(get_shared(question, node, &shared, &own, err));
    IA_TRY(get_shared(question, parent, &base_shared, &base, err));
    return ia_forest_edit_commit(question->edited, node, &own, &base, err);
}

static enum ia_status act_on(struct question *question, int64_t image, struct ia_error *err)
{
    size_t node = ia_stored_forest_node(question->stored, image);
    if (node == IA_NO_PARENT)
        return IA_OK; /* it is in no chain, not even its own: nothing of it is known */
    if (question->action == IA_WHAT_IF_DELETE) {
        bool goes = false;
        IA_TRY(ia_what_if_goes(question->reader, image, &goes, err));
        return goes ? ia_forest_edit_delete(question->edited, node, err) : IA_OK;
    }
    return question->action == IA_WHAT_IF_FLATTEN ? flatten(question, node, err) : commit(question, node, err);
}

static enum ia_status put_usage(void *ctx, size_t node, const struct ia_usage *usage, struct ia_error *err)
{
    struct question *question = ctx;
    int64_t image = ia_stored_forest_image(question->stored, node);
    struct ia_what_if_account account = {image, usage->visible_present, usage->masked_bytes};
    if (!ia_vec_push(&question->accounts.all, account))
        return ia_no_memory(err);
    return ia_what_if_put_usage(question->reader, image, usage, err);
}

static enum ia_status put_effect(const struct question *question, size_t node, struct ia_error *err)
{
    const struct ia_forest_edit_effect *effect = ia_forest_edit_effect(question->edited, node);
    const int64_t *snapshots = ia_forest_edit_snapshots(question->edited, node);
    int64_t image = ia_stored_forest_image(question->stored, node);
    if (effect->needed_bytes != 0 || effect->emptied_bytes != 0 || effect->changed_bytes != 0)
        IA_TRY(ia_what_if_put_effect(question->reader, image, effect, err));
    size_t count = snapshots == NULL ? 0 : ia_stored_forest(question->stored)->nodes[node].snapshots;
    for (size_t i = 0; i < count; i++)
        if (snapshots[i] != 0)
            IA_TRY(ia_what_if_put_snapshot(question->reader, image, i, snapshots[i], err));
    return IA_OK;
}

static enum ia_status ask_forest(struct question *question, struct ia_error *err)
{
    IA_TRY(ia_forest_edit_new(ia_stored_forest(question->stored), &question->edited, err));
    for (size_t i = 0; i < question->images.len; i++)
        IA_TRY(act_on(question, question->images.items[i], err));
    const struct ia_forest *after = ia_forest_edit_after(question->edited);
    const struct ia_forest_sinks sinks = {.ctx = question, .bases_only = true, .usage = put_usage};
    IA_TRY(ia_forest_analyse(after, &sinks, err));
    for (size_t node = 0; node < after->count; node++)
        IA_TRY(put_effect(question, node, err));
    return IA_OK;
}

static enum ia_status fill(struct question *question, const char *const *paths, size_t count, struct ia_error *err)
{
    struct ia_reader *reader = question->reader;
    for (size_t i = 0; i < count; i++)
        IA_TRY(add_path(question, paths[i], err));
    if (question->action == IA_WHAT_IF_COMMIT && question->images.len > 1)
        return ia_fail(err, IA_USAGE, "one image at a time can be committed");
    IA_TRY(ia_what_if_put_deed(reader, ia_what_if_word(question->action), err));
    IA_TRY(add_images(question, err));
    IA_TRY(ia_stored_forest_load(reader, question->images.items, question->images.len, &question->stored, err));
    IA_TRY(ask_forest(question, err));
    IA_TRY(ia_what_if_run(reader, IA_WHAT_IF_LINKS, err));
    IA_TRY(ia_what_if_judge(reader, question->action, &question->accounts, err));
    IA_TRY(ia_what_if_run(reader, IA_WHAT_IF_FILES, err));
    IA_TRY(ia_what_if_share_files(reader, err));
    IA_TRY(ia_what_if_run(reader, IA_WHAT_IF_ROWS, err));
    return ia_what_if_describe(reader, err);
}

enum ia_status ia_what_if_fill(struct ia_reader *reader, enum ia_what_if_action action, const char *const *paths,
                               size_t count, struct ia_error *err)
{
    AUTO_QUESTION struct question question = {.reader = reader, .action = action};
    return fill(&question, paths, count, err);
}
