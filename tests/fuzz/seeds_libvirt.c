/* SPDX-License-Identifier: MIT */
/* Machines of libvirt of every sort, for the fuzzer to start from. */
#include <stdio.h>
#include <string.h>

#include "fuzz/target.h"

#define DISK(inner) "<disk type='file' device='disk'><driver type='qcow2'/><source file='/a.qcow2'/>" inner "</disk>"
#define LAYER(inner) "<backingStore type='file'><format type='raw'/><source file='/b'/>" inner "</backingStore>"
#define DEVICES(inner) "<domain type='kvm'><name>m</name><devices>" inner "</devices></domain>"

static const char *const documents[] = {
    DEVICES(""),
    DEVICES(DISK("")),
    DEVICES(DISK(LAYER(LAYER("<backingStore/>")))),
    DEVICES(DISK(LAYER("")) DISK(LAYER(""))),
    DEVICES(DISK("<transient/><shareable/><readonly/>")),
    DEVICES(DISK("<mirror type='block' job='copy'><format type='qcow2'/><source dev='/dev/x'/>" LAYER("") "</mirror>")),
    DEVICES(DISK("<mirror file='/old' format='raw'/>")),
    DEVICES("<disk type='volume'><source pool='p' volume='v'/></disk><disk type='x'><source y='z'/></disk>"),
    DEVICES("<disk type='dir' device='floppy'><source dir='/d'/></disk><disk device='cdrom'/>"),
    DEVICES("<disk><source file='relative'><encryption format='luks'/><dataStore type='file'><source file='/s'/>"
            "</dataStore></source></disk>"),
    DEVICES("<filesystem type='file'><driver format='qcow2'/><source file='/f'/></filesystem>"
            "<filesystem><source dir='/'/></filesystem><memory><source><path>/n</path></source></memory>"),
    "<domain><os><kernel>/k</kernel><initrd/><loader>/l</loader><nvram template='/t'><source file='/v'/></nvram>"
    "<varstore path='/w' template='/u'/><acpi><table>/x</table></acpi></os></domain>",
    "<domain xmlns:qemu='q'><qemu:commandline><qemu:arg value='-drive'/><qemu:arg value='file=/a,,b,if=none'/>"
    "<qemu:arg value='-blockdev'/><qemu:arg "
    "value='{&quot;filename&quot;:&quot;/j&quot;}'/></qemu:commandline></domain>",
    "<domainsnapshot><disks><disk name='vda' type='file'><driver type='qcow2'/><source file='/o'/></disk></disks>"
    "</domainsnapshot>",
    "<domstatus state='running'><blockjobs><blockjob><chains><disk type='file'><source file='/c'/></disk></chains>"
    "</blockjob></blockjobs><backups><domainbackup><disks><disk><target file='/t'/></disk><disk type='block'>"
    "<scratch dev='/s'/></disk></disks></domainbackup></backups></domstatus>",
};

void fuzz_each_seed(fuzz_use_seed use, void *ctx)
{
    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        char name[32];
        snprintf(name, sizeof(name), "document-%02zu", i);
        use(ctx, name, documents[i], strlen(documents[i]));
    }
}
