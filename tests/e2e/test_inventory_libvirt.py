#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Machines of libvirt, from files as its own writers make them. What fixes each field is said beside it, by the name of the
# function in libvirt's sources (9.0 to 11.0) or the page of its documentation. test_libvirt.py has a real one.

import os
import pwd
import resource
import socket
import struct
from xml.sax.saxutils import quoteattr

import harness
from sites import KIB, MIB, create, make_raw, write

UUID = "c7a5fdbd-edaf-9455-926a-d65c16db1809"
OTHER = "d1a5fdbd-edaf-9455-926a-d65c16db1810"
PROVEN = ("unreferenced", "proven", None)
# virXMLEmitWarning in src/util/virxml.c
WARNING = "<!--\nWARNING: THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE\nOVERWRITTEN AND LOST.\n-->\n\n"


# -- What libvirt writes ----------------------------------------------------------------------------------------------

def disk(path, format="qcow2", inner="", device="disk", kind="file", attribute="file", source="", store=""):
    """virDomainDiskDefFormat in src/conf/domain_conf.c: the attribute of <source> depends on the type (formatdomain.html, "source")."""
    driver = f"<driver name='qemu' type='{format}'/>" if format else ""
    where = f"<source {attribute}={quoteattr(path)}{source}>{store}</source>" if path is not None else ""
    return f"<disk type='{kind}' device='{device}'>{driver}{where}{inner}<target dev='vda' bus='virtio'/></disk>"


def layer(path, inner="<backingStore/>", format="qcow2", kind="file", store=""):
    """virDomainDiskBackingStoreFormat; an empty element is the end of the chain."""
    return f"<backingStore type='{kind}' index='2'><format type='{format}'/><source file={quoteattr(path)}>{store}</source>{inner}</backingStore>"


def store(path):
    """Where a qcow2 image keeps its data, since libvirt 10.10: formatdomain.html, "dataStore"."""
    return f"<dataStore type='file'><format type='raw'/><source file={quoteattr(path)}/></dataStore>"


def domain(devices="", name="web", uuid=UUID, os_part="<type arch='x86_64' machine='pc'>hvm</type>", kind="kvm", more="", attributes=""):
    """virDomainDefFormatInternal."""
    identity = f"<uuid>{uuid}</uuid>" if uuid else ""
    return f"<domain type='{kind}'{attributes}><name>{name}</name>{identity}<os>{os_part}</os><devices>{devices}</devices>{more}</domain>"


def status(inner, state="running", more=""):
    """virDomainObjFormat: the state is a word of virDomainState."""
    return f"<domstatus state='{state}' reason='booted' pid='4242'>{more}{inner}</domstatus>"


def snapshot(inner, disks="", more="", name="s1"):
    """virDomainSnapshotDefFormatInternal and virDomainSnapshotDiskDefFormat in src/conf/snapshot_conf.c."""
    return f"<domainsnapshot><name>{name}</name><state>disk-snapshot</state><creationTime>1700000000</creationTime>{more}<disks>{disks}</disks>{inner}</domainsnapshot>"


def external(path, name="vda"):
    return f"<disk name='{name}' snapshot='external' type='file'><driver type='qcow2'/><source file={quoteattr(path)}/></disk>"


def pool(name, target, kind="dir"):
    """virStoragePoolDefFormatBuf in src/conf/storage_conf.c."""
    where = f"<target><path>{target}</path></target>" if target else ""
    return f"<pool type='{kind}'><name>{name}</name><uuid>{OTHER}</uuid><capacity unit='bytes'>0</capacity><source></source>{where}</pool>"


def saved(xml, magic=b"LibvirtQemudSave", order="<", length=None):
    """_virQEMUSaveHeader in src/qemu/qemu_saveimage.h: magic, version 2, length of what follows, was running, format, place of the
    cookie, 14 words that are unused; then the XML with a NUL, padded; then the machine's memory."""
    text = xml.encode() + b"\0" * 40
    return magic + struct.pack(order + "5I", 2, len(text) if length is None else length, 1, 0, 0) + bytes(14 * 4) + text + os.urandom(5000)


class Host:
    """The directories of a host's libvirt below that of the site."""

    def __init__(self, site):
        self.top = os.path.join(site.directory, "host")
        self.etc, self.run, self.lib = (self.put(*parts) for parts in (("etc", "libvirt"), ("run", "libvirt"), ("var", "lib", "libvirt")))
        self.put("etc", "libvirt", "qemu")
        self.source = "libvirt:" + self.etc

    def put(self, *parts):
        path = os.path.join(self.top, *parts)
        os.makedirs(path, exist_ok=True)
        return path

    def file(self, root, below, text):
        path = os.path.join(root, below)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else (WARNING + text).encode())
        return path

    def define(self, text, name="web", driver="qemu"):
        return self.file(self.etc, f"{driver}/{name}.xml", text)

    def start(self, text, name="web", driver="qemu"):
        return self.file(self.run, f"{driver}/{name}.xml", text)

    def snapshot(self, text, name="s1", machine="web", kind="snapshot"):
        return self.file(self.lib, f"qemu/{kind}/{machine}/{name}.xml", text)


def orphans(site, *names):
    """Disks whose overlays were thrown away after a scan saw them."""
    disks = [write(create(site.path(name), MIB), 0) for name in names]
    overs = [create(disk + ".over", MIB, disk) for disk in disks]
    site.scan()
    for over in overs:
        os.unlink(over)
    return disks


def verdicts(site):
    return {name: (row["status"], row["verdict"], row["why_codes"]) for name, row in site.unused(partly=True).items()}


def claims(site):
    """role, name, state and what else is true of each claim."""
    rows = site.query("SELECT role, path, state, format, read_only, shareable, transient FROM v_claim ORDER BY role, path")
    return [(role, os.path.basename(path), state, format, *[word for word, is_so in (("read-only", ro), ("shareable", sh), ("transient", tr)) if is_so])
            for role, path, state, format, ro, sh, tr in rows]


