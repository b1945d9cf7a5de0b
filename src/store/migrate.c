/* SPDX-License-Identifier: MIT */
/* Applying the embedded schema files. */
#include "store/migrate.h"

#include <inttypes.h>
#include <stdio.h>

#include "schema_embedded.h"
#include "store/connection.h"

int64_t ia_schema_version(void)
{
    return (int64_t)(sizeof(ia_schema_files) / sizeof(ia_schema_files[0]));
}

enum ia_status ia_migrate(sqlite3 *db, int64_t version, struct ia_error *err)
{
    if (version == ia_schema_version())
        return IA_OK;
    enum ia_status status = IA_OK;
    for (int64_t i = version; status == IA_OK && i < ia_schema_version(); i++)
        status = ia_connection_exec(db, ia_schema_files[i].text, err);
    char pragmas[128];
    snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id = %d; PRAGMA user_version = %" PRId64, IA_APPLICATION_ID,
             ia_schema_version());
    if (status == IA_OK)
        status = ia_connection_exec(db, pragmas, err);
    return status;
}
