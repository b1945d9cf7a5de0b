/* SPDX-License-Identifier: MIT */
/* Platforms whose images are known by their names and places alone. What they are is in the sources of each:
 * CloudStack (engine/storage: TemplateObject, SnapshotObject, VolumeObject on secondary storage; ImageFormat in
 * api/.../storage/Storage.java has the suffixes), Ganeti
 * (lib/storage/filestorage.py), Vagrant (box.img of a box; vagrant-libvirt's handle_box_image.rb), Lima
 * (pkg/store/filenames), Multipass (vault), Incus and LXD (internal/server/storage/drivers/driver_dir_volumes.go;
 * loopFilePath in utils.go: a pool in a file), minikube (pkg/drivers), Android's emulator (android-emu: avd/util.c). */
#include "inventory/places.h"

#define PLACE(forms, role, kind, number, format)                                                                       \
    {                                                                                                                  \
        forms, IA_CLAIM_##role, IA_MACHINE_##kind, number, "", format                                                  \
    }

/* Primary storage has no marks: its files are called by UUIDs alone. */
#define IN_FORMATS(place, role)                                                                                        \
    PLACE(place "U", role, STORAGE, 1, NULL), PLACE(place "U.qcow2", role, STORAGE, 1, NULL),                          \
        PLACE(place "U.vhd", role, STORAGE, 1, NULL), PLACE(place "U.vhdx", role, STORAGE, 1, NULL),                   \
        PLACE(place "U.vmdk", role, STORAGE, 1, NULL), PLACE(place "U.raw", role, STORAGE, 1, NULL)
static const struct ia_place cloudstack[] = {
    IN_FORMATS("snapshots/#/#/", RESTORE_POINT),
    IN_FORMATS("template/tmpl/#/#/", TEMPLATE),
    IN_FORMATS("volumes/#/#/", DISK),
};
const struct ia_beside_reader ia_cloudstack_reader = {IA_PLACES("cloudstack", cloudstack)};

static const struct ia_place ganeti[] = {
    PLACE("file-storage/*/disk#", DISK, VM, 1, "raw"),
    PLACE("file-storage/*/U.file.disk#", DISK, VM, 1, "raw"),
    PLACE("shared-file-storage/*/disk#", DISK, VM, 1, "raw"),
    PLACE("shared-file-storage/*/U.sharedfile.disk#", DISK, VM, 1, "raw"),
};
const struct ia_beside_reader ia_ganeti_reader = {IA_PLACES("ganeti", ganeti)};

static const struct ia_place vagrant[] = {
    PLACE("~_vagrant_box_image_*", TEMPLATE, STORAGE, 1, NULL),
    PLACE(".vagrant.d/boxes/*/*/*/box.img", TEMPLATE, STORAGE, 3, NULL),
    PLACE(".vagrant.d/boxes/*/*/*/box_#.img", TEMPLATE, STORAGE, 3, NULL),
    PLACE(".vagrant.d/boxes/*/*/*/*.vmdk", TEMPLATE, STORAGE, 3, NULL),
    PLACE(".vagrant.d/boxes/*/*/*/*/box.img", TEMPLATE, STORAGE, 4, NULL),
    PLACE(".vagrant.d/boxes/*/*/*/*/box_#.img", TEMPLATE, STORAGE, 4, NULL),
    PLACE(".vagrant.d/boxes/*/*/*/*/*.vmdk", TEMPLATE, STORAGE, 4, NULL),
};
const struct ia_beside_reader ia_vagrant_reader = {IA_PLACES("vagrant", vagrant)};

#define LIMA(home)                                                                                                     \
    PLACE(home "/_disks/*/datadisk", DISK, STORAGE, 1, NULL), PLACE(home "/*/diffdisk", DISK, VM, 1, NULL),            \
        PLACE(home "/*/disk", DISK, VM, 1, NULL), PLACE(home "/*/basedisk", RESTORE_POINT, VM, 1, NULL)
static const struct ia_place lima[] = {LIMA(".lima"), LIMA("_lima")}; /* the latter: below .colima */
const struct ia_beside_reader ia_lima_reader = {IA_PLACES("lima", lima)};

static const struct ia_place multipass[] = {PLACE("vault/instances/*/*.img", DISK, VM, 1, NULL)};
const struct ia_beside_reader ia_multipass_reader = {IA_PLACES("multipass", multipass)};

#define INCUS(volumes, snapshots, role, kind)                                                                          \
    PLACE("storage-pools/*/" volumes "/*/root.img", role, kind, 1, "raw"),                                             \
        PLACE("storage-pools/*/" snapshots "/*/*/root.img", RESTORE_POINT, kind, 2, "raw")
static const struct ia_place incus[] = {
    INCUS("virtual-machines", "virtual-machines-snapshots", DISK, VM),
    INCUS("custom", "custom-snapshots", DISK, STORAGE),
    PLACE("incus/images/H.rootfs", TEMPLATE, STORAGE, 1, NULL),
    PLACE("lxd/images/H.rootfs", TEMPLATE, STORAGE, 1, NULL),
    PLACE("incus/disks/*.img", DISK, STORAGE, 0, "raw"),
    PLACE("lxd/disks/*.img", DISK, STORAGE, 0, "raw"),
};
const struct ia_beside_reader ia_incus_reader = {IA_PLACES("incus", incus)};

static const struct ia_place minikube[] = {
    PLACE(".minikube/machines/*/*.rawdisk", DISK, VM, 1, "raw"),
    PLACE(".minikube/machines/*/disk.qcow2", DISK, VM, 1, NULL),
    PLACE(".minikube/machines/*/disk.img", DISK, VM, 1, NULL),
};
const struct ia_beside_reader ia_minikube_reader = {IA_PLACES("minikube", minikube)};

static const struct ia_place android[] = {
    PLACE("*.avd/*.img.qcow2", DISK, VM, 1, "qcow2"),
    PLACE("*.avd/*.img", DISK, VM, 1, NULL),
};
const struct ia_beside_reader ia_android_reader = {IA_PLACES("android", android)};