def scan_time(site, *options, **how):
    """Of the processors: the machine may be busy."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    site.scan(*options, **how)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def machines(site):
    return site.query("SELECT kind, name, uuid, state FROM v_machine ORDER BY name")


# -- Definitions ------------------------------------------------------------------------------------------------------

def test_a_defined_machine_keeps_its_disks(case):
    site, host = case.site(), None
    host = Host(site)
    used, free = orphans(site, "used.qcow2", "free.qcow2")
    path = host.define(domain(disk(used)))
    os.makedirs(os.path.join(host.etc, "qemu", "autostart"))
    os.symlink(path, os.path.join(host.etc, "qemu", "autostart", "web.xml"))
    host.file(host.etc, "qemu/networks/default.xml", "<network><name>default</name></network>")
    host.file(host.etc, "nwfilter/a.xml", "<filter name='a'/>")
    scan = site.scan(inventory=host.source)
    case.same((scan.code, verdicts(site)), (0, {"free.qcow2": PROVEN}), "what the machine uses is no candidate, the other is proven", [free])
    case.same(machines(site), [("vm", "web", UUID, "off")], "one machine, once, though it starts by itself")
    case.same(claims(site), [("disk", "used.qcow2", "found", "qcow2")], "and its claim")
    case.same(site.query("SELECT source, defined_in FROM v_machine"), [("libvirt", path)], "with where it is defined")
    os.unlink(path)
    site.scan(inventory=host.source)
    case.same(sorted(verdicts(site)), ["free.qcow2", "used.qcow2"], "undefined, its disk is a candidate again")


def test_each_kind_of_source_has_its_role(case):
    site = case.site()
    host = Host(site)
    for name in ("cd.img", "floppy.img", "lun.img", "kernel.img", "initrd.img", "dtb.img", "code.img", "vars.img", "template.img", "nvdimm.img", "slic.img", "data.img", "data2.img"):
        make_raw(site.path(name))
    image, base = create(site.path("plain.qcow2")), create(site.path("base.qcow2"))
    boot = "".join(f"<{word}>{site.path(name)}</{word}>" for word, name in (("kernel", "kernel.img"), ("initrd", "initrd.img"), ("dtb", "dtb.img")))
    boot += f"<loader readonly='yes' type='pflash'>{site.path('code.img')}</loader><nvram template='{site.path('template.img')}'>{site.path('vars.img')}</nvram>"
    boot += f"<acpi><table type='slic'>{site.path('slic.img')}</table></acpi>"
    devices = "".join([
        disk(image, inner=layer(base, store=store(site.path("data2.img"))), store=store(site.path("data.img"))),
        disk(site.path("cd.img"), "raw", "<readonly/>", "cdrom"),
        disk(None, "raw", device="cdrom"),
        disk(site.path("floppy.img"), "raw", device="floppy"),
        disk(site.path("lun.img"), "raw", "<shareable/>", "lun", "block", "dev"),
        "<disk type='network' device='disk'><driver name='qemu' type='raw'/><source protocol='rbd' name='pool/image'><host name='mon1'/></source></disk>",
        "<disk type='nvme' device='disk'><source type='pci' managed='yes' namespace='1'><address domain='0'/></source></disk>",
        f"<memory model='nvdimm'><source><path>{site.path('nvdimm.img')}</path></source><target><size>1</size></target></memory>",
        "<memory model='dimm'><source><pagesize>4096</pagesize></source></memory>",
        f"<filesystem type='mount'><driver type='virtiofs'/><source dir='{site.root}'/><target dir='share'/></filesystem>",
        f"<serial type='file'><source path='{site.path('log.img')}'/></serial><console type='file'><source path='/log2'/></console>",
        disk("/dir", "fat", kind="dir", attribute="dir", device="floppy"),
    ])
    host.define(domain(devices, os_part=boot))
    scan = site.scan(inventory=host.source)
    case.same(scan.code, 0, "nothing of it is a problem", [str(site.findings())])
    case.same(claims(site), [
        ("backing", "base.qcow2", "found", "qcow2", "read-only"),
        ("cdrom", "cd.img", "found", "raw", "read-only"),
        ("disk", "lun.img", "found", "raw", "shareable"),
        ("disk", "nvdimm.img", "found", "raw"),
        ("disk", "plain.qcow2", "found", "qcow2"),
        ("firmware", "code.img", "found", None, "read-only"),
        ("firmware", "dtb.img", "found", None, "read-only"),
        ("firmware", "initrd.img", "found", None, "read-only"),
        ("firmware", "kernel.img", "found", None, "read-only"),
        ("firmware", "slic.img", "found", None, "read-only"),
        ("firmware", "template.img", "found", None, "read-only"),
        ("firmware", "vars.img", "found", None),
        ("floppy", "dir", "missing", None),
        ("floppy", "floppy.img", "found", "raw"),
        ("other", "images", "unscanned", None),
        ("other", "data.img", "found", None),
        ("other", "data2.img", "found", None),
    ], "each file by its role; what is no local file is no claim")
    case.check(not any(name == "images" for _, name in site.findings()), "a shared directory is no finding", [str(site.findings())])


def test_files_of_other_devices_are_in_use(case):
    """virDomainTPMDefFormat, virDomainChrSourceDefFormat, virDomainRomInfoFormat and virDomainLoaderDefFormatNvram."""
    site = case.site()
    host = Host(site)
    names = ("tpm.qcow2", "rom.qcow2", "serial.qcow2", "console.qcow2", "log.qcow2", "vars.qcow2", "more.qcow2")
    tpm, rom, serial, console, log, variables, more = orphans(site, *names)
    devices = f"<tpm model='tpm-crb'><backend type='emulator' version='2.0'><source type='file' path='{tpm}'/></backend></tpm>"
    devices += f"<interface type='user'><rom bar='on' file='{rom}'/></interface><serial type='file'><source path='{serial}'/></serial>"
    devices += f"<console type='file'><source path='{console}'/></console><channel type='unix'><source mode='bind' path='/run/x.sock'/><log file='{log}' append='off'/></channel>"
    os_part = f"<nvram type='block'><source dev='{variables}'/></nvram>"
    host.define(domain(devices, os_part=os_part).replace("</devices>", f"</devices><devices>{disk(more)}</devices>"))
    scan = site.scan(inventory=host.source)
    case.same((scan.code, verdicts(site)), (0, {}), "all of them, in whichever element of devices", [str(site.findings())])
    case.same([claim[:2] for claim in claims(site)], [("disk", "more.qcow2"), ("firmware", "rom.qcow2"), ("firmware", "tpm.qcow2"), ("firmware", "vars.qcow2"), ("other", "console.qcow2"), ("other", "log.qcow2"), ("other", "serial.qcow2")], "by their roles")
    state = f"<tpm model='tpm-crb'><backend type='emulator'><source type='dir' path='{os.path.dirname(tpm)}'/></backend></tpm><tpm><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>"
    host.define(domain(state + "<serial type='pty'><source path='/dev/pts/3'/></serial><interface type='user'><rom enabled='no'/></interface>", os_part="<nvram type='network'><source protocol='rbd' name='a/b'/></nvram>"))
    scan = site.scan(inventory=host.source)
    case.same((scan.code, sorted(verdicts(site)), [claim[:2] for claim in claims(site)]), (0, sorted(names), [("firmware", "images")]), "a directory is one; what is no file is none", [str(site.findings())])


def test_what_need_not_be_there_is_not_missed(case):
    site = case.site()
    host = Host(site)
    orphans(site, "disk.qcow2")
    gone = site.path("moved", "other.qcow2")
    os_part = f"<loader>{make_raw(site.path('code.fd'))}</loader><nvram>{gone}</nvram>"
    host.define(domain(disk(gone, "qcow2", source=" startupPolicy='optional'") + disk(gone, device="cdrom", source=" startupPolicy='optional'"), os_part=os_part))
    site.scan(inventory=host.source)
    case.same((verdicts(site), site.value("SELECT count(*) FROM v_finding WHERE code = 'claim-missing'"), len(claims(site))), ({"disk.qcow2": PROVEN}, 0, 1), "nothing is missing")
    gone = site.path("moved", "disk.qcow2")
    host.define(domain(disk(gone, source=" startupPolicy='mandatory'")))
    site.scan(inventory=host.source)
    case.same((verdicts(site)["disk.qcow2"][2], site.value("SELECT count(*) FROM v_finding WHERE code = 'claim-missing'")), ("inventory-incomplete", 1), "what must be there is")


def test_what_need_not_be_there_may_be_of_that_name(case):
    """By a mount that is gone tonight, what lies here under the same name may be what is meant."""
    site = case.site()
    host = Host(site)
    disk_here, other = orphans(site, "disk.qcow2", "other.qcow2")
    gone = site.path("mnt", "Disk.qcow2")
    kinds = {
        "a disk that is optional": lambda: host.define(domain(disk(gone, source=" startupPolicy='optional'"))),
        "variables of UEFI": lambda: host.define(domain(os_part=f"<nvram format='qcow2'>{gone}</nvram>")),
        "a path in an argument": lambda: host.define(domain(more=f"<qemu:commandline><qemu:arg value='-device'/><qemu:arg value='x,y={gone}'/></qemu:commandline>", attributes=" xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'")),
        "the overlay of a snapshot": lambda: (host.define(domain()), host.snapshot(snapshot(domain(), external(gone)))),
    }
    for words, make in kinds.items():
        make()
        for path in (os.path.join(host.etc, "qemu/web.xml"), os.path.join(host.lib, "qemu/snapshot/web/s1.xml")):
            if os.path.exists(path):  # the others were not renamed since
                os.utime(path, ns=(os.stat(disk_here).st_ctime_ns + 10**9,) * 2)
        scan = site.scan(inventory=host.source)
        case.same((scan.code, verdicts(site)), (0, {"disk.qcow2": ("unreferenced", "unproven", "inventory-incomplete"), "other.qcow2": PROVEN}), f"{words}: what has that name is doubted, no other", scan.notes())
        case.same(site.value("SELECT count(*) FROM v_finding WHERE code = 'claim-missing' AND NOT cleared"), 0, f"{words} is no finding", [other])
    over = create(site.path("over.qcow2"), MIB, disk_here)
    site.scan(inventory=host.source)
    rows = {os.path.basename(row["path"] or ""): row["verdict"] for row in site.rows("--what-if-delete", over) if row["effect"] == "unreferenced"}
    os.unlink(over)
    site.scan(inventory=host.source)
    case.same((rows.get("disk.qcow2"), verdicts(site)["disk.qcow2"][1]), ("unproven", "unproven"), "what-if doubts it as the next scan does")


def test_what_a_server_hands_out_may_be_a_file_of_its_host(case):
    """virDomainStorageNetworkParseHosts: name, or transport='unix' and socket. Ceph and Sheepdog have no files."""
    site = case.site()
    host = Host(site)
    orphans(site, "disk.qcow2", "other.qcow2")
    network = "<disk type='network' device='disk'><driver name='qemu' type='qcow2'/><source protocol='{}' name='{}'>{}</source></disk>"
    here = "<host name='{}' port='10809'/>"
    own = [network.format("nfs", "/srv/x.qcow2", here.format("127.0.0.1")), network.format("ssh", "/srv/x.qcow2", here.format("localhost")), network.format("http", "x", here.format("::1")),
           network.format("gluster", "vol/x.qcow2", here.format("far.example.org") + here.format(socket.gethostname())), network.format("nbd", "x", "<host transport='unix' socket='/run/nbd.sock'/>"),
           network.format("iscsi", "iqn.2020-01.org.example:x/0", here.format("127.1.2.3")), "<disk type='vhostuser' device='disk'><source type='unix' path='/run/qsd.sock'/></disk>",
           "<disk type='vhostvdpa' device='disk'><source dev='/dev/vhost-vdpa-0'/></disk>", disk(create(site.path("top.qcow2")), inner=f"<backingStore type='network'><format type='raw'/><source protocol='nbd' name='x'>{here.format('localhost')}</source></backingStore>"),
           "<disk type='volume' device='disk'><source pool='own' volume='x'/></disk>"]
    for kind, name, server in (("gluster", "own", "localhost"), ("gluster", "far", "far.example.org"), ("rbd", "ceph", "localhost")):
        host.file(host.etc, f"storage/{name}.xml", pool(name, None, kind).replace("<source></source>", f"<source><host name='{server}'/><name>vol</name></source>"))
    for xml in own:
        host.define(domain(xml))
        scan = site.scan(inventory=host.source)
        case.same((scan.code, [row[1:] for row in verdicts(site).values()]), (3, [("unproven", "inventory-incomplete")] * 2), f"this host serves it, and it may be anything: {xml[:99]}", [str(site.findings())])
    doubted = {"disk.qcow2": ("unreferenced", "unproven", "inventory-incomplete"), "other.qcow2": PROVEN}
    proven = dict.fromkeys(doubted, PROVEN)
    for xml, expected in ((network.format("nfs", "/srv/disk.qcow2", here.format("far.example.org")), doubted), ("<disk type='volume' device='disk'><source pool='far' volume='disk.qcow2'/></disk>", doubted),
                          (network.format("nfs", "/srv/x.qcow2", here.format("far.example.org")), proven), (network.format("rbd", "pool/disk.qcow2", here.format("localhost")), proven),
                          ("<disk type='volume' device='disk'><source pool='ceph' volume='disk.qcow2'/></disk>", proven), (network.format("nbd", "x", here.format("far.example.org")), proven)):
        os.utime(host.define(domain(xml)), ns=(os.stat(site.path("other.qcow2")).st_ctime_ns + 10**9,) * 2)
        scan = site.scan(inventory=host.source)
        case.same((scan.code, verdicts(site)), (0, expected), f"another host's may be what has the name here, or no file: {xml[:110]}", [str(site.findings())])


def test_without_a_stated_format_a_file_is_raw(case):
    """qemuDomainDeviceDiskDefPostParse: raw, unless it is a volume; what was probed was an option until 2019, off by default."""
    site = case.site()
    host = Host(site)
    base = write(create(site.path("base.qcow2"), MIB), 0)
    over = create(site.path("over.qcow2"), MIB, base)
    make_raw(site.path("disk"))
    host.define(domain(disk(site.path("disk"), None) + disk(over, None)))
    site.scan(inventory=host.source)
    case.same(site.query("SELECT format FROM v_image WHERE path IN (?, ?) ORDER BY path", site.path("disk"), over), [("raw",), ("raw",)], "raw to the machine")
    case.same(verdicts(site), {}, "what its content names is in use all the same")


def test_volumes_lead_to_their_pools(case):
    site = case.site()
    host = Host(site)
    used, = orphans(site, "vol&1.qcow2")
    host.file(host.etc, "storage/main.xml", pool("main", site.root))
    host.file(host.etc, "storage/rbd.xml", pool("rbd", None, "rbd"))
    volume = "<disk type='volume' device='disk'><driver name='qemu' type='qcow2'/><source pool='{}' volume='{}'/></disk>"
    host.define(domain(volume.format("main", "vol&amp;1.qcow2") + volume.format("rbd", "x")))
    scan = site.scan(inventory=host.source)
    case.same((scan.code, verdicts(site), claims(site)), (0, {}, [("disk", "vol&1.qcow2", "found", "qcow2")]), "the volume is a file below the pool's target")
    host.define(domain(volume.format("lost", "x")))
    scan = site.scan(inventory=host.source)
    case.same((scan.code, verdicts(site)[os.path.basename(used)][2]), (3, "inventory-incomplete"), "a pool that is not there may hold anything")
    os.unlink(os.path.join(host.etc, "storage/main.xml"))
    host.file(host.run, "storage/main.xml", f"<poolstate>{pool('main', site.root)}</poolstate>")  # virStoragePoolSaveState
    host.define(domain(volume.format("main", "vol&amp;1.qcow2")))
    scan = site.scan(inventory=host.source)
    case.same((scan.code, verdicts(site)), (0, {}), "a pool that only runs is one as well")


def test_a_pool_with_two_targets_has_volumes_in_both(case):
    """virsh pool-define over a pool that runs: the definition has where it will be, storagePoolSaveState's file where it is."""
    site = case.site()
    host = Host(site)
    old, new, free = orphans(site, "old/vm.qcow2", "new/vm.qcow2", "free/vm.qcow2")
    host.file(host.etc, "storage/p.xml", pool("p", os.path.dirname(new)))
    state = host.file(host.run, "storage/p.xml", f"<poolstate>{pool('p', os.path.dirname(old))}</poolstate>")
    host.define(domain("<disk type='volume' device='disk'><driver name='qemu' type='qcow2'/><source pool='p' volume='vm.qcow2'/></disk>"))
    scan = site.scan(inventory=host.source)
    case.same((scan.code, sorted(verdicts(site))), (0, ["free/vm.qcow2"]), "what is in force, and what will be, are in use")
    os.unlink(old)
    site.scan(inventory=host.source)
    case.same((site.value("SELECT count(*) FROM v_finding WHERE code = 'claim-missing' AND NOT cleared"), sorted(verdicts(site))), (0, ["free/vm.qcow2"]), "what the former target lacks is not missed")
    os.unlink(state)
    os.unlink(new)
    site.scan(inventory=host.source)
    case.same(site.query("SELECT path FROM v_finding WHERE code = 'claim-missing' AND NOT cleared"), [(new,)], "stopped, it has the new one", [free])


