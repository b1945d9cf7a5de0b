/* SPDX-License-Identifier: MIT */
/* The reader's insides, for the other files of src/store. */
#ifndef IA_STORE_READER_INTERNAL_H
#define IA_STORE_READER_INTERNAL_H

#include <sqlite3.h>

#include "store/reader.h"

/* The read-only connection. It may still have temporary tables. */
sqlite3 *ia_reader_connection(struct ia_reader *reader);

#endif
