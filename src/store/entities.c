/* SPDX-License-Identifier: MIT */
/* Every column of the rows of rows.h, once. */
#include "store/entities.h"
#include "store/rows.h"

static const struct ia_column_spec volume_columns[] = {
    IA_KEY_OR_NEW(ia_volume_row, volume_id),
    IA_COLUMN(ia_volume_row, identity),
    IA_COLUMN(ia_volume_row, device),
    IA_STORED(ia_volume_row, type),
    IA_COLUMN(ia_volume_row, mount),
    IA_STORED(ia_volume_row, is_shared),
    IA_STORED(ia_volume_row, is_sole_host),
    IA_STORED(ia_volume_row, is_twin),
    IA_STORED_NULL_IF_NEGATIVE(ia_volume_row, size),
    IA_STORED_NULL_IF_NEGATIVE(ia_volume_row, free),
};

static const struct ia_column_spec file_columns[] = {
    IA_KEY_OR_NEW(ia_file_row, file_id),
    IA_COLUMN(ia_file_row, path),
    IA_COLUMN(ia_file_row, volume_id),
    IA_COLUMN(ia_file_row, inode),
    IA_NULL_IF_NEGATIVE(ia_file_row, birth_ns),
    IA_COLUMN(ia_file_row, size),
    IA_COLUMN(ia_file_row, disk_size),
    IA_COLUMN(ia_file_row, is_device),
    IA_COLUMN(ia_file_row, mtime_ns),
    IA_COLUMN(ia_file_row, ctime_ns),
    IA_COLUMN(ia_file_row, checked_ns),
    IA_COLUMN(ia_file_row, class),
    IA_COLUMN(ia_file_row, reason),
    IA_COLUMN(ia_file_row, was_image),
    IA_NULL_IF_NEGATIVE(ia_file_row, links),
    IA_NULL_IF_NEGATIVE(ia_file_row, links_found),
};

static const struct ia_column_spec file_name_columns[] = {
    IA_KEY(ia_file_name_row, path),
    IA_COLUMN(ia_file_name_row, file_id),
    IA_COLUMN(ia_file_name_row, kind),
};

static const struct ia_column_spec sharing_columns[] = {
    IA_KEY(ia_sharing_row, file_id),          IA_NULL_IF_NEGATIVE(ia_sharing_row, shared_bytes),
    IA_COLUMN(ia_sharing_row, encoded_bytes), IA_NULL_IF_NEGATIVE(ia_sharing_row, unmatched_bytes),
    IA_COLUMN(ia_sharing_row, saved_bytes),   IA_NULL_IF_ZERO(ia_sharing_row, group_id),
};

static const struct ia_column_spec shared_run_columns[] = {
    IA_KEY(ia_shared_run_row, file_id),   IA_KEY(ia_shared_run_row, start),       IA_COLUMN(ia_shared_run_row, length),
    IA_COLUMN(ia_shared_run_row, volume), IA_COLUMN(ia_shared_run_row, physical), IA_COLUMN(ia_shared_run_row, encoded),
};

static const struct ia_column_spec format_columns[] = {
    IA_KEY(ia_format_row, name),
    IA_COLUMN(ia_format_row, suffixes),
    IA_COLUMN(ia_format_row, is_plain),
};

static const struct ia_column_spec image_columns[] = {
    IA_KEY(ia_image_row, image_id),
    IA_COLUMN(ia_image_row, file_id),
    IA_STORED(ia_image_row, path),
    IA_COLUMN(ia_image_row, format),
    IA_COLUMN(ia_image_row, format_basis),
    IA_COLUMN(ia_image_row, state),
    IA_TEXT_OR_NULL(ia_image_row, problem),
    IA_STORED(ia_image_row, chain_ok),
    IA_STORED_TEXT_OR_NULL(ia_image_row, backing_path),
    IA_NULL_IF_ZERO(ia_image_row, backing_id),
    IA_STORED(ia_image_row, map_id),
    IA_STORED(ia_image_row, is_template),
    IA_STORED(ia_image_row, is_claimed),
    IA_STORED(ia_image_row, parent_differs),
    IA_COLUMN(ia_image_row, link_is_newer),
    IA_STORED(ia_image_row, unsettled),
    IA_STORED(ia_image_row, lock_state),
};

