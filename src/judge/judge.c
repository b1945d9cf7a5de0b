/* SPDX-License-Identifier: MIT */
/* What an image is a candidate for, and the list of the rules. */
#include "judge/judge.h"

#include "judge/finder.h"

/* -- What an image is a candidate for ------------------------------------------------------------------------------ */

/* Some image refers to the file, by any name and kind of reference, or it is a part of one. */
static bool is_referenced(const struct ia_judge *judge, size_t file)
{
    const struct ia_judge_link *link;
    return judge->graph->files.items[file].is_part || ia_judge_links_of(&judge->references, file, &link) > 0;
}

/* Nothing reads it now. A point that somebody may go back to is not called superfluous for that. */
static enum ia_candidate masked_as_far_as_is_sure(const struct ia_judge *judge, size_t number)
{
    if (!ia_judge_is_snapshot(judge, number))
        return IA_CANDIDATE_FULLY_MASKED;
    return judge->graph->images.items[number].masked_bytes > 0 ? IA_CANDIDATE_PARTLY_MASKED : IA_CANDIDATE_NONE;
}

/* No image needs it. Unless it was a base it is a disk of its own: whose, inventories have. */
static enum ia_candidate named_by_none(const struct ia_judge *judge, size_t number)
{
    const struct ia_graph_image *image = &judge->graph->images.items[number];
    if (image->is_template || image->is_below)
        return IA_CANDIDATE_NONE;
    if (ia_judge_has_evidence(judge, number))
        return IA_CANDIDATE_UNREFERENCED;
    return ia_judge_is_covered(judge, number) ? IA_CANDIDATE_UNCLAIMED : IA_CANDIDATE_NONE;
}

enum ia_candidate ia_judge_candidate(const struct ia_judge *judge, size_t number)
{
    const struct ia_graph_image *image = &judge->graph->images.items[number];
    const size_t *overlay;
    if (image->is_gone || image->is_claimed)
        return IA_CANDIDATE_NONE;
    if (!is_referenced(judge, image->file))
        return named_by_none(judge, number);
    if (!image->accounted || ia_judge_overlays(judge, number, &overlay) == 0 ||
        ia_judge_has_other_readers(judge, image->file))
        return IA_CANDIDATE_NONE;
    if (image->visible_present == 0 && !image->has_snapshots)
        return image->is_template ? IA_CANDIDATE_NONE : masked_as_far_as_is_sure(judge, number);
    return image->masked_bytes > 0 ? IA_CANDIDATE_PARTLY_MASKED : IA_CANDIDATE_NONE;
}

/* -- Doubts ----------------------------------------------------------------------------------------------------------
 */

static enum ia_status apply(struct ia_finder *finder, ia_rule *const *rules, size_t count, struct ia_error *err)
{
    finder->image = &finder->judge->graph->images.items[finder->number];
    finder->file = finder->image->file;
    for (size_t i = 0; i < count; i++)
        rules[i](finder);
    return finder->failed ? ia_no_memory(err) : IA_OK;
}

/* The first ones are about the image itself. */
static ia_rule *const rules[] = {
    ia_rule_not_understood,
    ia_rule_cross_linked,
    ia_rule_in_use,
    ia_rule_packed,
    ia_rule_own_seekers,
    ia_rule_shared_filesystem,
    ia_rule_unsettled,
    ia_rule_not_walked,
    ia_rule_written_since,
    ia_rule_identity_uncertain,
    ia_rule_shared_file,
    ia_rule_broken_references,
    ia_rule_exchanged,
    ia_rule_renamed,
    ia_rule_remote_names,
    ia_rule_of_readers,
    ia_rule_recent,
    ia_rule_no_inventory,
    ia_rule_inventory_problems,
    ia_rule_open_claims,
};
enum { OWN_RULES = 6, RULES = sizeof(rules) / sizeof(rules[0]) };

enum ia_status ia_judge_doubts(struct ia_judge *judge, size_t image, enum ia_candidate candidate, struct ia_doubts *out,
                               struct ia_error *err)
{
    struct ia_finder finder = {.judge = judge, .number = image, .candidate = candidate, .out = out};
    IA_TRY(apply(&finder, rules, RULES, err));
    judge->is_meant = finder.is_meant;
    ia_doubts_sort(out);
    return IA_OK;
}

bool ia_judge_found_name(const struct ia_judge *judge)
{
    return judge->is_meant;
}

enum ia_status ia_judge_own_doubts(struct ia_judge *judge, size_t image, struct ia_doubts *out, struct ia_error *err)
{
    struct ia_finder finder = {.judge = judge, .number = image, .candidate = IA_CANDIDATE_UNREFERENCED, .out = out};
    IA_TRY(apply(&finder, rules, OWN_RULES, err));
    ia_doubts_sort(out);
    return IA_OK;
}

enum ia_status ia_judge_assumes(struct ia_judge *judge, size_t image, enum ia_candidate candidate,
                                struct ia_assumptions *out, struct ia_error *err)
{
    struct ia_finder finder = {.judge = judge, .number = image, .candidate = candidate, .assume = out};
    if (judge->by_path.len == 0) /* none is accepted */
        return IA_OK;
    IA_TRY(ia_judge_assumes_of_all(judge, out, err));
    IA_TRY(apply(&finder, rules, RULES, err));
    ia_assumptions_sort(out);
    return IA_OK;
}

/* Of a finding that is still there. */
static bool raises_of_all(const struct ia_graph *graph, const struct ia_graph_finding *finding)
{
    return finding->of_all != IA_DOUBT_NONE &&
           (finding->image == IA_GRAPH_NONE || !graph->images.items[finding->image].is_gone);
}

enum ia_status ia_judge_doubts_of_all(const struct ia_judge *judge, struct ia_doubts *out, struct ia_error *err)
{
    const struct ia_graph *graph = judge->graph;
    for (size_t i = 0; i < graph->findings.len; i++) {
        const struct ia_graph_finding *finding = &graph->findings.items[i];
        struct ia_candidate_doubt found = {finding->of_all, finding->path};
        if (finding->accepted_by == 0 && raises_of_all(graph, finding) && !ia_vec_push(&out->all, found))
            return ia_no_memory(err);
    }
    ia_doubts_sort(out);
    return IA_OK;
}

enum ia_status ia_judge_assumes_of_all(const struct ia_judge *judge, struct ia_assumptions *out, struct ia_error *err)
{
    const struct ia_graph *graph = judge->graph;
    for (size_t i = 0; i < graph->findings.len; i++) {
        const struct ia_graph_finding *finding = &graph->findings.items[i];
        struct ia_assumption made = {ia_finding_kinds[finding->code].code, finding->path, finding->accepted_by};
        if (finding->accepted_by != 0 && raises_of_all(graph, finding) && !ia_vec_push(&out->all, made))
            return ia_no_memory(err);
    }
    ia_assumptions_sort(out);
    return IA_OK;
}
