# SPDX-License-Identifier: MIT
# Backing files named in every odd way. Where qemu-img follows a reference, imgaudit prints the same map
# or, for what is not a plain local file, refuses; where qemu-img fails, imgaudit fails too.

import json
import os
import subprocess

import harness
import qemu

SAME = "same"
MAY_REFUSE = "may refuse"
TIMEOUT = 20


def quoted(**keys):
    return "json:" + json.dumps(keys)


def file_node(path):
    return {"driver": "file", "filename": path}


def named_in_json(text):
    """A name as it stands between the quotation marks, in bytes of its own."""
    return 'json:{"driver":"qcow2","file":{"driver":"file","filename":"{dir}/' + text + '"}}'


def raw_bytes(data):
    return data.decode("utf-8", "surrogateescape")


# File names that JSON holds as they are, in escapes, or not at all.
ODD_NAMES = ["n\u00e4m\u00e9.qcow2", "a\u00a0b.qcow2", "\u20ac.qcow2", "\U0001f4be.qcow2", "a\x7fb.qcow2", "it's.qcow2", 'q".qcow2', "a\\b.qcow2",
             "a, b.qcow2", "a\tb.qcow2", "a\nb.qcow2", "a\x01b.qcow2", "%s.qcow2", "\ufffd.qcow2", raw_bytes(b"a\xe4b.qcow2")]
TEXTS = [("umlauts", "n\u00e4m\u00e9.qcow2"), ("a blank of two bytes", "a\u00a0b.qcow2"), ("three bytes", "\u20ac.qcow2"),
         ("four bytes", "\U0001f4be.qcow2"), ("delete", "a\x7fb.qcow2"), ("apostrophe", "it's.qcow2"), ("escaped apostrophe", "it\\'s.qcow2"),
         ("quotation mark", 'q\\".qcow2'), ("backslash", "a\\\\b.qcow2"), ("comma", "a, b.qcow2"), ("per cent", "%s.qcow2"),
         ("bare tab", "a\tb.qcow2"), ("escaped tab", "a\\tb.qcow2"), ("bare newline", "a\nb.qcow2"), ("escaped newline", "a\\nb.qcow2"),
         ("bare control character", "a\x01b.qcow2"), ("escaped control character", "a\\u0001b.qcow2"), ("escaped umlaut", "n\\u00e4m\\u00E9.qcow2"),
         ("surrogate pair", "\\ud83d\\udcbe.qcow2"), ("surrogates in the wrong order", "\\udcbe\\ud83d.qcow2"),
         ("half a surrogate pair", "\\ud83d.qcow2"), ("half a pair and a letter", "\\ud83d\\u0041.qcow2"), ("escaped NUL", "a\\u0000b.qcow2"),
         ("escape of three digits", "a\\u00e.qcow2"), ("unknown escape", "a\\qb.qcow2"), ("replacement character", "\ufffd.qcow2"),
         ("noncharacter", "\ufffe.qcow2"), ("another noncharacter", "\ufdd0.qcow2"), ("escaped noncharacter", "\\uffff.qcow2"),
         ("Latin 1", raw_bytes(b"a\xe4b.qcow2")), ("NUL of two bytes", raw_bytes(b"a\xc0\x80b.qcow2")),
         ("longer than need be", raw_bytes(b"\xc1\x81.qcow2")), ("a surrogate in UTF-8", raw_bytes(b"\xed\xa0\xbd.qcow2")),
         ("past Unicode", raw_bytes(b"\xf4\x90\x80\x80.qcow2")), ("five bytes", raw_bytes(b"\xf8\x88\x80\x80\x80.qcow2")),
         ("byte that is never in UTF-8", raw_bytes(b"a\xffb.qcow2")), ("a character cut short", raw_bytes(b"\xe2\x82.qcow2")),
         ("a continuation alone", raw_bytes(b"\x80.qcow2"))]


