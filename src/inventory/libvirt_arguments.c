/* SPDX-License-Identifier: MIT */
/* Arguments of the emulator in a <domain> of libvirt (drvqemu.html): paths in them are in use. */
#include <string.h>

#include "base/cleanup.h"
#include "inventory/libvirt_reading.h"

/* Up to the end of a path in an option: a comma, unless doubled, or in JSON a quotation mark. */
static const char *read_path(const char *from, bool is_json, struct ia_buf *path)
{
    for (; *from != '\0' && *from != '"' && (is_json || *from != ',' || from[1] == ','); from++) {
        if (!is_json && *from == ',')
            from++;
        ia_buf_add_char(path, *from);
    }
    return from;
}

static void read_argument(const struct ia_libvirt_reading *reading, enum ia_claim_role role, const char *value)
{
    bool is_json = value[0] == '{';
    for (const char *at = value; *at != '\0';) { /* ends: at goes forward */
        bool begins = *at == '/' && at[1] != '/' && (at == value || strchr("=,:\"", at[-1]) != NULL);
        if (!begins) {
            at++;
            continue;
        }
        IA_AUTO_BUF struct ia_buf path = {0};
        at = read_path(at, is_json, &path);
        reading->libvirt->inventory->failed |= path.failed;
        struct ia_claim *claim = path.failed ? NULL : ia_libvirt_add(reading, role, path.data);
        if (claim != NULL)
            claim->is_optional |= role == IA_CLAIM_OTHER;
    }
}

/* Options of the emulator that name images. What others name is kept, and not missed. */
static enum ia_claim_role argument_role(const struct ia_libvirt_reading *reading, const char *option)
{
    static const char *const options[] = {"-drive", "-blockdev", "-hda", "-hdb", "-hdc", "-hdd", "-sd", "-mtdblock"};
    for (size_t i = 0; option != NULL && i < sizeof(options) / sizeof(options[0]); i++)
        if (strcmp(options[i], option) == 0)
            return ia_libvirt_disk_role(reading);
    return IA_CLAIM_OTHER;
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
            if (value != NULL)
                read_argument(reading, argument_role(reading, option), value);
            option = value;
        }
    }
}
