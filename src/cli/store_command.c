/* SPDX-License-Identifier: MIT */
/* Opening the store and writing answers. */
#include "cli/store_command.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/common.h"
#include "cli/interrupt.h"
#include "report/output.h"

/* What SQLite may take for a query, whoever wrote it: more is put into temporary files. */
#define MOST_MEMORY (INT64_C(1) << 30)

enum ia_status ia_store_command_open(const char *db, struct ia_reader **reader, struct ia_error *err)
{
    IA_AUTO_BUF struct ia_buf standard = {0};
    if (db == NULL)
        db = ia_cli_default_db(&standard);
    if (standard.failed)
        return ia_no_memory(err);
    if (db == NULL)
        return ia_fail(err, IA_USAGE, "no path for the store: name one with --db");
    IA_TRY(ia_reader_open(db, reader, err));
    if (ia_reader_is_frozen(*reader) && isatty(STDERR_FILENO))
        ia_cli_error("the store '%s' lies where nothing can be written: it is read as it is, without a lock", db);
    return ia_reader_begin(*reader, err);
}

bool ia_store_command_csv_fits(const char *command, bool csv_safe, const struct ia_renderer *renderer)
{
    if (!csv_safe || strcmp(renderer->name, "csv") == 0)
        return true;
    ia_cli_usage(command, "--csv-safe is for --format csv");
    return false;
}

const struct ia_renderer *ia_store_command_format(const char *command, const char *name)
{
    const struct ia_renderer *renderer = ia_renderer_find(name);
    if (renderer != NULL)
        return renderer;
    IA_AUTO_BUF struct ia_buf names = {0};
    ia_renderer_names(&names);
    ia_cli_usage(command, "no format '%s': there are %s", name, names.failed ? "others" : names.data);
    return NULL;
}

enum ia_status ia_store_command_answer(struct ia_reader *reader, struct ia_report_request *request, const char *path,
                                       struct ia_error *err)
{
    IA_AUTO_OUTPUT struct ia_output output = {0};
    ia_reader_stop_when(reader, ia_cli_is_interrupted, NULL);
    ia_reader_limit_memory(MOST_MEMORY);
    IA_TRY(ia_output_open(&output, path, stdout, err));
    ia_render_locale(&request->options, output.file);
    IA_TRY(ia_report_run(reader, request, output.file, err));
    return ia_output_commit(&output, err);
}

int ia_store_command_exit(const char *command, enum ia_status status, const struct ia_error *err)
{
    if (status == IA_OK)
        return IA_EXIT_DONE;
    if (status == IA_USAGE)
        return ia_cli_usage(command, "%s", err->message);
    if (status == IA_INTERRUPTED)
        return ia_cli_exit_interrupted();
    ia_cli_error("%s", err->message);
    return IA_EXIT_FAILED;
}
