/* SPDX-License-Identifier: MIT */
/* Storages and guests of every sort, for the fuzzer to start from. */
#include <stdio.h>
#include <string.h>

#include "fuzz/target.h"

#define STORAGES                                                                                                       \
    "dir: local\n\tpath /var/lib/vz\n\nnfs: n\n\tpath /mnt/pve/n\n\tcontent-dirs images=a,iso=b\n\nbtrfs: b\n\tpath "  \
    "/b\n\tnodes one,two\n\n"                                                                                          \
    "lvm: l\n\tvgname v\n\tshared 1\n\tsnapshot-as-volume-chain 1\n\nlvmthin: t\n\tvgname v\n\nzfspool: z\n\tpool "    \
    "p/q\n\nrbd: r\n\tpool x\n\ncifs: c\n\tsnapshot-as-volume-chain 1\n\nodd: o\n\tpath /o\n\tdisable\n\n\xff"

static const char *const texts[] = {
    STORAGES "#x\nname: web\nscsi0: local:100/vm-100-disk-0.qcow2,size=1M\nide2: n:iso/a.iso,media=cdrom\nsata0: none\n"
             "unused0: c:1/base-1-disk-0.qcow2/100/vm-100-disk-0.qcow2\ntemplate: 1\nefidisk0: l:vm-100-disk-0.qcow2\n"
             "args: -drive 'file=/a b,,c,if=none' -blockdev {\"filename\":\"/x\"} -pflash /y\\ z\n\n[PENDING]\ndelete: "
             "ide2\nnvme0: t:vm-100-disk-1\n\n[special:fleecing]\nfleecing-images: c:100/vm-100-fleece-0.qcow2\n\n"
             "[s]\nscsi0: c:100/vm-100-disk-0.qcow2\nscsi1: b:100/vm-100-disk-1.raw\nscsi2: "
             "l:vm-100-disk-0.qcow2\nscsi3: z:base-1-disk-0/vm-100-disk-0\nscsi4: /dev/sdb\nvmstate: "
             "n:100/vm-100-state-s.raw\n",
    STORAGES
    "hostname: ct\nrootfs: local:200/vm-200-disk-0.raw,size=4M\nmp0: /srv,mp=/x\nmp1: "
    "z:subvol-200-disk-0,mp=/y,ro=1\nlxc.mount.entry = /i m none loop 0 0\n[pve:pending]\nmp2: /dev/sda,mp=/z\n",
    "local: x\n\xffide0: a.raw\nide1: b.iso,media=cdrom\n[half\n[]\n:\n=\n",
};

void fuzz_each_seed(fuzz_use_seed use, void *ctx)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char name[32];
        snprintf(name, sizeof(name), "guest-%02zu", i);
        use(ctx, name, texts[i], strlen(texts[i]));
    }
}
