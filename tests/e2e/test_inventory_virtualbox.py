#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Machines of VirtualBox beside their disks. Elements and attributes are those that Settings.cpp of VirtualBox 7 writes:
# buildMedium (HardDisk nested by parent, uuid in braces, location relative to the machine's folder, format, type, autoReset),
# buildStorageControllersXML (AttachedDevice, Image), buildSnapshotXML; those of 3.x are of readHardDiskAttachments_pre1_7.

import os

import harness
from beside import PROVEN, UNCOVERED, claims, forget, orphan, processor_time, put, verdict
from sites import MIB, create, make_raw

XMLNS = 'xmlns="http://www.virtualbox.org/" version="1.19-linux"'


def uuid(number):
    return f"{{0000000{number}-1111-4222-8333-444444444444}}"


def image(number, type="HardDisk"):
    return f'<StorageControllers><StorageController name="SATA" type="AHCI"><AttachedDevice type="{type}" port="0" device="0"><Image uuid="{uuid(number)}"/></AttachedDevice></StorageController></StorageControllers>'


def machine(disks, attached="", snapshots="", more="", media=""):
    return f"""<?xml version="1.0"?>
<VirtualBox {XMLNS}>
  <Machine uuid="{{ABCDEF00-1111-4222-8333-444444444444}}" name="desk" OSType="Debian_64" snapshotFolder="Snapshots"{more}>
    <MediaRegistry><HardDisks>{disks}</HardDisks>{media}</MediaRegistry>
    {snapshots}<Hardware><BIOS><NVRAM path="desk.nvram"/></BIOS></Hardware>
    {attached}
  </Machine>
</VirtualBox>
"""


def disk(number, location, inner="", more='type="Normal"', format="VDI"):
    return f'<HardDisk uuid="{uuid(number)}" location="{location}" format="{format}" {more}>{inner}</HardDisk>'


def vdi(site, *parts):
    return create(site.path(*parts), MIB, format="vdi")


def test_a_machine_claims_what_its_states_have_attached(case):
    site = case.site()
    for name in ("desk.vdi", "Snapshots/{a}.vdi", "Snapshots/{b}.vdi", "spare.vdi"):
        vdi(site, "desk", name)
    make_raw(site.path("desk", "tools.iso"))
    make_raw(site.path("desk", "desk.nvram"), 512)
    chain = disk(1, "desk.vdi", disk(2, "Snapshots/{a}.vdi", disk(3, "Snapshots/{b}.vdi", more=""), more="")) + disk(4, "spare.vdi")
    snapshots = f'<Snapshot uuid="{uuid(8)}" name="one"><Hardware/>{image(1)}<Snapshots><Snapshot uuid="{uuid(9)}" name="two"><Hardware/>{image(2)}</Snapshot></Snapshots></Snapshot>'
    dvds = f'<DVDImages><Image uuid="{uuid(5)}" location="tools.iso"/></DVDImages><FloppyImages/>'
    put(site.path("desk", "desk.vbox"), machine(chain, image(3) + image(5, "DVD") + image(7, "DVD"), snapshots, media=dvds))
    put(site.path("desk", "desk.vbox-prev"), machine(disk(6, "gone.vdi"), image(6)))
    case.same(site.scan(inventory=None).code, 0, "the state before the last change names what may be gone, and is not read")
    expected = [("Snapshots/{a}.vdi", "restore-point", "found"), ("Snapshots/{b}.vdi", "disk", "found"), ("desk.nvram", "firmware", "found"),
                ("desk.vdi", "restore-point", "found"), ("spare.vdi", "unused", "found"), ("tools.iso", "cdrom", "found")]
    case.same(claims(site), [("desk", "desk/" + name, role, state) for name, role, state in expected], "what the current state has is a disk, what snapshots have is one to go back to")
    case.same(site.query("SELECT source, kind, name, uuid, state FROM v_machine"), [("virtualbox", "vm", "desk", "abcdef00-1111-4222-8333-444444444444", "unknown")], "v_machine")


def test_a_machine_keeps_its_disk_and_covers_its_directory(case):
    site = case.site()
    disks = [orphan(site, *name, format=format, scan=False) for name, format in ((("vm", "mine.vmdk"), "vmdk"), (("vm", "old.vmdk"), "vmdk"), (("vm", "old.qcow2"), "qcow2"), (("vm", "sub", "old.vmdk"), "vmdk"))]
    site.scan()
    forget(*disks)
    put(site.path("vm", "vm.vbox"), machine(disk(1, "mine.vmdk", format="VMDK"), image(1)))
    case.same(site.scan(inventory=None).code, 0, "all is understood")
    case.same([verdict(site, "vm/" + name) for name in ("mine.vmdk", "old.vmdk", "old.qcow2", "sub/old.vmdk")], [None, PROVEN, UNCOVERED, UNCOVERED],
              "its disk is no candidate; what it does not name is proven, in its directory and of a format that it can have")


