/* SPDX-License-Identifier: MIT */
/* A fresh working directory for each test: setup and teardown for cmocka, and small ways to fill it. */
#ifndef IA_TEST_SUPPORT_TEMP_DIR_H
#define IA_TEST_SUPPORT_TEMP_DIR_H

#include <stddef.h>
#include <stdint.h>

/* Makes a directory below $TMPDIR and goes there; *state is its canonical path. */
int temp_dir_setup(void **state);
/* Leaves it and removes it with all it holds. */
int temp_dir_teardown(void **state);

#define in_temp_dir(test) cmocka_unit_test_setup_teardown(test, temp_dir_setup, temp_dir_teardown)

void write_file(const char *name, const void *bytes, size_t len);
void write_at(const char *name, int64_t offset, const void *bytes, size_t len);
void make_sparse_file(const char *name, int64_t size);

#endif
