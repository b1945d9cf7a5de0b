/* SPDX-License-Identifier: MIT */
/* What virsh managedsave puts aside: the machine's memory, behind a header and its XML (_virQEMUSaveHeader in libvirt's
 * src/qemu/qemu_saveimage.h, _libxlSavefileHeader in src/libxl/libxl_conf.h); of Cloud Hypervisor a directory with the
 * XML in a file of it (CH_SAVE_XML in src/ch/ch_conf.h). */
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "inventory/libvirt.h"

static const struct save_header {
    char magic[17];
    int64_t bytes; /* of the header */
    size_t length; /* where it has the XML's length; the version is before that; both as the processor has numbers */
} save_headers[] = {
    {"LibvirtQemudSave", 92, 20},
    {"LibvirtQemudPart", 92, 20},
    {"libvirt-xml\n \0 \r", 64, 20},
};

static const struct save_header *save_header_of(const struct ia_buf *start)
{
    for (size_t i = 0; i < sizeof(save_headers) / sizeof(save_headers[0]); i++)
        if (start->len >= (size_t)save_headers[i].bytes && memcmp(start->data, save_headers[i].magic, 16) == 0)
            return &save_headers[i];
    return NULL;
}

static int64_t save_xml_length(const struct ia_buf *start, const struct save_header *header)
{
    const uint8_t *bytes = (const uint8_t *)start->data;
    bool is_swapped = ia_le32(bytes + header->length - 4) > UINT16_MAX;
    return is_swapped ? ia_be32(bytes + header->length) : ia_le32(bytes + header->length);
}

/* Without the file of it that has the XML nothing is known. */
static struct ia_xml_node *load_directory(struct ia_libvirt *libvirt, const char *path)
{
    IA_AUTO_BUF struct ia_buf file = {0};
    IA_AUTO_BUF struct ia_buf text = {0};
    ia_buf_addf(&file, "%s/libvirt-save.xml", path);
    libvirt->inventory->failed |= file.failed;
    if (file.failed || !ia_inventory_load(libvirt->inventory, file.data, IA_INVENTORY_FILE_BYTES, &text))
        return NULL;
    return ia_libvirt_parse(libvirt, file.data, text.data, text.len);
}

struct ia_xml_node *ia_libvirt_load_saved(struct ia_libvirt *libvirt, const char *path)
{
    IA_AUTO_BUF struct ia_buf start = {0};
    IA_AUTO_BUF struct ia_buf text = {0};
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return load_directory(libvirt, path);
    if (!ia_inventory_load_start(libvirt->inventory, path, 92, &start) || start.len == 0) /* empty: it is being made */
        return NULL;
    const struct save_header *header = save_header_of(&start);
    int64_t length = header == NULL ? 0 : save_xml_length(&start, header);
    if (header == NULL || length > IA_INVENTORY_FILE_BYTES) {
        ia_inventory_add_problem(libvirt->inventory, path, "is no saved state of a machine of libvirt");
        return NULL;
    }
    if (!ia_inventory_load_start(libvirt->inventory, path, header->bytes + length, &text))
        return NULL;
    const char *xml = text.data + header->bytes;
    return ia_libvirt_parse(libvirt, path, xml, strnlen(xml, text.len - (size_t)header->bytes));
}