def test_types_of_media_are_read(case):
    site = case.site()
    for name in "abcdefg":
        vdi(site, name + ".vdi")
    disks = disk(1, "a.vdi", disk(2, "b.vdi", more='autoReset="true"'), 'type="Immutable"') + disk(3, "c.vdi", more='type="MultiAttach"') + disk(4, "d.vdi", more='type="Shareable"')
    disks += disk(5, "e.vdi", more='type="Writethrough"') + disk(6, "f.vdi", disk(7, "g.vdi", more="")) + f'<HardDisk uuid="{uuid(8)}" location="host|iqn.x" format="iSCSI"/>'
    put(site.path("vm.vbox"), machine(disks, image(2) + image(4) + image(5) + image(7)))
    case.same(site.scan(inventory=None).code, 0, "a medium of iSCSI is no file")
    rows = site.query("SELECT path, role, read_only, shareable, transient, format FROM v_claim WHERE role <> 'firmware' ORDER BY path")
    case.same([(os.path.basename(row[0])[0], *row[1:]) for row in rows],
              [("a", "restore-point", 1, 0, 0, "vdi"), ("b", "disk", 0, 0, 1, "vdi"), ("c", "template", 1, 0, 0, "vdi"), ("d", "disk", 0, 1, 0, "vdi"),
               ("e", "disk", 0, 0, 0, "vdi"), ("f", "restore-point", 0, 0, 0, "vdi"), ("g", "disk", 0, 0, 0, "vdi")], "v_claim")


def test_locations_of_windows_are_found_here(case):
    site = case.site()
    for name in ("a.vdi", "Snapshots/b.vdi"):
        vdi(site, "vm", name)
    put(site.path("vm", "vm.vbox"), machine(disk(1, "D:\\VMs\\vm\\a.vdi") + disk(2, "Snapshots\\b.vdi"), image(1) + image(2)))
    site.scan(inventory=None)
    case.same([row[1:] for row in claims(site) if row[3] == "found"], [("vm/Snapshots/b.vdi", "disk", "found"), ("vm/a.vdi", "disk", "found")], "by the last component, and with slashes turned")


def test_locations_that_differ_by_case_may_be_the_same(case):
    site = case.site()
    orphan(site, "vm", "disk.vdi", format="vdi")
    for written, expected in (("Disk.vdi", ("unreferenced", "unproven", "inventory-incomplete")), ("../Disk2.vdi", PROVEN), ("disk.vdi", None)):
        put(site.path("vm", "vm.vbox"), machine(disk(1, written), image(1)))
        site.scan(inventory=None)
        case.same(verdict(site, "vm/disk.vdi"), expected, f"a medium at {written}")


def test_registries_of_older_releases_are_claims(case):
    site = case.site()
    for name in ("HardDisks/a.vdi", "HardDisks/b.vdi", "c.vdi"):
        vdi(site, ".VirtualBox", name)
    old = f'<HardDisk uuid="{uuid(3)}"><VirtualDiskImage filePath="c.vdi"/></HardDisk>'
    registry = f'<MediaRegistry><HardDisks>{disk(1, "HardDisks/a.vdi", disk(2, "HardDisks/b.vdi", more=""))}{old}</HardDisks></MediaRegistry>'
    put(site.path(".VirtualBox", "VirtualBox.xml"), f'<VirtualBox {XMLNS}><Global><MachineRegistry/>{registry}</Global></VirtualBox>')
    case.same(site.scan(inventory=None).code, 0, "VirtualBox.xml of a user is read")
    case.same([(name, path.split("/", 1)[1], role) for name, path, role, _state in claims(site)],
              [("VirtualBox.xml", "HardDisks/a.vdi", "restore-point"), ("VirtualBox.xml", "HardDisks/b.vdi", "disk"), ("VirtualBox.xml", "c.vdi", "disk")], "its media are in use, by whom is not known")
    os.unlink(site.path(".VirtualBox", "VirtualBox.xml"))
    attachments = f'<HardDiskAttachments><HardDiskAttachment hardDisk="{uuid(1)}" bus="IDE" channel="primary" device="master"/></HardDiskAttachments>'
    put(site.path(".VirtualBox", "old.vbox"), machine(disk(1, "HardDisks/a.vdi"), attachments))
    site.scan(inventory=None)
    case.same([row[2:] for row in claims(site) if row[3] == "found"], [("disk", "found")], "attachments before 1.7 of the settings")


