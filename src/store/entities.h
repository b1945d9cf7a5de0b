/* SPDX-License-Identifier: MIT */
/* The tables that a scan reads and writes row by row, found by number. Private to src/store. */
#ifndef IA_STORE_ENTITIES_H
#define IA_STORE_ENTITIES_H

#include "store/entity.h"

enum ia_entity_number {
    IA_ENTITY_VOLUME,
    IA_ENTITY_FILE,
    IA_ENTITY_FILE_NAME,
    IA_ENTITY_SHARING,
    IA_ENTITY_SHARED_RUN,
    IA_ENTITY_FORMAT,
    IA_ENTITY_IMAGE, /* these five: struct ia_image_row */
    IA_ENTITY_IMAGE_HEADER,
    IA_ENTITY_IMAGE_ABILITY,
    IA_ENTITY_IMAGE_ACCOUNT,
    IA_ENTITY_IMAGE_MEMORY,
    IA_ENTITY_IMAGE_FILE,
    IA_ENTITY_SPACE,
    IA_ENTITY_MAPPING,
    IA_ENTITY_REFERENCE, /* those of parts and parents' paths are loaded */
    IA_ENTITY_PACKED_FILE,
    IA_ENTITY_PACKED_REFERENCE,
    IA_ENTITY_FORMER_NAME,
    IA_ENTITY_FINDING,
    IA_ENTITY_CANDIDATE,
    IA_ENTITY_EVIDENCE,
    IA_ENTITY_DOUBT,
    IA_ENTITY_HOLDER,
    IA_ENTITY_INVENTORY,
    IA_ENTITY_MACHINE,
    IA_ENTITY_CLAIM,
    IA_ENTITY_CHAIN,
    IA_ENTITY_USAGE,
    IA_ENTITY_READER_BYTES,
    IA_ENTITY_PAIR,
    IA_ENTITY_TREE,
    IA_ENTITY_SCAN,
    IA_ENTITY_OPTION,
    IA_ENTITY_PASSED,
    IA_ENTITY_MOUNT,
    IA_ENTITY_PLACE, /* struct ia_mount_row, too */
    IA_ENTITY_VANISHED,
    IA_ENTITY_FORMER_BASE,
    IA_ENTITY_SETTING,
    IA_ENTITY_TEMPLATE,
    IA_ENTITY_ACCEPTANCE,
    IA_ENTITY_COUNT
};

extern const struct ia_entity ia_entities[IA_ENTITY_COUNT];

#endif
