/* SPDX-License-Identifier: MIT */
/* Reading /proc/self/mountinfo. */
#include "io/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/path.h"

/* A line: id, parent's id, major:minor, root, mount point, options, any number of optional fields, "-", type, source,
 * options of the file system. Each is separated from the next by one space. */

enum { READ = 65536, MAX_BYTES = 64 * 1024 * 1024 };

static void release_mount(struct ia_mount *mount)
{
    free(mount->root);
    free(mount->point);
    free(mount->type);
    free(mount->source);
}

void ia_mounts_release(struct ia_mounts *mounts)
{
    for (size_t i = 0; i < mounts->all.len; i++)
        release_mount(&mounts->all.items[i]);
    ia_vec_release(&mounts->all);
}

struct field {
    const char *start;
    size_t len;
};

/* Of a line that ends at a newline or NUL. False: there is none any more. */
static bool next_field(const char **at, struct field *field)
{
    if (*at == NULL)
        return false;
    field->start = *at;
    field->len = strcspn(*at, " \n");
    *at = field->start[field->len] == ' ' ? field->start + field->len + 1 : NULL;
    return true;
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* The kernel writes a space, tab, newline, backslash and # as a backslash and three octal digits. NULL: out of memory.
 */
static char *unescape(const struct field *field)
{
    char *text = malloc(field->len + 1);
    if (text == NULL)
        return NULL;
    size_t len = 0;
    for (size_t i = 0; i < field->len; i++) {
        const char *c = field->start + i;
        bool escaped = *c == '\\' && field->len - i > 3 && is_octal(c[1]) && is_octal(c[2]) && is_octal(c[3]);
        text[len++] = escaped ? (char)((c[1] - '0') * 64 + (c[2] - '0') * 8 + (c[3] - '0')) : *c;
        i += escaped ? 3 : 0;
    }
    text[len] = '\0';
    return text;
}

/* The fields that matter. False: the line has another form. Ends: each round takes a field of the line. */
static bool split(const char *line, struct field *id, struct field *root, struct field *point, struct field *type,
                  struct field *source)
{
    struct field other;
    struct field *const first[] = {id, &other, &other, root, point, &other};
    const char *at = line;
    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
        if (!next_field(&at, first[i]))
            return false;
    do {
        if (!next_field(&at, &other))
            return false;
    } while (other.len != 1 || other.start[0] != '-');
    return next_field(&at, type) && next_field(&at, source);
}

static enum ia_status parse_line(struct ia_mounts *mounts, const char *line, struct ia_error *err)
{
    struct field id;
    struct field root;
    struct field point;
    struct field type;
    struct field source;
    if (!split(line, &id, &root, &point, &type, &source))
        return IA_OK;
    struct ia_mount mount = {
        .id = strtoull(id.start, NULL, 10),
        .root = unescape(&root),
        .point = unescape(&point),
        .type = unescape(&type),
        .source = unescape(&source),
    };
    bool whole = mount.root != NULL && mount.point != NULL && mount.type != NULL && mount.source != NULL;
    if (whole && ia_vec_push(&mounts->all, mount))
        return IA_OK;
    release_mount(&mount);
    return ia_no_memory(err);
}

enum ia_status ia_mounts_parse(struct ia_mounts *mounts, const char *text, struct ia_error *err)
{
    while (*text != '\0') {
        IA_TRY(parse_line(mounts, text, err));
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return IA_OK;
}

/* Appends all of the file; what cannot be read ends it. */
static void read_all(int fd, struct ia_buf *out)
{
    while (!out->failed && out->len < MAX_BYTES) {
        char *room = ia_buf_room(out, READ);
        ssize_t got = room == NULL ? 0 : read(fd, room, READ - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return;
        ia_buf_advance(out, (size_t)got);
    }
}

enum ia_status ia_mounts_read(struct ia_mounts *mounts, struct ia_error *err)
{
    IA_AUTO_BUF struct ia_buf text = {0};
    IA_AUTO_CLOSE int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return IA_OK;
    read_all(fd, &text);
    ia_buf_add_str(&text, "\n");
    return text.failed ? ia_no_memory(err) : ia_mounts_parse(mounts, text.data, err);
}

const struct ia_mount *ia_mounts_by_id(const struct ia_mounts *mounts, uint64_t id)
{
    for (size_t i = 0; i < mounts->all.len; i++)
        if (mounts->all.items[i].id == id)
            return &mounts->all.items[i];
    return NULL;
}

static bool is_below(const char *path, const char *point)
{
    size_t len = strlen(point);
    if (len > 0 && point[len - 1] == '/') /* the root directory */
        len--;
    return strncmp(path, point, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

const struct ia_mount *ia_mounts_by_path(const struct ia_mounts *mounts, const char *path)
{
    const struct ia_mount *found = NULL;
    for (size_t i = 0; i < mounts->all.len; i++) {
        const struct ia_mount *mount = &mounts->all.items[i];
        if (is_below(path, mount->point) && (found == NULL || strlen(mount->point) >= strlen(found->point)))
            found = mount;
    }
    return found;
}

/* Without slashes that are too many. */
static void add_components(struct ia_buf *out, const char *path)
{
    while (*path != '\0') { /* ends: each round takes from the path */
        size_t len = strcspn(path, "/");
        if (len > 0) {
            ia_buf_add_char(out, '/');
            ia_buf_add(out, path, len);
        }
        path += len;
        path += *path == '/';
    }
}

char *ia_mount_inside(const struct ia_mount *mount, const char *path)
{
    struct ia_buf inside = {0};
    const char *exported = strstr(mount->source, ":/"); /* "server:/export": the list has / for the root of that */
    const char *rest = ia_path_below(path, mount->point);
    if (exported != NULL)
        add_components(&inside, exported + 1);
    add_components(&inside, mount->root);
    add_components(&inside, rest == NULL ? "" : rest);
    if (inside.len == 0)
        ia_buf_add_char(&inside, '/');
    return ia_buf_steal(&inside);
}
