#!/usr/bin/env python3
"""Our decisions beside those of other engines: the same people, offers and model, one thread each, rounds interleaved.

    python3 tests/benchmarks/compare.py [--customers 1000000] [--rounds 7] [--json] [--quick] [--bootstrap FILE]

Everything it makes is below `target/benchmarks`: a virtual environment, npm packages, an AVX2 build, the workload. An
engine whose outcomes, reasons or sums differ from core's is void: no figure of it is printed, and the exit code is 1.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MADE = ROOT / "target" / "benchmarks"
PEERS = HERE / "peers"
WORKLOAD = MADE / "workload"

# Rounds of one row: who runs it, on which workload, by which of its paths. W1F carries the ratios.
OURS = [("W1F", "batch"), ("W1F", "plain"), ("W1F", "scalar"), ("W1", "batch"), ("W1", "scalar"), ("W1L", "batch"),
        ("W1L", "scalar"), ("W2", "batch"), ("W2", "scalar")]
# Bytes a pair that a decision of ours comes to: outcome, relevance and five contributions.
WRITES = 8
PEER_ROWS = {
    "numba": [("W1F", "plain"), ("W1F", "explained"), ("W1", "plain"), ("W1L", "plain")],
    "duckdb": [("W1F", "aggregate"), ("W1", "aggregate"), ("W1L", "aggregate")],
    "zen-engine": [("W1F", "sample"), ("W1", "sample"), ("W1L", "sample")],
    "json-rules-engine": [("W1F", "sample"), ("W1", "sample"), ("W1L", "sample")],
}

# Where a round takes milliseconds, an engine just woken is asked once more, and only the second answer counts. The rule
# engines judge few people, so that one round says little: of so many answers the median counts.
ANSWERS = {"zen-engine": 5, "json-rules-engine": 3}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="the ratios as the last line")
    parser.add_argument("--quick", action="store_true", help="20 000 customers, one round: are all counts equal?")
    parser.add_argument("--bootstrap", type=pathlib.Path, help="score-offers, as cargo lambda build --release makes it; else it is built here")
    options = parser.parse_args()
    if options.quick:
        options.customers, options.rounds = 20_000, 1
    python, modules = tools()
    binary = build()
    sample = 500 if options.quick else 2_000
    run(binary, "export", WORKLOAD, options.customers)
    for name in ("W1F", "W1", "W1L"):
        run(python, PEERS / "facts.py", WORKLOAD / name, sample)
    processes = {
        "apropos": Process(binary, "serve", options.customers),
        "numba": Process(python, PEERS / "numba_peer.py", WORKLOAD),
        "duckdb": Process(python, PEERS / "duckdb_peer.py", WORKLOAD),
        "zen-engine": Process(python, PEERS / "zen_peer.py", WORKLOAD),
        "json-rules-engine": Process("node", PEERS / "json-rules-engine-peer.mjs", WORKLOAD, modules),
    }
    paths = processes["apropos"].ask("W1F paths")["paths"]
    rows = [("apropos", *row) for row in OURS if row[1] in paths]
    rows += [(peer, *row) for peer, its in PEER_ROWS.items() for row in its]
    rates, void, bandwidth = measure(processes, rows, options.rounds)
    for process in processes.values():
        process.end()
    best = "batch" if "batch" in paths else "scalar"
    ratios = table(rows, rates, void, bandwidth, best)
    # How quick a page is says nothing of whether counts are equal: `page.py` itself compares its receipt with Node's.
    if options.quick:
        print("node_page: left out")
    else:
        ratios["node_page"] = page_ratio(binary, options.bootstrap or bootstrap())
        print(f"page to decision: {ratios['node_page']:.2f} times Node")
    if options.json:
        print(json.dumps({"ratios": ratios}), flush=True)
    sys.exit(1 if void else 0)


def tools():
    """The Python of a virtual environment and the directory of npm packages, made again when a version changes."""
    environment, wanted = MADE / "venv", PEERS / "requirements.txt"
    held = environment / "requirements.txt"
    if not held.exists() or held.read_text() != wanted.read_text():
        run(sys.executable, "-m", "venv", "--clear", environment)
        run(environment / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", wanted)
        shutil.copy(wanted, held)
    modules = MADE / "npm"
    lock = modules / "package-lock.json"
    if not lock.exists() or lock.read_text() != (PEERS / "package-lock.json").read_text():
        modules.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PEERS / name, modules / name)
        run("npm", "ci", "--silent", "--no-audit", "--no-fund", cwd=modules)
    return environment / "bin" / "python", modules


def build():
    """The binary for processors with AVX2, in a target directory of its own."""
    cargo_build("comparison", "apropos-benchmarks")
    return MADE / "comparison" / "apropos-benchmarks"


def bootstrap():
    """The function that scores pages, by cargo alone: `cargo lambda` takes processors with AVX2 for granted too."""
    cargo_build("release", "apropos-score-offers")
    return MADE / "release" / "score-offers"


def cargo_build(profile, package):
    environment = {**os.environ, "RUSTFLAGS": "-C target-cpu=x86-64-v3", "CARGO_TARGET_DIR": str(MADE)}
    run("cargo", "build", "--quiet", "--locked", "--profile", profile, "--package", package, cwd=ROOT, env=environment)


def run(*command, **options):
    subprocess.run([str(part) for part in command], check=True, **options)


class Process:
    """An engine that lives through all rounds and answers one line of JSON to each line."""

    def __init__(self, *command):
        threads = {name: "1" for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")}
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env={**os.environ, **threads})

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"an engine ended before it answered: {line}")
        return json.loads(answer)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def measure(processes, rows, rounds):
    """Pairs a second of every row by round, the rows that differ from core, and bytes a second that were read."""
    expected = {name: json.loads((WORKLOAD / name / "expected.json").read_text()) for name in ("W1F", "W1", "W1L", "W2")}
    rates, void, bandwidth = {row: [] for row in rows}, {}, []
    for number in range(rounds + 1):  # the first warms up, and does not count
        for row in rows:
            engine, name, path = row
            answer = answered(processes[engine], engine, f"{name} {path}", number)
            people = answer["pairs"] // 100 if name == "W2" else answer["pairs"]
            differs = difference(answer["tally"], expected[name][str(people)])
            if differs:
                void[row] = differs
            if number:
                rates[row].append(answer["pairs"] * 1e9 / answer["ns"])
        answer = processes["apropos"].ask("W1F bandwidth")
        bandwidth.append((answer["bytes"] * 1e9 / answer["ns"], answer["bytes_a_pair"]))
    return rates, void, bandwidth


def answered(process, engine, line, number):
    """The answer of the median time; in the round that warms up, the first one."""
    if not number:
        return process.ask(line)
    if engine not in ANSWERS:
        process.ask(line)
    answers = [process.ask(line) for _ in range(ANSWERS.get(engine, 1))]
    return sorted(answers, key=lambda answer: answer["ns"])[len(answers) // 2]


def difference(told, expected):
    """What an engine told that core did not; it may tell less."""
    return [key for key, value in told.items() if value != expected[key]]


def table(rows, rates, void, bandwidth, best):
    """Prints it and gives the ratios of W1F."""
    ours = statistics.median(rates[("apropos", "W1F", best)])
    print(f"\n{'engine':18} {'workload':9} {'path':10} {'million pairs/s':>15} {'least':>9} {'most':>9} {'ours ÷ it':>10}")
    ratios = {}
    for row in rows:
        engine, name, path = row
        if row in void:
            print(f"{engine:18} {name:9} {path:10} void: {', '.join(void[row])} differ from core's")
            continue
        middle, least, most = statistics.median(rates[row]), min(rates[row]), max(rates[row])
        told = ""
        same_engine = [other for other in void if other[0] == engine]
        if engine != "apropos" and name == "W1F" and not same_engine:
            # Like with like: ours explains. The engine that can do without is told apart.
            explains_too = path == "explained" or (engine, name, "explained") not in rates
            ratios[engine if explains_too else f"{engine}_{path}"] = round(ours / middle, 2)
            told = f"{ours / middle:.2f}"
        print(f"{engine:18} {name:9} {path:10} {middle / 1e6:15.3f} {least / 1e6:9.3f} {most / 1e6:9.3f} {told:>10}")
    read = statistics.median(rate for rate, _ in bandwidth)
    reads = bandwidth[-1][1]
    share = {what: ours * size / read for what, size in (("both", reads + WRITES), ("reading", reads))}
    print(f"\nmemory read in the same process: {read / 1e9:.1f} GB/s; {best} on W1F reads {reads} bytes a pair and writes {WRITES}: "
          f"{share['both']:.0%} of it, {share['reading']:.0%} by what it reads alone")
    plain = rates.get(("apropos", "W1F", "plain"))
    if plain:
        print(f"the explanation costs {1 - ours / statistics.median(plain):.0%}")
    if best == "scalar":
        print("there is no batch path yet: the ratios are those of the scalar one")
    return ratios


def page_ratio(binary, bootstrap):
    """Page to decision against Node (`page.py`)."""
    sys.path.insert(0, str(HERE))
    import page

    figures = page.measure(bootstrap, binary, customers=400_000, rounds=3)
    return round(page.ratio(figures, page.NODE), 2)


if __name__ == "__main__":
    main()
