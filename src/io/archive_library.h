/* SPDX-License-Identifier: MIT */
/* libarchive, loaded when the first packed file is opened. Most runs open none, and what it brings along (XML, Unicode
 * tables, decoders) would make each start take three times as long, and stay in the address space of a root process. */
#ifndef IA_IO_ARCHIVE_LIBRARY_H
#define IA_IO_ARCHIVE_LIBRARY_H

#include <archive.h>
#include <archive_entry.h>

#include "base/status.h"

#define IA_ARCHIVE_FUNCTIONS(each)                                                                                     \
    each(archive_entry_filetype);                                                                                      \
    each(archive_entry_is_encrypted);                                                                                  \
    each(archive_entry_pathname);                                                                                      \
    each(archive_entry_pathname_utf8);                                                                                 \
    each(archive_entry_size);                                                                                          \
    each(archive_entry_size_is_set);                                                                                   \
    each(archive_errno);                                                                                               \
    each(archive_error_string);                                                                                        \
    each(archive_filter_count);                                                                                        \
    each(archive_format);                                                                                              \
    each(archive_read_data);                                                                                           \
    each(archive_read_data_block);                                                                                     \
    each(archive_read_free);                                                                                           \
    each(archive_read_new);                                                                                            \
    each(archive_read_next_header);                                                                                    \
    each(archive_read_open1);                                                                                          \
    each(archive_read_set_callback_data);                                                                              \
    each(archive_read_set_read_callback);                                                                              \
    each(archive_read_set_seek_callback);                                                                              \
    each(archive_read_set_skip_callback);                                                                              \
    each(archive_read_support_filter_bzip2);                                                                           \
    each(archive_read_support_filter_compress);                                                                        \
    each(archive_read_support_filter_gzip);                                                                            \
    each(archive_read_support_filter_lz4);                                                                             \
    each(archive_read_support_filter_lzip);                                                                            \
    each(archive_read_support_filter_lzma);                                                                            \
    each(archive_read_support_filter_xz);                                                                              \
    each(archive_read_support_filter_zstd);                                                                            \
    each(archive_read_support_format_7zip);                                                                            \
    each(archive_read_support_format_empty);                                                                           \
    each(archive_read_support_format_raw);                                                                             \
    each(archive_read_support_format_tar);                                                                             \
    each(archive_read_support_format_zip_seekable);                                                                    \
    each(archive_set_error)

#define IA_ARCHIVE_MEMBER(function) __typeof__(function) *function

struct ia_archive_library {
    IA_ARCHIVE_FUNCTIONS(IA_ARCHIVE_MEMBER);
};

/* Once loaded, it stays until the process ends; to ask again costs little. IA_MISSING where it is not installed. */
IA_MUST_CHECK enum ia_status ia_archive_library_load(struct ia_archive_library *out, struct ia_error *err);

#endif
