/* SPDX-License-Identifier: MIT */
/* A host with every platform, and one file after the other of it, for the fuzzer to start from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/inventory_files.h"
#include "fuzz/target.h"

#define DISK                                                                                                           \
    "<disk type='file'><driver type='qcow2'/><source file='/a.qcow2'/><backingStore type='file'><format type='raw'/>"  \
    "<source file='/b'/></backingStore></disk><disk type='volume'><source pool='p' volume='v'/></disk>"                \
    "<disk type='network'><source protocol='nbd' name='n'><host name='h'/></source></disk>"
#define DOMAIN "<domain type='kvm'><name>m</name><uuid>" FUZZ_UUID "</uuid><devices>" DISK "</devices></domain>"

static const char *const texts[FUZZ_INVENTORY_FILES] = {
    [FUZZ_LIST] = "/srv/a.qcow2\n/srv/b  \tweb\trestore-point\r\n\n/c\tdb\n",
    [FUZZ_LIBVIRT_DEFINITION] = DOMAIN,
    [FUZZ_LIBVIRT_POOL] = "<pool type='dir'><name>p</name><target><path>/pool</path></target></pool>",
    [FUZZ_LIBVIRT_STATUS] = "<domstatus state='running'>" DOMAIN "<blockjobs/></domstatus>",
    [FUZZ_LIBVIRT_SNAPSHOT] = "<domainsnapshot><name>s</name><disks><disk name='vda' snapshot='external' type='file'>"
                              "<source file='/o'/></disk></disks>" DOMAIN "</domainsnapshot>",
    [FUZZ_LIBVIRT_CHECKPOINT] = "<domaincheckpoint><name>c</name><disks/>" DOMAIN "</domaincheckpoint>",
    [FUZZ_LIBVIRT_SAVE] = NULL, /* made below */
    [FUZZ_PROXMOX_STORAGE] = "dir: local\n\tpath /var/lib/vz\n\nnfs: n\n\tpath /mnt/pve/n\n\tcontent-dirs images=a\n\n"
                             "lvm: l\n\tvgname v\n\tsnapshot-as-volume-chain 1\n",
    [FUZZ_PROXMOX_VM] = "name: web\nscsi0: local:100/vm-100-disk-0.qcow2,size=1M\nide2: n:iso/a.iso,media=cdrom\n"
                        "virtiofs0: dirid=d\nargs: -drive file=/x,if=none\n\n[s]\nscsi0: l:vm-100-disk-0.qcow2\n",
    [FUZZ_PROXMOX_CONTAINER] = "hostname: ct\nrootfs: local:200/vm-200-disk-0.raw,size=4M\nmp0: /srv,mp=/x\n",
    [FUZZ_PROXMOX_FOREIGN] = "name: other\nscsi0: n:300/vm-300-disk-0.qcow2\n",
    [FUZZ_PROXMOX_MAPPING] = "d\n\tmap node=one,path=/srv/shared\n",
    [FUZZ_VMX] =
        ".encoding = \"UTF-8\"\ndisplayName = \"w\"\nscsi0:0.present = \"TRUE\"\nscsi0:0.fileName = \"a.vmdk\"\n",
    [FUZZ_VMSD] = ".encoding = \"UTF-8\"\nsnapshot0.disk0.fileName = \"/x/a.vmdk\"\nsnapshot0.numDisks = \"1\"\n",
    [FUZZ_VBOX] = "<VirtualBox><Machine uuid=\"{" FUZZ_UUID "}\" name=\"n\"><MediaRegistry><HardDisks><HardDisk "
                  "uuid=\"{1}\" location=\"a.vdi\" format=\"VDI\"/></HardDisks></MediaRegistry></Machine></VirtualBox>",
    [FUZZ_OVIRT] = "CAP=1073741824\nCTIME=1\nDESCRIPTION={\"DiskAlias\":\"d\"}\nDISKTYPE=DATA\nDOMAIN=" FUZZ_UUID
                   "\nFORMAT=COW\nGEN=0\nIMAGE=" FUZZ_UUID "\nLEGALITY=LEGAL\nPUUID=" FUZZ_UUID
                   "\nTYPE=SPARSE\nVOLTYPE=LEAF\nEOF\n",
    [FUZZ_NOVA] = "disk",
    [FUZZ_LONGHORN] = "disk",
    [FUZZ_OPENNEBULA] = "disk",
    [FUZZ_NOVA_INFO] = "{\"/var/lib/nova/instances/" FUZZ_UUID "/disk\": \"qcow2\"}",
};

/* "LibvirtQemudSave", a version and lengths as src/qemu/qemu_saveimage.h has them, and the XML. */
static void add_saved(struct fuzz_files *files)
{
    static const char xml[] = DOMAIN;
    char image[92 + sizeof(xml)] = "LibvirtQemudSave";
    image[16] = 2;
    image[20] = (char)(sizeof(xml) & 0xff);
    image[21] = (char)(sizeof(xml) >> 8);
    memcpy(image + 92, xml, sizeof(xml));
    fuzz_add_file(files, FUZZ_LIBVIRT_SAVE, image, sizeof(image));
}

static void add(struct fuzz_files *files, uint8_t which)
{
    if (texts[which] != NULL)
        fuzz_add_file(files, which, texts[which], strlen(texts[which]));
    else
        add_saved(files);
}

void fuzz_each_seed(fuzz_use_seed use, void *ctx)
{
    struct fuzz_files *files = calloc(1, sizeof(*files));
    FUZZ_CHECK(files != NULL);
    for (uint8_t i = 0; i < FUZZ_INVENTORY_FILES; i++) {
        char name[32];
        snprintf(name, sizeof(name), "file-%02d", i);
        files->len = 0;
        add(files, i);
        use(ctx, name, files->bytes, files->len);
    }
    files->len = 0;
    for (uint8_t i = 0; i < FUZZ_INVENTORY_FILES; i++)
        add(files, i);
    use(ctx, "host", files->bytes, files->len);
    free(files);
}