def test_a_pool_below_no_root_is_a_finding(case):
    site = case.site()
    host = Host(site)
    outside = os.path.dirname(site.outside("x"))
    for name, target, kind in (("here", site.root, "dir"), ("there", outside, "netfs"), ("disks", "/dev", "disk"), ("far", None, "gluster")):
        host.file(host.etc, f"storage/{name}.xml", pool(name, target, kind))
    host.file(host.run, "storage/there.xml", f"<poolstate>{pool('there', outside, 'netfs')}</poolstate>")
    scan = site.scan(inventory=host.source)
    rows = site.query("SELECT path FROM v_finding WHERE code = 'pool-not-scanned' ORDER BY path")
    case.same((scan.code, rows), (0, sorted([("/dev",), (outside,)])), "two of four, each once")
    host.file(host.etc, "storage/bad.xml", "<pool type='dir'><name>bad</name></pool>")
    case.same(site.scan(inventory=host.source).code, 3, "a pool without its target is not understood")


# -- What runs --------------------------------------------------------------------------------------------------------

def test_a_machine_that_runs_is_the_one_that_is_defined(case):
    site = case.site()
    host = Host(site)
    used, live = orphans(site, "used.qcow2", "live.qcow2")
    host.define(domain(disk(used, inner="<readonly/>")))
    for state, expected in (("running", "running"), ("blocked", "running"), ("shutdown", "running"), ("paused", "paused"), ("pmsuspended", "paused"),
                            ("crashed", "paused"), ("shutoff", "off")):
        host.start(status(domain(disk(used) + disk(live), attributes=" id='3'"), state))
        site.scan(inventory=host.source)
        case.same(machines(site), [("vm", "web", UUID, expected)], f"state {state}")
    case.same(claims(site), [("disk", "live.qcow2", "found", "qcow2"), ("disk", "used.qcow2", "found", "qcow2")], "each of its disks is there once; a disk that one of both writes to is written to")
    host.start(status(domain(disk(live), name="guest", uuid=OTHER)), name="guest")
    site.scan(inventory=host.source)
    case.same([row[1] for row in machines(site)], ["guest", "web"], "one that is not defined is another machine")


