"""The model as one SQL aggregate in DuckDB, one thread: counts and sums by outcome, nothing written. What repeats is a
small table that is joined by a dense integer, which DuckDB looks up without hashing.

    python duckdb_peer.py DIRECTORY
"""

import sys

import duckdb
import numpy

from shared import Clock, Workload, serve

COLUMNS = ("purposes", "no_marketing", "paused_until", "heard_on", "home_x", "home_y", "home_z", "area", "lifecycle",
           "reaction", "threshold", "good_hours")


def by(values, of):
    """A short table as a CASE."""
    cases = " ".join(f"WHEN {key} THEN {value}" for key, value in enumerate(values))
    return f"(CASE {of} {cases} END)"


def query(workload):
    """The whole decision for the only offer of a workload; see ARCHITECTURE.md#relevance."""
    constants, offer = workload.constants, workload.only_offer()
    place, weights = offer["place"], offer["weights"]
    most = workload.columns["tie_category"].shape[1]
    x, y, z = (f"({at} - home_{axis}::BIGINT)" for axis, at in zip("xyz", place["vector"]))
    joins = " ".join(f"JOIN ties t{tie} ON t{tie}.place = tie_{tie}" for tie in range(most))
    met = ", ".join(f"CASE WHEN t{tie}.need > 0 THEN when_{tie} ELSE 0 END" for tie in range(most))
    best, need = (", ".join(f"t{tie}.{figure}" for tie in range(most)) for figure in ("best", "need"))
    fixed = [part for part in (place["opening_bp"], offer["season_bp"], offer["ends_soon_bp"]) if part is not None]
    moment = "NULL::INTEGER"
    if fixed:
        good, usual = (sum(fixed) + 10_000) // (len(fixed) + 1), sum(fixed) // len(fixed)
        moment = f"least(CASE WHEN measured AND good_hours & 1 = 1 THEN {good} ELSE {usual} END, greatest(proximity, affinity))"
    refusals = " ".join(f"WHEN topic = {state} THEN '{code}'" for state, code in enumerate(constants["topic_states"]) if state != 1)
    rules = []
    for number, rule in enumerate(offer["rules"]):
        unknown = f"(purposes & 1 = 0 OR rule_{number} = -128)"
        if rule["unknown"] == "exclude":
            rules.append(f"WHEN {unknown} THEN 'suitability_unknown'")
        rules.append(f"WHEN NOT {unknown} AND rule_{number} <> {rule['when']['is']} THEN 'unsuitable'")
    # Within reach only: beyond it the product could pass 63 bits, and a gate has closed.
    up, down = (by([each[name] for each in place["scale"]], "area") for name in ("up", "down"))
    scaled = f"CASE WHEN gate IS NULL THEN (chord << {up}) >> {down} ELSE 0 END"
    reaches, in_time = by(place["reach"], "area"), by(place["in_time"], "area")
    return f"""
    WITH read AS (
        SELECT people.*, purposes & 1 = 1 AS profiled, purposes & 9 = 9 AS measured,
            {x} * {x} + {y} * {y} + {z} * {z} AS chord,
            CASE WHEN purposes & 1 = 1 THEN greatest({best}) ELSE 0 END AS best,
            CASE WHEN purposes & 1 = 1 THEN greatest({need}) ELSE 0 END AS need,
            CASE WHEN purposes & 1 = 1 THEN greatest({met}) ELSE 0 END AS met
        FROM people {joins}
    ), gated AS (
        SELECT *, CASE
            WHEN no_marketing = 1 THEN 'objected'
            WHEN {constants['now']} < paused_until THEN 'paused'
            {refusals}
            WHEN heard_on <> 0 AND heard_on < {constants['today'] - constants['retention_days']} THEN 'consent_expired'
            WHEN purposes & 2 = 0 OR (home_x = 0 AND home_y = 0 AND home_z = 0) THEN 'place_unknown'
            WHEN chord > {reaches} THEN 'too_far'
            WHEN chord > {in_time} THEN 'too_late'
            {' '.join(rules)}
            WHEN met >= {offer['has_from']} THEN 'already_has'
        END AS gate
        FROM read
    ), shares AS (
        SELECT *, least(floor(sqrt((({scaled}) * {by([each['factor'] for each in place['scale']], 'area')}::BIGINT) >> 32)), 16383)::INTEGER AS share,
            CASE WHEN met >= {offer['recent_from']} THEN (best - 1) // 2
                WHEN best > 0 THEN greatest(best, need) - 1 ELSE {constants['topic_bp']} END AS affinity
        FROM gated
    ), near AS (
        SELECT shares.*, nearness.bp AS proximity FROM shares JOIN nearness ON nearness.share = shares.share
    ), factors AS (
        SELECT *,
            {moment} AS moment,
            CASE WHEN profiled THEN {by(offer['fit_bp'], 'lifecycle')} END AS fit,
            CASE WHEN measured AND reaction > 0 THEN least(reaction, 5) * 2000 END AS appetite
        FROM near
    ), weighed AS (
        SELECT *, {weights[0] + weights[1]}
            + CASE WHEN moment IS NULL THEN 0 ELSE {weights[2]} END
            + CASE WHEN fit IS NULL THEN 0 ELSE {weights[3]} END
            + CASE WHEN appetite IS NULL THEN 0 ELSE {weights[4]} END AS known,
            {weights[0]} * proximity + {weights[1]} * affinity + coalesce({weights[2]} * moment, 0)
            + coalesce({weights[3]} * fit, 0) + coalesce({weights[4]} * appetite, 0) AS total
        FROM factors
    ), judged AS (
        SELECT CASE
            WHEN gate IS NOT NULL THEN gate
            WHEN known * 100 < {offer['minimum_evidence']} THEN 'too_little_known'
            WHEN total // known < {offer['threshold']} THEN 'below_threshold'
            WHEN threshold <> 65535 AND total // known < threshold THEN 'below_own_threshold'
            ELSE 'approved' END AS outcome,
            CASE WHEN gate IS NULL THEN total // known ELSE 0 END AS relevance
        FROM weighed
    )
    SELECT outcome, count(*), sum(relevance) FROM judged GROUP BY outcome"""