def test_states_are_what_the_file_has(case):
    site = case.site()
    for name, more in (("saved", ' stateFile="Snapshots/x.sav"'), ("aborted", ' aborted="true"'), ("plain", "")):
        put(site.path(name, name + ".vbox"), machine("", more=more).replace('name="desk"', f'name="{name}"'))
    site.scan(inventory=None)
    case.same(site.query("SELECT name, state FROM v_machine ORDER BY name"), [("aborted", "off"), ("plain", "unknown"), ("saved", "paused")], "saved, aborted, or not known")


def test_what_is_not_understood_blocks(case):
    site = case.site()
    orphan(site, "vm", "old.vmdk", format="vmdk")
    whole = machine(disk(1, "a.vdi"), image(1))
    broken = {
        "truncated": whole[:len(whole) // 2], "empty": "", "entities": whole.replace("<VirtualBox", '<!DOCTYPE x [<!ENTITY a "b">]><VirtualBox', 1), "no machine": f"<VirtualBox {XMLNS}/>",
        "another root": "<domain><Machine/></domain>", "encrypted": f'<VirtualBox {XMLNS}><MachineEncrypted uuid="{uuid(1)}" keyId="k"/></VirtualBox>',
        "an unregistered disk": machine("", image(1)), "a medium without location": machine(f'<HardDisk uuid="{uuid(1)}" format="VDI"/>'),
        "one without identity": machine('<HardDisk location="x.vdi" format="VDI"/>'), "depth": "<VirtualBox>" + "<a>" * 5000, "many elements": f"<VirtualBox {XMLNS}>" + "<a/>" * 200_000 + "</VirtualBox>",
    }
    for name, text in broken.items():
        put(site.path("vm", "vm.vbox"), text)
        case.same((site.scan(inventory=None).code, (verdict(site, "vm/old.vmdk")[2] or "").split(",")[0]), (3, "inventory-incomplete"), f"{name}: nothing is proven")
    put(site.path("vm", "vm.vbox"), machine(""))
    case.same((site.scan(inventory=None).code, verdict(site, "vm/old.vmdk")), (0, PROVEN), "a machine without disks uses nothing")


def test_what_is_large_or_deep_is_read_soon(case):
    site = case.site()
    deep = "".join(f'<Snapshot uuid="{uuid(2)}"><Snapshots>' for _i in range(250)) + image(1) + "</Snapshots></Snapshot>" * 250
    vdi(site, "deep", "a.vdi")
    put(site.path("deep", "vm.vbox"), machine(disk(1, "a.vdi"), "", deep))
    case.same(site.scan(inventory=None).code, 0, "250 snapshots of snapshots are what VirtualBox allows")
    case.same([row[2] for row in claims(site) if row[3] == "found"], ["restore-point"], "and the innermost one is a snapshot")
    same = "".join(disk(1, f"{i}.vdi") for i in range(40_000))
    put(site.path("deep", "vm.vbox"), machine(same, image(1) * 10_000))
    took = processor_time(lambda: site.scan(inventory=None))
    case.check(took < 10, f"one identity 40,000 times, attached 10,000 times: {took:.1f} s")


def test_ten_thousand_machines_are_read_soon(case):
    site = case.site()
    text = machine(disk(1, "a.vdi", disk(2, "b.vdi", more="")), image(2), f'<Snapshot uuid="{uuid(8)}">{image(1)}</Snapshot>')
    for i in range(10_000):
        put(site.path(f"{i:04}", "vm.vbox"), text)
    took = processor_time(lambda: site.scan(inventory=None))
    case.check(took < 10, f"are read in under 10 s: {took:.1f} s of processor time, with the whole scan")
    case.same(site.value("SELECT count(*) FROM v_machine"), 10_000, "all of them")


TESTS = [
    test_a_machine_claims_what_its_states_have_attached,
    test_a_machine_keeps_its_disk_and_covers_its_directory,
    test_types_of_media_are_read,
    test_locations_of_windows_are_found_here,
    test_locations_that_differ_by_case_may_be_the_same,
    test_registries_of_older_releases_are_claims,
    test_states_are_what_the_file_has,
    test_what_is_not_understood_blocks,
    test_what_is_large_or_deep_is_read_soon,
    test_ten_thousand_machines_are_read_soon,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Machines of VirtualBox.", TESTS))
