#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Machines of VMware beside their disks. The fields are those that Workstation and ESXi write: the lines' form is that of
# DictLL_UnmarshalLine and DictLL_MarshalLine in open-vm-tools; names and values of devices are those of "Virtual machine
# configuration (.vmx) files", snapshots those of NAME.vmsd (Broadcom's knowledge base, "Consolidating snapshots").

import os

import harness
from beside import PROVEN, UNCOVERED, claims, forget, orphan, processor_time, put, verdict
from sites import MIB, create, make_raw, write

HEAD = '#!/usr/bin/vmware\n.encoding = "UTF-8"\nconfig.version = "8"\nvirtualHW.version = "19"\n'
VMX = HEAD + """displayName = "Web server"
uuid.bios = "56 4d 3e 5f 01 02 03 04-05 06 07 08 09 0a 0b 0c"
nvram = "web.nvram"
scsi0.present = "TRUE"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "web-000001.vmdk"
SCSI0:1.PRESENT = "true"
scsi0:1.filename = "data.vmdk"
scsi0:1.mode = "independent-nonpersistent"
ide1:0.present = "TRUE"
ide1:0.deviceType = "cdrom-image"
ide1:0.fileName = "tools.iso"
ide1:1.present = "TRUE"
ide1:1.deviceType = "cdrom-raw"
ide1:1.fileName = "auto detect"
floppy0.fileType = "file"
floppy0.fileName = "boot.flp"
sata0:3.present = "FALSE"
sata0:3.fileName = "detached.vmdk"
"""
VMSD = """.encoding = "UTF-8"
snapshot.lastUID = "1"
snapshot.current = "1"
snapshot0.uid = "1"
snapshot0.filename = "web-Snapshot1.vmsn"
snapshot0.displayName = "before the upgrade"
snapshot0.numDisks = "1"
snapshot0.disk0.fileName = "web.vmdk"
snapshot0.disk0.node = "scsi0:0"
snapshot.numSnapshots = "1"
"""


def disk_line(name, device="scsi0:0"):
    return f'{device}.present = "TRUE"\n{device}.fileName = "{name}"\n'


def test_a_machine_claims_what_it_names(case):
    site = case.site()
    base = write(create(site.path("web", "web.vmdk"), MIB, format="vmdk"), 0, format="vmdk")
    create(site.path("web", "web-000001.vmdk"), MIB, base, "vmdk", format="vmdk")
    orphan(site, "web", "data.vmdk", format="vmdk")
    put(site.path("web", "web.vmx"), VMX)
    put(site.path("web", "web.vmsd"), VMSD)
    make_raw(site.path("web", "tools.iso"))
    case.same(site.scan(inventory=None).code, 0, "what is not there of floppy, firmware and detached disks is no finding")
    create(site.path("web", "detached.vmdk"), MIB, format="vmdk")
    make_raw(site.path("web", "web.nvram"), 512)
    make_raw(site.path("web", "boot.flp"), 512)
    site.scan(inventory=None)
    expected = [("boot.flp", "floppy", "found"), ("data.vmdk", "disk", "found"), ("detached.vmdk", "unused", "found"), ("tools.iso", "cdrom", "found"),
                ("web-000001.vmdk", "disk", "found"), ("web.nvram", "firmware", "found"), ("web.vmdk", "restore-point", "found")]
    case.same(claims(site), [("Web server", "web/" + name, role, state) for name, role, state in expected], "v_claim")
    case.same(site.query("SELECT source, kind, name, uuid, state, defined_in FROM v_machine"),
              [("vmware", "vm", "Web server", "564d3e5f-0102-0304-0506-0708090a0b0c", "off", site.path("web", "web.vmx"))], "one machine, with the snapshots beside it")
    case.same(site.query("SELECT path, transient, read_only FROM v_claim WHERE transient OR read_only ORDER BY path"),
              [(site.path("web", "data.vmdk"), 1, 0), (site.path("web", "tools.iso"), 0, 1)], "independent-nonpersistent throws away what is written")
    case.same(site.unused(partly=True), {}, "what it names is no candidate: neither the disk of a former overlay nor the snapshot's")


