/* SPDX-License-Identifier: MIT */
/* Arguments for QEMU in the configuration of a guest of Proxmox VE ("args" in qm.conf(5)). */
#include <string.h>

#include "inventory/arguments.h"
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

struct argument {
    struct px_guest *guest;
    bool is_firmware;
};

static void claim(void *ctx, const char *path, bool is_name)
{
    const struct argument *argument = ctx;
    enum ia_claim_role role = argument->is_firmware ? IA_CLAIM_FIRMWARE : is_name ? IA_CLAIM_DISK : IA_CLAIM_OTHER;
    px_guest_claim(argument->guest, role, path, NULL, true, &(struct px_drive){.key = "args"});
}

void px_guest_read_arguments(struct px_guest *guest, char *value)
{
    for (char *word; !guest->from->is_foreign && (word = next_argument(&value)) != NULL;)
        ia_arguments_each_path(guest->from->inventory, word, claim,
                               &(struct argument){guest, strstr(word, "pflash") != NULL});
}
