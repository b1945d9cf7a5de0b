/* SPDX-License-Identifier: MIT */
/* Which files a scan needs, and what it does where the kernel cannot take the others away. */
#include "scan/guard.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "scan/reading/process.h"

static void add_directory_of(struct ia_sandbox_rules *rules, const char *path, unsigned rights)
{
    IA_AUTO_FREE char *whole = realpath(path, NULL);
    IA_AUTO_FREE char *directory = whole == NULL ? NULL : strndup(whole, ia_path_directory_length(whole));
    if (directory != NULL)
        ia_sandbox_rules_add(rules, directory, rights);
}

static void add_place(void *ctx, const char *path)
{
    ia_sandbox_rules_add(ctx, path, IA_SANDBOX_READ);
}

/* Where SQLite keeps what is too large for memory while it sorts: unixTempFileDir in its src/os_unix.c. The first that
 * can be written to is used. */
static void add_temporary(struct ia_sandbox_rules *rules)
{
    const char *const places[] = {getenv("SQLITE_TMPDIR"), getenv("TMPDIR"), "/var/tmp", "/usr/tmp", "/tmp", "."};
    struct stat st;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (places[i] == NULL || stat(places[i], &st) != 0 || !S_ISDIR(st.st_mode) || access(places[i], W_OK | X_OK))
            continue;
        ia_sandbox_rules_add(rules, places[i], IA_SANDBOX_WRITE);
        return;
    }
}

/* Directories can be listed everywhere: what a file system is, and whether what a machine needs is there, is asked of
 * directories outside of the roots. */
static void add_coordinator(struct ia_sandbox_rules *rules, const struct ia_scan_options *options,
                            const struct ia_confine *confine, const struct ia_links *links)
{
    ia_sandbox_rules_add(rules, "/", IA_SANDBOX_LIST);
    ia_sandbox_rules_add(rules, "/proc", IA_SANDBOX_READ);
    ia_sandbox_rules_add(rules, "/sys", IA_SANDBOX_READ);
    ia_sandbox_rules_add_libraries(rules);
    ia_process_add_rules(rules, confine);
    for (size_t i = 0; i < links->sources.len; i++)
        ia_inventory_each_place(links->sources.items[i], add_place, rules);
    add_directory_of(rules, options->db, IA_SANDBOX_WRITE);
    add_temporary(rules);
}

static enum ia_status settle(const struct ia_scan_options *options, enum ia_status status, const struct ia_error *cause,
                             struct ia_error *err)
{
    if (status == IA_OK)
        return IA_OK;
    if (options->sandbox == IA_SANDBOX_REQUIRE || status == IA_NOMEM)
        return ia_fail(err, status, "no sandbox: %s", cause->message);
    if (options->without != NULL)
        options->without(options->without_ctx, cause->message);
    return IA_OK;
}

enum ia_status ia_guard_coordinator(const struct ia_scan_options *options, const struct ia_confine *confine,
                                    const struct ia_links *links, struct ia_aside **aside, struct ia_error *err)
{
    IA_AUTO_SANDBOX_RULES struct ia_sandbox_rules rules = {0};
    struct ia_error cause = {0};
    if (options->sandbox == IA_SANDBOX_OFF)
        return IA_OK;
    ia_sandbox_limit();
    add_coordinator(&rules, options, confine, links);
    IA_TRY(settle(options, ia_sandbox_seccomp(IA_SANDBOX_NO_OTHERS, &cause), &cause, err));
    IA_TRY(ia_aside_start(aside, err));
    return settle(options, ia_sandbox_landlock(&rules, &cause), &cause, err);
}
