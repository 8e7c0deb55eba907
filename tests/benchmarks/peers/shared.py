"""What every Python peer starts from: the exported columns and constants, and the protocol of the rounds.

A peer lives through all rounds. It is given a line such as `W1F plain` and answers one line of JSON with the nanoseconds
of one round, the pairs judged and the tally, which is made after the clock has stopped.
"""

import json
import pathlib
import sys
import time

import numpy

TYPES = {
    "paused_until": "<u4", "heard_on": "<u2", "threshold": "<u2", "home_x": "<i4", "home_y": "<i4", "home_z": "<i4",
    "ties": "<u2", **{f"fact_{number}": "<i1" for number in range(12)},
}


class Workload:
    """The columns and constants of one directory."""

    def __init__(self, directory, people=None):
        directory = pathlib.Path(directory)
        self.constants = json.loads((directory / "offers.json").read_text())
        self.people = min(people or self.constants["customers"], self.constants["customers"])
        self.columns = {}
        for path in sorted(directory.glob("*.bin")):
            column = numpy.fromfile(path, dtype=TYPES.get(path.stem, "u1"))
            if path.stem.startswith("tie_"):
                column = numpy.ascontiguousarray(column.reshape(self.constants["customers"], -1)[: self.people])
            elif path.stem != "ties":
                column = numpy.ascontiguousarray(column[: self.people])
            self.columns[path.stem] = column
        self.ties = self.columns.pop("ties").reshape(len(self.constants["offers"]), -1)
        self.byte_of = {code: byte for byte, code in self.constants["reasons"]}

    def only_offer(self):
        """The offer of a workload that has one place and rules that look at one fact each."""
        (offer,) = self.constants["offers"]
        (offer["place"],) = offer["places"]
        assert not offer["anticipates"] and offer["in_force"] and not offer["audience"]
        for attribute in ("home", "purchases", "interests", "lifecycle", "reaction", "active_hours"):
            assert attribute in offer["declares"]
        for rule in offer["rules"]:
            assert set(rule["when"]) == {"fact", "is"}
        return offer


def tally(workload, reasons, relevance, contributions=None):
    """Counts by outcome and sums, as `expected.json` has them."""
    names = {byte: code for byte, code in workload.constants["reasons"]} | {0: "approved"}
    counts = numpy.bincount(reasons, minlength=256)
    told = {
        "counts": {names[byte]: int(count) for byte, count in enumerate(counts) if count},
        "relevance": int(relevance.sum(dtype=numpy.uint64)),
    }
    if contributions is not None:
        scored = contributions[:, 1] != 255
        told["contributions"] = [int(total) for total in contributions[scored].sum(axis=0, dtype=numpy.uint64)]
    return told


class Clock:
    """Runs from when it is made."""

    def __init__(self):
        self.wall, self.processor = time.perf_counter_ns(), time.process_time_ns()

    def taken(self):
        """Nanoseconds: of the wall or of the processor, whichever are fewer; on a busy machine a process waits for its turn."""
        return min(time.perf_counter_ns() - self.wall, time.process_time_ns() - self.processor)


def serve(answer):
    """Gives each line to `answer(workload name, path)` until there are no more."""
    for line in sys.stdin:
        name, path = line.split()
        print(json.dumps(answer(name, path)), flush=True)
