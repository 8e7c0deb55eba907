"""The model as a good data engineer writes it: one compiled loop over plain columns, tables for what repeats, one thread.

    python numba_peer.py DIRECTORY

`plain` writes outcome and relevance of each pair, `explained` the five contribution bytes as well.
"""

import math
import sys

import numpy
from numba import njit

from shared import Clock, Workload, serve, tally

# Stored bytes of the reasons, checked against the constants below.
OBJECTED, PAUSED, EXPIRED, TOO_FAR, UNKNOWN_PLACE, TOO_LATE = 3, 27, 8, 14, 15, 28
UNSUITABLE, SUITABILITY_UNKNOWN, ALREADY_HAS, TOO_LITTLE, BELOW, BELOW_OWN = 16, 17, 18, 19, 20, 21
CODES = {
    "objected": OBJECTED, "paused": PAUSED, "consent_expired": EXPIRED, "too_far": TOO_FAR, "place_unknown": UNKNOWN_PLACE,
    "too_late": TOO_LATE, "unsuitable": UNSUITABLE, "suitability_unknown": SUITABILITY_UNKNOWN, "already_has": ALREADY_HAS,
    "too_little_known": TOO_LITTLE, "below_threshold": BELOW, "below_own_threshold": BELOW_OWN,
}


@njit
def judge(
    topic, purposes, no_marketing, paused_until, heard_on, x, y, z, area, lifecycle, reaction, threshold, good_hours,
    tie_category, tie_month, tie_day, facts, rule_fact, rule_value, rule_neutral, states, place, reach, scale, in_time, now,
    lapsed_before, ties, recent_from, has_from, topic_bp, fixed_sum, fixed_count, fit, weights, least, least_evidence, nearness,
    reasons, relevance, contributions, explain,
):
    for i in range(topic.size):
        relevance[i] = 0
        if explain:
            for factor in range(5):
                contributions[i, factor] = 255
        if no_marketing[i]:
            reasons[i] = OBJECTED
            continue
        if now < paused_until[i]:
            reasons[i] = PAUSED
            continue
        if topic[i] != 1:
            reasons[i] = states[topic[i]]
            continue
        if heard_on[i] != 0 and heard_on[i] < lapsed_before:
            reasons[i] = EXPIRED
            continue
        agreed = purposes[i]
        if not agreed & 2 or (x[i] == 0 and y[i] == 0 and z[i] == 0):
            reasons[i] = UNKNOWN_PLACE
            continue
        dx, dy, dz = place[0] - x[i], place[1] - y[i], place[2] - z[i]
        chord = dx * dx + dy * dy + dz * dz
        near = area[i]
        if chord > reach[near]:
            reasons[i] = TOO_FAR
            continue
        if chord > in_time[near]:
            reasons[i] = TOO_LATE
            continue
        profiled = agreed & 1
        out = 0
        for rule in range(rule_fact.size):
            value = facts[rule, i] if profiled else -128
            if value == -128:
                if not rule_neutral[rule]:
                    out = SUITABILITY_UNKNOWN
                    break
            elif value != rule_value[rule]:
                out = UNSUITABLE
                break
        if out:
            reasons[i] = out
            continue
        best, need, met = 0, 0, 0
        if profiled:
            for tie in range(tie_category.shape[1]):
                if not tie_category[i, tie]:
                    break
                figure = ties[tie_category[i, tie] * 256 + tie_month[i, tie]]
                if figure & 0x4000:
                    best, need = max(best, 1), max(need, figure & 0x3FFF)
                    met = max(met, tie_month[i, tie] * 256 + 256 + tie_day[i, tie])
                else:
                    best = max(best, figure & 0x3FFF)
        if met >= has_from:
            reasons[i] = ALREADY_HAS
            continue
        affinity = best - 1 if best else topic_bp
        if met >= recent_from:
            affinity //= 2
        elif met:
            affinity = max(affinity, need - 1)
        share = ((((chord << scale[near, 0]) >> scale[near, 1]) * scale[near, 2]) >> 32)
        proximity = nearness[min(int(math.sqrt(share)), 16_383)]
        total, parts = fixed_sum, fixed_count
        if parts and agreed & 9 == 9 and good_hours[i] & 1:
            total += 10_000
            parts += 1
        known = weights[0] + weights[1]
        sum_ = weights[0] * proximity + weights[1] * affinity
        moment = -1
        if parts:
            moment = min(total // parts, max(proximity, affinity))
            known += weights[2]
            sum_ += weights[2] * moment
        life = -1
        if profiled:
            life = fit[lifecycle[i]]
            known += weights[3]
            sum_ += weights[3] * life
        appetite = -1
        if agreed & 9 == 9 and reaction[i]:
            appetite = min(reaction[i], 5) * 2_000
            known += weights[4]
            sum_ += weights[4] * appetite
        score = sum_ // known
        relevance[i] = score
        if explain:
            contributions[i, 0] = weights[0] * proximity // known // 40
            contributions[i, 1] = weights[1] * affinity // known // 40
            if moment >= 0:
                contributions[i, 2] = weights[2] * moment // known // 40
            if life >= 0:
                contributions[i, 3] = weights[3] * life // known // 40
            if appetite >= 0:
                contributions[i, 4] = weights[4] * appetite // known // 40
        if known * 100 < least_evidence:
            reasons[i] = TOO_LITTLE
        elif score < least:
            reasons[i] = BELOW
        elif threshold[i] != 65_535 and score < threshold[i]:
            reasons[i] = BELOW_OWN
        else:
            reasons[i] = 0


class Prepared:
    """A workload's arguments in the order of `judge`, and the arrays that it writes."""

    def __init__(self, directory):
        self.workload = workload = Workload(directory)
        constants, columns, offer = workload.constants, workload.columns, workload.only_offer()
        for code, byte in CODES.items():
            assert workload.byte_of[code] == byte
        place, rules = offer["place"], offer["rules"]
        fixed = [part for part in (place["opening_bp"], offer["season_bp"], offer["ends_soon_bp"]) if part is not None]
        facts = [columns[f"fact_{rule['when']['fact']}"] for rule in rules]
        integers = lambda values, kind=numpy.int64: numpy.array(values, dtype=kind)
        self.reasons = numpy.zeros(workload.people, dtype=numpy.uint8)
        self.relevance = numpy.zeros(workload.people, dtype=numpy.uint16)
        self.contributions = numpy.zeros((workload.people, 5), dtype=numpy.uint8)
        self.arguments = [
            columns[f"topic_{offer['topic']}"],
            *(columns[name] for name in ("purposes", "no_marketing", "paused_until", "heard_on", "home_x", "home_y", "home_z",
                                         "area", "lifecycle", "reaction", "threshold", "good_hours", "tie_category", "tie_month", "tie_day")),
            numpy.stack(facts) if facts else numpy.zeros((0, workload.people), dtype=numpy.int8),
            integers([rule["when"]["fact"] for rule in rules]), integers([rule["when"]["is"] for rule in rules]),
            integers([rule["unknown"] == "neutral" for rule in rules], bool),
            integers([workload.byte_of.get(code, 0) for code in constants["topic_states"]], numpy.uint8),
            integers(place["vector"]), integers(place["reach"]), integers([[each["up"], each["down"], each["factor"]] for each in place["scale"]]),
            integers(place["in_time"]), constants["now"],
            constants["today"] - constants["retention_days"], workload.ties[0], offer["recent_from"], offer["has_from"],
            constants["topic_bp"], sum(fixed), len(fixed),
            integers(offer["fit_bp"]), integers(offer["weights"]), offer["threshold"],
            offer["minimum_evidence"], integers(constants["nearness"]), self.reasons, self.relevance, self.contributions,
        ]

    def round(self, path):
        explain = path == "explained"
        clock = Clock()
        judge(*self.arguments, explain)
        taken = clock.taken()
        told = tally(self.workload, self.reasons, self.relevance, self.contributions if explain else None)
        return {"ns": taken, "pairs": self.workload.people, "tally": told}


def main():
    prepared = {}

    def answer(name, path):
        if name not in prepared:
            prepared[name] = Prepared(f"{sys.argv[1]}/{name}")
            prepared[name].round(path)  # compiled before the first round that counts
        return prepared[name].round(path)

    serve(answer)


main()
