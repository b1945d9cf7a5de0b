/* SPDX-License-Identifier: MIT */
/* Files of libvirt as trees. */
#include "base/cleanup.h"
#include "inventory/libvirt.h"

struct ia_xml_node *ia_libvirt_parse(struct ia_libvirt *libvirt, const char *path, const char *text, size_t len)
{
    struct ia_xml_node *root = NULL;
    struct ia_error err = {0};
    enum ia_status status = ia_xml_tree_parse(text, len, &root, &err);
    if (status == IA_NOMEM)
        libvirt->inventory->failed = true;
    else if (status != IA_OK)
        ia_inventory_add_problem(libvirt->inventory, path, "cannot be understood: %s", err.message);
    return root;
}

struct ia_xml_node *ia_libvirt_load_xml(struct ia_libvirt *libvirt, const char *path)
{
    IA_AUTO_BUF struct ia_buf text = {0};
    if (!ia_inventory_load_listed(libvirt->inventory, path, IA_INVENTORY_FILE_BYTES, &text))
        return NULL;
    return ia_libvirt_parse(libvirt, path, text.data, text.len);
}
