/* SPDX-License-Identifier: MIT */
/* MD5 (RFC 1321), piece by piece: the checksum of a format extension. Good for accidents, not against forgery. */
#ifndef IA_FORMAT_PARALLELS_MD5_H
#define IA_FORMAT_PARALLELS_MD5_H

#include <stddef.h>
#include <stdint.h>

#define PRL_MD5_BYTES 16

struct prl_md5 {
    uint32_t state[4];
    uint64_t length; /* bytes added */
    uint8_t block[64];
};

void prl_md5_init(struct prl_md5 *md5);
void prl_md5_add(struct prl_md5 *md5, const uint8_t *bytes, size_t len);
void prl_md5_finish(struct prl_md5 *md5, uint8_t digest[PRL_MD5_BYTES]);

#endif