def test_one_that_runs_undefined_may_have_others_beside_it(case):
    """virDomainCreateXML makes a machine that is in no file once it is off: vdsm, CloudStack and OpenNebula have their own definitions."""
    site = case.site()
    host = Host(site)
    stopped, run = orphans(site, "stopped.qcow2", "run.qcow2")
    host.start(status(domain(disk(run), name="one-5")), name="one-5")
    host.start(status(domain(name="one-6", uuid=OTHER)), name="one-6")
    scan = site.scan(inventory=host.source)
    case.same((scan.code, verdicts(site)), (3, {"stopped.qcow2": ("unreferenced", "unproven", "inventory-incomplete")}), "what another such machine may have is not proven unused", scan.notes())
    problems = site.query("SELECT path, detail FROM v_finding WHERE code = 'inventory-unreadable' AND NOT cleared")
    case.same(([path for path, _ in problems], "'one-5'" in problems[0][1]), ([host.etc], True), "one finding names the first of them", problems)
    case.same(site.run("accept", "--db", site.db, "inventory-unreadable", host.etc, "--reason", "tests only").code, 0, "who knows better accepts it")
    case.same((site.scan(inventory=host.source).code, verdicts(site)["stopped.qcow2"][1]), (0, "proven"), "and it is proven")
    site.run("accept", "--db", site.db, "--remove", "1")
    host.define(domain(disk(run), name="one-5"), name="one-5")
    case.same(site.scan(inventory=host.source).code, 3, "one that is defined does not speak for the other")
    host.define(domain(name="one-6", uuid=OTHER), name="one-6")
    host.start(status(domain(name="guestfs-1abc", uuid=UUID.replace("c", "e"))), name="guestfs-1abc")
    case.same((site.scan(inventory=host.source).code, verdicts(site)), (0, {"stopped.qcow2": PROVEN}), "defined, both are all that there are; an appliance of libguestfs is no machine of a kind", [stopped])


def test_two_that_run_with_one_disk_are_a_finding(case):
    site = case.site()
    host = Host(site)
    shared = create(site.path("shared.qcow2"))
    host.start(status(domain(disk(shared))))
    for inner, expected in (("", True), ("<shareable/>", False), ("<readonly/>", False), ("<transient/>", False)):
        host.start(status(domain(disk(shared, inner=inner), name="b", uuid=OTHER)), name="b")
        site.scan(inventory=host.source)
        case.same(("disk-in-two-machines", "shared.qcow2") in site.findings(), expected, f"a second machine with {inner or 'the disk'}")
    os.unlink(os.path.join(host.run, "qemu/web.xml"))
    host.define(domain(disk(shared)))
    host.start(status(domain(disk(shared), name="b", uuid=OTHER)), name="b")
    site.scan(inventory=host.source)
    case.check(("disk-in-two-machines", "shared.qcow2") not in site.findings(), "one of both is off")


def test_a_chain_by_hand_is_read_whole(case):
    """A machine may have a chain that no image names: <backingStore> of formatdomain.html is taken as it is."""
    site = case.site()
    host = Host(site)
    low, = orphans(site, "low.qcow2")
    top = create(site.path("top.qcow2"), MIB)
    chain = disk(top, inner=layer(low))
    host.define(domain(chain))
    site.scan(inventory=host.source)
    case.same((verdicts(site), claims(site)), ({}, [("backing", "low.qcow2", "found", "qcow2", "read-only"), ("disk", "top.qcow2", "found", "qcow2")]), "below the disk by hand, it is in use")
    host.define(domain(disk(top)))
    site.scan(inventory=host.source)
    case.same(verdicts(site), {"low.qcow2": PROVEN}, "without that it is not")


def test_a_chain_that_images_name_counts_as_theirs(case):
    """virDomainDiskDefFormat writes the chain of every machine that runs: that alone must not make bases unmasked."""
    site = case.site()
    host = Host(site)
    base = write(create(site.path("base.qcow2"), MIB), 0, 1)
    middle = write(create(site.path("middle.qcow2"), MIB, base), 0)
    top = write(create(site.path("top.qcow2"), MIB, middle), 0, 1)
    host.define(domain(disk(top)))
    site.scan(inventory=host.source)
    without = (verdicts(site), site.query("SELECT path, masked_bytes FROM v_usage ORDER BY path"))
    case.same(dict(without[1]), {base: 2 * 64 * KIB, middle: 64 * KIB, top: 0}, "the base is masked")
    host.start(status(domain(disk(top, inner=layer(middle, layer(base))))))
    site.scan(inventory=host.source)
    case.same((verdicts(site), site.query("SELECT path, masked_bytes FROM v_usage ORDER BY path")), without, "and is, whether or not the machine runs")
    rows = [(row["role"], os.path.basename(row["path"]), row["depth"]) for row in site.rows("--machine", "web")]
    case.same(rows, [("disk", "top.qcow2", None), ("backing", "middle.qcow2", 1), ("backing", "base.qcow2", 2)], "report --machine has each image once")
    host.start(status(domain(disk(top, inner=layer(base)))))
    site.scan(inventory=host.source)
    case.same("base.qcow2" in verdicts(site), False, "where the machine has another chain than the images, the base is read whole")
    other = create(site.outside("top.qcow2"), MIB)
    host.start(status(domain(disk(other, inner=layer(base)))))
    site.scan(inventory=host.source)
    case.same("base.qcow2" in verdicts(site), False, "and below a disk that the scan did not see")


