/* SPDX-License-Identifier: MIT */
/* Findings that an administrator accepted: marked before a scan publishes them, or in what the latest scan published.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "judge/acceptance.h"
#include "scan/publish/accept.h"
#include "scan/publish/publish.h"
#include "scan/publish/verdicts.h"
#include "store/graph_reader.h"

/* The acceptances, and what they are applied to. */
struct accepting {
    struct ia_acceptances list;
    IA_VEC(char *) texts; /* owned; those of the list */
    int64_t now_ns;
    int64_t only;    /* count the findings that this one accepts */
    int64_t matches; /* how many */
    int64_t errors;  /* findings of what could not be read, and that nobody accepted */
};

static void accepting_release(struct accepting *accepting)
{
    ia_acceptances_release(&accepting->list);
    for (size_t i = 0; i < accepting->texts.len; i++)
        free(accepting->texts.items[i]);
    ia_vec_release(&accepting->texts);
}
#define AUTO_ACCEPTING __attribute__((cleanup(accepting_release)))

static const char *keep(struct accepting *accepting, const char *text)
{
    char *copy = strdup(text);
    if (copy != NULL && ia_vec_push(&accepting->texts, copy))
        return copy;
    free(copy);
    return NULL;
}

static enum ia_status add(void *ctx, const struct ia_acceptance_row *row, struct ia_error *err)
{
    struct accepting *accepting = ctx;
    const struct ia_acceptance one = {.number = row->number,
                                      .code = keep(accepting, row->code),
                                      .glob = keep(accepting, row->glob),
                                      .until_ns = row->until_ns};
    return one.code != NULL && one.glob != NULL && ia_vec_push(&accepting->list.all, one) ? IA_OK : ia_no_memory(err);
}

static enum ia_status load(struct accepting *accepting, struct ia_writer *writer, struct ia_error *err)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    accepting->now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    return ia_writer_load_acceptances(writer, add, accepting, err);
}

enum ia_status ia_publish_accept(struct ia_publish *publish, struct ia_error *err)
{
    AUTO_ACCEPTING struct accepting accepting = {0};
    struct ia_findings *findings = &publish->catalog->findings;
    IA_TRY(load(&accepting, publish->writer, err));
    for (size_t i = 0; i < findings->all.len; i++) {
        struct ia_finding *finding = &findings->all.items[i];
        finding->accepted_by =
            ia_acceptances_find(&accepting.list, ia_finding_kinds[finding->code].code, finding->path, accepting.now_ns);
    }
    return IA_OK;
}

/* -- Of the latest scan -------------------------------------------------------------------------------------------- */

static enum ia_status mark(void *ctx, const char *code, const char *path, int64_t *accepted_by, struct ia_error *err)
{
    (void)err;
    struct accepting *accepting = ctx;
    const struct ia_finding_kind *kind = ia_finding_kind_by_code(code);
    *accepted_by = ia_acceptances_find(&accepting->list, code, path, accepting->now_ns);
    accepting->matches += *accepted_by != 0 && *accepted_by == accepting->only;
    accepting->errors += *accepted_by == 0 && kind != NULL && kind->incomplete;
    return IA_OK;
}

static int64_t stored_image(const void *ctx, size_t image)
{
    return ia_stored_graph_image_id(ctx, image);
}

static enum ia_status judge_again(struct ia_writer *writer, int64_t only, int64_t *matches, struct ia_error *err)
{
    AUTO_ACCEPTING struct accepting accepting = {.only = only};
    IA_AUTO_STORED_GRAPH struct ia_stored_graph *stored = NULL;
    int64_t doubts = 0;
    IA_TRY(load(&accepting, writer, err));
    IA_TRY(ia_writer_accept_findings(writer, mark, &accepting, err));
    IA_TRY(ia_stored_graph_load_written(writer, &stored, err));
    IA_TRY(ia_verdicts_put(writer, ia_stored_graph(stored), stored_image, stored, &doubts, err));
    *matches = accepting.matches;
    return ia_writer_recount(writer, accepting.errors, doubts, err);
}

enum ia_status ia_accept(const char *db, struct ia_acceptance_row *row, int64_t *matches, struct ia_error *err)
{
    IA_AUTO_WRITER struct ia_writer *writer = NULL;
    IA_TRY(ia_writer_begin(db, &writer, err));
    IA_TRY(ia_writer_add_acceptance(writer, row, err));
    IA_TRY(judge_again(writer, row->number, matches, err));
    return ia_writer_commit(writer, err);
}

enum ia_status ia_accept_no_more(const char *db, int64_t number, struct ia_error *err)
{
    IA_AUTO_WRITER struct ia_writer *writer = NULL;
    int64_t matches;
    IA_TRY(ia_writer_begin(db, &writer, err));
    IA_TRY(ia_writer_drop_acceptance(writer, number, err));
    IA_TRY(judge_again(writer, 0, &matches, err));
    return ia_writer_commit(writer, err);
}
