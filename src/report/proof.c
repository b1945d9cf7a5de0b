/* SPDX-License-Identifier: MIT */
/* Finding a file's images, and what the judge made of them. */
#include "report/proof.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "judge/doubt.h"

/* By its canonical path, or as another name of a file that the scan found (a bind mount). */
static const char file_sql[] =
    "SELECT f.file_id, v.device = :device AND f.inode = :inode AND f.size = :size AND f.mtime_ns = :mtime"
    " AND f.ctime_ns = :ctime FROM file AS f JOIN volume AS v ON v.volume_id = f.volume_id"
    " WHERE f.file_id = (SELECT file_id FROM file_name WHERE path = :path)"
    " OR (v.device = :device AND f.inode = :inode)"
    " ORDER BY 2 DESC LIMIT 1";

/* The images that have the file, and the judge's rows about them; who names one that is no candidate. */
static const char image_sql[] =
    "SELECT i.path, u.status, u.verdict = 'proven', u.evidence, u.why, i.is_template,"
    " (SELECT count(DISTINCT r.image_id) FROM reference AS r WHERE r.target_id = i.file_id),"
    " (SELECT min(o.path) FROM reference AS r JOIN image AS o ON o.image_id = r.image_id WHERE r.target_id = "
    "i.file_id),"
    " u.assumes,"
    " (SELECT min(c.machine) FROM v_claim AS c WHERE c.image_id = i.image_id)"
    " FROM image AS i LEFT JOIN v_candidate AS u ON u.image_id = i.image_id"
    " WHERE i.file_id = :file OR i.image_id IN (SELECT image_id FROM image_file WHERE file_id = :file)"
    " ORDER BY i.path";
enum { PATH, STATUS, IS_PROVEN, EVIDENCE, WHY, IS_TEMPLATE, NAMERS, NAMER, ASSUMES, MACHINE };

static const char name_sql[] = "SELECT path FROM file_name WHERE file_id = :file ORDER BY path";

static const char basis_sql[] = "SELECT scan_id, started, walked, images FROM v_scan ORDER BY scan_id DESC LIMIT 1";

