/* SPDX-License-Identifier: MIT */
/* A small store for the fuzz targets of src/store, in a directory of its own that goes with the process. */
#ifndef IA_TEST_FUZZ_STORE_TARGET_H
#define IA_TEST_FUZZ_STORE_TARGET_H

#include <stddef.h>
#include <stdint.h>

struct made_store {
    char directory[64];
    char path[96];  /* of the store */
    uint8_t *bytes; /* of its file, without a log */
    size_t len;
};

/* The same one for each call. */
const struct made_store *made_store(void);

#endif