static const struct ia_column_spec image_header_columns[] = {
    IA_KEY(ia_image_row, image_id),
    IA_STORED(ia_image_row, variant),
    IA_STORED_NULL_IF_NEGATIVE(ia_image_row, version),
    IA_NULL_IF_NEGATIVE(ia_image_row, virtual_size),
    IA_STORED_NULL_IF_NEGATIVE(ia_image_row, cluster_size),
    IA_COLUMN(ia_image_row, hidden),
    IA_COLUMN(ia_image_row, kept),
    IA_COLUMN(ia_image_row, encrypted),
    IA_COLUMN(ia_image_row, dirty),
    IA_COLUMN(ia_image_row, corrupt),
    IA_COLUMN(ia_image_row, truncated),
    IA_STORED(ia_image_row, has_data_file),
    IA_STORED(ia_image_row, extended_l2),
    IA_STORED_TEXT_OR_NULL(ia_image_row, compression),
    IA_TEXT_OR_NULL(ia_image_row, backing_name),
    IA_TEXT_OR_NULL(ia_image_row, backing_format),
    IA_COLUMN(ia_image_row, backing_by_identity),
    IA_TEXT_OR_NULL(ia_image_row, identity),
    IA_TEXT_OR_NULL(ia_image_row, identity_stamp),
    IA_TEXT_OR_NULL(ia_image_row, parent_identity),
    IA_TEXT_OR_NULL(ia_image_row, parent_stamp),
};

#define ABILITY(member) IA_COLUMN_AS(#member, ia_image_row, abilities.member, IA_COLUMN_STORED)

static const struct ia_column_spec image_ability_columns[] = {
    IA_KEY(ia_image_row, image_id),
    ABILITY(unit),
    ABILITY(cluster),
    ABILITY(zeroes),
    ABILITY(zeroes_are_known),
    ABILITY(is_plain),
    ABILITY(is_foreign),
    ABILITY(can_be_written),
    ABILITY(can_rebase),
    ABILITY(can_commit),
    ABILITY(can_be_empty),
    ABILITY(can_receive),
    ABILITY(is_good_base),
    ABILITY(can_grow),
    ABILITY(can_grow_with_snapshots),
    ABILITY(can_grow_over_backing),
    ABILITY(can_be_trimmed),
};

static const struct ia_column_spec image_account_columns[] = {
    IA_KEY(ia_image_row, image_id),
    IA_COLUMN_AS("data_bytes", ia_image_row, state_bytes[IA_EXTENT_DATA], IA_COLUMN_VALUE),
    IA_COLUMN_AS("compressed_bytes", ia_image_row, state_bytes[IA_EXTENT_COMPRESSED], IA_COLUMN_VALUE),
    IA_COLUMN_AS("encrypted_bytes", ia_image_row, state_bytes[IA_EXTENT_ENCRYPTED], IA_COLUMN_VALUE),
    IA_COLUMN_AS("zero_bytes", ia_image_row, state_bytes[IA_EXTENT_ZERO], IA_COLUMN_VALUE),
    IA_COLUMN_AS("zero_allocated_bytes", ia_image_row, state_bytes[IA_EXTENT_ZERO_ALLOCATED], IA_COLUMN_VALUE),
    IA_COLUMN_AS("sparse_bytes", ia_image_row, state_bytes[IA_EXTENT_SPARSE], IA_COLUMN_VALUE),
    IA_COLUMN_AS("reserved_bytes", ia_image_row, state_bytes[IA_EXTENT_RESERVED], IA_COLUMN_VALUE),
    IA_STORED(ia_image_row, compressed_host),
    IA_STORED_NULL_IF_NEGATIVE(ia_image_row, metadata_bytes),
    IA_NULL_IF_NEGATIVE(ia_image_row, overlapping),
    IA_COLUMN(ia_image_row, may_be_lost),
};

