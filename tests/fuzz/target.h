/* SPDX-License-Identifier: MIT */
/* A fuzz target: one function for libFuzzer (tools/fuzz) and for the replaying main, and the seeds it starts
 * from. */
#ifndef IA_TEST_FUZZ_TARGET_H
#define IA_TEST_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* How many bytes of each seed are changed in turn when it is replayed. A target that writes files has its own number.
 */
extern const int fuzz_changed_bytes __attribute__((weak));

typedef void (*fuzz_use_seed)(void *ctx, const char *name, const void *bytes, size_t len);

/* Calls `use` for every seed of the target. Not linked into the libFuzzer programs. */
void fuzz_each_seed(fuzz_use_seed use, void *ctx);

/* A property of the target does not hold: unlike assert() it is never compiled out. */
#define FUZZ_CHECK(condition)                                                                                          \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            __builtin_trap();                                                                                          \
    } while (0)

#endif
