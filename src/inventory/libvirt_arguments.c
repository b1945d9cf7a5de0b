/* SPDX-License-Identifier: MIT */
/* Arguments of the emulator in a <domain> of libvirt (drvqemu.html): paths in them are in use. */
#include <string.h>

#include "inventory/arguments.h"
#include "inventory/libvirt_reading.h"

/* Options of the emulator that name images. What others name is kept, and not missed. */
static enum ia_claim_role argument_role(const struct ia_libvirt_reading *reading, const char *option)
{
    static const char *const options[] = {"-drive", "-blockdev", "-hda", "-hdb", "-hdc", "-hdd", "-sd", "-mtdblock"};
    for (size_t i = 0; option != NULL && i < sizeof(options) / sizeof(options[0]); i++)
        if (strcmp(options[i], option) == 0)
            return ia_libvirt_disk_role(reading);
    return IA_CLAIM_OTHER;
}

struct argument {
    const struct ia_libvirt_reading *reading;
    enum ia_claim_role role;
    bool is_path; /* the whole of it */
};

static void claim(void *ctx, const char *path, bool is_name)
{
    const struct argument *argument = ctx;
    struct ia_claim *claim = ia_libvirt_add(argument->reading, argument->role, path);
    if (claim != NULL)
        claim->is_optional |= argument->role == IA_CLAIM_OTHER || !(is_name || argument->is_path);
}

static bool has_local_name(const struct ia_xml_node *node, const char *name)
{
    const char *colon = strchr(node->name, ':');
    return colon != NULL && strcmp(colon + 1, name) == 0;
}

/* <qemu:commandline>, and the like of other drivers. */
void ia_libvirt_read_command_lines(const struct ia_libvirt_reading *reading, const struct ia_xml_node *domain)
{
    for (const struct ia_xml_node *node = domain->first; node != NULL; node = node->next) {
        const char *option = NULL;
        for (const struct ia_xml_node *arg = has_local_name(node, "commandline") ? node->first : NULL; arg != NULL;
             arg = arg->next) {
            const char *value = has_local_name(arg, "arg") ? ia_xml_attribute(arg, "value") : NULL;
            struct argument argument = {reading, argument_role(reading, option), value != NULL && value[0] == '/'};
            if (value != NULL)
                ia_arguments_each_path(reading->libvirt->inventory, value, claim, &argument);
            option = value;
        }
    }
}
