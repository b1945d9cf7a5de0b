#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Images of machines that are known by their names and places alone. The layouts are those of each platform's own source, as
# src/inventory names it: OpenNebula (tm_mad/qcow2), nova (libvirt/blockinfo.py, imagebackend.py), and the rest of named.c.

import json
import os

import harness
from beside import PROVEN, UNCOVERED, claims, forget, orphan, processor_time, put, verdict
from sites import KIB, MIB, create, make_raw, write

A = "11111111-2222-4333-8444-555555555555"
B = "99999999-2222-4333-8444-555555555555"
SHA = "0a4d55a8d778e5022fab701977c5d840bbc486d0"


def test_snapshots_of_opennebula_are_restore_points(case):
    site = case.site()
    base = write(create(site.path("datastores", "1", "6f3a"), MIB), 0, 1, 2)
    snap = site.path("datastores", "0", "42", "disk.0.snap", "")
    os.symlink(".", snap + "disk.0.snap")
    write(create(snap + "0", MIB, base), 0)
    write(create(snap + "1", MIB, "disk.0.snap/0"), 0, 1)
    os.symlink("disk.0.snap/1", site.path("datastores", "0", "42", "disk.0"))
    make_raw(site.path("datastores", "0", "42", "disk.1"), 64 * KIB)
    case.same(site.scan(inventory=None).code, 0, "the chain is followed")
    case.same([(name, path[len("datastores/"):], role) for name, path, role, state in claims(site) if state == "found"],
              [("datastore 1", "1/6f3a", "template"), ("one-42", "0/42/disk.0", "disk"), ("one-42", "0/42/disk.0.snap/0", "restore-point"),
               ("one-42", "0/42/disk.0.snap/1", "restore-point"), ("one-42", "0/42/disk.1", "disk")], "one machine, its disks, and the snapshots of the user")
    case.same(site.unused(partly=True), {}, "no snapshot is called masked by the one on it")
    case.same(site.query("SELECT format FROM v_image WHERE path LIKE '%/disk.1'"), [("raw",)], "a disk without magic is a raw one")


def test_persistent_images_of_opennebula_have_snapshots(case):
    site = case.site()
    first = write(create(site.path("datastores", "100", "ab24.snap", "0"), MIB), 0)
    write(create(site.path("datastores", "100", "ab24.snap", "1"), MIB, first), 0)
    os.symlink("ab24.snap/1", site.path("datastores", "100", "ab24"))
    for name in ("base", "base.1"):
        create(site.path("datastores", "0", "7", "disk.0.snap", name), MIB)
    site.scan(inventory=None)
    case.same([(path[len("datastores/"):], role) for _name, path, role, _state in claims(site)],
              [("100/ab24", "template"), ("100/ab24.snap/0", "restore-point"), ("100/ab24.snap/1", "restore-point"),
               ("0/7/disk.0.snap/base", "restore-point"), ("0/7/disk.0.snap/base.1", "restore-point")], "in an image datastore, and what incremental backups begin with")
    case.same(site.unused(partly=True), {}, "none is a candidate")


def test_instances_of_nova_have_disks_of_fixed_names(case):
    site = case.site()
    names = ["disk", "disk.local", "disk.swap", "disk.eph0", "disk.rescue", "disk.config", "kernel"]
    for name in names:
        make_raw(site.path("instances", A, name), 64 * KIB)
    make_raw(site.path("instances", A, "console.log"), 64 * KIB)
    orphan(site, "instances", A, "disk.eph1")
    orphan(site, "instances", B + "_resize", "disk")
    orphan(site, "instances", "instance-0000001f", "disk")
    orphan(site, "instances", "other", "disk")
    site.scan(inventory=None)
    roles = {path: role for _name, path, role, _state in claims(site)}
    case.same([roles.get(f"instances/{A}/{name}") for name in [*names, "console.log"]], ["disk"] * 5 + ["cdrom", "firmware", None], "disks, the configuration drive, the kernel")
    case.same(roles[f"instances/{B}_resize/disk"], "restore-point", "what a resize can be undone with")
    case.same(list(site.unused(partly=True)), ["instances/other/disk"], "in another directory the name means nothing")
    case.same(verdict(site, "instances/other/disk"), UNCOVERED, "and nothing is proven of it")
    case.same(site.value("SELECT count(*) FROM v_image WHERE format = 'raw'"), 5, "disks without magic are raw images; other files are not")


