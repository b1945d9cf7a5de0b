/* SPDX-License-Identifier: MIT */
/* Several files of one input, for what opens files by itself. The input is for each file a byte that chooses its name,
 * three bytes of length (little-endian), and its bytes. */
#ifndef IA_TEST_FUZZ_FILES_H
#define IA_TEST_FUZZ_FILES_H

#include <stddef.h>
#include <stdint.h>

enum { FUZZ_FILE_HEAD = 4, FUZZ_MOST_FILES = 32 };

/* Writes the input's files below a directory of this process, and removes those of the input before. `names` (at most
 * FUZZ_MOST_FILES) are relative to it, and always the same. Returns the directory's path. */
const char *fuzz_lay_files(const char *const *names, size_t count, const uint8_t *bytes, size_t len);

/* Path of a file below the directory, in a buffer of the caller's. */
enum { FUZZ_PATH = 512 };
const char *fuzz_path(char path[FUZZ_PATH], const char *name);

/* An input being put together: a seed. */
struct fuzz_files {
    uint8_t bytes[1 << 18];
    size_t len;
};
void fuzz_add_file(struct fuzz_files *files, uint8_t name, const void *bytes, size_t len);

#endif
