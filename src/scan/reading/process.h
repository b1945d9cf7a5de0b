/* SPDX-License-Identifier: MIT */
/* The workers in a process of their own, as the coordinator has it: pool.h is the contract. */
#ifndef IA_SCAN_READING_PROCESS_H
#define IA_SCAN_READING_PROCESS_H

#include "scan/reading/pool.h"

struct ia_process;

IA_MUST_CHECK enum ia_status ia_process_start(int workers, const struct ia_parse_env *env, enum ia_sandbox_mode mode,
                                              struct ia_process **out, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_process_submit(struct ia_process *process, const struct ia_parse_request *request,
                                               struct ia_error *err);
bool ia_process_take(struct ia_process *process, struct ia_event *event);
void ia_process_stop(struct ia_process *process); /* NULL is fine */

/* What is sent: a head, and `length` bytes behind it. To the process a request each; from it an event. */
struct ia_process_head {
    uint32_t kind;   /* enum ia_event_kind; IA_PROCESS_READY: what it lacks of its sandbox is in `value` */
    uint32_t number; /* of the request among those that were submitted since there were none under way */
    uint64_t value;  /* IA_EVENT_EXTENTS: the mapping; IA_EVENT_DONE: the status */
    uint64_t length; /* extents as they are, or what wire.h makes of a request or result */
};
enum { IA_PROCESS_READY = IA_EVENT_DONE + 1 };
enum { IA_PROCESS_IN = 0, IA_PROCESS_OUT = 1 }; /* its descriptors: it has no others of ours but those of directories */

/* child.c: what the process does; it returns when nobody asks any more, or none of it can be done. */
void ia_process_serve(int workers, const struct ia_parse_env *env, enum ia_sandbox_mode mode);

/* Adds what is read below a confinement: a file with its directory, where another may take its place. */
void ia_process_add_rules(struct ia_sandbox_rules *rules, const struct ia_confine *confine);

#endif
