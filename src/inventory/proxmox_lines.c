/* SPDX-License-Identifier: MIT */
/* Lines and lists, as the files of Proxmox VE have them. */
#include "inventory/proxmox.h"

#include <ctype.h>
#include <string.h>

char *px_next_line(char **at, char *end, bool *has_nul)
{
    char *line = *at;
    if (line >= end)
        return NULL;
    char *stop = memchr(line, '\n', (size_t)(end - line));
    if (stop == NULL)
        stop = end;
    *at = stop + 1;
    *stop = '\0';
    *has_nul |= memchr(line, '\0', (size_t)(stop - line)) != NULL;
    for (size_t len = strlen(line); len > 0 && isspace((unsigned char)line[len - 1]); len--)
        line[len - 1] = '\0';
    return line;
}

char *px_next_word(char **at, const char *separators)
{
    char *word = *at + strspn(*at, separators);
    if (*word == '\0')
        return NULL;
    size_t len = strcspn(word, separators);
    *at = word[len] == '\0' ? word + len : word + len + 1;
    word[len] = '\0';
    return word;
}

bool px_list_has(const char *list, const char *word)
{
    static const char separators[] = " \t,;";
    size_t wanted = strlen(word);
    for (size_t len = 0; *list != '\0'; list += len) {
        list += strspn(list, separators);
        len = strcspn(list, separators);
        if (len == wanted && memcmp(list, word, len) == 0)
            return true;
    }
    return false;
}
