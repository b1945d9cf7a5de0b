/* SPDX-License-Identifier: MIT */
/* Drivers of QEMU that read from a server, and which server a name or description asks for what. Names are parsed,
 * never looked up. */
#ifndef IA_CHAIN_REMOTE_H
#define IA_CHAIN_REMOTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/vec.h"
#include "chain/json_options.h"

/* The driver or protocol of `len` bytes reads from elsewhere, or makes bytes up: no local file. What is not among them
 * may well end at a local file, by way of a driver stacked on it (blkdebug:, raw over raw...). */
bool ia_remote_is(const char *driver, size_t len);

/* A server that may hand out a file of the host that it runs on. */
struct ia_service {
    char *host; /* owned; a name or address; NULL: a socket or descriptor of this host, or QEMU's default, this host */
    char *object; /* owned; the last component of what is asked for; NULL: none, or no name of a file */
};
struct ia_services {
    IA_VEC(struct ia_service) all;
};
void ia_services_release(struct ia_services *services);

/* Adds the server of a name with a protocol ("nbd://host/export", "nbd:unix:/run/x"); nothing for a name without one,
 * and for protocols whose servers store no files. IA_NOMEM only. */
IA_MUST_CHECK enum ia_status ia_services_add_name(struct ia_services *services, const char *name, struct ia_error *err);

/* Adds the servers of the node of a json: description whose options begin with the `prefix_len` bytes of `prefix`
 * ("file."; none for the topmost one). IA_NOMEM only. */
IA_MUST_CHECK enum ia_status ia_services_add_node(struct ia_services *services, const struct ia_json_options *options,
                                                  const char *prefix, size_t prefix_len, struct ia_error *err);

#endif