def test_what_if_leaves_what_a_chain_has_below(case):
    site = case.site()
    host = Host(site)
    base = write(create(site.path("base.qcow2"), MIB), 0)
    top = create(site.path("top.qcow2"), MIB, base)
    for inner, expected in ((layer(base), False), ("", True)):
        host.start(status(domain(disk(top, inner=inner))))
        site.scan(inventory=host.source)
        effects = {(os.path.basename(row["path"] or ""), row["effect"]) for row in site.rows("--what-if-delete", top)}
        case.same(("base.qcow2", "unreferenced") in effects, expected, f"without the overlay, a base {'below no disk of a machine' if expected else 'in the chain of a machine'}", [str(effects)])
    host.start(status(domain(disk(top, inner=layer(base)))))
    os.unlink(top)
    site.scan(inventory=host.source)
    case.same(verdicts(site), {}, "as the next scan finds")


def test_chains_of_two_hundred_count_whole(case):
    """QEMU_DOMAIN_STORAGE_SOURCE_CHAIN_MAX_DEPTH: 200."""
    site = case.site()
    host = Host(site)
    low, = orphans(site, "low.qcow2")
    inner = layer(low)
    for number in range(198):
        inner = layer(site.path(f"l{number}.qcow2"), inner)
    host.start(status(domain(disk(create(site.path("top.qcow2")), inner=inner))))
    site.scan(inventory=host.source)
    case.same((verdicts(site), site.value("SELECT count(*) FROM v_claim WHERE role = 'backing'")), ({}, 199), "all 200 images of a chain count")


def test_mirrors_jobs_and_backups_are_in_use(case):
    site = case.site()
    host = Host(site)
    names = ("copy.qcow2", "old.qcow2", "chain.qcow2", "backup.qcow2", "scratch.qcow2")
    copy, old, chain, backup, scratch = orphans(site, *names)
    top = create(site.path("top.qcow2"))
    mirror = f"<mirror type='file' job='copy' ready='yes'><format type='qcow2'/><source file='{copy}'/></mirror>"  # virDomainDiskDefFormatMirror
    former = f"<mirror file='{old}' format='qcow2' ready='yes'/>"  # before libvirt 1.2.6
    # qemuDomainObjPrivateXMLFormatBlockjobIterator, virDomainBackupDefFormat
    jobs = f"<blockjobs active='yes'><blockjob name='j' type='commit' state='running'><chains><disk type='file' format='qcow2'><source file='{chain}'/><backingStore/></disk></chains></blockjob></blockjobs>"
    jobs += f"<backups><domainbackup mode='push'><disks><disk name='vda' backup='yes' state='running' type='file'><driver type='qcow2'/><target file='{backup}'/></disk><disk name='vdb' backup='yes' type='file'><scratch file='{scratch}'/></disk></disks></domainbackup></backups>"
    host.start(status(domain(disk(top, inner=mirror) + disk(top, inner=former)), more=jobs))
    site.scan(inventory=host.source)
    case.same(verdicts(site), {}, "what jobs read and write is in use")
    case.same([claim[:2] for claim in claims(site)], [("disk", "copy.qcow2"), ("disk", "old.qcow2"), ("disk", "top.qcow2"), ("other", "backup.qcow2"), ("other", "chain.qcow2"), ("other", "scratch.qcow2")], "by their roles")
    host.start(status(domain(disk(top))))
    site.scan(inventory=host.source)
    case.same(sorted(verdicts(site)), sorted(names), "and no longer when the jobs have ended")


def test_transient_disks_are_kept_with_their_overlays(case):
    """qemuSnapshotGetTransientDiskDef: the overlay is called DISK.TRANSIENT-NAME, removed when the machine ends."""
    site = case.site()
    host = Host(site)
    kiosk, = orphans(site, "kiosk.qcow2")
    host.define(domain(disk(kiosk, inner="<transient/>")))
    site.scan(inventory=host.source)
    case.same((verdicts(site), claims(site)), ({}, [("disk", "kiosk.qcow2", "found", "qcow2", "transient")]), "off: the disk is the machine's")
    over = create(kiosk + ".TRANSIENT-web", MIB, kiosk)
    host.start(status(domain(disk(kiosk, inner="<transient/>"))))
    site.scan(inventory=host.source)
    case.same(claims(site), [("disk", "kiosk.qcow2", "found", "qcow2", "transient"), ("disk", "kiosk.qcow2.TRANSIENT-web", "found", "qcow2", "transient")], "running: so is its overlay")
    os.unlink(over)
    os.unlink(os.path.join(host.run, "qemu/web.xml"))
    site.scan(inventory=host.source)
    case.same((verdicts(site), site.findings() & {("claim-missing", "kiosk.qcow2.TRANSIENT-web")}), ({}, set()), "off again: nothing is missing, nothing is garbage")


def test_what_command_lines_name_is_in_use(case):
    """<qemu:commandline> of drvqemu.html: what libvirt hands to QEMU unread."""
    site = case.site()
    host = Host(site)
    names = ("drive.qcow2", "a,b.qcow2", "node.qcow2", "loose.qcow2")
    drive, comma, node, loose = orphans(site, *names)
    args = ("-drive", f"file={drive},if=none,id=d", "-drive", "file=" + comma.replace(",", ",,") + ",format=qcow2", "-blockdev",
            '{"driver":"qcow2","file":{"driver":"file","filename":"' + node + '"}}', "-fw_cfg", f"name=opt/x,file={loose}", "-chardev", "socket,path=/no/such,id=c", "-drive", "file=nbd://h/x")
    line = "".join(f"<qemu:arg value={quoteattr(arg)}/>" for arg in args)
    host.define(domain(more=f"<qemu:commandline>{line}</qemu:commandline>", attributes=" xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"))
    scan = site.scan(inventory=host.source)
    case.same((scan.code, verdicts(site)), (0, {}), "what an argument names is in use", [str(site.findings())])
    case.same([claim[:3] for claim in claims(site)], [("disk", "a,b.qcow2", "found"), ("disk", "drive.qcow2", "found"), ("disk", "node.qcow2", "found"), ("other", "loose.qcow2", "found")], "drives are disks")