# (what it is, the reference with {dir} for the directory, stated format or None, rule)
SPELLINGS = [
    ("relative", "mid.qcow2", "qcow2", SAME),
    ("dot", "./mid.qcow2", "qcow2", SAME),
    ("up and down", "sub/../mid.qcow2", "qcow2", SAME),
    ("double slash", "{dir}//mid.qcow2", "qcow2", SAME),
    ("sub-directory", "sub/mid.qcow2", "qcow2", SAME),
    ("file: relative", "file:mid.qcow2", "qcow2", SAME),
    ("file: with dot", "file:./mid.qcow2", "qcow2", SAME),
    ("file: absolute", "file:{dir}/mid.qcow2", "qcow2", SAME),
    ("file: URL", "file://{dir}/mid.qcow2", "qcow2", SAME),
    ("file: URL of a host", "file://localhost{dir}/mid.qcow2", "qcow2", SAME),
    ("file: twice", "file:file:mid.qcow2", "qcow2", SAME),
    ("no format", "mid.qcow2", None, SAME),
    ("no format, raw", "deep.raw", None, SAME),
    ("raw stated over qcow2", "mid.qcow2", "raw", SAME),
    ("qcow2 stated over raw", "deep.raw", "qcow2", SAME),
    ("unknown format", "mid.qcow2", "nosuch", SAME),
    ("empty format", "mid.qcow2", "", SAME),
    ("format file", "mid.qcow2", "file", MAY_REFUSE),
    ("missing", "missing.qcow2", "qcow2", SAME),
    ("missing directory", "nosuch/mid.qcow2", "qcow2", SAME),
    ("directory", "sub", "qcow2", SAME),
    ("directory as raw", "sub", "raw", SAME),
    ("trailing slash", "mid.qcow2/", "qcow2", SAME),
    ("itself", "overlay.qcow2", "qcow2", SAME),
    ("itself, raw stated", "overlay.qcow2", "raw", MAY_REFUSE),
    ("symlink of a base elsewhere", "link.qcow2", "qcow2", SAME),
    ("dangling symlink", "dangling.qcow2", "qcow2", SAME),
    ("symlink to itself", "circle.qcow2", "qcow2", SAME),
    ("colon behind a dot", "./a:b.qcow2", "qcow2", SAME),
    ("colon behind a slash", "sub/a:b.qcow2", "qcow2", SAME),
    ("colon", "a:b.qcow2", "qcow2", SAME),
    ("colon, file:", "file:a:b.qcow2", "qcow2", SAME),
    ("per cent", "%6did.qcow2", "qcow2", SAME),
    ("file: and per cent", "file:%6did.qcow2", "qcow2", SAME),
    ("question mark", "mid.qcow2?x=1", "qcow2", SAME),
    ("blanks around", " mid.qcow2", "qcow2", SAME),
    ("unknown protocol", "nosuch:mid.qcow2", "qcow2", SAME),
    ("format as protocol", "qcow2:mid.qcow2", "qcow2", SAME),
    ("raw as protocol", "raw:mid.qcow2", "qcow2", SAME),
    ("json, nested", quoted(driver="qcow2", file=file_node("{dir}/mid.qcow2")), "qcow2", SAME),
    ("json, nested, no format", quoted(driver="qcow2", file=file_node("{dir}/mid.qcow2")), None, SAME),
    ("json, no driver, no format", quoted(file=file_node("{dir}/mid.qcow2")), None, SAME),
    ("json, raw, no format", quoted(driver="raw", file=file_node("{dir}/deep.raw")), None, SAME),
    ("json, dotted", 'json:{"driver":"qcow2","file.filename":"{dir}/mid.qcow2"}', None, SAME),
    ("json, dotted driver", 'json:{"driver":"qcow2","file.driver":"file","file.filename":"{dir}/mid.qcow2"}', None, SAME),
    ("json, node and dotted", 'json:{"driver":"qcow2","file":{"driver":"file"},"file.filename":"{dir}/mid.qcow2"}', None, SAME),
    ("json, single quotes", "json:{'driver':'qcow2','file':{'driver':'file','filename':'{dir}/mid.qcow2'}}", None, SAME),
    ("json, blanks", 'json:  { "driver" : "qcow2" , "file" : { "driver":"file", "filename":"{dir}/mid.qcow2" } }  ', None, SAME),
    ("json, escapes", 'json:{"driver":"\\u0071cow2","file":{"driver":"file","filename":"{dir}\\/m\\u0069d.qcow2"}}', None, SAME),
    ("json, bad escape", 'json:{"driver":"qcow2","file":{"driver":"file","filename":"{dir}/m\\xid.qcow2"}}', None, SAME),
    ("json, key twice", 'json:{"driver":"raw","driver":"qcow2","file":{"driver":"file","filename":"{dir}/mid.qcow2"}}', None, SAME),
    ("json, comment", 'json:{"driver":"qcow2",/*x*/"file":{"driver":"file","filename":"{dir}/mid.qcow2"}}', None, SAME),
    ("json, comma at the end", 'json:{"driver":"qcow2","file":{"driver":"file","filename":"{dir}/mid.qcow2"},}', None, SAME),
    ("json, more behind", 'json:{"driver":"qcow2","file":{"driver":"file","filename":"{dir}/mid.qcow2"}} {}', None, SAME),
    ("json, relative", quoted(driver="qcow2", file=file_node("mid.qcow2")), None, SAME),
    ("json, file: inside", quoted(driver="qcow2", file=file_node("file:{dir}/mid.qcow2")), None, SAME),
    ("json, protocol inside, no driver", quoted(driver="qcow2", file={"filename": "file:{dir}/mid.qcow2"}), None, SAME),
    ("json, other driver than stated", quoted(driver="raw", file=file_node("{dir}/mid.qcow2")), "qcow2", SAME),
    ("json, raw stated", quoted(driver="qcow2", file=file_node("{dir}/mid.qcow2")), "raw", SAME),
    ("json, unknown driver", quoted(driver="nosuch", file=file_node("{dir}/mid.qcow2")), None, SAME),
    ("json, unknown key", quoted(driver="qcow2", nosuch="x", file=file_node("{dir}/mid.qcow2")), None, MAY_REFUSE),
    ("json, unknown file key", quoted(driver="qcow2", file={"driver": "file", "filename": "{dir}/mid.qcow2", "x": "y"}), None, MAY_REFUSE),
    ("json, empty", "json:", "qcow2", SAME),
    ("json, empty object", "json:{}", "qcow2", SAME),
    ("json, array", "json:[]", "qcow2", SAME),
    ("json, string", 'json:"mid.qcow2"', "qcow2", SAME),
    ("json, cut off", 'json:{"driver":"qcow2"', "qcow2", SAME),
    ("json, no file", quoted(driver="qcow2"), None, SAME),
    ("json, file is a name", quoted(driver="qcow2", file="{dir}/mid.qcow2"), None, SAME),
    ("json, file is null", 'json:{"driver":"qcow2","file":null}', None, SAME),
    ("json, filename is a number", 'json:{"driver":"qcow2","file":{"driver":"file","filename":7}}', None, SAME),
    ("json, filename empty", quoted(driver="qcow2", file=file_node("")), None, SAME),
    ("json, missing", quoted(driver="qcow2", file=file_node("{dir}/missing.qcow2")), None, SAME),
    ("json, filename at the top", quoted(driver="qcow2", filename="{dir}/mid.qcow2"), None, MAY_REFUSE),
    ("json, driver file", quoted(driver="file", filename="{dir}/deep.raw"), None, MAY_REFUSE),
    ("json, driver file, raw stated", quoted(driver="file", filename="{dir}/deep.raw"), "raw", MAY_REFUSE),
    ("json, raw over qcow2 node", quoted(driver="raw", file={"driver": "qcow2", "file": file_node("{dir}/mid.qcow2")}), None, MAY_REFUSE),
    ("json, raw over raw", quoted(driver="raw", file={"driver": "raw", "file": file_node("{dir}/deep.raw")}), None, MAY_REFUSE),
    ("json, no backing", 'json:{"driver":"qcow2","backing":null,"file":{"driver":"file","filename":"{dir}/mid.qcow2"}}', None, MAY_REFUSE),
    ("json, backing is empty", 'json:{"driver":"qcow2","backing":"","file":{"driver":"file","filename":"{dir}/mid.qcow2"}}', None, MAY_REFUSE),
    ("json, other backing",
     quoted(driver="qcow2", file=file_node("{dir}/mid.qcow2"), backing={"driver": "raw", "file": file_node("{dir}/other.raw")}), None, MAY_REFUSE),
    ("json, other backing, dotted", 'json:{"driver":"qcow2","file.filename":"{dir}/mid.qcow2","backing.file.filename":"{dir}/other.raw","backing.driver":"raw"}', None, MAY_REFUSE),
    ("json, raw with offset", 'json:{"driver":"raw","offset":65536,"file":{"driver":"file","filename":"{dir}/deep.raw"}}', None, SAME),
    ("json, raw with size", 'json:{"driver":"raw","size":65536,"file":{"driver":"file","filename":"{dir}/deep.raw"}}', None, SAME),
    ("json, raw with offset as text", 'json:{"driver":"raw","offset":"64k","file":{"driver":"file","filename":"{dir}/deep.raw"}}', None, SAME),
    ("json, raw with offset and size", 'json:{"driver":"raw","offset":512,"size":70144,"file.filename":"{dir}/deep.raw"}', None, SAME),
    *[(f"json, raw with {what}", quoted(driver="raw", file=file_node("{dir}/deep.raw"), **options), stated, SAME)
      for what, options, stated in (
          ("offset 0", {"offset": 0}, None), ("offset and size, raw stated", {"offset": 65536, "size": 131072}, "raw"),
          ("offset, qcow2 stated", {"offset": 65536}, "qcow2"), ("a fraction of a suffix", {"offset": "1.5k"}, None),
          ("a fraction of a byte", {"offset": "512.5"}, None), ("hexadecimal offset", {"offset": "0x8000"}, None),
          ("capital suffix", {"size": "128K"}, None), ("unknown suffix", {"size": "64z"}, None), ("two suffixes", {"size": "1kb"}, None),
          ("blanks before a size", {"size": " 65536"}, None), ("blanks behind a size", {"size": "65536 "}, None),
          ("negative offset", {"offset": -512}, None), ("offset as a float", {"offset": 1e5, "size": 512}, None),
          ("offset as a truth value", {"offset": True}, None), ("offset null", {"offset": None}, None),
          ("offset at the end", {"offset": 400 * 1024}, None), ("offset past the end", {"offset": 400 * 1024 + 512}, None),
          ("size past the end", {"offset": 512, "size": 400 * 1024}, None), ("odd offset and size", {"offset": 1000, "size": 70144}, None),
          ("odd size", {"size": 1000}, None), ("size 0", {"size": 0}, None), ("huge offset", {"offset": 2**64 - 1}, None),
          ("huge suffix", {"offset": "16E"}, None))],
    ("json, qcow2 with offset", 'json:{"driver":"qcow2","offset":0,"file":{"driver":"file","filename":"{dir}/mid.qcow2"}}', None, SAME),
    ("json, raw with offset missing", 'json:{"driver":"raw","offset":512,"file":{"driver":"file","filename":"{dir}/missing"}}', None, SAME),
    ("json, harmless options", 'json:{"driver":"qcow2","lazy-refcounts":true,"discard":"unmap","file":{"driver":"file","locking":"off","filename":"{dir}/mid.qcow2"}}', None, MAY_REFUSE),
    ("json, node name", 'json:{"driver":"qcow2","node-name":"n","file":{"driver":"file","node-name":"f","filename":"{dir}/mid.qcow2"}}', None, MAY_REFUSE),
    ("json, read-only", 'json:{"driver":"qcow2","read-only":"on","file":{"driver":"file","filename":"{dir}/mid.qcow2"}}', None, MAY_REFUSE),
    ("json, null-co", 'json:{"driver":"null-co","size":131072}', None, MAY_REFUSE),
    ("json, null-co zeroes", 'json:{"driver":"null-co","size":131072,"read-zeroes":true}', None, MAY_REFUSE),
    ("json, throttle", 'json:{"driver":"copy-on-read","file":{"driver":"qcow2","file":{"driver":"file","filename":"{dir}/mid.qcow2"}}}', None, MAY_REFUSE),
    ("json, nbd", 'json:{"driver":"nbd","server":{"type":"inet","host":"127.0.0.1","port":"1"}}', None, MAY_REFUSE),
    ("json, in json", quoted(driver="qcow2", file={"filename": 'json:{"driver":"file","filename":"{dir}/mid.qcow2"}'}), None, MAY_REFUSE),
    *[(f"json, name with {what}", named_in_json(text), None, SAME) for what, text in TEXTS],
    *[(f"json, {what}", 'json:{"driver":"qcow2","lazy-refcounts":' + value + ',"file":{"driver":"file","filename":"{dir}/mid.qcow2"}}', None, rule)
      for what, value, rule in (("true", "true", SAME), ("True", "True", SAME), ("off", "off", SAME), ("NaN", "NaN", SAME), ("Infinity", "Infinity", SAME),
                                ("per cent", "%p", SAME), ("leading zero", "01", SAME), ("no digit before the point", ".5", SAME),
                                ("no digit behind the point", "1.", SAME), ("plus", "+1", SAME), ("minus alone", "-", SAME),
                                ("zero with exponent", "0e0", SAME), ("number in an apostrophe", "'on'", SAME))],
    ("json, form feed", 'json:{"driver":"qcow2",\f"file":{"driver":"file","filename":"{dir}/mid.qcow2"}}', None, SAME),
    ("json, newlines", 'json:\n{"driver":"qcow2",\r\n\t"file":{"driver":"file","filename":"{dir}/mid.qcow2"}}\n', None, SAME),
    ("json, mixed marks", 'json:{"driver":\'qcow2\',"file":{"driver":"file","filename":"{dir}/mid.qcow2\'}}', None, SAME),
    ("json, quotation marks in apostrophes", "json:{'driver':'qcow2','file':{'driver':'file','filename':'{dir}/q\".qcow2'}}", None, SAME),
    ("json, key twice, once escaped", 'json:{"driver":"raw","\\u0064river":"qcow2","file":{"driver":"file","filename":"{dir}/mid.qcow2"}}', None, SAME),
    ("null-co URL", "null-co://", "raw", MAY_REFUSE),
    ("nbd URL", "nbd://127.0.0.1:1/disk", "raw", MAY_REFUSE),
    ("blkdebug", "blkdebug::mid.qcow2", "qcow2", MAY_REFUSE),
    ("virtual FAT", "fat:sub", "raw", MAY_REFUSE),
    ("device", "/dev/null", "raw", MAY_REFUSE),
    ("host device", "host_device:/dev/null", "raw", MAY_REFUSE),
    ("the longest name", "./" * 500 + "mid.qcow2", "qcow2", SAME),
]


