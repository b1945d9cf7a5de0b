/* SPDX-License-Identifier: MIT */
/* What is mounted, and what the kernel swaps to. Names in these lists have odd characters in octal: "\040". */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "scan/holders/internal.h"

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* In place: the text gets shorter at most. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0';) {
        if (from[0] == '\\' && is_octal(from[1]) && is_octal(from[2]) && is_octal(from[3])) {
            *to++ = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

/* The next word of a line, ended by a NUL; "" at its end. */
static char *word(char **line)
{
    char *begin = *line + strspn(*line, " \t");
    *line = begin + strcspn(begin, " \t");
    if (**line != '\0')
        *(*line)++ = '\0';
    return begin;
}

/* The line at *text, ended by a NUL; *text goes on behind it. */
static char *line_at(char **text)
{
    char *begin = *text;
    *text = begin + strcspn(begin, "\n");
    if (**text != '\0')
        *(*text)++ = '\0';
    return begin;
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue": number, parent, device, root,
 * point, options, any number of tags, a dash, type, source, options (proc_pid_mountinfo(5)). */
bool ia_mount_parse(char **text, struct ia_mount *mount)
{
    char *line = line_at(text);
    char *minor;
    mount->id = strtoll(word(&line), NULL, 10);
    word(&line);
    unsigned long major = strtoul(word(&line), &minor, 10);
    char *root = word(&line);
    char *point = word(&line);
    if (*minor != ':' || *point == '\0')
        return false;
    mount->dev = (int64_t)makedev((unsigned)major, (unsigned)strtoul(minor + 1, NULL, 10));
    for (const char *tag = word(&line); strcmp(tag, "-") != 0; tag = word(&line)) /* ends: each takes from the line */
        if (*tag == '\0')
            return false;
    word(&line);
    char *source = word(&line);
    unescape(root);
    unescape(point);
    unescape(source);
    mount->root = root;
    mount->point = point;
    mount->source = source;
    return true;
}

/* Others are not touched: they may be of servers that do not answer. */
static bool has_our_files(const struct ia_holders *holders, int64_t dev)
{
    for (size_t i = 0; i < holders->volumes.len; i++)
        if (holders->volumes.items[i].own == dev || holders->volumes.items[i].own == IA_HOLDER_ANY_DEVICE)
            return true;
    return false;
}

static void look_at_mount(struct ia_holders *holders, const struct ia_mount *mount)
{
    struct stat st;
    ia_holders_hold(holders, IA_HOLDER_BLOCK_DEVICE, mount->dev, "mounted at %s", mount->point);
    if (mount->source[0] == '/' && strcmp(mount->source, "/") != 0)
        ia_holders_hold_path(holders, mount->source, "mounted at %s", mount->point);
    /* A file that is mounted at another place by itself. */
    if (strcmp(mount->root, "/") != 0 && has_our_files(holders, mount->dev) && lstat(mount->point, &st) == 0 &&
        S_ISREG(st.st_mode))
        ia_holders_hold(holders, (int64_t)st.st_dev, (int64_t)st.st_ino, "mounted at %s", mount->point);
}

void ia_holders_of_mounts(struct ia_holders *holders, const char *mountinfo)
{
    struct ia_mount mount;
    IA_AUTO_BUF struct ia_buf text = {0};
    if (!ia_host_text(mountinfo, &text))
        return;
    for (char *at = text.data; *at != '\0';)
        if (ia_mount_parse(&at, &mount))
            look_at_mount(holders, &mount);
}

/* "Filename Type Size Used Priority", then a line for each: the name, and "file" or "partition". */
void ia_holders_of_swap(struct ia_holders *holders, const char *swaps)
{
    IA_AUTO_BUF struct ia_buf text = {0};
    if (!ia_host_text(swaps, &text))
        return; /* a kernel without swap */
    char *at = text.data;
    line_at(&at);
    while (*at != '\0') {
        char *line = line_at(&at);
        char *path = word(&line);
        unescape(path);
        if (!ia_holders_hold_path(holders, path, "swap") && strcmp(word(&line), "file") == 0)
            ia_holders_add_unseen(holders, "which file the kernel swaps to could not be found out: no %s here", path);
    }
}