static int64_t ns(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

static enum ia_status bind_stat(struct ia_query *query, const struct stat *st, struct ia_error *err)
{
    const struct {
        const char *name;
        int64_t value;
    } values[] = {{":device", (int64_t)st->st_dev},
                  {":inode", (int64_t)st->st_ino},
                  {":size", (int64_t)st->st_size},
                  {":mtime", ns(&st->st_mtim)},
                  {":ctime", ns(&st->st_ctim)}};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        IA_TRY(ia_query_bind_int(query, values[i].name, values[i].value, err));
    return IA_OK;
}

/* *file_id: 0 where the scan has no such file. */
static enum ia_status find_file(struct ia_reader *reader, const char *path, const struct stat *st, int64_t *file_id,
                                bool *same, struct ia_error *err)
{
    IA_AUTO_QUERY struct ia_query *query = NULL;
    bool row = false;
    IA_TRY(ia_query_open(reader, file_sql, &query, err));
    IA_TRY(bind_stat(query, st, err));
    IA_TRY(ia_query_bind_text(query, ":path", path, strlen(path), err));
    IA_TRY(ia_query_step(query, &row, err));
    *file_id = row ? ia_query_int(query, 0) : 0;
    *same = row && ia_query_int(query, 1) != 0;
    return IA_OK;
}

static bool stat_directory_of(const char *path, struct stat *st)
{
    IA_AUTO_FREE char *directory = strndup(path, ia_path_directory_length(path));
    return directory != NULL && stat(directory, st) == 0;
}

/* The two paths are one, or end in one component of one directory, which has two names itself: a bind mount. */
static bool is_same_name(const char *path, const char *other)
{
    struct stat a, b;
    if (strcmp(path, other) == 0)
        return true;
    return strcmp(ia_path_name(path), ia_path_name(other)) == 0 && stat_directory_of(path, &a) &&
           stat_directory_of(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static const char *text(const struct ia_query *query, int column)
{
    size_t len;
    const char *bytes = ia_query_text(query, column, &len);
    return bytes == NULL ? "" : bytes;
}

/* Why an image that is no candidate is none. */
static void add_use(const struct ia_query *query, struct ia_buf *words)
{
    if (ia_query_int(query, NAMERS) > 0) {
        ia_buf_addf(words, "named by %s", text(query, NAMER));
        if (ia_query_int(query, NAMERS) > 1)
            ia_buf_addf(words, " and %jd more", (intmax_t)ia_query_int(query, NAMERS) - 1);
    } else if (ia_query_int(query, IS_TEMPLATE) != 0) {
        ia_buf_add_str(words, "kept whole as a template or a snapshot");
    } else if (text(query, MACHINE)[0] != '\0') {
        ia_buf_addf(words, "machine '%s' uses it", text(query, MACHINE));
    } else {
        ia_buf_add_str(words, "nothing indicates that it is a backing file: it may be a machine's disk");
    }
}

static bool is(const char *status, enum ia_candidate candidate)
{
    return strcmp(status, ia_candidate_word(candidate)) == 0;
}

/* The words about one image; the result is whether it may go. */
static bool add_image(const struct ia_query *query, enum ia_proof_of of, struct ia_buf *words)
{
    const char *status = text(query, STATUS);
    bool is_unclaimed = is(status, IA_CANDIDATE_UNCLAIMED);
    bool is_unused = is(status, IA_CANDIDATE_UNREFERENCED) || (of == IA_PROOF_OF_UNCLAIMED && is_unclaimed);
    bool may_go = is_unused && ia_query_int(query, IS_PROVEN) != 0;
    if (status[0] == '\0') {
        add_use(query, words);
        return false;
    }
    ia_buf_addf(words, "%s; %s", status, is_unclaimed ? "no machine of an inventory uses it" : text(query, EVIDENCE));
    if (is_unclaimed && of != IA_PROOF_OF_UNCLAIMED)
        ia_buf_add_str(words, "; what it holds is nowhere else: to prove that it may go, use --unclaimed");
    if (!is_unclaimed && !is(status, IA_CANDIDATE_UNREFERENCED))
        ia_buf_add_str(words, "; images name it, and would not open without it");
    if (text(query, WHY)[0] != '\0')
        ia_buf_addf(words, "; doubts: %s", text(query, WHY));
    if (text(query, ASSUMES)[0] != '\0')
        ia_buf_addf(words, "; assumes: %s", text(query, ASSUMES));
    return may_go;
}

/* *proven: there is an image, and all of them may go. */
static enum ia_status add_images(struct ia_reader *reader, int64_t file_id, const char *path, enum ia_proof_of of,
                                 struct ia_buf *words, bool *proven, struct ia_error *err)
{
    IA_AUTO_QUERY struct ia_query *query = NULL;
    size_t images = 0;
    bool row = false;
    *proven = true;
    IA_TRY(ia_query_open(reader, image_sql, &query, err));
    IA_TRY(ia_query_bind_int(query, ":file", file_id, err));
    for (;; images++) { /* ends: the query has an end */
        IA_TRY(ia_query_step(query, &row, err));
        if (!row)
            break;
        if (images > 0)
            ia_buf_add_str(words, "; ");
        if (strcmp(text(query, PATH), path) != 0)
            ia_buf_addf(words, "of the image %s: ", text(query, PATH));
        *proven = add_image(query, of, words) && *proven;
    }
    if (images > 0)
        return IA_OK;
    *proven = false;
    ia_buf_add_str(words, "no image, by what the scan read of it");
    return IA_OK;
}

/* What names a file by a name that the scan did not see lies beside that, and was not seen either. */
static enum ia_status find_name(struct ia_reader *reader, int64_t file_id, const char *path, bool *was_seen,
                                struct ia_error *err)
{
    IA_AUTO_QUERY struct ia_query *query = NULL;
    bool row = true;
    *was_seen = false;
    IA_TRY(ia_query_open(reader, name_sql, &query, err));
    IA_TRY(ia_query_bind_int(query, ":file", file_id, err));
    while (row && !*was_seen) { /* ends: the query has an end */
        IA_TRY(ia_query_step(query, &row, err));
        *was_seen = row && is_same_name(path, text(query, 0));
    }
    return IA_OK;
}

static enum ia_status doubt_unseen_name(struct ia_reader *reader, int64_t file_id, const char *path,
                                        struct ia_buf *words, bool *proven, struct ia_error *err)
{
    bool was_seen = false;
    IA_TRY(find_name(reader, file_id, path, &was_seen, err));
    if (was_seen)
        return IA_OK;
    *proven = false;
    ia_buf_add_str(words, "; the scan saw it by another name; doubts: ");
    ia_doubt_render_unwalked(words, path);
    return IA_OK;
}

static enum ia_status add_basis(struct ia_reader *reader, struct ia_buf *words, struct ia_error *err)
{
    IA_AUTO_QUERY struct ia_query *query = NULL;
    bool row = false;
    IA_TRY(ia_query_open(reader, basis_sql, &query, err));
    IA_TRY(ia_query_step(query, &row, err));
    if (row)
        ia_buf_addf(words, "; by scan %jd of %s: %jd directory entries walked, %jd images",
                    (intmax_t)ia_query_int(query, 0), text(query, 1), (intmax_t)ia_query_int(query, 2),
                    (intmax_t)ia_query_int(query, 3));
    return IA_OK;
}

static enum ia_status judge(struct ia_reader *reader, const char *path, const struct stat *st, enum ia_proof_of of,
                            struct ia_buf *words, bool *proven, struct ia_error *err)
{
    int64_t file_id = 0;
    bool same = false;
    IA_TRY(find_file(reader, path, st, &file_id, &same, err));
    if (file_id == 0) {
        ia_buf_add_str(words, "not found by the scan: in none of its directories, or left out");
        return add_basis(reader, words, err);
    }
    IA_TRY(add_images(reader, file_id, path, of, words, proven, err));
    IA_TRY(doubt_unseen_name(reader, file_id, path, words, proven, err));
    if (!same) {
        *proven = false;
        ia_buf_add_str(words, "; changed since the scan read it");
    }
    return add_basis(reader, words, err);
}

enum ia_status ia_proof_add(struct ia_reader *reader, const char *name, enum ia_proof_of of, struct ia_buf *line,
                            bool *proven, struct ia_error *err)
{
    IA_AUTO_FREE char *path = realpath(name, NULL);
    IA_AUTO_BUF struct ia_buf words = {0};
    struct stat st;
    *proven = false;
    if (path == NULL || stat(path, &st) != 0)
        ia_buf_addf(&words, "%s", strerror(errno));
    else
        IA_TRY(judge(reader, path, &st, of, &words, proven, err));
    ia_buf_addf(line, "%sproven: %s: %s", *proven ? "" : "un", path != NULL ? path : name,
                words.data == NULL ? "" : words.data);
    return line->failed || words.failed ? ia_no_memory(err) : IA_OK;
}
