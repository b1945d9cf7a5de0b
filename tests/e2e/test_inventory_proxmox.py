#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Proxmox VE's guests. Fixtures follow what Proxmox VE writes:
#   guests of QEMU    write_vm_config and print_drive in qemu-server, PVE/QemuServer.pm and PVE/QemuServer/Drive.pm: comments, keys in order,
#                     [PENDING], [special:...], snapshots by name
#   containers        write_pct_config in pve-container, PVE/LXC/Config.pm
#   storage.cfg       write_config in pve-common, PVE/SectionConfig.pm; properties and content-dirs: options and get_subdir in pve-storage, PVE/Storage/*Plugin.pm
#   names of volumes  parse_volname, filesystem_path, path and get_snap_name there; the expected paths of the tests are those of
#                     pve-storage's src/test/filesystem_path_test.pm and parse_volname_test.pm where these have them
#   a cluster         /etc/pve/local, qemu-server and lxc are links to nodes/NODE and below (pmxcfs(8))

import os
import shutil
import time

import harness
import sites
from sites import MIB, create, make_raw, write

STORAGES = """dir: local
	path /var/lib/vz
	content backup,iso,vztmpl

dir: data
	path {root}
	content images,rootdir,iso
	prune-backups keep-all=1
	shared 0

"""


