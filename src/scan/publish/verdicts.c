/* SPDX-License-Identifier: MIT */
/* The judge's verdicts on the images of a scan, into the store: candidates, their evidence, their doubts. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "judge/judge.h"
#include "scan/graph/judge_graph.h"
#include "scan/publish/publish.h"
#include "scan/publish/verdicts.h"

/* How many of the images that name a candidate its words name. */
enum { NAMED_IN_WORDS = 3 };

/* How many doubts of one code a candidate has rows for, those about every candidate aside. */
enum { DOUBTS_LISTED = 100 };

struct verdicts {
    struct ia_writer *writer;
    const struct ia_graph *graph;
    ia_verdict_image *image_id;
    const void *ctx; /* of image_id */
    struct ia_judge *judge;
    struct ia_doubts of_all;
};

/* What is written of one candidate. */
struct candidate {
    struct verdicts *verdicts;
    int64_t image_id;
    struct ia_buf evidence; /* the strongest, in words */
    size_t named_by;        /* how many images name it */
    bool has_evidence;
    enum ia_status status;
    struct ia_error *err;
};

static enum ia_status put_doubt(struct verdicts *verdicts, int64_t image_id, enum ia_doubt doubt, const char *subject,
                                struct ia_error *err)
{
    IA_AUTO_BUF struct ia_buf sentence = {0};
    ia_doubt_render(&sentence, doubt, subject);
    if (sentence.failed)
        return ia_no_memory(err);
    const struct ia_doubt_kind *kind = &ia_doubt_kinds[doubt];
    struct ia_doubt_row row = {image_id, kind->code, subject, sentence.data, kind->advice};
    return ia_writer_put_doubt(verdicts->writer, &row, err);
}

/* Of each code up to `most`, and a row with the number of the others: a thousand images that are damaged, on a chain of
 * a thousand, would else have a million. They are sorted. */
static enum ia_status put_doubts(struct verdicts *verdicts, int64_t image_id, const struct ia_doubts *doubts,
                                 size_t most, struct ia_error *err)
{
    const struct ia_candidate_doubt *items = doubts->all.items;
    for (size_t i = 0, end; i < doubts->all.len; i = end) { /* ends: end is past i */
        for (end = i; end < doubts->all.len && items[end].doubt == items[i].doubt; end++)
            if (end - i < most)
                IA_TRY(put_doubt(verdicts, image_id, items[end].doubt, items[end].subject, err));
        if (end - i <= most)
            continue;
        IA_AUTO_BUF struct ia_buf others = {0};
        ia_buf_addf(&others, "%zu more", end - i - most);
        if (others.failed)
            return ia_no_memory(err);
        IA_TRY(put_doubt(verdicts, image_id, items[i].doubt, others.data, err));
    }
    return IA_OK;
}

/* The words of a candidate are those of its strongest evidence; of images that name it, of all these. */
static void add_words(struct candidate *of, enum ia_evidence evidence, const char *subject, int64_t scan_id)
{
    if (evidence != IA_EVIDENCE_NAMED) {
        if (!of->has_evidence)
            ia_evidence_render(&of->evidence, evidence, subject, scan_id);
    } else if (of->named_by++ == 0) {
        ia_evidence_render(&of->evidence, evidence, subject, scan_id);
    } else if (of->named_by <= NAMED_IN_WORDS) {
        ia_buf_add_str(&of->evidence, ", ");
        ia_buf_add_str(&of->evidence, subject);
    }
    of->has_evidence = true;
}

static bool put_evidence(void *ctx, enum ia_evidence evidence, const char *subject, int64_t scan_id)
{
    struct candidate *of = ctx;
    IA_AUTO_BUF struct ia_buf sentence = {0};
    ia_evidence_render(&sentence, evidence, subject, scan_id);
    add_words(of, evidence, subject, scan_id);
    struct ia_evidence_row row = {of->image_id, ia_evidence_kinds[evidence].code, subject, scan_id, sentence.data};
    of->status = sentence.failed ? ia_no_memory(of->err) : ia_writer_put_evidence(of->verdicts->writer, &row, of->err);
    return of->status == IA_OK;
}

/* Appends what was accepted and would be a doubt. */
static enum ia_status add_assumptions(const struct verdicts *verdicts, size_t image, enum ia_candidate candidate,
                                      struct ia_buf *words, struct ia_error *err)
{
    IA_AUTO_ASSUMPTIONS struct ia_assumptions assumptions = {0};
    IA_TRY(ia_judge_assumes(verdicts->judge, image, candidate, &assumptions, err));
    ia_assumptions_render(words, &assumptions);
    return words->failed ? ia_no_memory(err) : IA_OK;
}

