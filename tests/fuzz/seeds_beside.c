/* SPDX-License-Identifier: MIT */
/* Files of machines of every sort, for the fuzzer to start from. */
#include <stdio.h>
#include <string.h>

#include "fuzz/target.h"

static const char *const texts[] = {
    "#!/usr/bin/vmware\n.encoding = \"windows-1252\"\ndisplayName = \"w\"\nuuid.bios = \"56 4d 3e 5f 01 02 03 04-05 06 "
    "07 "
    "08 09 0a 0b 0c\"\nscsi0:0.present = \"TRUE\"\nscsi0:0.fileName = \"a|20\\b\xfc.vmdk\"\nscsi0:0.mode = "
    "\"independent-nonpersistent\"\nscsi0.sharedBus = \"virtual\"\nide1:0.deviceType = "
    "\"cdrom-image\"\nide1:0.fileName = "
    "\"C:\\x.iso\"\nfloppy0.fileType = \"file\"\nfloppy0.fileName = f # c\nnvram=n\nscsi0:1.redo=\"r\"\n",
    ".encoding = \"UTF-8\"\r\nsnapshot.current = \"1\"\r\nsnapshot0.disk0.fileName = \"/x/a.vmdk\"\r\n",
    "<VirtualBox><Machine uuid=\"{00000000-1111-4222-8333-444444444444}\" name=\"n\" stateFile=\"s\"><MediaRegistry>"
    "<HardDisks><HardDisk uuid=\"{1}\" location=\"a.vdi\" format=\"VDI\" type=\"Immutable\"><HardDisk uuid=\"{2}\" "
    "location=\"S\\b.vdi\" format=\"VDI\" autoReset=\"true\"/></HardDisk></HardDisks><DVDImages><Image uuid=\"{3}\" "
    "location=\"x.iso\"/></DVDImages></MediaRegistry><Snapshot><StorageControllers><StorageController><AttachedDevice "
    "type=\"HardDisk\"><Image uuid=\"{1}\"/></AttachedDevice></StorageController></StorageControllers></Snapshot>"
    "<HardDiskAttachments><HardDiskAttachment hardDisk=\"{2}\"/></HardDiskAttachments><Hardware><BIOS><NVRAM "
    "path=\"n\"/></BIOS></Hardware></Machine></VirtualBox>",
    "<VirtualBox><Global><MediaRegistry><HardDisks><HardDisk uuid=\"{1}\"><VirtualDiskImage "
    "filePath=\"/a\"/></HardDisk>"
    "</HardDisks></MediaRegistry></Global></VirtualBox>",
    "<VirtualBox><MachineEncrypted/></VirtualBox>",
};

void fuzz_each_seed(fuzz_use_seed use, void *ctx)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char name[32];
        snprintf(name, sizeof(name), "text-%02zu", i);
        use(ctx, name, texts[i], strlen(texts[i]));
    }
}