static const struct ia_column_spec image_memory_columns[] = {
    IA_KEY(ia_image_row, image_id),
    IA_COLUMN(ia_image_row, first_scan),
    IA_NULL_IF_ZERO(ia_image_row, referenced_scan),
    IA_TEXT_OR_NULL(ia_image_row, referenced_by),
    IA_NULL_IF_ZERO(ia_image_row, referenced_mtime_ns),
    IA_TEXT_OR_NULL(ia_image_row, referenced_path),
    IA_COLUMN(ia_image_row, referenced_uncertain),
    IA_NULL_IF_ZERO(ia_image_row, base_id),
    IA_NULL_IF_ZERO(ia_image_row, seen_scan),
    IA_NULL_IF_ZERO(ia_image_row, base_lost_ns),
    IA_NULL_IF_ZERO(ia_image_row, past_base_id),
    IA_NULL_IF_ZERO(ia_image_row, seen_since_ns),
    IA_NULL_IF_ZERO(ia_image_row, path_since_ns),
    IA_COLUMN(ia_image_row, fingerprint),
};

static const struct ia_column_spec image_file_columns[] = {
    IA_KEY(ia_image_file_row, image_id),         IA_KEY(ia_image_file_row, number),
    IA_COLUMN(ia_image_file_row, role),          IA_COLUMN(ia_image_file_row, path),
    IA_NULL_IF_ZERO(ia_image_file_row, file_id),
};

static const struct ia_column_spec space_columns[] = {
    IA_KEY(ia_space_row, image_id),
    IA_KEY(ia_space_row, file),
    IA_KEY(ia_space_row, use),
    IA_COLUMN(ia_space_row, bytes),
    IA_NULL_IF_NEGATIVE(ia_space_row, disk_bytes),
    IA_NULL_IF_NEGATIVE(ia_space_row, unwritten_bytes),
};

static const struct ia_column_spec mapping_columns[] = {
    IA_KEY(ia_mapping_row, map_id),
    IA_COLUMN(ia_mapping_row, image_id),
    IA_NULL_IF_NEGATIVE(ia_mapping_row, snapshot),
    IA_STORED_TEXT_OR_NULL(ia_mapping_row, id),
    IA_STORED_TEXT_OR_NULL(ia_mapping_row, name),
    IA_COLUMN(ia_mapping_row, size),
    IA_STORED(ia_mapping_row, vm_state),
    IA_STORED(ia_mapping_row, date_ns),
    IA_COLUMN(ia_mapping_row, extents),
    IA_COLUMN(ia_mapping_row, failed),
};

static const struct ia_column_spec reference_columns[] = {
    IA_KEY(ia_reference_row, image_id),
    IA_KEY(ia_reference_row, number),
    IA_KEY(ia_reference_row, kind),
    IA_TEXT_OR_NULL(ia_reference_row, role),
    IA_NULL_IF_NEGATIVE(ia_reference_row, place),
    IA_TEXT_OR_NULL(ia_reference_row, name),
    IA_COLUMN(ia_reference_row, path),
    IA_TEXT_OR_NULL(ia_reference_row, state),
    IA_NULL_IF_ZERO(ia_reference_row, target_id),
};

static const struct ia_column_spec packed_file_columns[] = {
    IA_KEY(ia_packed_file_row, file_id),
    IA_TEXT_OR_NULL(ia_packed_file_row, problem),
};

static const struct ia_column_spec packed_reference_columns[] = {
    IA_KEY(ia_packed_reference_row, file_id),          IA_KEY(ia_packed_reference_row, number),
    IA_COLUMN(ia_packed_reference_row, member),        IA_COLUMN(ia_packed_reference_row, format),
    IA_COLUMN(ia_packed_reference_row, kind),          IA_COLUMN(ia_packed_reference_row, name),
    IA_TEXT_OR_NULL(ia_packed_reference_row, stated),  IA_COLUMN(ia_packed_reference_row, path),
    IA_COLUMN(ia_packed_reference_row, state),         IA_NULL_IF_ZERO(ia_packed_reference_row, target_id),
    IA_NULL_IF_ZERO(ia_packed_reference_row, base_id),
};

