"""The first people of a workload as facts for the rule engines: `python facts.py DIRECTORY PEOPLE` writes `facts.json`.

They have no tables and no roots, so what a purchase says, how good the hour is and how near it is are resolved before the
clock starts. That is less work than the others do, and favours them.
"""

import json
import math
import pathlib
import sys

from shared import Workload


def person(workload, offer, column, number):
    constants, place = workload.constants, offer["place"]
    at = lambda name: int(column[name][number])
    home = [at("home_x"), at("home_y"), at("home_z")]
    chord = sum((a - b) ** 2 for a, b in zip(home, place["vector"]))
    area, agreed = at("area"), at("purposes")
    up, down, factor = (place["scale"][area][name] for name in ("up", "down", "factor"))
    share = math.isqrt(((chord << up) >> down) * factor >> 32)
    figures = []
    if agreed & 1:
        ties = zip(*(column[f"tie_{part}"][number].tolist() for part in ("category", "month", "day")))
        figures = [(int(workload.ties[0][code * 256 + month]), month * 256 + 256 + day) for code, month, day in ties]
    ties = [(1 if figure & 0x4000 else figure & 0x3FFF, when if figure & 0x4000 else 0) for figure, when in figures if figure]
    serves = any(when >= offer["recent_from"] for _, when in ties)
    needs = [(figure & 0x3FFF) - 1 for figure, _ in figures if figure & 0x4000 and not serves]
    facts = [at(f"fact_{rule['when']['fact']}") for rule in offer["rules"]]
    own = at("threshold")
    return {
        "objected": at("no_marketing") == 1,
        "paused": constants["now"] < at("paused_until"),
        "topic": constants["topic_states"][at(f"topic_{offer['topic']}")],
        "silent_days": constants["today"] - at("heard_on") if at("heard_on") else 0,
        "profiled": agreed & 1 == 1,
        "located": agreed & 2 == 2 and any(home),
        "measured": agreed & 9 == 9,
        "chord": chord / 2**40,
        "area": area,
        "proximity": constants["nearness"][min(share, 16_383)],
        "ties": [{"bp": bp - 1, "recent": when >= offer["recent_from"], "has": when >= offer["has_from"]} for bp, when in ties],
        "need": max(needs, default=0),
        "good_hour": at("good_hours") & 1 == 1,
        "rules": [value if agreed & 1 and value != -128 else -1 for value in facts],
        "lifecycle": at("lifecycle"),
        "reaction": at("reaction"),
        "own": -1 if own == 65_535 else own,
    }


def main():
    directory, people = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    workload = Workload(directory, people)
    offer = workload.only_offer()
    told = {
        "people": [person(workload, offer, workload.columns, number) for number in range(workload.people)],
        "offer": offer,
        "constants": {name: workload.constants[name] for name in ("topic_states", "topic_bp", "retention_days")},
    }
    (directory / "facts.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main()
