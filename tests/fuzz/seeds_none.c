/* SPDX-License-Identifier: MIT */
/* For targets whose seeds a builder of tests/lib/builders writes to a directory. */
#include "fuzz/target.h"

void fuzz_each_seed(fuzz_use_seed use, void *ctx)
{
    (void)use;
    (void)ctx;
}