static const struct ia_column_spec former_name_columns[] = {
    IA_KEY(ia_former_name_row, image_id),
    IA_KEY(ia_former_name_row, path),
    IA_NULL_IF_ZERO(ia_former_name_row, since_ns),
    IA_NULL_IF_ZERO(ia_former_name_row, until_ns),
};

static const struct ia_column_spec finding_columns[] = {
    IA_KEY(ia_finding_row, path),           IA_KEY(ia_finding_row, code),
    IA_KEY(ia_finding_row, detail),         IA_COLUMN(ia_finding_row, severity),
    IA_TEXT_OR_NULL(ia_finding_row, doubt), IA_COLUMN_AS("first_scan", ia_finding_row, first_scan, IA_COLUMN_FIRST),
    IA_COLUMN(ia_finding_row, last_scan),   IA_NULL_IF_ZERO(ia_finding_row, accepted_by),
};

static const struct ia_column_spec candidate_columns[] = {
    IA_KEY(ia_candidate_row, image_id),           IA_COLUMN(ia_candidate_row, status),
    IA_COLUMN(ia_candidate_row, since_scan),      IA_COLUMN(ia_candidate_row, since_ns),
    IA_COLUMN(ia_candidate_row, is_meant),        IA_NULL_IF_ZERO(ia_candidate_row, clear_ns),
    IA_COLUMN(ia_candidate_row, evidence),        IA_TEXT_OR_NULL(ia_candidate_row, why),
    IA_TEXT_OR_NULL(ia_candidate_row, why_codes), IA_TEXT_OR_NULL(ia_candidate_row, assumes),
};

static const struct ia_column_spec evidence_columns[] = {
    IA_KEY(ia_evidence_row, image_id),         IA_KEY(ia_evidence_row, code),        IA_KEY(ia_evidence_row, subject),
    IA_NULL_IF_ZERO(ia_evidence_row, scan_id), IA_COLUMN(ia_evidence_row, sentence),
};

static const struct ia_column_spec doubt_columns[] = {
    IA_KEY_OR_NEW(ia_doubt_row, image_id), IA_KEY(ia_doubt_row, code),      IA_KEY(ia_doubt_row, subject),
    IA_COLUMN(ia_doubt_row, sentence),     IA_COLUMN(ia_doubt_row, advice),
};

static const struct ia_column_spec inventory_columns[] = {
    IA_KEY(ia_inventory_row, number),           IA_COLUMN(ia_inventory_row, source),
    IA_COLUMN(ia_inventory_row, place),         IA_COLUMN(ia_inventory_row, is_of_host),
    IA_TEXT_OR_NULL(ia_inventory_row, formats), IA_NULL_IF_ZERO(ia_inventory_row, newest_ns),
};

static const struct ia_column_spec machine_columns[] = {
    IA_KEY(ia_machine_row, machine_id),    IA_COLUMN(ia_machine_row, inventory),
    IA_COLUMN(ia_machine_row, kind),       IA_COLUMN(ia_machine_row, name),
    IA_TEXT_OR_NULL(ia_machine_row, uuid), IA_COLUMN(ia_machine_row, state),
    IA_COLUMN(ia_machine_row, defined_in), IA_NULL_IF_ZERO(ia_machine_row, defined_ns),
};

static const struct ia_column_spec claim_columns[] = {
    IA_KEY(ia_claim_row, machine_id),       IA_KEY(ia_claim_row, number),
    IA_COLUMN(ia_claim_row, path),          IA_TEXT_OR_NULL(ia_claim_row, format),
    IA_COLUMN(ia_claim_row, role),          IA_COLUMN(ia_claim_row, read_only),
    IA_COLUMN(ia_claim_row, shareable),     IA_COLUMN(ia_claim_row, transient),
    IA_COLUMN(ia_claim_row, state),         IA_TEXT_OR_NULL(ia_claim_row, target),
    IA_NULL_IF_ZERO(ia_claim_row, file_id), IA_NULL_IF_ZERO(ia_claim_row, before_id),
    IA_NULL_IF_ZERO(ia_claim_row, base_id), IA_COLUMN(ia_claim_row, was_outside),
    IA_COLUMN(ia_claim_row, is_directory),
};

