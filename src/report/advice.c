/* SPDX-License-Identifier: MIT */
/* The commands, an action each. What a name of a file is has come from an image or a file system: it is quoted, always.
 * Without quotes are words of this file, numbers, and names of formats as far as nothing in them is special
 * to a shell. */
#include "report/advice.h"

#include <stdbool.h>
#include <string.h>

#include "base/vec.h"
#include "report/shell.h"

/* The first field is the action. */
struct fields {
    IA_VEC(struct ia_field) all;
};

/* All names of all its files. Between the scan and the command somebody may have begun to use one. */
static bool remove_files(struct ia_buf *out, const struct ia_field *paths, size_t count)
{
    ia_buf_add_str(out, "imgaudit prove");
    ia_shell_add_paths(out, paths, count);
    ia_buf_add_str(out, " && rm --");
    ia_shell_add_paths(out, paths, count);
    return true;
}

/* The same of what no machine uses: what is in it is nowhere else, and prove wants to be asked for that. */
static bool remove_unclaimed(struct ia_buf *out, const struct ia_field *paths, size_t count)
{
    ia_buf_add_str(out, "imgaudit prove --unclaimed");
    ia_shell_add_paths(out, paths, count);
    ia_buf_add_str(out, " && rm --");
    ia_shell_add_paths(out, paths, count);
    return true;
}

static bool find_users(struct ia_buf *out, const struct ia_field *path, size_t count)
{
    ia_buf_add_str(out, "fuser -v");
    ia_shell_add_paths(out, path, count);
    return true;
}

static bool show_findings(struct ia_buf *out, const struct ia_field *none, size_t count)
{
    (void)none;
    (void)count;
    ia_buf_add_str(out, "imgaudit report --findings");
    return true;
}

static bool show_dependents(struct ia_buf *out, const struct ia_field *path, size_t count)
{
    ia_buf_add_str(out, "imgaudit report --dependents");
    ia_shell_add_paths(out, path, count);
    return true;
}

static bool show_flatten(struct ia_buf *out, const struct ia_field *paths, size_t count)
{
    ia_buf_add_str(out, "imgaudit report --what-if-flatten");
    ia_shell_add_paths(out, paths, count);
    return true;
}

/* For each image: its format, its new backing file and that one's format, both empty for none, its path. */
static bool rebase(struct ia_buf *out, const struct ia_field *arguments, size_t count)
{
    enum { EACH = 4 };
    for (size_t i = 0; i < count; i += EACH) {
        const struct ia_field *each = &arguments[i];
        ia_buf_add_str(out, i > 0 ? " && qemu-img rebase -f " : "qemu-img rebase -f ");
        ia_shell_add_format(out, &each[0]);
        ia_buf_add_str(out, " -b ");
        ia_shell_add(out, &each[1]);
        if (each[1].len > 0) {
            ia_buf_add_str(out, " -F ");
            ia_shell_add_format(out, &each[2]);
        }
        ia_shell_add_paths(out, &each[3], 1);
    }
    return true;
}

/* The image's format, its backing file where it is now and that one's format, its path. Nothing but the name changes.
 */
static bool rename_backing(struct ia_buf *out, const struct ia_field *arguments, size_t count)
{
    ia_buf_add_str(out, "qemu-img rebase -u -f ");
    ia_shell_add_format(out, &arguments[0]);
    ia_buf_add_str(out, " -b ");
    ia_shell_add(out, &arguments[1]);
    ia_buf_add_str(out, " -F ");
    ia_shell_add_format(out, &arguments[2]);
    ia_shell_add_paths(out, &arguments[3], count - 3);
    return true;
}

/* What a commit would do, and no commit: a base is also the state of what else was made on it. */
static bool show_commit(struct ia_buf *out, const struct ia_field *path, size_t count)
{
    ia_buf_add_str(out, "imgaudit report --what-if-commit");
    ia_shell_add_paths(out, path, count);
    return true;
}

static bool copy_sparsely(struct ia_buf *out, const struct ia_field *path, size_t count)
{
    (void)count;
    ia_buf_add_str(out, "cp --preserve=all --sparse=always");
    ia_shell_add_path_and_new(out, path);
    return true;
}

/* Format, path. */
static bool repair_leaks(struct ia_buf *out, const struct ia_field *arguments, size_t count)
{
    ia_buf_add_str(out, "qemu-img check -r leaks -f ");
    ia_shell_add_format(out, &arguments[0]);
    ia_shell_add_paths(out, &arguments[1], count - 1);
    return true;
}

/* Nanoseconds since 1970, which are digits, as stat writes them: seconds, with nine places. */
static void add_seconds(struct ia_buf *out, const struct ia_field *ns)
{
    enum { PLACES = 9 };
    size_t whole = ns->len > PLACES ? ns->len - PLACES : 0;
    if (whole == 0)
        ia_buf_add_char(out, '0');
    ia_buf_add(out, ns->bytes, whole);
    ia_buf_add_char(out, '.');
    for (size_t i = ns->len; i < PLACES; i++)
        ia_buf_add_char(out, '0');
    ia_buf_add(out, ns->bytes + whole, ns->len - whole);
}

/* Path, when it was last written to, new length. QEMU's locks do not stop truncate: what a guest wrote since the scan
 * may be where the tail was. */