class Host:
    """/etc/pve of the node `one` in a directory of its own, and images below the site's root."""

    def __init__(self, case, storages=STORAGES, nodes=("one",)):
        self.site = case.site()
        self.place = os.path.join(self.site.directory, "pve")
        for node in nodes:
            for kind in ("qemu-server", "lxc"):
                os.makedirs(os.path.join(self.place, "nodes", node, kind))
        for link, target in (("local", "nodes/one"), ("qemu-server", "nodes/one/qemu-server"), ("lxc", "nodes/one/lxc")):
            os.symlink(target, os.path.join(self.place, link))
        if storages is not None:
            self.put("storage.cfg", storages.format(root=self.site.root))

    def put(self, name, text):
        with open(os.path.join(self.place, name), "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())

    def vm(self, text, id=100, node="one"):
        self.put(f"nodes/{node}/qemu-server/{id}.conf", text)

    def container(self, text, id=200, node="one"):
        self.put(f"nodes/{node}/lxc/{id}.conf", text)

    def scan(self, *options, **how):
        return self.site.scan(*options, inventory=f"proxmox:{self.place}", **how)

    def claims(self):
        """{(path below the root, or whole): (role, format, state)}"""
        found = {}
        for path, role, format, state in self.site.query("SELECT path, role, format, state FROM v_claim ORDER BY role"):
            below = os.path.relpath(path, self.site.root)
            found[path if below.startswith("..") else below] = (role, format, state)
        return found

    def problems(self):
        return [detail for detail, in self.site.query("SELECT detail FROM v_finding WHERE code = 'inventory-unreadable' AND NOT cleared ORDER BY detail")]

    def disk(self, name):
        return write(create(self.site.path("images", *name.split("/")), MIB), 0)

    def orphan(self, name):
        """A disk that had an overlay when it was scanned, and has none now."""
        disk = self.disk(name)
        over = create(disk + ".over.qcow2", MIB, disk)
        self.site.scan()
        os.unlink(over)
        return disk

    def verdict(self, name):
        row = self.site.unused(partly=True).get(f"images/{name}")
        return row and (row["verdict"], row["why_codes"])


# -- Volumes ----------------------------------------------------------------------------------------------------------

def test_each_bus_claims_its_disks(case):
    host = Host(case)
    for number, key in enumerate(("ide0", "sata5", "scsi30", "virtio15", "nvme0", "unused7", "efidisk0")):
        host.disk(f"100/vm-100-disk-{number}.qcow2")
    make_raw(host.site.path("images/100/vm-100-disk-7.raw"))
    make_raw(host.site.path("images/100/vm-100-state-suspend-2026-11-30.raw"))
    os.makedirs(host.site.path("template/iso/x"))
    make_raw(host.site.path("template/iso/debian.iso"))
    host.vm("#a guest: data:100/vm-100-disk-99.qcow2\n"
            "boot: order=scsi30;ide2;net0\nefidisk0: data:100/vm-100-disk-6.qcow2,efitype=4m,pre-enrolled-keys=1,size=528K\n"
            "ide0: data:100/vm-100-disk-0.qcow2,size=1M\nide2: data:iso/debian.iso,media=cdrom,size=4M\n"
            "memory: 2048\nmeta: creation-qemu=9.2.0,ctime=1764000000\nname: web\nnet0: virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1\n"
            "numa: 0\nnvme0: data:100/vm-100-disk-4.qcow2\nostype: l26\nsata5: data:100/vm-100-disk-1.qcow2,cache=none\nsata1: none,media=cdrom\nsata2: cdrom,media=cdrom\n"
            "scsi30: file=data:100/vm-100-disk-2.qcow2,iothread=1,snapshot=1,size=1M\nscsihw: virtio-scsi-single\n"
            "smbios1: uuid=0b1c2a9e-7a63-4b8e-a5b4-0d6e54f60b3b\ntpmstate0: data:100/vm-100-disk-7.raw,size=4M,version=v2.0\n"
            "unused7: data:100/vm-100-disk-5.qcow2\nvirtio15: discard=on,data:100/vm-100-disk-3.qcow2\n"
            "vmstate: data:100/vm-100-state-suspend-2026-11-30.raw\n")
    scan = host.scan()
    expected = {f"images/100/vm-100-disk-{number}.qcow2": (role, "qcow2", "found")
                for number, role in enumerate(("disk", "disk", "disk", "disk", "disk", "unused", "firmware"))}
    expected["images/100/vm-100-disk-7.raw"] = ("firmware", "raw", "found")
    expected["images/100/vm-100-state-suspend-2026-11-30.raw"] = ("restore-point", "raw", "found")
    expected["template/iso/debian.iso"] = ("cdrom", None, "found")
    case.same((scan.code, host.claims()), (0, expected), "what the guest uses", host.problems())
    case.same(host.site.query("SELECT source, kind, name, uuid, state FROM v_machine"), [("proxmox", "vm", "web", "100", "unknown")], "the guest; the identity is its number")
    case.same(host.site.query("SELECT path LIKE '%disk-2.qcow2' FROM v_claim WHERE transient"), [(1,)], "what is written to the disk with snapshot=1 is thrown away")


def test_without_the_guest_its_disk_is_an_orphan(case):
    host = Host(case)
    host.orphan("100/vm-100-disk-0.qcow2")
    host.vm("scsi0: data:100/vm-100-disk-0.qcow2,size=1M\n")
    host.scan()
    case.same(host.verdict("100/vm-100-disk-0.qcow2"), None, "a guest's disk is no candidate")
    host.vm("scsi0: data:100/vm-100-disk-1.qcow2,size=1M\n")
    host.disk("100/vm-100-disk-1.qcow2")
    host.scan()
    case.same(host.verdict("100/vm-100-disk-0.qcow2"), ("proven", None), "one that the guest does not have any more is")


def test_linked_clones_and_templates_are_kept(case):
    host = Host(case)
    base = host.disk("100/base-100-disk-0.qcow2")
    create(host.site.path("images/101/vm-101-disk-0.qcow2"), MIB, "../100/base-100-disk-0.qcow2")
    host.vm("name: golden\nscsi0: data:100/base-100-disk-0.qcow2,size=1M\ntemplate: 1\n")
    host.vm("name: clone\nscsi0: data:100/base-100-disk-0.qcow2/101/vm-101-disk-0.qcow2,size=1M\ntemplate: 0\n", 101)
    scan = host.scan()
    case.same((scan.code, host.claims()), (0, {"images/100/base-100-disk-0.qcow2": ("template", "qcow2", "found"), "images/101/vm-101-disk-0.qcow2": ("disk", "qcow2", "found")}), "the clone's path is its own")
    case.same(host.site.query("SELECT kind, name FROM v_machine ORDER BY name"), [("vm", "clone"), ("template", "golden")], "a template is one")
    write(host.site.path("images/101/vm-101-disk-0.qcow2"), 0)
    host.scan()
    case.same(host.site.unused(partly=True), {}, "what the clone masks of the template is kept all the same", [base])


def test_snapshots_are_restore_points(case):
    host = Host(case)
    host.disk("100/vm-100-disk-0.qcow2")
    host.disk("100/vm-100-disk-1.qcow2")
    make_raw(host.site.path("images/100/vm-100-state-before.raw"))
    host.vm("parent: before\nscsi0: data:100/vm-100-disk-0.qcow2,size=1M\n\n"
            "[PENDING]\ndelete: ide2\nscsi2: data:100/vm-100-disk-2.qcow2\n\n[special:cloudinit]\nname: web\nide2: data:100/vm-100-cloudinit.qcow2,media=cdrom\n\n"
            "[before]\n#the state before\nide2: data:iso/gone.iso,media=cdrom\nparent: earlier\nrunningmachine: pc-i440fx-9.2+pve1\nscsi0: data:100/vm-100-disk-0.qcow2,size=1M\n"
            "scsi1: data:100/vm-100-disk-1.qcow2,size=1M\nsnaptime: 1764000000\nvmstate: data:100/vm-100-state-before.raw\n")
    host.disk("100/vm-100-disk-2.qcow2")
    make_raw(host.site.path("images/100/vm-100-disk-9.raw"))
    host.scan()
    claims = host.claims()
    case.same({path: claims[f"images/100/{path}"][0] for path in ("vm-100-disk-0.qcow2", "vm-100-disk-1.qcow2", "vm-100-disk-2.qcow2", "vm-100-state-before.raw")},
              {"vm-100-disk-0.qcow2": "disk", "vm-100-disk-1.qcow2": "restore-point", "vm-100-disk-2.qcow2": "disk", "vm-100-state-before.raw": "restore-point"},
              "disks of the snapshot, of what is pending, and the memory")
    case.same(host.site.query("SELECT read_only FROM v_claim WHERE path LIKE '%disk-0.qcow2'"), [(0,)], "the first is a disk that is written to, and listed once")
    case.check("images/100/vm-100-disk-9.raw" not in claims, "and nothing else")


def test_snapshots_in_chains_are_files_of_their_own(case):
    host = Host(case, STORAGES.replace("shared 0", "snapshot-as-volume-chain 1"))
    # filesystem_path of Plugin.pm: snap-NAME-VOLUME; volume_snapshot renames the disk, and makes an overlay in its place.
    first = host.disk("100/snap-one-vm-100-disk-0.qcow2")
    second = create(host.site.path("images/100/snap-two-vm-100-disk-0.qcow2"), MIB, "snap-one-vm-100-disk-0.qcow2")
    write(second, 0)
    disk = create(host.site.path("images/100/vm-100-disk-0.qcow2"), MIB, "snap-two-vm-100-disk-0.qcow2")
    host.site.scan()
    case.same(host.verdict("100/snap-one-vm-100-disk-0.qcow2"), ("proven", None), "without the inventory the first state is masked")
    host.vm("parent: two\nscsi0: data:100/vm-100-disk-0.qcow2,size=1M\n\n[one]\nscsi0: data:100/vm-100-disk-0.qcow2,size=1M\n\n[two]\nparent: one\nscsi0: data:100/vm-100-disk-0.qcow2,size=1M\n")
    scan = host.scan()
    case.same((scan.code, {path: claim[0] for path, claim in host.claims().items() if "snap" in path}),
              (0, {f"images/100/snap-{name}-vm-100-disk-0.qcow2": "restore-point" for name in ("one", "two")}), "each state is a file", [first])
    case.same(host.site.unused(partly=True), {}, "and none is a candidate")
    # volume_snapshot_delete of a stopped guest's oldest snapshot: the overlay is committed, and the base renamed to it.
    host.vm("scsi0: data:100/vm-100-disk-0.qcow2,size=1M\n")
    for overlay, base in ((second, first), (disk, first)):
        if overlay == disk:
            sites.must("qemu-img", "rebase", "-u", "-b", "snap-one-vm-100-disk-0.qcow2", "-F", "qcow2", disk)
        sites.must("qemu-img", "commit", "-q", overlay)
        os.unlink(overlay)
    os.rename(first, disk)
    host.scan()
    case.same((host.site.unused(partly=True), host.claims()), ({}, {"images/100/vm-100-disk-0.qcow2": ("disk", "qcow2", "found")}), "the guest's only disk, renamed, is its disk")


def test_other_storages_lead_where_they_should(case):
    host = Host(case, "nfs: nfs\n\texport /export\n\tpath /mnt/pve/elsewhere\n\tserver 192.0.2.1\n\n"
                "cifs: cifs\n\tserver 192.0.2.1\n\tshare s\n\n"
                "cephfs: cephfs\n\tpath /mnt/pve/cephfs\n\tcontent-dirs images=my/disks,iso=media\n\n"
                "btrfs: btrfs\n\tpath /srv/btrfs\n\n"
                "lvm: thick\n\tvgname vg0\n\tsnapshot-as-volume-chain 1\n\n"
                "lvmthin: local-lvm\n\tthinpool data\n\tvgname pve\n\tcontent rootdir,images\n\n"
                "zfspool: tank\n\tpool rpool/data\n\tsparse\n\n"
                "glusterfs: gluster\n\tpath /mnt/pve/gluster\n\tvolume v\n\n"
                "rbd: ceph\n\tpool rbd\n\tmonhost 192.0.2.2\n\npbs: backups\n\tserver x\n\tdatastore d\n\niscsi: san\n\tportal 192.0.2.3\n\ttarget iqn.x\n\n"
                "custom: thirdparty\n\tpath /srv/third\n\n")
    host.vm("scsi0: nfs:100/vm-100-disk-0.qcow2\nscsi1: cifs:100/vm-100-disk-0.vmdk\nscsi2: cephfs:100/vm-100-disk-0.raw\nide2: cephfs:iso/x.iso,media=cdrom\n"
            "scsi3: btrfs:100/vm-100-disk-0.raw\nscsi4: btrfs:100/vm-100-disk-1.qcow2\nscsi5: thick:vm-100-disk-0.qcow2\nscsi6: thick:vm-100-disk-1\n"
            "scsi7: local-lvm:vm-100-disk-0,size=32G\nscsi8: tank:vm-100-disk-0\nscsi9: tank:base-99-disk-0/vm-100-disk-1\nscsi10: gluster:100/vm-100-disk-0.qcow2\n"
            "scsi11: ceph:vm-100-disk-0\nscsi12: san:0.0.0.scsi-14f504e46\nscsi13: thirdparty:100/vm-100-disk-0.raw\nscsi14: vm-100-disk-5.raw\nscsi15: /dev/disk/by-id/ata-X,size=1T\n"
            "scsi16: local:import/appliance.ova/disk.vmdk\n\n"
            "[s]\nscsi3: btrfs:100/vm-100-disk-0.raw\nscsi5: thick:vm-100-disk-0.qcow2\nscsi7: local-lvm:vm-100-disk-0\nscsi8: tank:vm-100-disk-0\n")
    devices = ("vg0/vm-100-disk-0.qcow2", "vg0/snap_vm-100-disk-0_s.qcow2", "vg0/vm-100-disk-1", "pve/vm-100-disk-0", "pve/snap_vm-100-disk-0_s",
               "zvol/rpool/data/vm-100-disk-0", "zvol/rpool/data/vm-100-disk-1", "disk/by-id/ata-X")
    no_namespace = sites.why_no_mount_namespace()
    if no_namespace:
        case.skip("devices are claimed", no_namespace)
        devices = ()
    else:
        script = 'mount -t tmpfs none /dev && for d in $0; do mkdir -p "/dev/${d%/*}" && : > "/dev/$d"; done && exec "$@"'
        host.site.prefix = ["unshare", "--mount", "sh", "-c", script, " ".join(devices)]
    host.scan()
    case.same(host.problems(), [], "all is understood")
    expected = {"/mnt/pve/elsewhere/images/100/vm-100-disk-0.qcow2": "qcow2", "/mnt/pve/cifs/images/100/vm-100-disk-0.vmdk": "vmdk", "/mnt/pve/cephfs/my/disks/100/vm-100-disk-0.raw": "raw",
                "/mnt/pve/cephfs/media/x.iso": None, "/srv/btrfs/images/100/vm-100-disk-0/disk.raw": "raw", "/srv/btrfs/images/100/vm-100-disk-0@s/disk.raw": "raw",
                "/srv/btrfs/images/100/vm-100-disk-1.qcow2": "qcow2",
                "/mnt/pve/gluster/images/100/vm-100-disk-0.qcow2": "qcow2", "/srv/third/images/100/vm-100-disk-0.raw": "raw", "/var/lib/vz/images/100/vm-100-disk-5.raw": "raw",
                "/var/lib/vz/import/appliance.ova": None, **{f"/dev/{device}": "qcow2" if device.endswith("qcow2") else "raw" for device in devices}}
    case.same({path: claim[1] for path, claim in host.claims().items()}, expected, "paths and formats")


def test_storages_below_no_root_are_findings(case):
    for properties, expected in (("", True), ("\tcontent iso,rootdir\n", True), ("\tcontent iso,backup\n", False), ("\tdisable\n", False), ("\tnodes two\n", False), ("\tnodes two,one\n", True), ("\tcontent-dirs iso=images,images=disks\n", False)):
        host = Host(case)
        host.put("storage.cfg", STORAGES.format(root=host.site.root) + f"dir: other\n\tpath {os.path.dirname(host.site.outside('x'))}\n{properties}")
        os.makedirs(host.site.outside("images"))
        scan = host.scan()
        pools = host.site.query("SELECT path FROM v_finding WHERE code = 'pool-not-scanned' AND NOT cleared")
        case.same((scan.code, pools), (0, [(host.site.outside("images"),)] if expected else []), f"a storage outside with {properties!r}", host.problems())


def test_a_logical_volume_that_is_not_active_is_no_doubt(case):
    host = Host(case, STORAGES + "lvm: thick\n\tvgname vg-that-is-not-there\n\n")
    make_raw(host.site.path("images/100/vm-100-disk-0.raw"))
    used = make_raw(host.site.path("images/100/vm-100-disk-7.raw"))
    overlay = create(host.site.path("overlay.qcow2"), MIB, used, "raw")

    def what_if():
        row = next(row for row in host.site.rows("--what-if-delete", overlay) if row["path"] == used)
        return row["verdict"], row["why_codes"]

    over = create(host.site.path("over.qcow2"), MIB, host.site.path("images/100/vm-100-disk-0.raw"), "raw")
    host.site.scan()
    os.unlink(over)
    host.vm("scsi0: thick:vm-100-disk-1\n")
    os.utime(os.path.join(host.place, "qemu-server/100.conf"), (1, 1))
    scan = host.scan()
    case.same((scan.code, host.verdict("100/vm-100-disk-0.raw")), (0, ("proven", None)), "it is not looked for among images", [str(host.site.findings())])
    case.same(what_if(), ("proven", None), "nor in a what-if")
    host.vm("scsi0: data:100/vm-100-disk-1.raw\n")
    os.utime(os.path.join(host.place, "qemu-server/100.conf"), (1, 1))
    host.scan()
    case.same(host.verdict("100/vm-100-disk-0.raw"), ("unproven", "inventory-incomplete"), "a file that is not there is")
    case.same(what_if(), ("unproven", "inventory-incomplete"), "in a what-if, too")


def test_containers_claim_volumes_and_no_directories(case):
    host = Host(case)
    for number in range(4):
        make_raw(host.site.path(f"images/200/vm-200-disk-{number}.raw"))
    make_raw(host.site.path("loop.img"))
    os.makedirs(host.site.path("images/200/subvol-200-disk-4.subvol/etc"))
    host.container("arch: amd64\nhostname: mail\nmp0: data:200/vm-200-disk-1.raw,mp=/srv,backup=1,ro=1,size=4M\n"
                   f"mp1: {host.site.root},mp=/host\nmp2: /dev/null,mp=/dev2\nmp3: data:200/subvol-200-disk-4.subvol,mp=/x,size=0T\nmp4: volume=data:200/vm-200-disk-3.raw,mp=/y\n"
                   "net0: name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:02,ip=dhcp,type=veth\nrootfs: data:200/vm-200-disk-0.raw,size=4M\nunused0: data:200/vm-200-disk-2.raw\n"
                   f"lxc.cgroup2.devices.allow: c 10:200 rwm\nlxc.mount.entry: /srv srv none bind,create=dir 0 0\nlxc.mount.entry = {host.site.path('loop.img')} mnt ext4 loop,ro 0 0\n\n[pve:pending]\ndelete: mp9\n\n"
                   "[snap]\nrootfs: data:200/vm-200-disk-0.raw,size=4M\nsnaptime: 1764000000\n")
    scan = host.scan()
    claims = host.claims()
    case.same(({path: claim[:1] for path, claim in claims.items()}, host.problems()),
              ({"images/200/vm-200-disk-0.raw": ("disk",), "images/200/vm-200-disk-1.raw": ("disk",), "images/200/vm-200-disk-2.raw": ("unused",),
                "images/200/vm-200-disk-3.raw": ("disk",), "/dev/null": ("disk",), "loop.img": ("disk",), ".": ("other",)}, []), "volumes, a device, what is mounted, and the directory that it sees", scan.notes())
    case.same(host.site.query("SELECT kind, name, uuid FROM v_machine"), [("container", "mail", "200")], "a container")
    case.same(host.site.value("SELECT read_only FROM v_claim WHERE path LIKE '%disk-1.raw'"), 1, "ro=1")


def test_arguments_for_qemu_claim_their_paths(case):
    host = Host(case)
    for name in ("a b.qcow2", "c.qcow2", "d.qcow2", "e,f.qcow2", "g.qcow2", "h.qcow2"):
        host.disk(name)
    images = host.site.path("images")
    firmware = make_raw(host.site.path("vars"))
    host.vm(f"args: -drive 'file={images}/a b.qcow2,if=none,id=x' -blockdev '{{\"driver\":\"file\",\"filename\":\"{images}/c.qcow2\"}}' -hda {images}/d.qcow2"
            f" -drive file={images}/e,,f.qcow2,format=qcow2 -drive if=pflash,file={firmware} -cpu host,+x -device vfio,sysfsdev=/sys/class -device x,y={firmware}.gone"
            f" -drive file=file:{images}/g.qcow2 -blockdev '{{\"driver\":\"file\",\"filename\":\"{images}/h.qcow2\"}}'\n".replace(images + "/h", (images + "/h").replace("/", "\\/")))
    host.scan()
    claims = {path: claim[0] for path, claim in host.claims().items()}
    case.same((claims, host.problems()), ({"images/a b.qcow2": "disk", "images/c.qcow2": "disk", "images/d.qcow2": "other", "images/e,f.qcow2": "disk", "images/g.qcow2": "disk", "images/h.qcow2": "disk", "vars": "firmware", "/sys/class": "other"}, []), "each path in them that leads somewhere is claimed")


def test_what_arguments_name_elsewhere_may_be_of_that_name(case):
    host = Host(case)
    host.orphan("disk.qcow2")
    for name, expected in (("other.qcow2", ("proven", None)), ("disk.qcow2", ("unproven", "inventory-incomplete"))):
        host.vm(f"args: -drive file={host.site.path('mnt', name)},if=virtio\n")
        scan = host.scan()
        case.same((scan.code, host.verdict("disk.qcow2"), host.site.findings()), (0, expected, set()), f"a drive {name} that is not there", scan.notes())


def test_what_backups_leave_is_claimed(case):
    host = Host(case)
    host.disk("100/vm-100-fleece-0.qcow2")
    host.vm("name: x\n\n[special:fleecing]\nfleecing-images: data:100/vm-100-fleece-0.qcow2,data:100/vm-100-fleece-1.qcow2\n")
    os.makedirs(host.site.path("dump"), exist_ok=True)
    with open(host.site.path("dump", "vzdump-qemu-100-2026_11_30-21_12_40.vma.zst"), "wb") as file:
        file.write(bytes.fromhex("28b52ffd0400590000564d4120782cd2e1b5"))
    host.scan("--exclude", "*.vma.zst")
    case.same(host.claims(), {"images/100/vm-100-fleece-0.qcow2": ("other", "qcow2", "found")}, "fleecing images")
    case.check(not any(code == "claim-missing" for code, _ in host.site.findings()), "one that is gone is no finding", [str(host.site.findings())])


# -- A cluster --------------------------------------------------------------------------------------------------------

CLUSTER = STORAGES + "dir: common\n\tpath {root}/common\n\tshared 1\n\ndir: two-only\n\tpath {root}/two\n\tshared 1\n\tnodes two,three\n\n"


def test_other_nodes_count_on_shared_storages_alone(case):
    host = Host(case, CLUSTER, nodes=("one", "two"))
    for name in ("images/100/vm-100-disk-0.qcow2", "images/101/vm-101-disk-0.qcow2", "common/images/101/vm-101-disk-1.qcow2", "two/images/101/vm-101-disk-2.qcow2"):
        write(create(host.site.path(name), MIB), 0)
    host.vm("name: own\nscsi0: data:100/vm-100-disk-0.qcow2\nscsi1: two-only:100/vm-100-disk-9.qcow2\n")
    host.vm("name: theirs\nargs: -drive file=/srv/x\nscsi0: data:101/vm-101-disk-0.qcow2\nscsi1: common:101/vm-101-disk-1.qcow2\nscsi2: two-only:101/vm-101-disk-2.qcow2\nscsi3: /dev/sdz\n", 101, "two")
    host.vm("name: apart\nscsi0: data:102/vm-102-disk-0.qcow2\n", 102, "two")
    host.scan()
    case.same(sorted(host.site.query("SELECT machine, path FROM v_claim")),
              sorted([("own", host.site.path("images/100/vm-100-disk-0.qcow2")), ("own", host.site.path("two/images/100/vm-100-disk-9.qcow2")), ("theirs", host.site.path("common/images/101/vm-101-disk-1.qcow2"))]), "another node's guest claims what it shares with this node")
    case.same(sorted(name for name, in host.site.query("SELECT name FROM v_machine")), ["own", "theirs"], "a guest with nothing here is none of this host")


def test_a_node_that_cannot_be_read_matters_where_storages_are_shared(case):
    for shared, expected in ((True, 3), (False, 0)):
        host = Host(case, CLUSTER if shared else STORAGES + "nfs: other\n\tpath /mnt/pve/other\n\tserver x\n\texport /y\n\tnodes two\n\nrbd: ceph\n\tpool x\n\n", nodes=("one", "two"))
        shutil.rmtree(os.path.join(host.place, "nodes/two/qemu-server"))
        host.put("nodes/two/qemu-server", "no directory")
        host.orphan("100/vm-100-disk-0.qcow2")
        scan = host.scan()
        case.same((scan.code, host.verdict("100/vm-100-disk-0.qcow2")), (expected, ("unproven", "inventory-incomplete") if shared else ("proven", None)),
                  f"the other node's guests are unknown, {'and' if shared else 'but'} {'a' if shared else 'no'} storage is shared", host.problems())


def test_a_cluster_that_is_not_mounted_is_no_empty_one(case):
    host = Host(case, storages=None)
    host.orphan("100/vm-100-disk-0.qcow2")
    shutil.rmtree(host.place)
    os.makedirs(host.place)
    scan = host.scan()
    case.same((scan.code, host.verdict("100/vm-100-disk-0.qcow2")), (3, ("unproven", "inventory-incomplete")), "an empty /etc/pve")
    case.check("pve-cluster" in host.problems()[0], "the finding names the service", host.problems())
    os.makedirs(os.path.join(host.place, "nodes/two/qemu-server"))
    os.symlink("nodes/one", os.path.join(host.place, "local"))
    host.put("storage.cfg", STORAGES.format(root=host.site.root))
    scan = host.scan()
    case.same((scan.code, host.problems()), (3, ["there is no node 'one' in it, which this host is taken for"]), "this node has no directory")
    os.makedirs(os.path.join(host.place, "nodes/one/qemu-server"))
    case.same((host.scan().code, host.problems()), (0, []), "and now it has")
    os.unlink(os.path.join(host.place, "storage.cfg"))
    case.same((host.scan().code, len(host.problems())), (3, 1), "storage.cfg is missing")


def test_links_that_lead_nowhere_are_no_empty_directories(case):
    host = Host(case)
    host.orphan("100/vm-100-disk-0.qcow2")
    case.same((host.scan().code, host.verdict("100/vm-100-disk-0.qcow2")), (0, ("proven", None)), "no guest uses it")
    nowhere = os.path.join(host.site.directory, "nowhere")
    for name in ("nodes/one/qemu-server/100.conf", "nodes/one/qemu-server", "nodes/one/lxc", "nodes/one", "nodes"):
        path = os.path.join(host.place, name)
        if os.path.isdir(path):
            os.rename(path, path + ".away")
        os.symlink(nowhere, path)
        case.same((host.scan().code, host.verdict("100/vm-100-disk-0.qcow2")), (3, ("unproven", "inventory-incomplete")), f"{name} leads nowhere", host.problems())
        os.unlink(path)
        if os.path.isdir(path + ".away"):
            os.rename(path + ".away", path)
    case.same(host.scan().code, 0, "and is there again")


def test_a_copy_of_one_node_is_read(case):
    host = Host(case)
    shutil.rmtree(os.path.join(host.place, "nodes"))
    for link in ("local", "qemu-server", "lxc"):
        os.unlink(os.path.join(host.place, link))
    os.makedirs(os.path.join(host.place, "qemu-server"))
    host.put("qemu-server/100.conf", "name: web\nscsi0: data:100/vm-100-disk-0.qcow2\n")
    host.disk("100/vm-100-disk-0.qcow2")
    scan = host.scan()
    case.same((scan.code, len(host.claims())), (0, 1), "qemu-server without nodes", host.problems())


# -- What is not understood -------------------------------------------------------------------------------------------

def test_what_is_not_understood_blocks(case):
    host = Host(case)
    host.orphan("100/vm-100-disk-0.qcow2")
    whole = "scsi0: data:100/vm-100-disk-1.qcow2,size=1M\n"
    host.disk("100/vm-100-disk-1.qcow2")
    for text, words in ((whole[:25], "is no volume"), ("scsi0: da", "is no volume"), ("scsi0:", "has no value"), ("scsi", "is not understood"), ("scsi0: gone:100/vm-100-disk-0.qcow2", "no storage"),
                        ("scsi0: media=disk", "names no volume"), ("[special:new]\nx: data:100/y.raw", "is a section"), ("[half", "is not understood"), ("scsi0: data:../../etc/x.raw", "is no volume"),
                        ("scsi0: data:100/vm-100-disk-0.vhdx", "is no volume"), ("scsi0: data:100", "is no volume"), ("scsi0: data:100/../x.raw", "is no volume"),
                        ("name: a\0b", "NUL"), ("scsi0: 100/vm-100-disk-1.raw", "is no volume"), ("scsi0: data:a/vm-100-disk-0.raw", "is no volume"), ("scsi0: data:1/a.raw/2", "is no volume")):
        host.vm(text)
        scan = host.scan()
        case.same((scan.code, host.verdict("100/vm-100-disk-0.qcow2")), (3, ("unproven", "inventory-incomplete")), f"{text!r} is not understood", scan.notes())
        case.check(words in "; ".join(host.problems()), f"{text!r}: {words}", host.problems())
    for text in (whole, "", "\n\n#scsi0: x\n   \n", "net0: virtio=BC:24:11:00:00:01\nide2: gone:iso/x.iso,media=cdrom\ntags: a;b\n", "unknown: value\nfuture0: 1,x=y\nempty:\n"):
        host.vm(text)
        scan = host.scan()
        case.same((scan.code, host.verdict("100/vm-100-disk-0.qcow2")), (0, ("proven", None)), f"{text!r} is", host.problems())
    host.put("nodes/one/qemu-server/100.conf.tmp", "scsi")
    host.put("nodes/one/qemu-server/x.conf", "scsi")
    case.same(host.scan().code, 0, "files that Proxmox VE does not read are not read", host.problems())


def test_storages_that_are_not_understood_block(case):
    for text, words in (("dir: x\n", "has no place"), ("lvm: x\n\tcontent images\n", "has no place"), ("zfspool: x\n", "has no place"), ("dir: x\n\tpath relative\n", "has no place"),
                        ("  path /x\n", "line 1"), ("word\n", "line 1"), ("dir x\n", "line 1"), ("dir: a b\n", "line 1"), ("dir: x\n\tpath /a\0b\n", "NUL")):
        host = Host(case, storages=None)
        host.put("storage.cfg", text)
        case.same(host.scan().code, 3, f"storage.cfg {text!r}", host.problems())
        case.check(words in "; ".join(host.problems()), f"storage.cfg {text!r}: {words}", host.problems())
    host = Host(case, "#comment\nDIR: x\n\tpath /x\n\n\nnew: kind\n\tsomething 1\n\n")
    case.same((host.scan().code, host.problems()), (0, []), "a storage of an unknown kind that nobody uses")
    host.vm("scsi0: kind:vm-100-disk-0\n")
    case.same((host.scan().code, len(host.problems())), (3, 1), "and one that is used")


def test_local_is_what_proxmox_makes_of_it(case):
    # parse_config of Plugin.pm puts /var/lib/vz where `local` is something else
    for storages in ("", "dir: local\n\tpath /srv\n", "nfs: local\n\tpath /srv\n\tserver x\n\texport /y\n", "dir: local\n\tpath /var/lib/vz\n\tnodes two\n"):
        host = Host(case, storages)
        host.vm("scsi0: local:100/vm-100-disk-0.raw\n")
        host.scan()
        case.same(list(host.claims()), ["/var/lib/vz/images/100/vm-100-disk-0.raw"], f"storage.cfg {storages!r}")


def test_names_of_every_byte_are_read(case):
    host = Host(case)
    odd = bytes(byte for byte in range(1, 256) if byte not in b"\n\r\t\v\f /,=\x85\xa0")
    folder = os.fsencode(host.site.path("images/100")) + b"/"
    os.makedirs(folder, exist_ok=True)
    host.vm(b"name: " + odd + b"\n" + b"".join(b"scsi%d: data:100/vm-100-%s.raw\n" % (number, part) for number, part in enumerate((odd[:100], odd[100:]))))
    for part in (odd[:100], odd[100:]):
        with open(folder + b"vm-100-" + part + b".raw", "wb") as file:
            file.truncate(MIB)
    scan = host.scan()
    case.same((scan.code, host.site.query("SELECT state FROM v_claim")), (0, [("found",), ("found",)]), "volumes with every byte that a name can have", host.problems())
    case.same(host.site.value("SELECT name FROM v_machine"), odd.decode("utf-8", "surrogateescape"), "a guest's name with them")


def test_hostile_sizes_take_linear_time(case):
    host = Host(case)
    begin = time.monotonic()
    host.put("storage.cfg", "".join(f"dir: s{number}\n\tpath /srv/{number}\n\n" for number in range(50000)))
    host.vm("".join(f"scsi{number}: s{number % 50000}:100/vm-100-disk-{number}.raw\n" for number in range(50000)) + "x: " + ",".join(["a:b"] * 200000) + "\nargs: " + "/," * 100000 + "\n")
    host.scan(roots=[host.site.root])
    case.check(time.monotonic() - begin < 60, "50,000 storages and as many disks of one guest", [f"{time.monotonic() - begin:.1f} s"])
    case.check(host.site.value("SELECT count(*) FROM v_claim") >= 50000, "are all there")
    host.vm("a" * (17 << 20))
    case.same(host.scan().code, 3, "a configuration of more than 16 MiB is not read", host.problems()[:1])


def test_ten_thousand_guests_are_read_at_once(case):
    host = Host(case)
    host.site.scan()
    for number in range(10000):
        host.vm(f"boot: order=scsi0\ncores: 2\nmemory: 2048\nname: vm{number}\nscsi0: data:{number}/vm-{number}-disk-0.qcow2,iothread=1,size=32G\nscsi1: data:{number}/vm-{number}-disk-1.raw,size=32G\n", number)
    begin = time.monotonic()
    host.scan()
    took = time.monotonic() - begin
    print(f"# 10,000 guests: {took:.2f} s")
    case.check(took < 10, "10,000 guests take less than ten seconds", [f"{took:.2f} s"])
    case.same(host.site.value("SELECT count(*) FROM v_machine"), 10000, "and are all there")


# -- This host --------------------------------------------------------------------------------------------------------

def test_auto_finds_it_and_which_guests_run(case):
    if reason := sites.why_no_mount_namespace():
        case.skip("/etc/pve is found", reason)
        return
    host = Host(case)
    for number in (100, 101, 102):
        host.disk(f"{number}/vm-{number}-disk-0.qcow2")
        host.vm(f"name: vm{number}\nscsi0: data:100/vm-100-disk-0.qcow2\n", number)
    host.vm("name: other\nscsi0: data:102/vm-102-disk-0.qcow2\n", 102)
    script = ('mount -t tmpfs none /etc && mkdir /etc/pve && cp -a "$0"/. /etc/pve && mount -t tmpfs none /run && mkdir /run/qemu-server &&'
              ' echo $$ > /run/qemu-server/100.pid && echo $$ > /run/qemu-server/101.pid && exec "$@"')
    host.site.prefix = ["unshare", "--mount", "sh", "-c", script, host.place]
    host.site.scan(inventory=None)
    case.same(host.site.query("SELECT name, state, defined_in FROM v_machine ORDER BY name"),
              [("other", "off", "/etc/pve/nodes/one/qemu-server/102.conf"), ("vm100", "running", "/etc/pve/nodes/one/qemu-server/100.conf"), ("vm101", "running", "/etc/pve/nodes/one/qemu-server/101.conf")], "guests of /etc/pve")
    case.check(("disk-in-two-machines", "images/100/vm-100-disk-0.qcow2") in host.site.findings(), "two that run have one disk", [str(host.site.findings())])


TESTS = [
    test_each_bus_claims_its_disks,
    test_without_the_guest_its_disk_is_an_orphan,
    test_linked_clones_and_templates_are_kept,
    test_snapshots_are_restore_points,
    test_snapshots_in_chains_are_files_of_their_own,
    test_other_storages_lead_where_they_should,
    test_storages_below_no_root_are_findings,
    test_a_logical_volume_that_is_not_active_is_no_doubt,
    test_containers_claim_volumes_and_no_directories,
    test_arguments_for_qemu_claim_their_paths,
    test_what_arguments_name_elsewhere_may_be_of_that_name,
    test_what_backups_leave_is_claimed,
    test_other_nodes_count_on_shared_storages_alone,
    test_a_node_that_cannot_be_read_matters_where_storages_are_shared,
    test_a_cluster_that_is_not_mounted_is_no_empty_one,
    test_links_that_lead_nowhere_are_no_empty_directories,
    test_a_copy_of_one_node_is_read,
    test_what_is_not_understood_blocks,
    test_storages_that_are_not_understood_block,
    test_local_is_what_proxmox_makes_of_it,
    test_names_of_every_byte_are_read,
    test_hostile_sizes_take_linear_time,
    test_ten_thousand_guests_are_read_at_once,
    test_auto_finds_it_and_which_guests_run,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Machines of Proxmox VE.", TESTS))