def test_a_machine_covers_images_of_vmware_in_its_directory(case):
    site = case.site()
    disks = [orphan(site, *name, format=format, scan=False) for name, format in
             (((("vm", "old.vmdk"), "vmdk")), (("vm", "old.qcow2"), "qcow2"), (("other", "old.vmdk"), "vmdk"), (("vm", "mine.vmdk"), "vmdk"))]
    site.scan()
    forget(*disks)
    put(site.path("vm", "vm.vmx"), HEAD + disk_line("mine.vmdk"))
    site.scan(inventory=None)
    case.same(verdict(site, "vm/old.vmdk"), PROVEN, "no machine of its directory uses it")
    case.same(verdict(site, "vm/old.qcow2"), UNCOVERED, "machines of VMware use no qcow2")
    case.same(verdict(site, "other/old.vmdk"), UNCOVERED, "and those of another directory are not known")
    case.same(verdict(site, "vm/mine.vmdk"), None, "the machine's disk")
    site.scan(inventory="none")
    case.same(verdict(site, "vm/mine.vmdk"), PROVEN, "is not asked for with --inventory none")


def test_lines_are_read_in_all_their_forms(case):
    site = case.site()
    cases = {
        "plain": ('scsi0:0.fileName = "NAME"', "a.vmdk"), "word": ("scsi0:0.fileName=NAME # comment", "a.vmdk"), "tabs": ('\tscsi0:0.fileName\t=\t"NAME"\t# "x"', "a.vmdk"),
        "case": ('NVME0:15.FILEname = "NAME"', "a.vmdk"), "escapes": ('scsi0:0.fileName = "a |22quoted|22 |7c |23.vmdk"', 'a "quoted" | #.vmdk'),
        "no-escape": ('scsi0:0.fileName = "a|zz|2.vmdk"', "a|zz|2.vmdk"), "utf8": ('scsi0:0.fileName = "grün.vmdk"', "grün.vmdk"),
        "windows": ('scsi0:0.fileName = "sub\\a.vmdk"', "sub/a.vmdk"), "drive": ('ide0:0.fileName = "D:\\VMs\\box\\a.vmdk"', "a.vmdk"),
        "share": ('ide0:0.fileName = "\\\\\\\\server\\share\\a.vmdk"', "a.vmdk"), "backslash": ('scsi0:0.fileName = "a\\b.vmdk"', "a\\b.vmdk"),
    }
    disks = [orphan(site, key, name, format="vmdk", scan=False) for key, (_line, name) in cases.items()]
    site.scan()
    forget(*disks)
    for key, (line, name) in cases.items():
        device = line.strip().split(".")[0]
        put(site.path(key, "vm.vmx"), f'{HEAD.replace(chr(10), chr(13) + chr(10))}{line.replace("NAME", name)}\r\n{device}.present = "TRUE"')
    site.scan(inventory=None)
    for key, (line, name) in cases.items():
        case.same(site.value("SELECT count(*) FROM v_claim WHERE state = 'found' AND target = ?", site.path(key, name)), 1, f"{key}: {line}")
    case.same(site.unused(partly=True), {}, "none of them is a candidate")


def test_names_in_latin_encodings_are_found(case):
    site = case.site()
    disks = [orphan(site, key, "grün.vmdk", format="vmdk", scan=False) for key in ("latin", "chinese")]
    site.scan()
    forget(*disks)
    put(site.path("latin", "vm.vmx"), b'.encoding = "windows-1252"\n' + disk_line("gr\u00fcn.vmdk").encode("latin-1"))
    case.same((site.scan(inventory=None).code, verdict(site, "latin/grün.vmdk")), (0, None), "windows-1252: the disk is found by its name in UTF-8")
    put(site.path("chinese", "vm.vmx"), b'.encoding = "GBK"\n' + disk_line("gr\u00fcn.vmdk").encode("latin-1"))
    case.same((site.scan(inventory=None).code, verdict(site, "chinese/grün.vmdk")[1]), (3, "unproven"), "an encoding that is not read keeps everything from proof")
    case.check(("inventory-unreadable", "chinese/vm.vmx") in site.findings(), "and is a finding")


def test_names_may_have_every_byte(case):
    site = case.site()
    name = bytes(set(range(1, 256)) - set(b'/"|#\n\r'))
    directory = os.fsencode(site.path("vm", ""))
    for part in (name[:120], name[120:]):
        disk = os.path.join(directory, part + b".vmdk")
        with open(disk, "wb") as file:
            file.write(b"x")
        escaped = b"".join(b"|%02X" % byte for byte in part)
        for form in (part, escaped):
            put(site.path("vm", "vm.vmx"), b'scsi0:0.present = "TRUE"\nscsi0:0.fileName = "' + form.replace(b"\\", b"|5C") + b'.vmdk"\n')
            site.scan(inventory=None)
            case.same(site.value("SELECT count(*) FROM v_claim WHERE state <> 'missing' AND NOT (path LIKE '%/b.vmdk')"), 1, f"found: {form[:9]!r}...")