static const struct ia_column_spec holder_columns[] = {
    IA_KEY_OR_NEW(ia_holder_row, file_id),
    IA_KEY(ia_holder_row, subject),
};

static const struct ia_column_spec chain_columns[] = {
    IA_KEY(ia_chain_store_row, image_id),
    IA_KEY(ia_chain_store_row, depth),
    IA_COLUMN(ia_chain_store_row, layer_id),
    IA_COLUMN(ia_chain_store_row, map_id),
    IA_COLUMN(ia_chain_store_row, size),
    IA_NULL_IF_NEGATIVE(ia_chain_store_row, visible_bytes),
    IA_NULL_IF_NEGATIVE(ia_chain_store_row, data_bytes),
};

static const struct ia_column_spec chain_place_columns[] = {
    IA_KEY(ia_chain_place_row, image_id),
    IA_COLUMN(ia_chain_place_row, top_id),
    IA_COLUMN(ia_chain_place_row, depth),
};

static const struct ia_column_spec chain_change_columns[] = {
    IA_KEY(ia_chain_change_row, image_id),
    IA_KEY(ia_chain_change_row, layer_id),
    IA_COLUMN(ia_chain_change_row, visible_bytes),
    IA_COLUMN(ia_chain_change_row, data_bytes),
};

static const struct ia_column_spec usage_columns[] = {
    IA_KEY(ia_usage_row, image_id),           IA_COLUMN(ia_usage_row, visible_bytes),
    IA_COLUMN(ia_usage_row, visible_present), IA_COLUMN(ia_usage_row, masked_bytes),
    IA_COLUMN(ia_usage_row, exclusive_bytes), IA_COLUMN(ia_usage_row, shared_bytes),
    IA_COLUMN(ia_usage_row, dependents),      IA_COLUMN(ia_usage_row, descendants),
    IA_COLUMN(ia_usage_row, heads),
};

static const struct ia_column_spec reader_bytes_columns[] = {
    IA_KEY(ia_reader_bytes_row, image_id),
    IA_KEY(ia_reader_bytes_row, readers),
    IA_COLUMN(ia_reader_bytes_row, bytes),
};

static const struct ia_column_spec pair_columns[] = {
    IA_KEY(ia_pair_store_row, image_id),
    IA_KEY(ia_pair_store_row, other_id),
    IA_COLUMN(ia_pair_store_row, bytes),
    IA_COLUMN(ia_pair_store_row, others),
};

static const struct ia_column_spec tree_columns[] = {
    IA_KEY(ia_tree_row, root_id),
    IA_COLUMN(ia_tree_row, fingerprint),
};

static const struct ia_column_spec scan_columns[] = {
    IA_KEY(ia_scan_row, scan_id),    IA_COLUMN(ia_scan_row, started_ns),  IA_COLUMN(ia_scan_row, finished_ns),
    IA_COLUMN(ia_scan_row, walked),  IA_COLUMN(ia_scan_row, passed_over), IA_COLUMN(ia_scan_row, images),
    IA_COLUMN(ia_scan_row, parsed),  IA_COLUMN(ia_scan_row, unchanged),   IA_COLUMN(ia_scan_row, added),
    IA_COLUMN(ia_scan_row, changed), IA_COLUMN(ia_scan_row, renamed),     IA_COLUMN(ia_scan_row, vanished),
    IA_COLUMN(ia_scan_row, extents), IA_COLUMN(ia_scan_row, table_bytes), IA_COLUMN(ia_scan_row, errors),
    IA_COLUMN(ia_scan_row, doubts),
};

static const struct ia_column_spec option_columns[] = {
    IA_KEY(ia_option_row, scan_id),
    IA_KEY(ia_option_row, kind),
    IA_KEY(ia_option_row, value),
};

static const struct ia_column_spec passed_columns[] = {
    IA_KEY(ia_passed_row, scan_id),
    IA_KEY(ia_passed_row, reason),
    IA_COLUMN(ia_passed_row, files),
};

