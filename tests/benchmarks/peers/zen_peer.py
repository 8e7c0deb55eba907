"""The offer as a decision of zen-engine (a JSON decision model of expressions), evaluated for one person after the other.

    python zen_peer.py DIRECTORY
"""

import json
import pathlib
import sys

import zen

from shared import Clock, serve


def decision(told):
    """The graph: input, expressions in their order, output."""
    offer, constants = told["offer"], told["constants"]
    place, weights = offer["place"], offer["weights"]
    fixed = [part for part in (place["opening_bp"], offer["season_bp"], offer["ends_soon_bp"]) if part is not None]
    scaled = lambda chords: str([chord / 2**40 for chord in chords])
    gates = [("objected", "'objected'"), ("paused", "'paused'"), ("topic != 'granted'", "topic"),
             (f"silent_days > {constants['retention_days']}", "'consent_expired'"), ("not located", "'place_unknown'"),
             (f"chord > {scaled(place['reach'])}[area]", "'too_far'"), (f"chord > {scaled(place['in_time'])}[area]", "'too_late'")]
    for number, rule in enumerate(offer["rules"]):
        if rule["unknown"] == "exclude":
            gates.append((f"rules[{number}] == -1", "'suitability_unknown'"))
        gates.append((f"rules[{number}] != -1 and rules[{number}] != {rule['when']['is']}", "'unsuitable'"))
    gates.append(("some(ties, #.has)", "'already_has'"))
    gate = " : ".join(f"{when} ? {reason}" for when, reason in gates) + " : ''"
    good, usual = (sum(fixed) + 10_000) // (len(fixed) + 1), sum(fixed) // max(len(fixed), 1)
    moment = f"min([((measured and good_hour) ? {good} : {usual}), max([proximity, $.affinity])])" if fixed else "-1"
    expressions = {
        "gate": gate,
        "affinity": f"max([need, floor((len(ties) > 0 ? max(map(ties, #.bp)) : {constants['topic_bp']}) / (some(ties, #.recent) ? 2 : 1))])",
        "moment": moment,
        "fit": f"profiled ? {offer['fit_bp']}[lifecycle] : -1",
        "appetite": "(measured and reaction > 0) ? min([reaction, 5]) * 2000 : -1",
        "known": f"{weights[0] + weights[1]} + ($.moment >= 0 ? {weights[2]} : 0) + ($.fit >= 0 ? {weights[3]} : 0) + ($.appetite >= 0 ? {weights[4]} : 0)",
        "relevance": f"floor(({weights[0]} * proximity + {weights[1]} * $.affinity + {weights[2]} * max([$.moment, 0]) + {weights[3]} * max([$.fit, 0]) + {weights[4]} * max([$.appetite, 0])) / $.known)",
        "outcome": f"$.gate != '' ? $.gate : $.known * 100 < {offer['minimum_evidence']} ? 'too_little_known' : $.relevance < {offer['threshold']} ? 'below_threshold' : own >= 0 and $.relevance < own ? 'below_own_threshold' : 'approved'",
    }
    rows = [{"id": key, "key": key, "value": value} for key, value in expressions.items()]
    node = lambda name, kind, content=None: {"id": name, "name": name, "type": kind, "content": content or {}, "position": {"x": 0, "y": 0}}
    return json.dumps({
        "nodes": [node("in", "inputNode"), node("judge", "expressionNode", {"expressions": rows}), node("out", "outputNode")],
        "edges": [{"id": "a", "sourceId": "in", "targetId": "judge"}, {"id": "b", "sourceId": "judge", "targetId": "out"}],
    })


class Prepared:
    """The decision of one workload and the people to judge."""

    def __init__(self, directory):
        told = json.loads((pathlib.Path(directory) / "facts.json").read_text())
        self.people = told["people"]
        self.decision = zen.ZenEngine().create_decision(zen.ZenDecisionContent(decision(told)))

    def round(self):
        evaluate = self.decision.evaluate
        clock = Clock()
        judged = [evaluate(person)["result"] for person in self.people]
        taken = clock.taken()
        counts = {}
        for one in judged:
            counts[one["outcome"]] = counts.get(one["outcome"], 0) + 1
        relevance = sum(int(one["relevance"]) for one in judged if one["gate"] == "")
        return {"ns": taken, "pairs": len(judged), "tally": {"counts": counts, "relevance": relevance}}


def main():
    prepared = {}

    def answer(name, _path):
        if name not in prepared:
            prepared[name] = Prepared(f"{sys.argv[1]}/{name}")
        return prepared[name].round()

    serve(answer)


main()