def test_a_lock_beside_it_means_that_it_runs(case):
    site = case.site()
    for name, more in (("file", ""), ("directory", ""), ("suspended", 'checkpoint.vmState = "x.vmss"\n'), ("off", 'checkpoint.vmState = ""\n')):
        put(site.path(name, name + ".vmx"), HEAD + more)
    put(site.path("file", "file.vmx.lck"), "")
    os.makedirs(site.path("directory", "directory.vmx.lck"))
    orphan(site, "t", "t.vmdk", format="vmdk")
    put(site.path("t", "t.vmtx"), HEAD + disk_line("t.vmdk"))
    site.scan(inventory=None)
    case.same(site.query("SELECT name, kind, state FROM v_machine ORDER BY name"),
              [("directory.vmx", "vm", "running"), ("file.vmx", "vm", "running"), ("off.vmx", "vm", "off"), ("suspended.vmx", "vm", "paused"), ("t.vmtx", "template", "off")], "a lock beside it says that it runs")
    case.same((claims(site), verdict(site, "t/t.vmdk")), ([("t.vmtx", "t/t.vmdk", "template", "found")], None), "a template's disk is one that others are made from")


def test_two_that_run_with_one_disk_are_an_error(case):
    site = case.site()
    create(site.path("shared.vmdk"), MIB, format="vmdk")
    for name, more, expected in (("plain", "", True), ("writers", 'scsi0:0.sharing = "multi-writer"\n', False), ("bus", 'scsi0.sharedBus = "physical"\n', False)):
        for machine in "ab":
            put(site.path(machine, "vm.vmx"), f'displayName = "{machine}"\n' + disk_line("../shared.vmdk") + more)
            put(site.path(machine, "vm.vmx.lck"), "")
        site.scan(inventory=None)
        case.same(("disk-in-two-machines", "shared.vmdk") in site.findings(), expected, f"{name}: a finding unless both say that it is shared")


def test_snapshots_without_a_machine_are_kept(case):
    site = case.site()
    orphan(site, "vm", "web.vmdk", format="vmdk")
    put(site.path("vm", "web.vmsd"), VMSD)
    site.scan(inventory=None)
    case.same((claims(site), verdict(site, "vm/web.vmdk")), ([("web.vmsd", "vm/web.vmdk", "restore-point", "found")], None), "NAME.vmsd alone")


def test_a_disk_by_its_path_on_esxi_may_be_the_orphan(case):
    site = case.site()
    orphan(site, "ds", "vm", "old.vmdk", format="vmdk")
    put(site.path("ds", "vm", "vm.vmx"), HEAD + disk_line("/vmfs/volumes/5f3a-11/vm/old.vmdk"))
    site.scan(inventory=None)
    case.same(verdict(site, "ds/vm/old.vmdk"), ("unreferenced", "unproven", "inventory-incomplete"), "a disk by its path on ESXi may be the one of that name here")
    put(site.path("ds", "vm", "vm.vmx"), HEAD + disk_line("other.vmdk"))
    site.scan(inventory=None)
    case.check(("claim-missing", "ds/vm/other.vmdk") in site.findings(), "a disk that is missing is a finding", [str(site.findings())])


def test_names_that_differ_by_case_may_be_the_same(case):
    """A machine from a file system that ignores case, where its disk is found by any."""
    site = case.site()
    orphan(site, "vm", "disk.vmdk", format="vmdk")
    for written, expected in (("Disk.VMDK", ("unreferenced", "unproven", "inventory-incomplete")), ("../Disks.vmdk", PROVEN), ("disk.vmdk", None)):
        put(site.path("vm", "vm.vmx"), HEAD + disk_line(written))
        site.scan(inventory=None)
        case.same(verdict(site, "vm/disk.vmdk"), expected, f"a disk called {written} in the definition")


