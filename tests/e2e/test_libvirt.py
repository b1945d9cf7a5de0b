#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# A real libvirt, and QEMU without a guest's system: what it makes of disks while machines are defined, run, are snapshotted, merged
# and removed. After each step no file that libvirt needs may be called unused, and what nothing needs must be.

import os

import harness
import real_libvirt
from sites import MIB, create, make_raw, write


class Scene:
    """Machines in one directory. All of them are gone at the end: the next scene has another."""

    def __init__(self, case):
        self.case = case
        self.libvirt = real_libvirt.running()
        self.virsh = self.libvirt.virsh
        self.site = case.site()
        self.path = self.site.path

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in self.libvirt.lines("list", "--name"):
            self.libvirt.try_virsh("destroy", name)
        for name in self.libvirt.lines("list", "--all", "--name"):
            self.virsh("undefine", name, "--managed-save", "--snapshots-metadata", "--checkpoints-metadata", "--nvram")
        for name in self.libvirt.lines("pool-list", "--all", "--name"):
            self.libvirt.try_virsh("pool-destroy", name)
            self.virsh("pool-undefine", name)

    def define(self, name, *disks, start=False):
        inner = "".join(text.replace("TARGET", f"<target dev='vd{'abc'[number]}' bus='virtio'/>") for number, text in enumerate(disks))
        text = f"<domain type='qemu'><name>{name}</name><memory unit='MiB'>16</memory><os><type arch='x86_64'>hvm</type></os><features><acpi/></features>"
        text += f"<devices>{inner}<memballoon model='none'/></devices></domain>"
        path = os.path.join(self.site.directory, f"{name}.xml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        self.virsh("define", path)
        if start:
            self.virsh("start", name)

    def is_as_needed(self, words, *garbage, masked=()):
        """One scan. `garbage`: the names of the images that nothing needs."""
        scan = self.site.scan(inventory=self.libvirt.source)
        needed = {os.path.relpath(path, self.site.root) for path in self.libvirt.needed()}
        unused = self.site.unused(partly=True)
        listed = {name: row["verdict"] for name, row in unused.items() if row["status"] == "unreferenced"}
        listed |= {self.site.relative(row["path"]): row["verdict"] for row in self.site.rows("--unclaimed")}
        notes = [f"libvirt needs {sorted(needed)}", str(self.site.query("SELECT machine, role, path, state FROM v_claim")), str(self.site.findings()), *scan.notes()]
        self.case.same(scan.code, 0, f"{words}: all of it is understood", notes)
        self.case.same(sorted(needed & set(listed)), [], f"{words}: nothing that libvirt needs is called unused", notes)
        self.case.same(listed, {name: "proven" for name in garbage}, f"{words}: and what is not needed is, proven", notes)
        self.case.same(needed & set(garbage), set(), f"{words}: the test expects what libvirt does", notes)

    def state(self, name):
        return self.site.value("SELECT state FROM v_machine WHERE name = ?", name)


def disk(path, format="qcow2", inner="", device="disk"):
    return f"<disk type='file' device='{device}'><driver name='qemu' type='{format}'/><source file='{path}'/>{inner}TARGET</disk>"


def test_defined_started_and_removed_machines_keep_and_leave_disks(case):
    with Scene(case) as scene:
        one, two, three = (write(create(scene.path(f"{name}.qcow2")), 0) for name in ("one", "two", "three"))
        cd = make_raw(scene.path("cd.iso"))
        scene.is_as_needed("without machines", "one.qcow2", "two.qcow2", "three.qcow2")
        scene.define("web", disk(one), disk(cd, "raw", "<readonly/>", "cdrom").replace("TARGET", "<target dev='sda' bus='sata'/>"))
        scene.define("db", disk(two))
        scene.is_as_needed("defined", "three.qcow2")
        case.same(scene.state("web"), "off", "and off")
        scene.virsh("start", "web")
        scene.is_as_needed("started", "three.qcow2")
        case.same(scene.state("web"), "running", "it runs")
        scene.virsh("suspend", "web")
        scene.virsh("attach-disk", "web", three, "vdb", "--live", "--subdriver", "qcow2")
        scene.is_as_needed("paused, with one more disk while it runs")
        case.same(scene.state("web"), "paused", "it is paused")
        scene.virsh("resume", "web")
        scene.virsh("managedsave", "web")
        scene.is_as_needed("put aside, with the disk that it has no more by its definition")
        scene.virsh("managedsave-remove", "web")
        scene.is_as_needed("what was put aside removed", "three.qcow2")
        scene.virsh("pool-define-as", "main", "dir", "--target", scene.site.root)
        scene.virsh("pool-start", "main")
        scene.virsh("undefine", "web", "--remove-all-storage")
        scene.virsh("undefine", "db")
        scene.is_as_needed("undefined, one of them with its storage", "two.qcow2", "three.qcow2")
        case.same(os.path.exists(one), False, "which libvirt removed")


def test_snapshots_and_their_merging_leave_what_can_be_gone_back_to(case):
    with Scene(case) as scene:
        base = write(create(scene.path("base.qcow2"), MIB), 0, 1)
        scene.define("web", disk(base), start=True)
        scene.virsh("snapshot-create-as", "web", "s1", "--disk-only", "--diskspec", f"vda,file={scene.path('s1.qcow2')}")
        scene.is_as_needed("an external snapshot")
        case.same(scene.site.query("SELECT role, path FROM v_claim WHERE path = ? ", base), [("backing", base), ("restore-point", base)], "its base is a restore point")
        for name in ("a", "b", "c"):
            scene.virsh("snapshot-create-as", "web", name, "--disk-only", "--no-metadata", "--diskspec", f"vda,file={scene.path(name + '.qcow2')}")
        scene.is_as_needed("three more without metadata, as backups make them")
        scene.virsh("blockcommit", "web", "vda", "--active", "--wait", "--top", scene.path("c.qcow2"), "--base", scene.path("b.qcow2"))
        scene.is_as_needed("the active layer being committed")
        scene.virsh("blockjob", "web", "vda", "--pivot")
        scene.is_as_needed("committed", "c.qcow2")
        scene.virsh("blockcommit", "web", "vda", "--wait", "--top", scene.path("a.qcow2"), "--base", scene.path("s1.qcow2"))
        scene.is_as_needed("a layer between committed", "a.qcow2", "c.qcow2")
        scene.virsh("snapshot-delete", "web", "s1", "--metadata")
        scene.is_as_needed("the snapshot's metadata deleted", "a.qcow2", "c.qcow2")
        scene.virsh("blockpull", "web", "vda", "--wait")
        scene.is_as_needed("all pulled into the active layer: what it stood on is there for a.qcow2 alone", "a.qcow2", "c.qcow2")
        scene.virsh("destroy", "web")
        for name in ("a.qcow2", "c.qcow2"):
            os.unlink(scene.path(name))
        scene.is_as_needed("off, and what was merged removed", "s1.qcow2")
        os.unlink(scene.path("s1.qcow2"))
        scene.is_as_needed("and what that stood on", "base.qcow2")


def test_internal_snapshots_and_reverts_keep_the_disk(case):
    with Scene(case) as scene:
        base = write(create(scene.path("base.qcow2"), MIB), 0)
        over = create(scene.path("over.qcow2"), MIB, base)
        scene.define("web", disk(over))
        scene.virsh("snapshot-create-as", "web", "s1")
        scene.is_as_needed("an internal snapshot")
        write(over, 3)
        scene.virsh("snapshot-revert", "web", "s1")
        scene.is_as_needed("reverted")
        scene.virsh("snapshot-delete", "web", "s1")
        scene.is_as_needed("deleted")
        scene.virsh("undefine", "web")
        scene.is_as_needed("undefined", "over.qcow2")


def test_copies_checkpoints_and_transient_disks_are_known(case):
    with Scene(case) as scene:
        source = write(create(scene.path("source.qcow2"), MIB), 0)
        scene.define("web", disk(source), start=True)
        scene.virsh("checkpoint-create-as", "web", "c1")
        scene.is_as_needed("a checkpoint")
        scene.virsh("blockcopy", "web", "vda", "--dest", scene.path("copy.qcow2"), "--format", "qcow2", "--wait", "--transient-job")
        scene.is_as_needed("a copy that is ready")
        scene.virsh("blockjob", "web", "vda", "--pivot")
        scene.is_as_needed("on the copy: the checkpoint has the source")
        scene.virsh("checkpoint-delete", "web", "c1", "--metadata")
        scene.is_as_needed("without the checkpoint", "source.qcow2")
        scene.virsh("destroy", "web")
        kiosk = write(create(scene.path("kiosk.qcow2"), MIB), 0)
        scene.define("kiosk", disk(kiosk, inner="<transient/>"), start=True)
        scene.is_as_needed("a transient disk, running", "source.qcow2")
        case.same(sorted(name for name in os.listdir(scene.site.root) if "TRANSIENT" in name), ["kiosk.qcow2.TRANSIENT-kiosk"], "it has an overlay")
        scene.virsh("destroy", "kiosk")
        scene.is_as_needed("off", "source.qcow2")


def test_chains_by_hand_and_volumes_are_followed(case):
    with Scene(case) as scene:
        low, top, free = write(create(scene.path("low.qcow2"), MIB), 0), create(scene.path("top.qcow2"), MIB), create(scene.path("free.qcow2"), MIB)
        by_hand = f"<backingStore type='file'><format type='qcow2'/><source file='{low}'/><backingStore/></backingStore>"
        scene.define("hand", disk(top, inner=by_hand))
        scene.virsh("pool-define-as", "main", "dir", "--target", scene.site.root)
        scene.virsh("pool-start", "main")
        scene.virsh("vol-create-as", "main", "volume.qcow2", "1M", "--format", "qcow2")
        scene.define("vol", "<disk type='volume' device='disk'><driver name='qemu' type='qcow2'/><source pool='main' volume='volume.qcow2'/>TARGET</disk>")
        scene.is_as_needed("a chain by hand, and a volume", os.path.basename(free))
        scene.virsh("start", "hand")
        scene.virsh("start", "vol")
        scene.is_as_needed("both running", "free.qcow2")
        scene.virsh("destroy", "vol")
        scene.virsh("undefine", "vol", "--remove-all-storage")
        scene.virsh("destroy", "hand")
        scene.virsh("undefine", "hand")
        scene.is_as_needed("both gone", "free.qcow2", "low.qcow2", "top.qcow2")
        elsewhere = case.site()
        elsewhere.scan(inventory=scene.libvirt.source)
        case.same([code for code, _ in elsewhere.findings()], ["pool-not-scanned"], "a scan of another directory misses the pool")


TESTS = [
    test_defined_started_and_removed_machines_keep_and_leave_disks,
    test_snapshots_and_their_merging_leave_what_can_be_gone_back_to,
    test_internal_snapshots_and_reverts_keep_the_disk,
    test_copies_checkpoints_and_transient_disks_are_known,
    test_chains_by_hand_and_volumes_are_followed,
]


def with_libvirt(test):
    def run(case):
        reason = real_libvirt.reason_not_to()
        if reason is not None:
            return case.skip(test.__name__, reason)
        return test(case)
    run.__name__ = test.__name__
    return run


if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Machines of a real libvirt.", [with_libvirt(test) for test in TESTS]))