def run(*command):
    subprocess.run(command, check=True, capture_output=True)


def qemu_io(image, *commands):
    run("qemu-io", *(part for command in commands for part in ("-c", command)), image)


def make_bases(directory):
    """deep.raw <- mid.qcow2, twice with different contents, and other names for them."""
    for folder, shift in ((directory, 0), (os.path.join(directory, "sub"), 64), (os.path.join(directory, "far"), 128)):
        os.makedirs(folder, exist_ok=True)
        make_base_pair(folder, shift)
        os.link(os.path.join(folder, "mid.qcow2"), os.path.join(folder, "a:b.qcow2"))
    for name in ODD_NAMES:
        os.link(os.path.join(directory, "mid.qcow2"), os.path.join(directory, name))
    os.symlink("far/mid.qcow2", os.path.join(directory, "link.qcow2"))
    os.symlink("nowhere", os.path.join(directory, "dangling.qcow2"))
    os.symlink("circle.qcow2", os.path.join(directory, "circle.qcow2"))
    with open(os.path.join(directory, "other.raw"), "wb") as file:
        file.truncate(300 * 1024)
        file.seek(128 * 1024)
        file.write(b"o" * 70000)


def make_base_pair(folder, shift):
    raw, mid = os.path.join(folder, "deep.raw"), os.path.join(folder, "mid.qcow2")
    with open(raw, "wb") as file:
        file.truncate(400 * 1024)
        file.seek((32 + shift) * 1024)
        file.write(b"d" * 100000)
    run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "deep.raw", "-u", mid, "512k")
    qemu_io(mid, f"write {shift}k 64k", "write -z 320k 64k")