/* Since when it has been such a candidate: this scan, or an earlier one. */
static void set_since(const struct verdicts *verdicts, const struct ia_graph_image *image, enum ia_candidate candidate,
                      struct ia_candidate_row *row)
{
    bool is_new = image->was != candidate;
    row->since_scan = is_new ? ia_writer_scan_id(verdicts->writer) : image->was_scan;
    row->since_ns = is_new ? verdicts->graph->began_ns : image->was_since_ns;
    row->is_meant = ia_judge_found_name(verdicts->judge);
    if (!row->is_meant && !is_new)
        row->clear_ns = image->was_meant ? verdicts->graph->began_ns : image->was_clear_ns;
}

static enum ia_status put_words(struct candidate *of, size_t image, enum ia_candidate candidate,
                                const struct ia_doubts *own, const struct ia_buf *assumes, struct ia_error *err)
{
    const struct verdicts *verdicts = of->verdicts;
    IA_AUTO_BUF struct ia_buf why = {0};
    IA_AUTO_BUF struct ia_buf codes = {0};
    ia_doubts_render(&why, &verdicts->of_all, own);
    ia_doubts_render_codes(&codes, &verdicts->of_all, own);
    if (of->named_by > NAMED_IN_WORDS)
        ia_buf_addf(&of->evidence, " and %zu more", of->named_by - NAMED_IN_WORDS);
    if (why.failed || codes.failed || of->evidence.failed)
        return ia_no_memory(err);
    struct ia_candidate_row row = {
        .image_id = of->image_id,
        .status = ia_candidate_word(candidate),
        .evidence = of->evidence.len > 0 ? of->evidence.data : "", /* of what is unclaimed there is none */
        .why = why.len > 0 ? why.data : NULL,
        .why_codes = codes.len > 0 ? codes.data : NULL,
        .assumes = assumes->len > 0 ? assumes->data : NULL,
    };
    set_since(verdicts, &verdicts->graph->images.items[image], candidate, &row);
    return ia_writer_put_candidate(verdicts->writer, &row, err);
}

static enum ia_status put_candidate(struct verdicts *verdicts, size_t image, enum ia_candidate candidate,
                                    struct ia_error *err)
{
    struct candidate of = {.verdicts = verdicts, .image_id = verdicts->image_id(verdicts->ctx, image), .err = err};
    struct ia_doubts own = {0};
    IA_AUTO_BUF struct ia_buf assumes = {0};
    ia_judge_evidence(verdicts->judge, image, put_evidence, &of);
    enum ia_status status = of.status;
    if (status == IA_OK)
        status = ia_judge_doubts(verdicts->judge, image, candidate, &own, err);
    ia_doubts_subtract(&own, &verdicts->of_all);
    if (status == IA_OK)
        status = add_assumptions(verdicts, image, candidate, &assumes, err);
    if (status == IA_OK)
        status = put_words(&of, image, candidate, &own, &assumes, err);
    if (status == IA_OK)
        status = put_doubts(verdicts, of.image_id, &own, DOUBTS_LISTED, err);
    ia_judge_forget_subjects(verdicts->judge);
    ia_doubts_release(&own);
    ia_buf_release(&of.evidence);
    return status;
}

static enum ia_status put_all(struct verdicts *verdicts, struct ia_error *err)
{
    IA_TRY(ia_judge_doubts_of_all(verdicts->judge, &verdicts->of_all, err));
    IA_TRY(ia_writer_clear_verdicts(verdicts->writer, err));
    IA_TRY(put_doubts(verdicts, 0, &verdicts->of_all, SIZE_MAX, err));
    for (size_t i = 0; i < verdicts->graph->images.len; i++) {
        enum ia_candidate candidate = ia_judge_candidate(verdicts->judge, i);
        if (candidate != IA_CANDIDATE_NONE)
            IA_TRY(put_candidate(verdicts, i, candidate, err));
    }
    return IA_OK;
}

enum ia_status ia_verdicts_put(struct ia_writer *writer, const struct ia_graph *graph, ia_verdict_image *image_id,
                               const void *ctx, int64_t *doubts, struct ia_error *err)
{
    struct verdicts verdicts = {.writer = writer, .graph = graph, .image_id = image_id, .ctx = ctx};
    enum ia_status status = ia_judge_new(graph, &verdicts.judge, err);
    if (status == IA_OK)
        status = put_all(&verdicts, err);
    *doubts = (int64_t)verdicts.of_all.all.len;
    ia_doubts_release(&verdicts.of_all);
    ia_judge_free(verdicts.judge);
    return status;
}

/* -- Of a scan ----------------------------------------------------------------------------------------------------- */

struct seen {
    const struct ia_publish *publish;
    struct ia_judge_graph judged;
};

