/* SPDX-License-Identifier: MIT */
/* The files that a chain of the target `chain` may have. */
#ifndef IA_TEST_FUZZ_CHAIN_FILES_H
#define IA_TEST_FUZZ_CHAIN_FILES_H

#include "fuzz/files.h"

enum {
    FUZZ_CHAIN_A, /* its first image */
    FUZZ_CHAIN_B,
    FUZZ_CHAIN_C,
    FUZZ_CHAIN_D,
    FUZZ_CHAIN_BELOW,
    FUZZ_CHAIN_HEAD, /* of a Longhorn replica */
    FUZZ_CHAIN_HEAD_META,
    FUZZ_CHAIN_SNAPSHOT,
    FUZZ_CHAIN_SNAPSHOT_META,
    FUZZ_CHAIN_VOLUME,
    FUZZ_CHAIN_FILES
};
extern const char *const fuzz_chain_names[FUZZ_CHAIN_FILES];

#endif