def test_formats_of_nova_are_those_of_disk_info(case):
    site = case.site()
    fake = create(site.path(A, "disk"), MIB)
    put(site.path(A, "disk.info"), json.dumps({f"/var/lib/nova/instances/{A}/disk": "raw", "/x/disk.local": "qcow2"}))
    site.scan(inventory=None)
    case.same(site.query("SELECT format, virtual_size FROM v_image"), [("raw", -(-os.path.getsize(fake) // 512) * 512)], "a raw disk whose guest wrote the beginning of a qcow2 image stays a raw one")
    os.unlink(site.path(A, "disk.info"))
    site.scan(inventory=None)
    case.same(site.query("SELECT format, virtual_size FROM v_image"), [("qcow2", MIB)], "without it the content counts")
    for text in ("", "[]", '{"/x/disk": ', "[" * 100_000, "\xff\0"):
        put(site.path(A, "disk.info"), text.encode("latin-1"))
        case.same((site.scan(inventory=None).code, ("inventory-unreadable", A + "/disk.info") in site.findings()), (3, True), f"{text[:9]!r} is no such file")
    put(site.path(A, "disk.info"), json.dumps({"/x/disk": 5, "disk": None}))
    case.same(site.scan(inventory=None).code, 0, "an entry that is no text states nothing")


def test_images_of_nova_are_images_by_their_place(case):
    site = case.site()
    names = [SHA, SHA + "_20", "ephemeral_20_default", "ephemeral_1_40d1d2c", "swap_512"]
    for name in [*names, "README", SHA + ".part"]:
        make_raw(site.path("_base", name), 64 * KIB)
        make_raw(site.path("base", name), 64 * KIB)
    site.scan(inventory=None)
    case.same([site.relative(path) for path, in site.query("SELECT path FROM v_image ORDER BY path")], sorted("_base/" + name for name in names), "raw files below _base, by their names")
    case.same(claims(site), [], "nothing uses them by that")
    case.same(sorted(site.unused()), sorted("_base/" + name for name in names), "what no instance stands on is a candidate")


PLACES = {
    "cloudstack": [("tmpl/snapshots/2/5/" + A, "restore-point"), (f"sec/template/tmpl/2/201/{A}.qcow2", "template"), (f"sec/volumes/2/9/{A}.qcow2", "disk"),
                   (f"sec/template/tmpl/2/202/{A}.raw", "template"), (f"sec/template/tmpl/2/203/{A}.vmdk", "template"), (f"sec/volumes/2/10/{A}.raw", "disk"), (f"sec/volumes/2/11/{A}.vmdk", "disk")],
    "opennebula": [("datastores/100/42/abc123/disk.0.0", "restore-point"), ("datastores/100/42/abc123/disk.0.1", "restore-point"), ("datastores/0/42/backup/disk.0.3", "restore-point"), ("datastores/0/42/tmp/overlay_0.qcow2", "disk")],
    "longhorn": [("replicas/pvc-1-abc/volume-head-001.img", "disk"), ("replicas/pvc-1-abc/volume-snap-s1.img", "restore-point"), ("backing-images/deb-7a/backing", "template")],
    "ganeti": [("file-storage/vm1/disk0", "disk"), (f"shared-file-storage/vm1/{A}.sharedfile.disk12", "disk")],
    "vagrant": [("pool/generic-VAGRANTSLASH-debian12_vagrant_box_image_4.3.12_box.img", "template"), ("pool/test_vagrant_box_image_0.img", "template"),
                (".vagrant.d/boxes/debian/12.1/libvirt/box.img", "template"), (".vagrant.d/boxes/debian/12.1/libvirt/amd64/box_1.img", "template"), (".vagrant.d/boxes/d/1/virtualbox/d-disk001.vmdk", "template")],
    "lima": [(".lima/default/diffdisk", "disk"), (".lima/default/basedisk", "restore-point"), (".lima/_disks/data/datadisk", "disk"), (".colima/_lima/colima/diffdisk", "disk")],
    "multipass": [("vault/instances/primary/ubuntu-24.04-server-cloudimg-amd64.img", "disk")],
    "incus": [("storage-pools/default/virtual-machines/v1/root.img", "disk"), ("storage-pools/default/virtual-machines-snapshots/v1/snap0/root.img", "restore-point"),
              ("storage-pools/p/custom/default_vol/root.img", "disk"), ("incus/images/" + SHA + ".rootfs", "template"), ("incus/disks/default.img", "disk"), ("common/lxd/disks/my pool.img", "disk")],
    "minikube": [(".minikube/machines/minikube/minikube.rawdisk", "disk"), (".minikube/machines/minikube/disk.qcow2", "disk")],
    "android": [("avd/Pixel.avd/userdata-qemu.img.qcow2", "disk"), ("avd/Pixel.avd/sdcard.img", "disk")],
    "glance": [("glance/images/" + A, "template")],
    "cinder": [(f"cinder/mnt/{SHA}/volume-{A}", "disk"), (f"cinder/mnt/{SHA}/volume-{A}.{B}", "restore-point")],
}
# The same names elsewhere, and others there.
ELSEWHERE = [f"snapshots/2/{A}", "template/tmpl/2/201/x.qcow2", "replicas/volume-head-001.img", "replicas/pvc/volume-head-x.img", "backing-images/backing", "file-storage/disk0", "file-storage/vm1/disk",
             "pool/vagrant_box_image_0.img", "boxes/debian/12.1/libvirt/box.img", "default/diffdisk", ".lima/diffdisk", "instances/primary/a.img", "virtual-machines/v1/root.img",
             "machines/minikube/minikube.rawdisk", "avd/Pixel.avd/sub/sdcard.img", "glance/images/" + A[:-1], "glance/images/" + A.replace("1", "g"), f"mnt/volume-{A}", "2x/disk.0", "42/disk.x", "42/disk.0.snap/x", "disks/default.img", "incus/disks/default.raw", "incus/disks/.img", "x/backup/disk.0.0", "42/tmp/overlay_x.qcow2", f"template/tmpl/2/201/{A}.iso", f"datastores/x/{SHA}"]


def test_places_show_what_an_image_is(case):
    site = case.site()
    for path, _role in (rule for rules in PLACES.values() for rule in rules):
        make_raw(site.path(path), 64 * KIB)
    for path in ELSEWHERE:
        make_raw(site.path("else", path), 64 * KIB)
    make_raw(site.path("snapshots", "2", "5", A), 64 * KIB)
    site.scan(inventory=None)
    found = {(source, site.relative(path)): role for source, path, role in site.query("SELECT m.source, c.path, c.role FROM v_claim AS c JOIN v_machine AS m USING (machine_id) WHERE c.state = 'found'")}
    for kind, rules in PLACES.items():
        case.same([found.get((kind, path)) for path, _role in rules], [role for _path, role in rules], kind)
    case.same([path for _kind, path in found if path.startswith("else/")], [], "the same names elsewhere, and others there, say nothing")


def test_a_claimed_name_is_no_candidate(case):
    site = case.site()
    disks = [orphan(site, path, scan=False) for path in (".lima/default/diffdisk", "lima/default/diffdisk")]
    site.scan()
    forget(*disks)
    site.scan(inventory=None)
    case.same((verdict(site, ".lima/default/diffdisk"), verdict(site, "lima/default/diffdisk")), (None, UNCOVERED), "what lies in its place is kept; elsewhere it is not, nor is it proven")
    site.scan(inventory="none")
    case.same(verdict(site, ".lima/default/diffdisk"), PROVEN, "--inventory none asks nobody")


def test_what_lies_beside_images_is_read_with_every_inventory(case):
    """Who names an inventory of the host does not vouch for machines that lie elsewhere."""
    site = case.site()
    names = ("vw/d.vmdk", f"ov/{A}", f"instances/{B}/disk", "free.qcow2")
    disks = [orphan(site, *name.split("/"), format="vmdk" if name.endswith("vmdk") else "qcow2", scan=False) for name in names]
    site.scan()
    forget(*disks)
    put(site.path("vw", "w.vmx"), '.encoding = "UTF-8"\nscsi0:0.present = "TRUE"\nscsi0:0.fileName = "d.vmdk"\n')
    put(site.path("ov", A + ".meta"), "DOMAIN=x\nVOLTYPE=LEAF\nFORMAT=COW\nIMAGE=i\nPUUID=00000000-0000-0000-0000-000000000000\nLEGALITY=LEGAL\nEOF\n")
    lines = put(os.path.join(site.directory, "list"), f"{make_raw(site.outside('install.iso'))}\tother\tcdrom\n")
    libvirt = os.path.join(site.directory, "etc", "libvirt")
    os.makedirs(os.path.join(libvirt, "qemu"))
    for options in ((f"list:{lines}",), (f"libvirt:{libvirt}",), (f"list:{lines}", "auto"), ("none", f"list:{lines}")):
        site.scan(*(word for option in options[1:] for word in ("--inventory", option)), inventory=options[0])
        case.same(({name: verdict(site, name) for name in names}), {**dict.fromkeys(names[:3]), "free.qcow2": PROVEN}, f"--inventory {' and '.join(option.partition(':')[0] for option in options)}")
    with open(lines, encoding="utf-8") as given:
        site.scan(inventory="-", stdin=given)
    case.same(sorted(site.unused()), ["free.qcow2"], "--inventory -")
    site.scan(inventory="none")
    case.same({name: verdict(site, name) for name in names}, dict.fromkeys(names, PROVEN), "--inventory none alone asks nobody")


def test_many_names_are_read_soon(case):
    site = case.site()
    for i in range(10_000):
        put(site.path("0", str(i), "disk.0"), "x")
    took = processor_time(lambda: site.scan(inventory=None))
    case.check(took < 10, f"10,000 machines: {took:.1f} s of processor time, with the whole scan")
    case.same(site.value("SELECT count(*) FROM v_machine"), 10_000, "all of them")


TESTS = [
    test_snapshots_of_opennebula_are_restore_points,
    test_persistent_images_of_opennebula_have_snapshots,
    test_instances_of_nova_have_disks_of_fixed_names,
    test_formats_of_nova_are_those_of_disk_info,
    test_images_of_nova_are_images_by_their_place,
    test_places_show_what_an_image_is,
    test_a_claimed_name_is_no_candidate,
    test_what_lies_beside_images_is_read_with_every_inventory,
    test_many_names_are_read_soon,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Images whose places say what they are.", TESTS))
