/* SPDX-License-Identifier: MIT */
/* The writer's insides, for the other files of src/store. */
#ifndef IA_STORE_WRITER_INTERNAL_H
#define IA_STORE_WRITER_INTERNAL_H

#include "store/statements.h"
#include "store/writer.h"

struct ia_statements *ia_writer_statements(struct ia_writer *writer);

#endif