/* As the graph has them, for what-ifs. */
static enum ia_status put_holders(const struct ia_publish *publish, const struct ia_graph *graph, struct ia_error *err)
{
    IA_TRY(ia_writer_clear_holders(publish->writer, err));
    for (size_t i = 0; i < graph->holders.len; i++) {
        const struct ia_graph_holder *holder = &graph->holders.items[i];
        bool of_all = holder->file == IA_GRAPH_NONE;
        struct ia_holder_row row = {of_all ? 0 : publish->catalog->files.items[holder->file]->file_id, holder->subject};
        IA_TRY(ia_writer_put_holder(publish->writer, &row, err));
    }
    return IA_OK;
}

/* Of images that have overlays; one without is not masked. */
static enum ia_status set_accounts(const struct ia_publish *publish, struct ia_graph *graph, struct ia_error *err)
{
    IA_AUTO_FREE bool *is_base = calloc(graph->images.len + 1, sizeof(*is_base));
    if (is_base == NULL)
        return ia_no_memory(err);
    for (size_t i = 0; i < graph->images.len; i++)
        if (graph->images.items[i].backing != IA_GRAPH_NONE)
            is_base[graph->images.items[i].backing] = true;
    for (size_t i = 0; i < graph->images.len; i++) {
        struct ia_graph_image *image = &graph->images.items[i];
        if (is_base[i])
            IA_TRY(ia_writer_get_usage(publish->writer, publish->catalog->files.items[image->file]->image_id,
                                       &image->accounted, &image->visible_present, &image->masked_bytes, err));
    }
    return IA_OK;
}

/* A candidate of the scan before. */
struct earlier {
    int64_t image_id, scan, since_ns, clear_ns;
    bool is_meant;
    enum ia_candidate candidate;
};
struct earlier_list {
    IA_VEC(struct earlier) all; /* by image_id */
};

static void earlier_release(struct earlier_list *list)
{
    ia_vec_release(&list->all);
}
#define AUTO_EARLIER __attribute__((cleanup(earlier_release)))

static enum ia_status keep_earlier(void *ctx, const struct ia_candidate_row *row, struct ia_error *err)
{
    struct earlier_list *list = ctx;
    const struct earlier earlier = {.image_id = row->image_id,
                                    .scan = row->since_scan,
                                    .since_ns = row->since_ns,
                                    .clear_ns = row->clear_ns,
                                    .is_meant = row->is_meant,
                                    .candidate = ia_candidate_by_word(row->status)};
    return ia_vec_push(&list->all, earlier) ? IA_OK : ia_no_memory(err);
}

static int by_image_id(const void *left, const void *right)
{
    const struct earlier *a = left;
    const struct earlier *b = right;
    return (a->image_id > b->image_id) - (a->image_id < b->image_id);
}

/* What was a candidate before, and the times that it is compared with. */
static enum ia_status set_times(const struct ia_publish *publish, struct ia_graph *graph, struct ia_error *err)
{
    AUTO_EARLIER struct earlier_list list = {0};
    IA_TRY(ia_writer_load_candidates(publish->writer, keep_earlier, &list, err));
    for (size_t i = 0; i < graph->images.len && list.all.len > 0; i++) {
        struct ia_graph_image *image = &graph->images.items[i];
        const struct earlier wanted = {.image_id = publish->catalog->files.items[image->file]->image_id};
        const struct earlier *found =
            bsearch(&wanted, list.all.items, list.all.len, sizeof(list.all.items[0]), by_image_id);
        if (found == NULL)
            continue;
        image->was = found->candidate;
        image->was_scan = found->scan;
        image->was_since_ns = found->since_ns;
        image->was_meant = found->is_meant;
        image->was_clear_ns = found->clear_ns;
    }
    graph->began_ns = publish->row.started_ns;
    graph->now_ns = ia_clock_ns(CLOCK_REALTIME);
    ia_graph_set_min_age(graph, publish->catalog->options->min_age);
    return IA_OK;
}

static int64_t image_of_scan(const void *ctx, size_t image)
{
    const struct seen *seen = ctx;
    return seen->publish->catalog->files.items[seen->judged.graph.images.items[image].file]->image_id;
}

enum ia_status ia_publish_verdicts(struct ia_publish *publish, struct ia_error *err)
{
    struct seen seen = {.publish = publish};
    IA_TRY(ia_links_find_holders(publish->links, err));
    IA_TRY(ia_links_load_former(publish->links, err));
    IA_TRY(ia_judge_graph_make(publish->links, &seen.judged, err));
    enum ia_status status = put_holders(publish, &seen.judged.graph, err);
    if (status == IA_OK)
        status = set_accounts(publish, &seen.judged.graph, err);
    if (status == IA_OK)
        status = set_times(publish, &seen.judged.graph, err);
    if (status == IA_OK)
        status = ia_verdicts_put(publish->writer, &seen.judged.graph, image_of_scan, &seen, &publish->row.doubts, err);
    ia_judge_graph_release(&seen.judged);
    return status;
}
