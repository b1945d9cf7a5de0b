/* SPDX-License-Identifier: MIT */
/* What a scan gives up before it reads what tenants wrote. */
#ifndef IA_SCAN_GUARD_H
#define IA_SCAN_GUARD_H

#include "chain/confine.h"
#include "sandbox/sandbox.h"
#include "scan/graph/links.h"
#include "scan/holders/aside.h"
#include "scan/options.h"

/* The coordinator: files below the roots and what inventories need can be read, those in the store's directory written.
 * The thread that looks at processes is started between the two steps, and stays out of Landlock: *aside, NULL where
 * there is no need of one. IA_UNSUPPORTED where options->sandbox requires what the kernel has not; else
 * options->without is called with that. The store is open, and there are no threads but those of workers. */
IA_MUST_CHECK enum ia_status ia_guard_coordinator(const struct ia_scan_options *options,
                                                  const struct ia_confine *confine, const struct ia_links *links,
                                                  struct ia_aside **aside, struct ia_error *err);

#endif