def overlay_command(directory, spelling):
    _, reference, stated, _ = spelling
    name = reference.replace("{dir}", json.dumps(directory)[1:-1] if reference.startswith("json:") else directory)
    return ["qemu-img", "create", "-q", "-u", "-f", "qcow2", "-o", "cluster_size=65536", "-F", stated or "raw", "-b", name, "new.qcow2", "700k"]


def make_overlay(directory, spelling):
    """qemu-img checks the stated format, so an unknown one is patched in; it also refuses the image itself as its base."""
    overlay = os.path.join(directory, "overlay.qcow2")
    stated = spelling[2]
    if stated == "nosuch":
        spelling = (*spelling[:2], "bochs", None)
    if stated == "":
        spelling = (*spelling[:2], "qcow2", None)
    subprocess.run(overlay_command(directory, spelling), cwd=directory, check=True, capture_output=True)
    os.rename(os.path.join(directory, "new.qcow2"), overlay)
    if stated == "nosuch":
        patch_format(overlay, b"bochs", b"nosuc")
    if stated == "":
        patch_format(overlay, b"qcow2", b"\0cow2")
    if stated is None:
        patch_format(overlay, b"\xe2\x79\x2a\xca", b"orac")
    qemu.execute(["qemu-io", "-f", "qcow2", "-c", "write 192k 64k", "overlay.qcow2"], directory)


