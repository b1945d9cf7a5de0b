/* SPDX-License-Identifier: MIT */
/* Arguments for QEMU in the configuration of a guest of Proxmox VE ("args" in qm.conf(5)). */
#include <string.h>

#include "inventory/proxmox_guest.h"

/* The next word as a shell takes it; quotes and backslashes go. */
static char *next_argument(char **at)
{
    char *from = *at + strspn(*at, " \t");
    char *word = from;
    char *to = from;
    char quote = '\0';
    if (*from == '\0')
        return NULL;
    for (; *from != '\0' && (quote != '\0' || (*from != ' ' && *from != '\t')); from++) {
        if (*from == quote)
            quote = '\0';
        else if (quote == '\0' && (*from == '\'' || *from == '"'))
            quote = *from;
        else if (*from == '\\' && quote != '\'' && from[1] != '\0')
            *to++ = *++from;
        else
            *to++ = *from;
    }
    *at = *from == '\0' ? from : from + 1;
    *to = '\0';
    return word;
}

/* QEMU writes a comma in a value as two. */
static void join_commas(char *path)
{
    char *to = path;
    for (const char *from = path; *from != '\0'; from++) {
        *to++ = *from;
        from += from[0] == ',' && from[1] == ',';
    }
    *to = '\0';
}

static size_t path_length(const char *path)
{
    size_t len = 0;
    while (path[len] != '\0' && path[len] != '"' && !(path[len] == ',' && path[len + 1] != ','))
        len += path[len] == ',' ? 2 : 1;
    return len;
}

/* Arguments for QEMU: whatever in them is a path is taken for one. A disk is what a file= or a "filename": is about. */
static void read_argument(struct px_guest *guest, char *word)
{
    bool is_firmware = strstr(word, "pflash") != NULL;
    struct px_drive drive = {.key = "args"};
    for (char *path = word; (path = strchr(path, '/')) != NULL;) {
        size_t len = path_length(path);
        char *next = path[len] == '\0' ? path + len : path + len + 1;
        bool begins = path == word || path[-1] == '=' || path[-1] == '"' || path[-1] == ',' || path[-1] == ':';
        bool is_disk = (path - word >= 5 && strncmp(path - 5, "file=", 5) == 0) ||
                       (path - word >= 9 && strncmp(path - 9, "filename=", 9) == 0) || (path > word && path[-1] == '"');
        path[len] = '\0';
        join_commas(path);
        if (begins && path[1] != '\0')
            px_guest_claim(guest,
                           is_firmware ? IA_CLAIM_FIRMWARE
                           : is_disk   ? IA_CLAIM_DISK
                                       : IA_CLAIM_OTHER,
                           path, NULL, true, &drive);
        path = next;
    }
}

void px_guest_read_arguments(struct px_guest *guest, char *value)
{
    for (char *word; !guest->from->is_foreign && (word = next_argument(&value)) != NULL;)
        read_argument(guest, word);
}
