/* SPDX-License-Identifier: MIT */
/* Changing inputs by their structure: what a file mutate_TARGET.c is made of. Half of the time bytes are changed at
 * random all the same, for a structure that we know hides those that we do not. */
#ifndef IA_TEST_FUZZ_MUTATE_H
#define IA_TEST_FUZZ_MUTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The engine's, or replay.c's. Changes up to `most` bytes of room; returns how many there are then. */
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t len, size_t most);
/* A target may have it: replay.c, too, changes each seed by it. */
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t len, size_t most, unsigned seed);

/* Random numbers: the same for the same seed, which is the state. */
uint32_t fuzz_below(uint32_t *state, uint32_t end);

/* A number of `width` bytes (1, 2, 4 or 8) that something may depend on: the old one by a little more or less, a power
 * of two or the number before it, 0, all ones, or a place in the file, a multiple of `unit`. */
enum fuzz_order { FUZZ_LITTLE, FUZZ_BIG };
void fuzz_change_number(uint32_t *state, uint8_t *at, unsigned width, enum fuzz_order order, size_t len, uint64_t unit);

struct fuzz_field {
    uint16_t at;
    uint8_t width;
};
/* The same of one of the fields of a structure at `start`, unless it is not in the input. */
void fuzz_change_field(uint32_t *state, uint8_t *bytes, size_t len, size_t start, const struct fuzz_field *fields,
                       size_t count, enum fuzz_order order, uint64_t unit);

/* A mutator of inputs of at least `least` bytes, of which `change` changes some structure in place, up to three times.
 */
size_t fuzz_mutate(uint8_t *bytes, size_t len, size_t most, unsigned seed, size_t least,
                   void change(uint32_t *state, uint8_t *bytes, size_t len));

uint64_t fuzz_number(const uint8_t *at, unsigned width, enum fuzz_order order);

#endif