def test_command_lines_have_names_as_qemu_reads_them(case):
    """raw_parse_filename in QEMU's block/file-posix.c takes file: off; options double commas; -blockdev is JSON with its escapes."""
    site = case.site()
    host = Host(site)
    names = ("a.qcow2", "b.qcow2", "c.qcow2", "d.qcow2", "e,f.qcow2", "\u00e4.qcow2", "g.qcow2", "h\"i.qcow2", "free.qcow2")
    a, b, c, d, comma, umlaut, g, quoted, _free = orphans(site, *names)
    escaped = "".join(f"\\u{ord(letter):04x}" if letter in "\u00e4/" else letter for letter in umlaut)
    args = ("-drive", f"if=none,file=file://{a}", "-drive", f"file=/{b},if=virtio", "-blockdev", '{"driver":"file","filename":"' + c.replace("/", "\\/") + '"}',
            "-drive", f"file=../../..{d}", "-drive", 'file=json:{"driver":"qcow2",,"file":{"driver":"file",,"filename":"' + comma.replace(",", ",,") + '"}}',
            "-blockdev", '{"driver":"qcow2","file":{"driver":"file","filename":"' + escaped + '"}}', "-drive", f"driver=qcow2,file.driver=file,file.filename={g}", "-drive", f"file={quoted}")
    for option, words in ((args, "all of them"), (("-drive", "file=nbd://h/x", "-drive", "file=rbd:pool/image:conf=/etc/no.conf", "-blockdev", '{"driver":"nbd","server":{"type":"unix","path":"/run/no.sock"}}', "-blockdev", "{broken",
                                                   "-object", '{"qom-type":"x","id":"/no"}', "-device", "x,,", "-drive", "", "-drive", "file="), "none")):
        line = "".join(f"<qemu:arg value={quoteattr(arg)}/>" for arg in option)
        host.define(domain(more=f"<qemu:commandline>{line}</qemu:commandline>", attributes=" xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"))
        scan = site.scan(inventory=host.source)
        case.same((scan.code, sorted(verdicts(site))), (0, ["free.qcow2"] if option is args else sorted(names)), f"arguments name {words}", [str(site.findings())])


# -- Snapshots, checkpoints, saved machines ---------------------------------------------------------------------------

def test_snapshots_are_restore_points(case):
    site = case.site()
    host = Host(site)
    base, left = orphans(site, "base.qcow2", "left.qcow2")
    top = create(site.path("top.qcow2"), MIB, base)
    host.define(domain(disk(top)))
    path = host.snapshot(snapshot(domain(disk(base)), external(top)))
    site.scan(inventory=host.source)
    case.same(claims(site), [("disk", "top.qcow2", "found", "qcow2"), ("restore-point", "base.qcow2", "found", "qcow2", "read-only")], "the disk as it was; the overlay is the disk as it is")
    case.same(site.rows("--machines")[0]["snapshots"], 1, "which is one snapshot")
    host.define(domain())
    site.scan(inventory=host.source)
    case.same([claim[:2] for claim in claims(site)], [("restore-point", "base.qcow2"), ("restore-point", "top.qcow2")], "when the machine has it no more, the overlay is one, too")
    os.unlink(top)
    host.define(domain())
    site.scan(inventory=host.source)
    case.same(sorted(verdicts(site)), ["left.qcow2"], "somebody may go back to what no image names")
    host.snapshot(snapshot(domain(disk(base), uuid=None), name="old"), "old")  # before libvirt 0.9.5: a <domain> of the UUID alone
    host.snapshot(snapshot(f"<domain><uuid>{UUID}</uuid></domain>"), "older")
    case.same((site.scan(inventory=host.source).code, len(machines(site))), (0, 2), "an older snapshot has less of the machine; without its UUID it is another one")
    for one in ("s1", "old", "older"):
        os.unlink(os.path.join(os.path.dirname(path), f"{one}.xml"))
    site.scan(inventory=host.source)
    case.same(sorted(verdicts(site)), ["base.qcow2", "left.qcow2"], "its metadata gone, it is none", [left])


def test_snapshots_of_what_ran_keep_all_of_it(case):
    """<inactiveDomain> is the definition beside that of the running machine, <revertDisks> where a revert went, <memory> its RAM."""
    site = case.site()
    host = Host(site)
    names = ("live.qcow2", "defined.qcow2", "revert.qcow2", "below.qcow2")
    live, defined, revert, below = orphans(site, *names)
    memory = make_raw(site.path("memory.img"))
    inactive = domain(disk(defined)).replace("<domain ", "<inactiveDomain ").replace("</domain>", "</inactiveDomain>")
    host.snapshot(snapshot(domain(disk(live, inner=layer(below))) + inactive + f"<revertDisks>{external(revert)}</revertDisks>", more=f"<memory snapshot='external' file='{memory}'/>"))
    site.scan(inventory=host.source)
    case.same((verdicts(site), site.value("SELECT state FROM v_claim WHERE role = 'other'")), ({}, "found"), "all of it counts")
    os.unlink(memory)
    site.scan(inventory=host.source)
    case.same(verdicts(site), {}, "without the memory as well")


def test_checkpoints_keep_disks_and_miss_none(case):
    """virDomainCheckpointDefFormat: bitmaps, and the machine as it was. Nobody goes back to it."""
    site = case.site()
    host = Host(site)
    base, = orphans(site, "base.qcow2")
    text = "<domaincheckpoint><name>c1</name><creationTime>1</creationTime><disks><disk name='vda' checkpoint='bitmap' bitmap='c1'/></disks>{}</domaincheckpoint>"
    host.snapshot(text.format(domain(disk(base))), kind="checkpoint")
    site.scan(inventory=host.source)
    case.same(verdicts(site), {}, "its disk counts")
    host.snapshot(text.format(domain(disk(site.path("gone", "base.qcow2")))), kind="checkpoint")
    site.scan(inventory=host.source)
    case.same((verdicts(site), claims(site)), ({"base.qcow2": PROVEN}, []), "and is not missed when it is gone")
    host.snapshot(snapshot(domain(disk(site.path("gone", "base.qcow2")))))
    site.scan(inventory=host.source)
    case.same((verdicts(site)["base.qcow2"][2], ("claim-missing", "gone/base.qcow2") in site.findings()), ("inventory-incomplete", True), "as a snapshot's is")


def test_a_lost_disk_counts_from_the_oldest_file(case):
    """What was renamed after a file was written may be what that file means, though another file about the machine is newer."""
    site = case.site()
    host = Host(site)
    orphans(site, "disk.qcow2")
    paths = [host.define(domain()), host.start(status(domain(disk(site.path("elsewhere/lost.qcow2")))))]
    now = os.stat(paths[0]).st_mtime
    for times, expected in (((3600, 3600), None), ((3600, -3600), "inventory-incomplete"), ((-3600, 3600), "inventory-incomplete")):
        for path, shift in zip(paths, times):
            os.utime(path, (now + shift, now + shift))
        site.scan(inventory=host.source)
        case.same(verdicts(site)["disk.qcow2"][2], expected, f"definition and status written {times} seconds after the disk")


def test_saved_machines_use_their_disks(case):
    site = case.site()
    host = Host(site)
    used, = orphans(site, "used.qcow2")
    host.define(domain())
    xml = domain(disk(used))
    xen = b"libvirt-xml\n \0 \r" + struct.pack("<2I", 2, len(xml)) + bytes(40) + xml.encode() + os.urandom(99)  # _libxlSavefileHeader
    for words, root, data in (("as it is", "qemu", saved(xml)), ("of the other byte order", "qemu", saved(xml, order=">")),
                              ("that is being written", "qemu", saved(xml, b"LibvirtQemudPart")), ("of Xen", "libxl", xen)):
        path = host.file(host.lib, f"{root}/save/web.save", data)
        scan = site.scan(inventory=host.source)
        case.same((scan.code, verdicts(site), machines(site)), (0, {}, [("vm", "web", UUID, "off")]), f"a saved machine {words} uses its disk", scan.notes())
        os.unlink(path)
    for words, data in (("without its magic", b"x" * 200), ("too short", b"LibvirtQemudSave"), ("longer than it is", saved(xml[:40], length=1 << 20)),
                        ("of gigabytes of XML", saved(xml, length=1 << 31)), ("of another document", saved("<network/>"))):
        host.file(host.lib, "qemu/save/web.save", data)
        scan = site.scan(inventory=host.source)
        case.same((scan.code, verdicts(site)["used.qcow2"][2]), (3, "inventory-incomplete"), f"one {words} is not understood")
    host.file(host.lib, "qemu/save/web.save", b"")
    case.same(site.scan(inventory=host.source).code, 0, "an empty one is only beginning")