static const struct ia_column_spec mount_columns[] = {
    IA_KEY(ia_mount_row, path),
    IA_KEY(ia_mount_row, identity),
    IA_KEY(ia_mount_row, inside),
};

static const struct ia_column_spec place_columns[] = {
    IA_KEY(ia_mount_row, path),
    IA_COLUMN(ia_mount_row, identity),
    IA_COLUMN(ia_mount_row, inside),
};

static const struct ia_column_spec vanished_columns[] = {
    IA_KEY(ia_vanished_row, file_id),
    IA_NULL_IF_ZERO(ia_vanished_row, image_id),
    IA_COLUMN(ia_vanished_row, gone_scan),
    IA_COLUMN(ia_vanished_row, volume),
    IA_COLUMN(ia_vanished_row, path),
    IA_COLUMN(ia_vanished_row, inode),
    IA_NULL_IF_NEGATIVE(ia_vanished_row, birth_ns),
    IA_COLUMN(ia_vanished_row, size),
    IA_COLUMN(ia_vanished_row, mtime_ns),
    IA_COLUMN(ia_vanished_row, ctime_ns),
    IA_COLUMN(ia_vanished_row, was_image),
    IA_COLUMN(ia_vanished_row, was_packed),
    IA_TEXT_OR_NULL(ia_vanished_row, backing_name),
    IA_NULL_IF_ZERO(ia_vanished_row, first_scan),
    IA_NULL_IF_ZERO(ia_vanished_row, referenced_scan),
    IA_TEXT_OR_NULL(ia_vanished_row, referenced_by),
    IA_NULL_IF_ZERO(ia_vanished_row, referenced_mtime_ns),
    IA_TEXT_OR_NULL(ia_vanished_row, referenced_path),
    IA_COLUMN(ia_vanished_row, referenced_uncertain),
    IA_NULL_IF_ZERO(ia_vanished_row, base_id),
    IA_NULL_IF_ZERO(ia_vanished_row, past_base_id),
    IA_COLUMN(ia_vanished_row, link_is_newer),
};

static const struct ia_column_spec former_base_columns[] = {
    IA_KEY(ia_former_base_row, file_id),
    IA_KEY(ia_former_base_row, base_id),
};

static const struct ia_column_spec setting_columns[] = {
    IA_KEY(ia_setting_row, key),
    IA_COLUMN(ia_setting_row, value),
};

static const struct ia_column_spec template_columns[] = {
    IA_KEY(ia_template_row, glob),
};

static const struct ia_column_spec acceptance_columns[] = {
    IA_KEY_OR_NEW(ia_acceptance_row, number),     IA_COLUMN(ia_acceptance_row, code),
    IA_COLUMN(ia_acceptance_row, glob),           IA_COLUMN(ia_acceptance_row, reason),
    IA_NULL_IF_ZERO(ia_acceptance_row, until_ns), IA_COLUMN(ia_acceptance_row, created_ns),
};

#define COLUMNS(name) name##_columns, sizeof(name##_columns) / sizeof(name##_columns[0])

