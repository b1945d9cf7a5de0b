# SPDX-License-Identifier: MIT
# A directory of one group of tests on one format, and what each of them needs there. Imported only.

import json
import os

import guest
import harness
import qemu


class Place:
    def __init__(self, options, out, directory):
        self.options, self.out, self.directory = options, out, directory
        os.makedirs(directory, exist_ok=True)

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)

    def report(self, name, notes):
        self.out.report(harness.result(name, notes))

    def map(self, name, *options):
        return qemu.imgaudit_map(self.options.imgaudit, name, ["--output=json", *options], self.directory)

    def has_content(self, what, name, size, content):
        compare = lambda: guest.compare_with_content(self.options, name, size, content, cwd=self.directory)
        self.out.report(guest.content_result(self.options, f"a guest reads what was written: {what}", compare))

    def converts(self, what, name):
        compare = lambda: guest.compare_with_convert(self.options, name, cwd=self.directory)
        self.out.report(guest.content_result(self.options, f"content equals qemu-img convert: {what}", compare))

    def refused(self, what, name, words, qemu_too=True, form=None):
        """Exit code 1 with these words, and whether qemu-img refuses it too."""
        chosen = ["-f", form] if form else []
        ours = self.map(name, *chosen)
        theirs = qemu.qemu_map([*chosen, "--output=json", name], cwd=self.directory)
        notes = [] if ours.code == 1 and words in ours.err else [f"exit code {ours.code}: {ours.err.strip()}"]
        if (theirs.code != 0) != qemu_too:
            notes.append(f"qemu-img: exit code {theirs.code}: {theirs.err.strip()}")
        self.report(f"refused: {what}", notes)

    def scan(self, directory):
        """Scans into a store of its own; returns a function from SQL to rows."""
        program, store = self.options.imgaudit, self.path("store.db")
        qemu.execute([program, "scan", "--db", store, directory], self.directory)

        def rows(query):
            outcome = qemu.execute([program, "sql", "--db", store, "--format", "json", query], self.directory)
            if outcome.code != 0:
                raise qemu.ToolError(f"{query}: code {outcome.code}: {outcome.err.strip()}")
            return json.loads(outcome.out)["rows"]
        return rows

    def found_cut(self, what, expected):
        """A scan of this directory finds exactly these images to be cut off."""
        rows = self.scan(".")("SELECT path FROM v_finding WHERE NOT cleared AND code = 'truncated' ORDER BY path")
        names = [os.path.basename(row["path"]) for row in rows]
        self.report(f"a scan finds what is cut off: {what}", [] if names == sorted(expected) else [f"it found {names}"])


def run(tests, parser):
    """Each test is a function of a Place of its own. The exit code."""
    options = guest.parse(parser)
    out = harness.Tap()
    out.note(f"seed {options.seed}, qemu-img {qemu.version()}, count {options.count}")
    with harness.work_directory(options.keep) as directory:
        for test in tests:
            test(Place(options, out, os.path.join(directory, test.__name__)))
    return out.finish()