def test_saved_machines_of_cloud_hypervisor_are_directories(case):
    """chDoDomainSave in src/ch/ch_driver.c: NAME.save/libvirt-save.xml beside what Cloud Hypervisor writes."""
    site = case.site()
    host = Host(site)
    used, free = orphans(site, "used.qcow2", "free.qcow2")
    host.define(domain(name="vm", os_part=None), "vm", "ch")
    path = host.file(host.lib, "ch/save/vm.save/libvirt-save.xml", domain(disk(used), name="vm", os_part=None))
    host.file(host.lib, "ch/save/vm.save/config.json", "{}")
    scan = site.scan(inventory=host.source)
    case.same((scan.code, verdicts(site), machines(site)), (0, {"free.qcow2": PROVEN}, [("vm", "vm", UUID, "off")]), "its disk is in use, the other is not", [str(site.findings()), free])
    host.file(host.lib, "ch/save/vm.save/libvirt-save.xml", "<network/>")
    case.same(site.scan(inventory=host.source).code, 3, "another document is none")
    os.unlink(path)
    case.same((site.scan(inventory=host.source).code, verdicts(site)["used.qcow2"][2]), (3, "inventory-incomplete"), "without the XML its disks are unknown")


# -- Places -----------------------------------------------------------------------------------------------------------

def test_other_drivers_are_read_too(case):
    site = case.site()
    host = Host(site)
    names = ("lxc.qcow2", "xen.qcow2", "ch.qcow2", "bhyve.qcow2")
    lxc, xen, cloud, bhyve = orphans(site, *names)
    filesystem = f"<filesystem type='file' accessmode='passthrough'><driver type='nbd' format='qcow2'/><source file='{lxc}'/><target dir='/'/></filesystem>"
    host.define(domain(filesystem, "c", OTHER, "<type>exe</type><init>/sbin/init</init>", "lxc"), "c", "lxc")
    host.define(domain(disk(xen), "x", None, kind="xen"), "x", "libxl")
    host.define(domain(disk(cloud), "h", None), "h", "ch")
    host.start(status(domain(disk(bhyve), "b", None, kind="bhyve")), "b", "bhyve")
    site.scan(inventory=host.source)
    case.same((verdicts(site), [row[:2] + row[3:] for row in machines(site)]),
              ({}, [("vm", "b", "running"), ("container", "c", "off"), ("vm", "h", "off"), ("vm", "x", "off")]), "each driver has a directory of its own")


def test_directories_are_read_as_named(case):
    site = case.site()
    host = Host(site)
    disks = orphans(site, "a.qcow2", "b.qcow2", "c.qcow2")
    plain = os.path.join(site.directory, "copy")
    for part, text in (("e/qemu/a.xml", domain(disk(disks[0]))), ("r/qemu/b.xml", status(domain(disk(disks[1])))), ("l/qemu/snapshot/web/c.xml", snapshot(domain(disk(disks[2]))))):
        host.file(plain, part, text)
    site.scan(inventory=f"libvirt:{plain}/e:{plain}/r:{plain}/l")
    case.same((verdicts(site), machines(site)), ({}, [("vm", "web", UUID, "running")]), "definitions, what runs, what is kept")
    site.scan(inventory=f"libvirt:{plain}/e")
    case.same((sorted(verdicts(site)), machines(site)), (["b.qcow2", "c.qcow2"], [("vm", "web", UUID, "unknown")]), "with the first alone nobody knows what runs")
    site.scan(inventory="libvirt:copy/e", cwd=site.directory)
    case.same(site.run("prove", "--db", site.db, disks[0], cwd="/").code, 5, "a relative directory is the same to the next command")


def test_a_session_covers_a_home(case):
    """virQEMUDriverConfigNew for a user: all below ~/.config/libvirt, what runs below XDG_RUNTIME_DIR or ~/.cache."""
    site = case.site()
    home = os.path.join(site.directory, "images")  # the images lie in the home directory
    host = Host(site)
    names = ("defined.qcow2", "runs.qcow2", "kept.qcow2", "free.qcow2")
    defined, runs, kept, free = orphans(site, *names)
    config = os.path.join(home, ".config", "libvirt")
    host.file(config, "qemu/web.xml", domain(disk(defined)))
    host.file(os.path.join(home, ".cache", "libvirt"), "qemu/run/web.xml", status(domain(disk(runs))))
    host.file(config, "qemu/snapshot/web/s.xml", snapshot(domain(disk(kept))))
    site.scan(inventory=f"libvirt:{config}")
    case.same((verdicts(site), machines(site)), ({"free.qcow2": PROVEN}, [("vm", "web", UUID, "running")]), "what a user's machines use", [free])
    outside = site.outside("x.qcow2")
    os.rename(free, outside)
    over = create(outside + ".over", MIB, outside)
    roots = [os.path.dirname(outside)]
    site.scan(roots=roots)
    os.unlink(over)
    site.scan(inventory=f"libvirt:{config}", roots=roots)
    case.check("no-inventory" in verdicts(site)["../outside/x.qcow2"][2], "elsewhere there may be machines of others", [str(verdicts(site))])


def test_a_home_is_found_by_its_user(case):
    site = case.site()
    user = pwd.getpwuid(os.getuid())
    there = os.path.isdir(os.path.join(user.pw_dir, ".config", "libvirt", "qemu"))
    for source in ("libvirt:~", f"libvirt:~{user.pw_name}"):
        scan = site.scan(inventory=source)
        place = [] if there else site.query("SELECT path FROM v_finding WHERE code = 'inventory-unreadable' AND NOT cleared")
        case.same((scan.code == 3, place), (not there, [] if there else [(source.partition(':')[2],)]), f"{source} is looked up in the table of users", scan.notes())
    case.same(site.scan(inventory="libvirt:~nobody-is-called-so").code, 3, "a user that there is not is a problem")


def test_what_is_not_there_is_a_problem(case):
    site = case.site()
    host = Host(site)
    orphans(site, "disk.qcow2")
    for place in (site.path("nowhere"), site.root):
        scan = site.scan(inventory=f"libvirt:{place}")
        case.same((scan.code, verdicts(site)["disk.qcow2"][2]), (3, "inventory-incomplete"), f"{os.path.basename(place)} is no directory of libvirt")
    scan = site.scan(inventory=host.source)
    case.same((scan.code, verdicts(site)), (0, {"disk.qcow2": PROVEN}), "one without machines is an inventory, if it is named")


# -- What is broken ---------------------------------------------------------------------------------------------------