const struct ia_entity ia_entities[IA_ENTITY_COUNT] = {
    [IA_ENTITY_VOLUME] = {"volume", COLUMNS(volume), "ORDER BY volume_id"},
    [IA_ENTITY_FILE] = {"file", COLUMNS(file), "ORDER BY file_id"},
    [IA_ENTITY_FILE_NAME] = {"file_name", COLUMNS(file_name), NULL},
    [IA_ENTITY_SHARING] = {"file_sharing", COLUMNS(sharing), NULL},
    [IA_ENTITY_SHARED_RUN] = {"shared_run", COLUMNS(shared_run), NULL},
    [IA_ENTITY_FORMAT] = {"format", COLUMNS(format), NULL},
    [IA_ENTITY_IMAGE] = {"image", COLUMNS(image), "ORDER BY image_id"},
    [IA_ENTITY_IMAGE_HEADER] = {"image_header", COLUMNS(image_header), "ORDER BY image_id"},
    [IA_ENTITY_IMAGE_ABILITY] = {"image_ability", COLUMNS(image_ability), "ORDER BY image_id"},
    [IA_ENTITY_IMAGE_ACCOUNT] = {"image_account", COLUMNS(image_account), "ORDER BY image_id"},
    [IA_ENTITY_IMAGE_MEMORY] = {"image_memory", COLUMNS(image_memory), "ORDER BY image_id"},
    [IA_ENTITY_IMAGE_FILE] = {"image_file", COLUMNS(image_file), NULL},
    [IA_ENTITY_SPACE] = {"file_space", COLUMNS(space), NULL},
    [IA_ENTITY_MAPPING] = {"mapping", COLUMNS(mapping), "ORDER BY map_id"},
    [IA_ENTITY_REFERENCE] =
        {"reference", COLUMNS(reference),
         "WHERE kind IN ('data-file', 'extent', 'parent-path', 'companion') ORDER BY image_id, number, kind"},
    [IA_ENTITY_PACKED_FILE] = {"packed_file", COLUMNS(packed_file), "ORDER BY file_id"},
    [IA_ENTITY_PACKED_REFERENCE] = {"packed_reference", COLUMNS(packed_reference), "ORDER BY file_id, number"},
    [IA_ENTITY_FORMER_NAME] = {"former_name", COLUMNS(former_name), "ORDER BY image_id, path"},
    [IA_ENTITY_FINDING] = {"finding", COLUMNS(finding), NULL},
    [IA_ENTITY_CANDIDATE] = {"candidate", COLUMNS(candidate), "ORDER BY image_id"},
    [IA_ENTITY_EVIDENCE] = {"evidence", COLUMNS(evidence), NULL},
    [IA_ENTITY_DOUBT] = {"doubt", COLUMNS(doubt), NULL},
    [IA_ENTITY_HOLDER] = {"holder", COLUMNS(holder), NULL},
    [IA_ENTITY_INVENTORY] = {"inventory", COLUMNS(inventory), NULL},
    [IA_ENTITY_MACHINE] = {"machine", COLUMNS(machine), NULL},
    [IA_ENTITY_CLAIM] = {"claim", COLUMNS(claim), "WHERE before_id IS NOT NULL OR was_outside ORDER BY path"},
    [IA_ENTITY_CHAIN] = {"chain", COLUMNS(chain), NULL},
    [IA_ENTITY_CHAIN_PLACE] = {"chain_place", COLUMNS(chain_place), NULL},
    [IA_ENTITY_CHAIN_CHANGE] = {"chain_change", COLUMNS(chain_change), NULL},
    [IA_ENTITY_USAGE] = {"usage", COLUMNS(usage), NULL},
    [IA_ENTITY_READER_BYTES] = {"reader_bytes", COLUMNS(reader_bytes), NULL},
    [IA_ENTITY_PAIR] = {"pair", COLUMNS(pair), NULL},
    [IA_ENTITY_TREE] = {"tree", COLUMNS(tree), "ORDER BY root_id"},
    [IA_ENTITY_SCAN] = {"scan", COLUMNS(scan), NULL},
    [IA_ENTITY_OPTION] = {"scan_option", COLUMNS(option), NULL},
    [IA_ENTITY_PASSED] = {"scan_passed", COLUMNS(passed), NULL},
    [IA_ENTITY_MOUNT] = {"absent_mount", COLUMNS(mount), "ORDER BY path, identity, inside"},
    [IA_ENTITY_PLACE] = {"place", COLUMNS(place), "ORDER BY path"},
    [IA_ENTITY_VANISHED] = {"vanished", COLUMNS(vanished), "ORDER BY file_id"},
    [IA_ENTITY_FORMER_BASE] = {"former_base", COLUMNS(former_base), "ORDER BY file_id, base_id"},
    [IA_ENTITY_SETTING] = {"setting", COLUMNS(setting), NULL},
    [IA_ENTITY_TEMPLATE] = {"template", COLUMNS(template), "ORDER BY glob"},
    [IA_ENTITY_ACCEPTANCE] = {"acceptance", COLUMNS(acceptance), "ORDER BY number"},
};
