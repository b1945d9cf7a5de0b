# SPDX-License-Identifier: MIT
# A row of the table: what was measured, against what, and how that compares with the target. Imported only.

import statistics
from dataclasses import dataclass, field


@dataclass
class Row:
    name: str
    what: str
    peer: str = ""
    value: float | None = None   # seconds, or what `unit` says: the median of the runs
    peer_value: float | None = None
    unit: str = "s"
    ratio: float | None = None   # how many times faster, or within how many times: see `sense`
    low: float | None = None     # smallest and largest ratio of one pair of runs
    high: float | None = None
    processor: float | None = None  # the same ratio, of processor seconds
    peak_mib: float | None = None
    sense: str = ""              # "faster": the ratio should be at least the target; "within", "below": at most
    target: float | None = None
    met: bool | None = None
    note: str = ""
    details: list = field(default_factory=list)  # lines below the table
    runs: list = field(default_factory=list)     # what each pair of runs cost

    def aim(self):
        if self.target is None:
            return ""
        number = f"{self.target:g}"
        return {"faster": f">= {number} x", "within": f"<= {number} x", "below": f"<= {number} {self.unit}"}[self.sense]


def median(values):
    return statistics.median(values)


def peak(pairs):
    return max(ours.peak_kib for ours, _ in pairs) / 1024 or None


def divide(a, b):
    return a / b if b else None


def compare(name, what, peer, pairs, sense, target, note=""):
    """A Row from [(our Run, their Run)]."""
    def ratio(ours, theirs):
        return divide(theirs, ours) if sense == "faster" else divide(ours, theirs)

    ours = median(run.seconds for run, _ in pairs)
    theirs = median(run.seconds for _, run in pairs)
    each = [ratio(a.seconds, b.seconds) for a, b in pairs]
    processor = None
    if all(run.processor for pair in pairs for run in pair):
        processor = ratio(median(run.processor for run, _ in pairs), median(run.processor for _, run in pairs))
    row = Row(name, what, peer, ours, theirs, ratio=ratio(ours, theirs), low=min(each), high=max(each),
              processor=processor, peak_mib=peak(pairs), sense=sense, target=target, note=note,
              runs=[[vars(run) for run in pair] for pair in pairs])
    if target is not None:
        row.met = row.ratio >= target if sense == "faster" else row.ratio <= target
    return row


def faster(name, what, peer, pairs, target=None, note=""):
    return compare(name, what, peer, pairs, "faster", target, note)


def within(name, what, peer, pairs, target=None, note=""):
    return compare(name, what, peer, pairs, "within", target, note)


def below(name, what, value, unit, target=None, note="", peak_mib=None):
    """A Row of one number, without a peer."""
    return Row(name, what, value=value, unit=unit, sense="below", target=target, note=note, peak_mib=peak_mib,
               met=None if target is None else value <= target)
