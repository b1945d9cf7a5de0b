/* SPDX-License-Identifier: MIT */
/* A thread that looks at who holds files, started before the others give that up: who is under Landlock may not look at
 * processes that are not. It reads lists of the kernel alone. */
#ifndef IA_SCAN_HOLDERS_ASIDE_H
#define IA_SCAN_HOLDERS_ASIDE_H

#include "scan/holders/holders.h"

struct ia_aside;

IA_MUST_CHECK enum ia_status ia_aside_start(struct ia_aside **out, struct ia_error *err);
/* ia_holders_find by that thread, waiting for it; by the calling one where aside is NULL. */
IA_MUST_CHECK enum ia_status ia_aside_find(struct ia_aside *aside, struct ia_holders *holders, struct ia_error *err);
void ia_aside_stop(struct ia_aside *aside); /* NULL is fine */

#endif