def test_broken_files_block(case):
    site = case.site()
    host = Host(site)
    orphans(site, "disk.qcow2")
    good = domain(disk(site.path("disk.qcow2")))
    bomb = "<!DOCTYPE d [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>" + domain(disk("/&b;"))
    cases = {
        "cut off": good[: len(good) // 2],
        "empty": "",
        "that declares entities": bomb,
        "nested 90,000 deep": "<domain>" + "<a>" * 90000 + "</a>" * 90000 + "</domain>",
        "of a million elements": "<domain>" + "<a/>" * 1000000 + "</domain>",
        "of 17 MiB": "<domain><!--" + "x" * (17 * MIB) + "--></domain>",
        "of another kind": "<network><name>default</name></network>",
        "with a relative path": domain(disk("disk.qcow2")),
        "with a disk of no known type": domain("<disk type='quantum'><source file='/a'/></disk>"),
        "that is no text": b"\xff\xfe\x00<domain>",
    }
    for words, text in cases.items():
        host.define(text)
        scan = site.scan(inventory=host.source)
        found = verdicts(site).get("disk.qcow2")
        case.same((scan.code, found and found[2]), (3, "inventory-incomplete"), f"a definition {words}", scan.notes())
    os.unlink(os.path.join(host.etc, "qemu/web.xml"))
    for words, put in (("a status", host.start), ("a snapshot", host.snapshot)):
        path = put("<domain/>")
        case.same(site.scan(inventory=host.source).code, 3, f"{words} of another kind")
        os.unlink(path)
    os.mkfifo(os.path.join(host.etc, "qemu/fifo.xml"))
    case.same(site.scan(inventory=host.source).code, 3, "a FIFO is not waited for")
    os.unlink(os.path.join(host.etc, "qemu/fifo.xml"))


def test_links_that_lead_nowhere_block(case):
    """Definitions may lie in a cluster's store that is not mounted now."""
    site = case.site()
    host = Host(site)
    orphans(site, "disk.qcow2")
    host.define(domain(disk(create(site.path("web.qcow2")))))
    nowhere = os.path.join(site.directory, "nowhere")
    for root, name in ((host.etc, "qemu/db.xml"), (host.etc, "storage/p.xml"), (host.etc, "storage"), (host.run, "qemu/db.xml"), (host.run, "qemu"), (host.lib, "qemu"), (host.lib, "qemu/snapshot"),
                       (host.lib, "qemu/snapshot/db"), (host.lib, "qemu/snapshot/db/s1.xml"), (host.lib, "qemu/save/db.save"), (host.etc, "lxc")):
        link = os.path.join(root, name)
        os.makedirs(os.path.dirname(link), exist_ok=True)
        os.symlink(nowhere, link)
        scan = site.scan(inventory=host.source)
        case.same((scan.code, verdicts(site)["disk.qcow2"][2]), (3, "inventory-incomplete"), f"{os.path.basename(root)}, {name} leads nowhere", scan.notes())
        os.unlink(link)
        for empty in (os.path.dirname(link), os.path.dirname(os.path.dirname(link))):
            if empty.startswith(root + "/") and not os.listdir(empty):
                os.rmdir(empty)
        case.same((site.scan(inventory=host.source).code, verdicts(site)), (0, {"disk.qcow2": PROVEN}), f"{os.path.basename(root)}, {name} is not there")
    os.rename(os.path.join(host.etc, "qemu"), nowhere)
    os.symlink(nowhere, os.path.join(host.etc, "qemu"))
    case.same((site.scan(inventory=host.source).code, verdicts(site)), (0, {"disk.qcow2": PROVEN}), "one that leads somewhere is followed")
    os.rename(nowhere, nowhere + ".not-mounted")
    case.same(site.scan(inventory=host.source).code, 3, "and when it does not any more, all definitions are unknown")
    os.rename(host.etc, host.etc + ".moved")
    os.symlink(nowhere, host.etc)
    case.same((site.scan(inventory=host.source).code, verdicts(site)["disk.qcow2"][2]), (3, "inventory-incomplete"), "so they are where the whole directory is such a link")


def test_hostile_shapes_end(case):
    site = case.site()
    host = Host(site)
    path = site.path("a.qcow2")
    host.define(domain("".join(disk(path) for _ in range(15000))))
    host.start(status(domain("".join(disk(f"{path}{number}") for number in range(15000)))))
    took = scan_time(site, inventory=host.source)
    case.check(took < 10, f"30,000 disks of a machine, half of them one: {took:.2f} s")
    case.same(site.value("SELECT count(*) FROM v_claim WHERE path = ?", path), 1, "which is one claim")


def test_names_of_any_bytes_are_found(case):
    site = case.site()
    host = Host(site)
    names = ["a b.qcow2", "a'b\"c.qcow2", "a&amp;<b>.qcow2", "a\nb\tc.qcow2", "\u00e4\u20ac\U0001F4BE.qcow2", "a,b=c:d.qcow2", "%41\\n.qcow2"]
    disks = orphans(site, *names)
    escaped = [disk(path).replace("\n", "&#10;").replace("\t", "&#9;") for path in disks]
    host.define(domain("".join(escaped)))
    scan = site.scan(inventory=host.source)
    case.same((scan.code, verdicts(site)), (0, {}), "each name is that of its file", [str(sorted(verdicts(site)))])
    host.define(domain(disk(site.path("a"))).encode().replace(b"/a'", b"/a\xff'").replace(b'/a"', b'/a\xff"'))
    case.same(site.scan(inventory=host.source).code, 3, "what is no UTF-8 is no XML")


def test_ten_thousand_machines_are_read_in_time(case):
    site = case.site()
    host = Host(site)
    used, = orphans(site, "used.qcow2")
    for number in range(10000):
        uuid = f"00000000-0000-0000-0000-{number:012d}"
        host.define(domain(disk(used if number == 7777 else f"/srv/{number}.qcow2", inner=layer(f"/srv/{number}.base")) + disk(f"/srv/{number}.iso", "raw", "<readonly/>", "cdrom"), f"m{number}", uuid), f"m{number}")
        if number < 5000:
            host.start(status(domain(disk(f"/srv/{number}.qcow2"), f"m{number}", uuid)), f"m{number}")
    took = scan_time(site, "--exclude", "*", inventory=host.source)
    case.check(took < 10, f"10,000 machines, half of them running, are read in 10 s: {took:.2f} s")
    case.same(site.query("SELECT state, count(*) FROM v_machine GROUP BY 1"), [("off", 5000), ("running", 5000)], "all of them")
    site.scan(inventory=host.source)
    case.same(verdicts(site), {}, "and the one disk is found among theirs")


TESTS = [
    test_a_defined_machine_keeps_its_disks,
    test_each_kind_of_source_has_its_role,
    test_files_of_other_devices_are_in_use,
    test_what_need_not_be_there_is_not_missed,
    test_what_need_not_be_there_may_be_of_that_name,
    test_what_a_server_hands_out_may_be_a_file_of_its_host,
    test_without_a_stated_format_a_file_is_raw,
    test_volumes_lead_to_their_pools,
    test_a_pool_with_two_targets_has_volumes_in_both,
    test_a_pool_below_no_root_is_a_finding,
    test_a_machine_that_runs_is_the_one_that_is_defined,
    test_one_that_runs_undefined_may_have_others_beside_it,
    test_two_that_run_with_one_disk_are_a_finding,
    test_a_chain_by_hand_is_read_whole,
    test_a_chain_that_images_name_counts_as_theirs,
    test_what_if_leaves_what_a_chain_has_below,
    test_chains_of_two_hundred_count_whole,
    test_mirrors_jobs_and_backups_are_in_use,
    test_transient_disks_are_kept_with_their_overlays,
    test_what_command_lines_name_is_in_use,
    test_command_lines_have_names_as_qemu_reads_them,
    test_snapshots_are_restore_points,
    test_snapshots_of_what_ran_keep_all_of_it,
    test_checkpoints_keep_disks_and_miss_none,
    test_a_lost_disk_counts_from_the_oldest_file,
    test_saved_machines_use_their_disks,
    test_saved_machines_of_cloud_hypervisor_are_directories,
    test_other_drivers_are_read_too,
    test_directories_are_read_as_named,
    test_a_session_covers_a_home,
    test_a_home_is_found_by_its_user,
    test_what_is_not_there_is_a_problem,
    test_broken_files_block,
    test_links_that_lead_nowhere_block,
    test_hostile_shapes_end,
    test_names_of_any_bytes_are_found,
    test_ten_thousand_machines_are_read_in_time,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Machines of libvirt, from its files.", TESTS))