class Prepared:
    """A table of one workload's columns, and the query over it."""

    def __init__(self, directory):
        self.workload = workload = Workload(directory)
        self.connection = duckdb.connect(config={"threads": 1})
        offer = workload.only_offer()
        arrays = {name: workload.columns[name] for name in COLUMNS}
        arrays["topic"] = workload.columns[f"topic_{offer['topic']}"]
        for number, rule in enumerate(offer["rules"]):
            arrays[f"rule_{number}"] = workload.columns[f"fact_{rule['when']['fact']}"]
        for tie in range(workload.columns["tie_category"].shape[1]):
            place = workload.columns["tie_category"][:, tie].astype("u2") * 256 + workload.columns["tie_month"][:, tie]
            arrays[f"tie_{tie}"] = place.astype("i4")
            when = workload.columns["tie_month"][:, tie].astype("u4") * 256 + 256 + workload.columns["tie_day"][:, tie]
            arrays[f"when_{tie}"] = when.astype("i4")
        self.connection.register("arrays", arrays)
        self.connection.execute("CREATE TABLE people AS SELECT * FROM arrays")
        figures = workload.ties[0].astype("i4")
        meets = figures & 0x4000 != 0
        self.connection.register("figures", {
            "place": numpy.arange(len(figures), dtype="i4"),
            "best": numpy.where(meets, 1, figures & 0x3FFF).astype("i4"),
            "need": numpy.where(meets, figures & 0x3FFF, 0).astype("i4"),
        })
        self.connection.execute("CREATE TABLE ties AS SELECT * FROM figures")
        for name, key, value, values in (
            ("nearness", "share", "bp", numpy.array(workload.constants["nearness"], dtype="i4")),
        ):
            self.connection.register(f"{name}_arrays", {key: numpy.arange(len(values), dtype="i4"), value: values})
            self.connection.execute(f"CREATE TABLE {name} AS SELECT * FROM {name}_arrays")
        self.query = query(workload)

    def round(self):
        clock = Clock()
        rows = self.connection.execute(self.query).fetchall()
        taken = clock.taken()
        told = {"counts": {outcome: count for outcome, count, _ in rows}, "relevance": int(sum(row[2] for row in rows))}
        return {"ns": taken, "pairs": self.workload.people, "tally": told}


def main():
    prepared = {}

    def answer(name, _path):
        if name not in prepared:
            prepared[name] = Prepared(f"{sys.argv[1]}/{name}")
        return prepared[name].round()

    serve(answer)


main()