def test_what_is_not_understood_blocks(case):
    site = case.site()
    orphan(site, "vm", "old.vmdk", format="vmdk")
    broken = {
        "no value": "scsi0:0.present\n", "an open quote": 'scsi0:0.fileName = "x.vmdk\n', "text behind a value": 'a = "b" c\n', "a NUL": 'a = "b\0"\nc = "d"\n',
        "encrypted": 'encryption.keySafe = "vmware:key/list/(pair/..."\nencryption.data = "QUJD"\n', "cut": VMX[:VMX.index("web-000001") + 3],
    }
    for name, text in broken.items():
        put(site.path("vm", "vm.vmx"), text)
        case.same((site.scan(inventory=None).code, verdict(site, "vm/old.vmdk")[2]), (3, "inventory-incomplete"), f"{name}: nothing is proven")
    put(site.path("vm", "vm.vmx"), HEAD)
    put(site.path("vm", "vm.vmsd"), 'snapshot0.disk0.fileName = "\n')
    case.same((site.scan(inventory=None).code, verdict(site, "vm/old.vmdk")[2]), (3, "inventory-incomplete"), "nor where the snapshots are not understood")
    os.unlink(site.path("vm", "vm.vmsd"))
    case.same((site.scan(inventory=None).code, verdict(site, "vm/old.vmdk")), (0, PROVEN), "an empty machine uses nothing")
    with open(site.path("vm", "vm.vmx"), "ab") as file:
        file.truncate((16 << 20) + 1)
    case.same((site.scan(inventory=None).code, verdict(site, "vm/old.vmdk")[2]), (3, "inventory-incomplete"), "a file of more than 16 MiB is not read")


def test_a_machine_by_a_link_is_not_read_and_blocks(case):
    site = case.site()
    orphan(site, "vm", "b.vmdk", format="vmdk")
    orphan(site, "vm", "a.vmdk", format="vmdk")
    put(site.path("vm", "a.vmx"), HEAD + disk_line("a.vmdk"))
    site.scan(inventory=None)
    case.same((verdict(site, "vm/a.vmdk"), verdict(site, "vm/b.vmdk")), (None, PROVEN), "the one machine of the directory has another disk")
    link = site.path("vm", "b.vmx")
    for target, words in ((os.path.join(site.directory, "nowhere"), "that leads nowhere"), (put(site.path("else", "b.vmx"), HEAD + disk_line("b.vmdk")), "to another directory"), (site.path("vm", "b.vmdk"), "to no machine")):
        os.symlink(target, link)
        scan = site.scan(inventory=None)
        case.same((scan.code, verdict(site, "vm/b.vmdk")[1], "inventory-incomplete" in verdict(site, "vm/b.vmdk")[2]), (3, "unproven", True), f"a link {words} may be a machine that uses it", [str(site.findings())])
        case.check(("inventory-unreadable", "vm/b.vmx") in site.findings(), f"a link {words} is a finding", [str(site.findings())])
        os.unlink(link)
    os.unlink(site.path("else", "b.vmx"))
    os.symlink("a.vmx", link)
    case.same((site.scan(inventory=None).code, verdict(site, "vm/b.vmdk")), (0, PROVEN), "another name of the machine beside it is nothing new")


def test_large_files_take_no_longer_than_they_should(case):
    site = case.site()
    put(site.path("vm", "vm.vmx"), "".join(disk_line(f"{i}.vmdk", f"scsi0:{i}") for i in range(60000)))
    took = processor_time(lambda: case.same(site.scan(inventory=None).code, 3, "more lines than a machine has are a finding"))
    put(site.path("vm", "vm.vmx"), "a=1\n" * 4_000_000)
    took += processor_time(lambda: site.scan(inventory=None))
    case.check(took < 10, f"and soon over: {took:.1f} s of processor time")


def test_ten_thousand_machines_are_read_soon(case):
    site = case.site()
    for i in range(10_000):
        put(site.path(f"{i:04}", "vm.vmx"), VMX)
    took = processor_time(lambda: site.scan(inventory=None))
    case.check(took < 10, f"are read in under 10 s: {took:.1f} s of processor time, with the whole scan")
    case.same(site.value("SELECT count(*) FROM v_machine"), 10_000, "all of them")


TESTS = [
    test_a_machine_claims_what_it_names,
    test_a_machine_covers_images_of_vmware_in_its_directory,
    test_lines_are_read_in_all_their_forms,
    test_names_in_latin_encodings_are_found,
    test_names_may_have_every_byte,
    test_a_lock_beside_it_means_that_it_runs,
    test_two_that_run_with_one_disk_are_an_error,
    test_snapshots_without_a_machine_are_kept,
    test_a_disk_by_its_path_on_esxi_may_be_the_orphan,
    test_names_that_differ_by_case_may_be_the_same,
    test_what_is_not_understood_blocks,
    test_a_machine_by_a_link_is_not_read_and_blocks,
    test_large_files_take_no_longer_than_they_should,
    test_ten_thousand_machines_are_read_soon,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Machines of VMware.", TESTS))