static bool cut_tail(struct ia_buf *out, const struct ia_field *arguments, size_t count)
{
    const struct ia_field *path = &arguments[0];
    const struct ia_field *mtime_ns = &arguments[1];
    const struct ia_field *length = &arguments[2];
    (void)count;
    if (!ia_field_is_number(mtime_ns) || !ia_field_is_number(length))
        return false;
    ia_buf_add_str(out, "[ \"$(LC_ALL=C stat -c %.9Y");
    ia_shell_add_paths(out, path, 1);
    ia_buf_add_str(out, ")\" = ");
    add_seconds(out, mtime_ns);
    ia_buf_add_str(out, " ] && truncate -s ");
    ia_buf_add(out, length->bytes, length->len);
    ia_shell_add_paths(out, path, 1);
    return true;
}

/* The options of qemu-img that make the same kind of image. */
static bool convert(struct ia_buf *out, const struct ia_field *arguments, size_t count)
{
    enum { FORMAT, PATH, CLUSTER_SIZE, VERSION, COMPRESSION, EXTENDED_L2, BACKING_NAME, BACKING_FORMAT };
    (void)count;
    if (!ia_field_is_number(&arguments[CLUSTER_SIZE]))
        return false;
    ia_buf_add_str(out, "qemu-img convert -f ");
    ia_shell_add_format(out, &arguments[FORMAT]);
    ia_buf_add_str(out, " -O ");
    ia_shell_add_format(out, &arguments[FORMAT]);
    ia_buf_add_str(out, " -o cluster_size=");
    ia_buf_add(out, arguments[CLUSTER_SIZE].bytes, arguments[CLUSTER_SIZE].len);
    if (ia_field_is_word(&arguments[VERSION], "2"))
        ia_buf_add_str(out, ",compat=0.10");
    if (arguments[COMPRESSION].len > 0 &&
        !ia_field_is_word(&arguments[COMPRESSION], "zlib")) { /* which is what it takes else */
        ia_buf_add_str(out, ",compression_type=");
        ia_shell_add_format(out, &arguments[COMPRESSION]);
    }
    if (ia_field_is_word(&arguments[EXTENDED_L2], "1"))
        ia_buf_add_str(out, ",extended_l2=on");
    if (arguments[BACKING_NAME].len > 0) {
        ia_buf_add_str(out, " -B ");
        ia_shell_add(out, &arguments[BACKING_NAME]);
        ia_buf_add_str(out, " -F ");
        ia_shell_add(out, &arguments[BACKING_FORMAT]);
    }
    ia_shell_add_path_and_new(out, &arguments[PATH]);
    return true;
}

static const struct action {
    const char *word;
    size_t arguments;                                                                   /* how many */
    bool repeated;                                                                      /* once or more often */
    bool (*render)(struct ia_buf *out, const struct ia_field *arguments, size_t count); /* false: they make no sense */
} actions[] = {
    {"remove", 1, true, remove_files},               /* PATH... */
    {"remove-unclaimed", 1, true, remove_unclaimed}, /* PATH... */
    {"find-users", 1, false, find_users},            /* PATH */
    {"findings", 0, false, show_findings},           /* */
    {"dependents", 1, false, show_dependents},       /* PATH */
    {"flatten", 1, true, show_flatten},              /* PATH... */
    {"rebase", 4, true, rebase},                     /* FORMAT BACKING-PATH BACKING-FORMAT PATH... */
    {"rename-backing", 4, false, rename_backing},    /* FORMAT BACKING-PATH BACKING-FORMAT PATH */
    {"commit", 1, false, show_commit},               /* PATH */
    {"copy-sparsely", 1, false, copy_sparsely},      /* PATH */
    {"repair-leaks", 2, false, repair_leaks},        /* FORMAT PATH */
    {"cut-tail", 3, false, cut_tail},                /* PATH MTIME-NS LENGTH */
    {"convert", 8, false, convert}, /* FORMAT PATH CLUSTER-SIZE VERSION COMPRESSION EXTENDED-L2 BACKING-NAME
                                       BACKING-FORMAT */
};

static bool split(struct fields *fields, const char *text, size_t len)
{
    const char *end = text + len;
    for (const char *at = text;;) { /* ends: `at` goes on by one byte at least, and stays before `end` */
        const char *nul = memchr(at, '\0', (size_t)(end - at));
        struct ia_field field = {at, (size_t)((nul == NULL ? end : nul) - at)};
        if (!ia_vec_push(&fields->all, field))
            return false;
        if (nul == NULL)
            return true;
        at = nul + 1;
    }
}

static bool takes(const struct action *action, size_t count)
{
    if (!action->repeated)
        return count == action->arguments;
    return count > 0 && count % action->arguments == 0;
}

static enum ia_status render(struct ia_buf *out, const struct ia_field *fields, size_t count, struct ia_error *err)
{
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        const struct action *action = &actions[i];
        if (!ia_field_is_word(&fields[0], action->word))
            continue;
        if (!takes(action, count - 1) || !action->render(out, fields + 1, count - 1))
            return ia_fail(err, IA_USAGE, "the %zu arguments of the suggestion '%s' are none of it", count - 1,
                           action->word);
        return out->failed ? ia_no_memory(err) : IA_OK;
    }
    return ia_fail(err, IA_USAGE, "there is no suggestion '%.*s'", (int)(fields[0].len > 40 ? 40 : fields[0].len),
                   fields[0].bytes);
}

enum ia_status ia_advice_render(struct ia_buf *out, const char *advice, size_t len, struct ia_error *err)
{
    struct fields fields = {0};
    enum ia_status status =
        split(&fields, advice, len) ? render(out, fields.all.items, fields.all.len, err) : ia_no_memory(err);
    ia_vec_release(&fields.all);
    return status;
}
