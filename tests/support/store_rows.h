/* SPDX-License-Identifier: MIT */
/* The columns that tests fill by hand, by name: "INSERT INTO " FILE_ROW " VALUES (...)". A column that is not named
 * here has its default, so that a new one of the schema touches no test but its own. */
#ifndef TEST_SUPPORT_STORE_ROWS_H
#define TEST_SUPPORT_STORE_ROWS_H

#define SCAN_ROW                                                                                                       \
    "scan (scan_id, started_ns, finished_ns, walked, passed_over, images, parsed, unchanged, added, "                  \
    "changed,"                                                                                                         \
    " renamed, vanished, extents, table_bytes, errors, doubts)"
#define SCAN_OPTION_ROW "scan_option (scan_id, kind, value)"
#define SCAN_PASSED_ROW "scan_passed (scan_id, reason, files)"

#define VOLUME_ROW "volume (volume_id, identity, device, type, mount, is_shared, size, free)"
#define FILE_ROW                                                                                                       \
    "file (file_id, path, volume_id, inode, size, disk_size, mtime_ns, ctime_ns, checked_ns, class, reason, links,"    \
    " links_found)"
#define FILE_NAME_ROW "file_name (path, file_id, kind)"
#define FILE_SHARING_ROW "file_sharing (file_id, shared_bytes, encoded_bytes, unmatched_bytes, saved_bytes, group_id)"
#define SHARED_RUN_ROW "shared_run (file_id, start, length, volume, physical, encoded)"

#define IMAGE_ROW "image (image_id, file_id, path, format, format_basis, state, chain_ok, map_id, lock_state)"
#define IMAGE_HEADER_ROW "image_header (image_id, variant, virtual_size, cluster_size)"
#define IMAGE_ABILITY_ROW                                                                                              \
    "image_ability (image_id, unit, cluster, zeroes, can_be_written, can_rebase, can_commit, can_be_empty, "           \
    "can_receive, is_good_base, can_grow, can_grow_with_snapshots, can_grow_over_backing, can_be_trimmed)"
#define IMAGE_ACCOUNT_ROW "image_account (image_id, data_bytes, zero_bytes, metadata_bytes, overlapping)"
#define IMAGE_MEMORY_ROW "image_memory (image_id, first_scan, referenced_mtime_ns)"
#define IMAGE_FILE_ROW "image_file (image_id, number, role, path, file_id)"
#define FILE_SPACE_ROW "file_space (image_id, file, use, bytes, disk_bytes, unwritten_bytes)"
#define REFERENCE_ROW "reference (image_id, kind, name, path, state, target_id)"

#define MAPPING_ROW "mapping (map_id, image_id, snapshot, id, name, size, vm_state, date_ns, extents, failed)"
#define EXTENT_ROW "extent (map_id, start, length, state, file, offset)"

#define CHAIN_ROW "chain (image_id, depth, layer_id, map_id, size, visible_bytes, data_bytes)"
#define CHAIN_PLACE_ROW "chain_place (image_id, top_id, depth)"
#define USAGE_ROW                                                                                                      \
    "usage (image_id, visible_bytes, visible_present, masked_bytes, exclusive_bytes, shared_bytes, dependents,"        \
    " descendants, heads)"
#define READER_BYTES_ROW "reader_bytes (image_id, readers, bytes)"
#define MASKED_ROW "masked (image_id, start, length, state, file, offset)"
#define PAIR_ROW "pair (image_id, other_id, bytes, others)"

#define FINDING_ROW "finding (finding_id, code, severity, path, detail, doubt, first_scan, last_scan)"
#define HISTORY_SPAN_ROW                                                                                               \
    "history_span (path, first_scan, last_scan, image_id, virtual_size, file_size, disk_size, data_bytes, "            \
    "chain_depth,"                                                                                                     \
    " dependents, backing_path, state)"

#endif
