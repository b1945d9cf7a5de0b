/* SPDX-License-Identifier: MIT */
/* By which names and addresses this host is called. No name is looked up anywhere but in /etc/hosts. */
#ifndef IA_SCAN_GRAPH_OWN_HOST_H
#define IA_SCAN_GRAPH_OWN_HOST_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/vec.h"

struct ia_own_host {
    IA_VEC(char *) names;              /* owned */
    IA_VEC(struct in6_addr) addresses; /* IPv4 ones as ::ffff:a.b.c.d */
};
void ia_own_host_release(struct ia_own_host *host);

/* The name that the host has, those that the file `hosts` (/etc/hosts) gives to its addresses, and the addresses of its
 * interfaces. What cannot be had is left out. IA_NOMEM only. The caller releases *out, after a failure, too. */
IA_MUST_CHECK enum ia_status ia_own_host_load(const char *hosts, struct ia_own_host *out, struct ia_error *err);
/* One more name or address, for tests. false: out of memory. */
bool ia_own_host_add_name(struct ia_own_host *host, const char *name);

/* The name or address of a server means this host, or may: a name that begins as the host's own does counts. */
bool ia_own_host_is(const struct ia_own_host *host, const char *server);

#endif
