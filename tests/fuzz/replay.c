/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target without an engine: over its seeds, over each seed cut short and with each of its first bytes that
 * are not zero changed, or changed by the target's mutator, and over the files of the directories given. TAP: a test
 * for each seed and each file.
 * --seeds DIR: what is there are seeds too. --write DIR only writes the built-in seeds there. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/mutate.h"
#include "fuzz/target.h"

static void fail(const char *what)
{
    printf("Bail out! %s: %s\n", what, strerror(errno));
    exit(1);
}

/* A copy of exactly len bytes, so that the sanitizer sees a read past its end. */
static void run_copy(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    if (copy == NULL)
        fail("memory");
    memcpy(copy, bytes, len);
    LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

enum { CHANGED_BYTES = 256, CUTS = 64 };

static size_t most_changes(void)
{
    return &fuzz_changed_bytes != NULL ? (size_t)fuzz_changed_bytes : CHANGED_BYTES;
}

static void run_variations(const uint8_t *bytes, size_t len)
{
    static const uint8_t changes[] = {0x01, 0x80, 0xff};
    size_t cuts = most_changes() < CUTS ? most_changes() : CUTS;
    for (size_t cut = 1; cut <= cuts; cut++)
        run_copy(bytes, len * cut / (cuts + 1));
    uint8_t *copy = malloc(len);
    if (copy == NULL)
        fail("memory");
    memcpy(copy, bytes, len);
    size_t changed = 0;
    size_t most = most_changes();
    for (size_t i = 0; i < len && changed < most; i++) {
        if (copy[i] == 0 && i >= most)
            continue;
        changed += copy[i] != 0 || i < most;
        for (size_t c = 0; c < sizeof(changes); c++) {
            copy[i] ^= changes[c];
            LLVMFuzzerTestOneInput(copy, len);
            LLVMFuzzerTestOneInput(copy, len - 1);
            copy[i] ^= changes[c];
        }
    }
    free(copy);
}

#pragma weak LLVMFuzzerCustomMutator

/* What stands for an engine's: one byte becomes another. */
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t len, size_t most)
{
    static uint32_t state;
    (void)most;
    if (len > 0)
        bytes[fuzz_below(&state, (uint32_t)len)] ^= (uint8_t)(1 + fuzz_below(&state, 255));
    return len;
}

/* By the target's own mutator, one change upon the other. */
static void run_mutations(const uint8_t *bytes, size_t len)
{
    enum { MUTATIONS = 16, MORE_BYTES = 4096 };
    uint8_t *copy = malloc(len + MORE_BYTES);
    if (copy == NULL)
        fail("memory");
    for (unsigned i = 0; i < MUTATIONS; i++) {
        size_t length = len;
        memcpy(copy, bytes, len);
        for (unsigned k = 0; k < 1 + i / 4; k++)
            length = LLVMFuzzerCustomMutator(copy, length, len + MORE_BYTES, i * 31 + k);
        run_copy(copy, length);
    }
    free(copy);
}

static void replay_seed(void *ctx, const char *name, const void *bytes, size_t len)
{
    int *count = ctx;
    run_copy(bytes, len);
    run_variations(bytes, len);
    if (LLVMFuzzerCustomMutator != NULL)
        run_mutations(bytes, len);
    printf("ok %d - seed %s\n", ++*count, name);
}

static FILE *open_in(const char *dir, const char *name, const char *mode)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *file = fopen(path, mode);
    if (file == NULL)
        fail(path);
    return file;
}

static void write_seed(void *ctx, const char *name, const void *bytes, size_t len)
{
    FILE *file = open_in(ctx, name, "wb");
    if (fwrite(bytes, 1, len, file) != len || fclose(file) != 0)
        fail(name);
}

static void replay_file(const char *dir, const char *name, bool is_seed, int *count)
{
    FILE *file = open_in(dir, name, "rb");
    uint8_t *bytes = NULL;
    size_t len = 0;
    size_t got;
    do {
        bytes = realloc(bytes, len + 65536);
        if (bytes == NULL)
            fail("memory");
        got = fread(bytes + len, 1, 65536, file);
        len += got;
    } while (got > 0);
    fclose(file);
    if (is_seed) {
        replay_seed(count, name, bytes, len);
    } else {
        run_copy(bytes, len);
        printf("ok %d - %s\n", ++*count, name);
    }
    free(bytes);
}

static void replay_directory(const char *dir, bool are_seeds, int *count)
{
    struct dirent **entries;
    int found = scandir(dir, &entries, NULL, alphasort);
    if (found < 0)
        fail(dir);
    for (int i = 0; i < found; i++) {
        if (entries[i]->d_name[0] != '.')
            replay_file(dir, entries[i]->d_name, are_seeds, count);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* a crash must not swallow what came before */
    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        fuzz_each_seed(write_seed, argv[2]);
        return 0;
    }
    int count = 0;
    fuzz_each_seed(replay_seed, &count);
    for (int i = 1; i < argc; i++) {
        bool are_seeds = i + 1 < argc && strcmp(argv[i], "--seeds") == 0;
        i += are_seeds;
        replay_directory(argv[i], are_seeds, &count);
    }
    printf("1..%d\n", count);
    return 0;
}
