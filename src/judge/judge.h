/* SPDX-License-Identifier: MIT */
/* The rules: which images are candidates, what speaks for it, and every reason why a verdict is not proven. Pure
 * functions over a graph, used for the graph that a scan saw and for the one that a deed would leave. Nothing else
 * decides. */
#ifndef IA_JUDGE_JUDGE_H
#define IA_JUDGE_JUDGE_H

#include "base/status.h"
#include "judge/acceptance.h"
#include "judge/graph.h"

struct ia_judge;

/* Takes a look at the graph, which must stay as it is until ia_judge_free. IA_NOMEM. */
IA_MUST_CHECK enum ia_status ia_judge_new(const struct ia_graph *graph, struct ia_judge **out, struct ia_error *err);
void ia_judge_free(struct ia_judge *judge); /* NULL is fine */

/* What a report calls the image. */
enum ia_candidate ia_judge_candidate(const struct ia_judge *judge, size_t number);

/* Called with each piece of evidence, the strongest first; scan is 0 where it has none. false ends it. */
typedef bool ia_evidence_sink(void *ctx, enum ia_evidence evidence, const char *subject, int64_t scan);
/* Why the image counts as a backing file. false: the sink ended it. */
bool ia_judge_evidence(const struct ia_judge *judge, size_t number, ia_evidence_sink *each, void *ctx);

/* Appends the doubts about every candidate, and those about one that is such a candidate, sorted. Subjects are texts of
 * the graph, or of the judge. IA_NOMEM. */
IA_MUST_CHECK enum ia_status ia_judge_doubts_of_all(const struct ia_judge *judge, struct ia_doubts *out,
                                                    struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_judge_doubts(struct ia_judge *judge, size_t image, enum ia_candidate candidate,
                                             struct ia_doubts *out, struct ia_error *err);

/* Frees the subjects that the judge made for doubts so far: they are longer than the doubts, and there may be many. */
void ia_judge_forget_subjects(struct ia_judge *judge);

/* Some name may mean the image that ia_judge_doubts was last called for, be it accepted. */
bool ia_judge_found_name(const struct ia_judge *judge);

/* Appends the accepted findings that would be doubts about every candidate, and those that would be doubts about one
 * that is such a candidate, sorted. IA_NOMEM. */
IA_MUST_CHECK enum ia_status ia_judge_assumes_of_all(const struct ia_judge *judge, struct ia_assumptions *out,
                                                     struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_judge_assumes(struct ia_judge *judge, size_t image, enum ia_candidate candidate,
                                              struct ia_assumptions *out, struct ia_error *err);

/* Those of the doubts about one that are about the image itself, whatever becomes of it: not understood, cross-linked,
 * in use. */
IA_MUST_CHECK enum ia_status ia_judge_own_doubts(struct ia_judge *judge, size_t image, struct ia_doubts *out,
                                                 struct ia_error *err);

/* A lost file of this format, as what names it states (NULL: it does not), may name others, and so hide references. A
 * raw one names nothing. */
bool ia_judge_may_hide(const char *stated_format);

/* Of a path alone: the place or name where virtualisation software keeps nothing but bases. IA_EVIDENCE_COUNT: none. */
enum ia_evidence ia_evidence_of_place(const char *path);
/* How many bytes of the path are the directory below which overlays of it lie by such a rule: OpenStack's above _base,
 * Proxmox's above that of the machine. 0: no rule, or the root directory. */
size_t ia_evidence_overlays_below(const char *path);

#endif
