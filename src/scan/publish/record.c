/* SPDX-License-Identifier: MIT */
/* Writing what a scan found, in its order; findings, formats and options. Everything here is inside the scan's one
 * transaction. */
#include <stdio.h>

#include "base/cleanup.h"
#include "format/format.h"
#include "scan/publish/publish.h"

static enum ia_status put_findings(struct ia_publish *publish, struct ia_error *err)
{
    IA_TRY(publish->catalog->findings.failed ? ia_no_memory(err) : IA_OK);
    for (size_t i = 0; i < publish->catalog->findings.all.len; i++) {
        const struct ia_finding *finding = &publish->catalog->findings.all.items[i];
        const struct ia_finding_kind *kind = &ia_finding_kinds[finding->code];
        struct ia_finding_row row = {.code = kind->code,
                                     .severity = kind->severity,
                                     .path = finding->path,
                                     .detail = finding->detail,
                                     .accepted_by = finding->accepted_by,
                                     .doubt = finding->of_all == IA_DOUBT_NONE ? NULL
                                                                               : ia_doubt_kinds[finding->of_all].code};
        IA_TRY(ia_writer_put_finding(publish->writer, &row, err));
    }
    return IA_OK;
}

/* Those of the registry, and what overlays state that nothing here reads. */
static enum ia_status put_formats(struct ia_publish *publish, struct ia_error *err)
{
    IA_AUTO_BUF struct ia_buf suffixes = {0};
    for (size_t i = 0; ia_formats[i] != NULL; i++) {
        ia_buf_clear(&suffixes);
        for (const char *const *suffix = ia_formats[i]->suffixes; suffix != NULL && *suffix != NULL; suffix++)
            ia_buf_addf(&suffixes, "%s%s", suffixes.len > 0 ? " " : "", *suffix);
        const struct ia_format_row row = {
            .name = ia_formats[i]->name,
            .suffixes = suffixes.len > 0 ? suffixes.data : "",
            .is_plain = ia_formats[i]->is_plain,
        };
        IA_TRY(suffixes.failed ? ia_no_memory(err) : ia_writer_put_format(publish->writer, &row, err));
    }
    for (size_t i = 0; i < publish->catalog->files.len; i++) {
        const struct ia_file *file = publish->catalog->files.items[i];
        const struct ia_format_row row = {.name = file->parsed->format, .suffixes = ""};
        if (ia_file_is_image(file) && ia_format_by_name(row.name) == NULL)
            IA_TRY(ia_writer_put_format(publish->writer, &row, err));
    }
    return IA_OK;
}

/* Directories as they were found: a later scan may be started from another working directory. */
static const char *option_value(const struct ia_publish *publish, size_t list, const char *const *values, size_t number)
{
    const struct ia_catalog *catalog = publish->catalog;
    if (list == IA_SCAN_ROOTS)
        return catalog->confine.allowed.items[number].path;
    return list == IA_SCAN_ALLOW ? catalog->confine.allowed.items[catalog->options->root_count + number].path
                                 : values[number];
}

static enum ia_status put_options(struct ia_publish *publish, struct ia_error *err)
{
    for (size_t list = 0; list < IA_SCAN_LISTS; list++) {
        size_t count;
        const char *const *values = ia_scan_lists[list].get(publish->catalog->options, &count);
        for (size_t i = 0; i < count; i++)
            IA_TRY(ia_writer_put_option(publish->writer, ia_scan_lists[list].kind,
                                        option_value(publish, list, values, i), err));
    }
    for (size_t number = 0; number < IA_SCAN_NUMBERS; number++) {
        char value[32];
        snprintf(value, sizeof(value), "%jd", (intmax_t)ia_scan_numbers[number].get(publish->catalog->options));
        IA_TRY(ia_writer_put_option(publish->writer, ia_scan_numbers[number].kind, value, err));
    }
    const struct ia_confine *confine = &publish->catalog->confine;
    for (size_t i = 0; i < publish->catalog->options->root_count; i++)
        if (confine->allowed.items[i].fd >= 0)
            IA_TRY(ia_writer_put_option(publish->writer, "walked", confine->allowed.items[i].path, err));
    for (int i = 0; i < IA_REASONS; i++)
        if (publish->catalog->skipped[i] > 0)
            IA_TRY(ia_writer_put_passed(publish->writer, ia_skip_reason_word((enum ia_skip_reason)i),
                                        publish->catalog->skipped[i], err));
    return IA_OK;
}

enum ia_status ia_publish_rows(struct ia_publish *publish, struct ia_error *err)
{
    ia_publish_number_images(publish);
    IA_TRY(ia_publish_names_of_copies(publish, err));
    IA_TRY(ia_publish_drop_old(publish, err));
    IA_TRY(put_formats(publish, err));
    IA_TRY(ia_publish_volumes(publish, err));
    IA_TRY(ia_publish_files(publish, err));
    IA_TRY(ia_publish_returned(publish, err));
    IA_TRY(ia_publish_former_bases(publish, err));
    IA_TRY(ia_writer_drop_empty_volumes(publish->writer, err));
    IA_TRY(ia_publish_images(publish, err));
    IA_TRY(ia_publish_references(publish, err));
    IA_TRY(ia_publish_claims(publish, err));
    IA_TRY(ia_publish_forest(publish, err));
    IA_TRY(ia_publish_sharing(publish, err));
    IA_TRY(ia_publish_accept(publish, err));
    IA_TRY(put_findings(publish, err));
    return ia_publish_verdicts(publish, err);
}

enum ia_status ia_publish_scan(struct ia_publish *publish, struct ia_error *err)
{
    struct ia_scan_row *row = &publish->row;
    row->scan_id = ia_writer_scan_id(publish->writer);
    row->errors = ia_findings_incomplete(&publish->catalog->findings);
    row->walked = publish->catalog->walked;
    row->passed_over = publish->catalog->skipped_files;
    row->extents = publish->reading->extents;
    row->table_bytes = publish->catalog->progress.table_bytes;
    IA_TRY(ia_writer_put_scan(publish->writer, row, err));
    IA_TRY(put_options(publish, err));
    IA_TRY(ia_writer_keep_history(publish->writer, publish->catalog->options->keep, err));
    return ia_writer_commit(publish->writer, err);
}