def patch_format(path, old, new):
    with open(path, "r+b") as file:
        header = file.read(4096)
        file.seek(header.index(old))
        file.write(new)


def test(directory, imgaudit, rng, index, again):
    spelling = SPELLINGS[index]
    label, _, _, rule = spelling
    make_bases(directory)
    make_overlay(directory, spelling)
    theirs = qemu.execute(["qemu-img", "map", "-U", "--output=json", "overlay.qcow2"], directory, TIMEOUT)
    ours = qemu.execute([imgaudit, "map", "--output=json", "overlay.qcow2"], directory, TIMEOUT)
    return harness.Batch([judge(label, rule, theirs, ours, again)], {f"qemu-img exit {theirs.code}"})


def judge(label, rule, theirs, ours, again):
    name = f"reference is followed as by qemu-img: {label}"
    if ours.crashed():
        return harness.Result(name, False, [f"imgaudit ended with {ours.code}", *qemu.tail(ours.err), *again])
    if theirs.crashed():
        return harness.Result(name, True, skipped=f"qemu-img ended with {theirs.code}")
    if rule == MAY_REFUSE and ours.code == 1:
        return harness.Result(name + ("" if theirs.code else " (refused, as it may)"), True)
    notes = qemu.compare_json("json", theirs, ours)
    return harness.Result(name, not notes, notes + again if notes else [])
