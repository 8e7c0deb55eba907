#!/usr/bin/env python3
"""What the deployed `score-offers` does in a second, and Node with SDK v3 beside it.

    python3 tests/benchmarks/page.py BOOTSTRAP BENCHMARKS [--customers 1000000] [--rounds 3] [--json]

BOOTSTRAP is `score-offers/bootstrap` as `cargo lambda build --release` leaves it, for this machine's own processor.
BENCHMARKS is the program `apropos-benchmarks`, which writes a page of 8 000 stored records and the constants that Node's
handler decides with. Everything that the process talks to is this program, on loopback: Lambda's Runtime API, DynamoDB
and SQS.

**A page.** Page tasks come as they come from SQS. The process reads brand, run, campaign and offer, asks for the page,
decides, writes the page's receipt and queues the candidates. Per task:

- **customers a second of processor**: over user and system time of the process, after one page to warm up.
- **peak memory** above what the process had when it first asked for an event.
- Node does the same with the same compact item (one binary attribute), and with the same facts as a map of attributes
  (`wide`). Its receipt has to be the bootstrap's, byte for byte: both compute the same model.

**Ranking.** `POST /v1/relevance` for a brand of 100 offers: milliseconds of processor a request, median of the rounds.
"""

import argparse
import base64
import collections
import datetime
import hashlib
import json
import math
import os
import pathlib
import re
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import startup

HERE = pathlib.Path(__file__).resolve().parent
PEOPLE_A_PAGE = 8_000
TABLES = {name: f"apropos-{name}" for name in ["audience", "brands", "campaigns", "customers", "receipts", "standing"]}
TARGET = re.compile(rb"(?i)\r\nx-amz-target: *([\w.]+)")


class PageStub(startup.Stub):
    """The Runtime API, DynamoDB and SQS: page tasks out, one page for every Query, and a note of the first receipt."""

    def __init__(self, items: dict, page: bytes, event):
        super().__init__(b"", b"")
        self.event = event
        self.held = items
        self.items = {key: dynamodb({"Item": item}) for key, item in items.items()}
        self.page = startup.answer(200, b"application/x-amz-json-1.0", page, REQUEST_ID)
        self.none = dynamodb({})

    def work(self, process, events: int, warm: int) -> dict:
        """Hands out the events and serves until the last was answered; what was used since the first `warm` of them."""
        self.receipt, self.queued, answered = None, 0, None
        handed, done, began, memory = 0, 0, None, None
        while done < events:
            for key, _ in self.selector.select(1.0):
                if key.fileobj is self.listener:
                    connection, _ = self.listener.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.selector.register(connection, selectors.EVENT_READ)
                    self.buffers[connection] = b""
                    continue
                request = self.receive(key.fileobj)
                if request is None:
                    continue
                if request.startswith(startup.NEXT):
                    memory = memory or status_kib(process.pid, "VmRSS")
                    if done == warm:
                        began = (time.perf_counter(), used(process.pid))
                    if handed < events:
                        key.fileobj.sendall(self.event(handed))
                        handed += 1
                elif match := startup.DONE.match(request):
                    body = request.partition(b"\r\n\r\n")[2]
                    if match[2] != b"response" or json.loads(body).get("batchItemFailures"):
                        raise SystemExit(f"the function failed: {body.decode()}")
                    done, answered = done + 1, body
                    # Its answer first: what the process does until the next poll belongs to this page.
                    key.fileobj.sendall(ACCEPTED)
                else:
                    key.fileobj.sendall(self.reply(request))
            if process.poll() is not None:
                raise SystemExit(f"{process.args[-1]} ended by itself, with {process.returncode}")
        clock, processor = time.perf_counter(), used(process.pid)
        return {
            "all": events,
            "pages": events - warm,
            "clock": clock - began[0],
            "processor": processor - began[1],
            "peak_kib": status_kib(process.pid, "VmHWM") - memory,
            "receipt": self.receipt,
            "queued": self.queued,
            "answer": answered,
        }

    def reply(self, request: bytes) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        target = TARGET.search(head)
        if not target:
            raise SystemExit(f"unexpected request: {request[:120]!r}")
        operation = target[1].rpartition(b".")[2]
        if operation == b"Query":
            return self.page
        if operation == b"SendMessageBatch":
            entries = json.loads(body)["Entries"]
            self.queued += len(entries)
            sent = [{"Id": entry["Id"], "MessageId": "EXAMPLE", "MD5OfMessageBody": md5(entry)} for entry in entries]
            return dynamodb({"Successful": sent})
        call = json.loads(body)
        if operation == b"GetItem":
            key = tuple(value for _, value in sorted((name, each["S"]) for name, each in call["Key"].items()))
            return self.items.get((call["TableName"], *key), self.none)
        if operation == b"BatchGetItem":
            found = {table: [self.held[(table, *(key["pk"]["S"] for key in wanted["Keys"]))]] for table, wanted in call["RequestItems"].items()}
            return dynamodb({"Responses": found, "UnprocessedKeys": {}})
        if operation == b"PutItem" and call["TableName"] == TABLES["receipts"]:
            self.receipt = self.receipt or call["Item"]["d"]["B"]
            return self.none
        raise SystemExit(f"unexpected call: {operation.decode()} on {call.get('TableName')}")


REQUEST_ID = b"x-amzn-requestid: EXAMPLE\r\n"
ACCEPTED = startup.answer(202, b"application/json", b'{"status":"OK"}', b"")


def dynamodb(answer: dict) -> bytes:
    return startup.answer(200, b"application/x-amz-json-1.0", json.dumps(answer).encode(), REQUEST_ID)


def md5(entry: dict) -> str:
    return hashlib.md5(entry["MessageBody"].encode(), usedforsecurity=False).hexdigest()


def page_task(number: int) -> bytes:
    """An event of SQS with the page task of one cell."""
    body = {"v": 1, "brand": BRAND, "campaign": CAMPAIGN, "run": CAMPAIGN, "task": number, "page": 0, "cells": ["85186d23"]}
    record = {
        "messageId": f"task-{number}",
        "receiptHandle": "EXAMPLE",
        "body": json.dumps(body),
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-3:123456789012:pages",
        "awsRegion": "eu-west-3",
    }
    event = json.dumps({"Records": [record]}).encode()
    return startup.answer(200, b"application/json", event, startup.INVOCATION)


def status_kib(pid: int, field: str) -> int:
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+) kB", status)[1])


def used(pid: int) -> float:
    """Seconds of the processor, of all threads."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def held_items() -> dict:
    """What brand, run, campaign and offer are read from, with the run launched now and the offer in force."""
    now = datetime.datetime.now(datetime.timezone.utc)
    items = {}
    for held in json.loads((HERE / "page" / "items.json").read_text()):
        item = held["item"]
        if "launched_at" in item:
            item["launched_at"]["N"] = str(int(now.timestamp() * 1000))
        if '"window"' in item.get("doc", {}).get("S", ""):
            stored = json.loads(item["doc"]["S"])
            later = now + datetime.timedelta(days=30)
            window = stored["document"]["window"]
            window["from"], window["until"] = ((t - datetime.timedelta(days=1)).strftime("%Y-%m-%dT00:00:00Z") for t in (now, later))
            item["doc"]["S"] = json.dumps(stored)
        keys = [item[name]["S"] for name in ("pk", "sk") if name in item]
        items[(TABLES[held["table"]], *keys)] = item
    return items


def compact_page(records: list) -> bytes:
    """The page as DynamoDB writes it: what the function asks for, sort key and one binary attribute."""
    items = [
        {
            "sk": {"S": customer(number)},
            "d": {"B": base64.b64encode(record).decode()},
        }
        for number, record in enumerate(records)
    ]
    return json.dumps({"Items": items, "Count": len(items), "ScannedCount": len(items)}, separators=(",", ":")).encode()


def customer(number: int) -> str:
    return f"customer-{number:011d}"


BRAND, CAMPAIGN = "maison", "national"
OURS, NODE, WIDE = "score-offers", "Node, the same item", "Node, a map of attributes"
NODE_PAGES = 40
# Memory does not depend on how busy a machine is, so it is asked for here; what takes time is only told.
MOST_MB = 12


def records_of(workload: pathlib.Path) -> list:
    """The records of the page."""
    rest, records = (workload / "records.bin").read_bytes(), []
    while rest:
        records.append(rest[1 : 1 + rest[0]])
        rest = rest[1 + rest[0] :]
    return records


def bundle() -> pathlib.Path:
    """Node's handler with the loop of a runtime, as one file."""
    return startup.node_bundle(startup.TARGET / "page-node", handler="page.mjs", parts=("person.mjs", "judge.mjs"))


def run(stub: PageStub, command: list, events: int, **extra) -> dict:
    with startup.Started(stub, "score-offers", command, AWS_ENDPOINT_URL=f"http://{stub.address}", RUST_LOG="warn", **extra) as process:
        return stub.work(process, events, warm=1)


def wide_page(records: list, model: dict) -> bytes:
    """The same people as a map of attributes each, as one models them without a thought of size."""
    items = [{"sk": {"S": customer(number)}, "d": {"M": wide(record, model)}} for number, record in enumerate(records)]
    return json.dumps({"Items": items, "Count": len(items), "ScannedCount": len(items)}, separators=(",", ":")).encode()


AREAS = [None, "dense_city", "town", "country"]
LIVES = ["prospect", "new", "active", "lapsing", "lost"]
PURPOSES = ["profiling", "home_location", "current_location", "measurement"]
STATES = [None, "granted", "pending", "denied", "withdrawn", "expired"]


def wide(record: bytes, model: dict) -> dict:
    """One record, read and written again; the form is that of `AudienceRecord::to_bytes`."""
    number = lambda value: {"N": str(value)}
    if record[0] != 6:
        raise SystemExit("the records are not of the form that this benchmark reads")
    topics = int.from_bytes(record[5:11])
    states = {f"topic-{topic}": STATES[topics >> (3 * topic) & 7] for topic in range(16)}
    flags, life, places = record[11:14]
    rest = record[14:]
    attributes = {
        "version": number(int.from_bytes(record[1:5])),
        "topics": {"M": {topic: {"S": state} for topic, state in states.items() if state}},
        "no_marketing": {"BOOL": bool(flags & 16)},
        "lifecycle": {"S": LIVES[life & 7]},
        "reaction": number(life >> 3 & 7),
    } | {purpose: {"BOOL": bool(flags >> bit & 1)} for bit, purpose in enumerate(PURPOSES)}
    if flags & 32:
        two = [int.from_bytes(rest[at : at + 4], signed=True) for at in (0, 4)]
        third = math.isqrt((1 << 60) - sum(part * part for part in two))
        two.insert(places >> 2 & 3, -third if places >> 2 & 4 else third)
        attributes["home"] = {"M": dict(zip("xyz", map(number, two)))}
        rest = rest[8:]
    if AREAS[places & 3]:
        attributes["area"] = {"S": AREAS[places & 3]}
    if flags & 64:
        attributes["paused_until"] = number(int.from_bytes(rest[:4]))
        rest = rest[4:]
    heard_on, threshold, _, *stages = (int.from_bytes(rest[at : at + 2]) for at in range(0, 12, 2))
    attributes["stages"] = {"L": [number(day) for day in stages]}
    rest = rest[:6] + rest[12:]
    if heard_on:
        attributes["heard_on"] = number(heard_on)
    if threshold != 0xFFFF:
        attributes["threshold"] = number(threshold)
    bits = int.from_bytes(rest[6:8], "little")
    facts = {fact: {"BOOL": bits >> 2 * at & 3 == 2} for at, fact in enumerate(model["facts"][:8]) if bits >> 2 * at & 3}
    facts |= {fact: number(at) for fact, at in zip(model["facts"][8:11], (int.from_bytes(rest[at : at + 1], signed=True) for at in (8, 9, 10))) if at != -128}
    if life >> 6:
        facts[model["facts"][11]] = {"BOOL": life >> 6 == 2}
    attributes["facts"] = {"M": facts}
    attributes["good_hours"] = number(rest[11])
    attributes["quarters_ahead"] = number(int.from_bytes(rest[12:13], signed=True))
    interests = 14 + 3 * rest[13]
    bought = [zip(("category", "month", "day"), map(number, rest[at : at + 3])) for at in range(14, interests, 3)]
    liked = [{"category": number(code)} for code in rest[interests:]]
    attributes["ties"] = {"L": [{"M": tie} for tie in [*map(dict, bought), *liked]]}
    return attributes


def ranking(items: dict) -> tuple:
    """The stub's answers for a brand of 100 offers, and the event that asks for their ranking."""
    listed = items[(TABLES["campaigns"], f"{BRAND}#offers", CAMPAIGN)]
    offers = []
    for number in range(RANKED):
        stored = json.loads(listed["doc"]["S"])
        stored["document"]["id"] = f"{CAMPAIGN}-{number:03d}"
        stored["document"]["category"] = CATEGORIES[number % len(CATEGORIES)]
        offers.append(listed | {"sk": {"S": stored["document"]["id"]}, "doc": {"S": json.dumps(stored)}})
    page = json.dumps({"Items": offers, "Count": len(offers), "ScannedCount": len(offers)}).encode()
    event = json.loads((HERE / "events" / "campaign_report.json").read_text())
    event["rawPath"] = event["requestContext"]["http"]["path"] = "/v1/relevance"
    event["routeKey"] = event["requestContext"]["routeKey"] = "POST /v1/relevance"
    event["requestContext"]["http"]["method"] = "POST"
    event["requestContext"]["authorizer"]["lambda"] = {"brand": BRAND, "scopes": "relevance:read", "key": "EXAMPLE"}
    event["body"] = json.dumps({"customer": "camille", "topic": "offers"})
    return page, json.dumps(event).encode()


RANKED = 100
CATEGORIES = ["running-gear", "running-shoes", "books", "exhibition-tickets", "garden-tools", "coffee-machine"]


def rank(items: dict, bootstrap: pathlib.Path, rounds: int) -> list:
    """Milliseconds of processor a request, round by round."""
    page, event = ranking(items)
    stub = PageStub(items, page, lambda _: startup.answer(200, b"application/json", event, startup.INVOCATION))
    taken = []
    for _ in range(rounds):
        done = run(stub, [str(bootstrap)], REQUESTS + 1)
        answer = json.loads(done["answer"])
        if answer["statusCode"] != 200 or len(json.loads(answer["body"])["offers"]) != RANKED:
            raise SystemExit(f"the ranking answered {answer}")
        taken.append(done["processor"] / REQUESTS * 1000)
    return taken


REQUESTS = 200


def measure(bootstrap: pathlib.Path, benchmarks: pathlib.Path, customers: int, rounds: int) -> dict:
    """All figures, of rounds in turns."""
    with tempfile.TemporaryDirectory() as workload:
        return measured(bootstrap, written_by(benchmarks, pathlib.Path(workload)), customers, rounds)


def written_by(benchmarks: pathlib.Path, workload: pathlib.Path) -> pathlib.Path:
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    subprocess.run([str(benchmarks), "page", str(workload), now], check=True)
    return workload


def measured(bootstrap: pathlib.Path, workload: pathlib.Path, customers: int, rounds: int) -> dict:
    model, items = json.loads((workload / "model.json").read_text()), held_items()
    records = records_of(workload)
    if len(records) != PEOPLE_A_PAGE:
        raise SystemExit(f"the page has {len(records)} records, not {PEOPLE_A_PAGE}")
    compact = PageStub(items, compact_page(records), page_task)
    broad = PageStub(items, wide_page(records, model), page_task)
    node = [shutil.which("node"), str(bundle())]
    constants = {"PAGE_MODEL": str((workload / "model.json").resolve())}
    sides = {
        OURS: (compact, [str(bootstrap)], {}, -(-customers // PEOPLE_A_PAGE) + 1),
        NODE: (compact, node, constants, NODE_PAGES + 1),
        WIDE: (broad, node, constants | {"PAGE_ITEM": "wide"}, NODE_PAGES // 2 + 1),
    }
    speed, peak, receipts = {side: [] for side in sides}, [], {}
    for _ in range(rounds):
        for side, (stub, command, extra, events) in sides.items():
            done = run(stub, command, events, **extra)
            speed[side].append(done["pages"] * PEOPLE_A_PAGE / done["processor"])
            receipts[side] = done["receipt"], done["queued"] // done["all"]
            if side == OURS:
                peak.append(done["peak_kib"])
    if len(set(receipts.values())) != 1:
        raise SystemExit("Node's decisions are not ours: nothing to compare")
    candidates, withheld = counts(base64.b64decode(receipts[OURS][0]), model)
    return {
        "speed": speed,
        "peak_mb": max(peak) * 1024 / 1e6,
        "ranking_ms": rank(items, bootstrap, rounds),
        "candidates": candidates,
        "withheld": withheld,
    }


def counts(receipt: bytes, model: dict) -> tuple:
    names = {byte: name for byte, name in model["reasons"]}
    outcomes = collections.Counter(receipt[at + 12] for at in range(1, len(receipt), 18))
    return outcomes.pop(0, 0), {names[byte]: count for byte, count in sorted(outcomes.items())}


def ratio(figures: dict, side: str) -> float:
    """How many times as many customers a second as this side decides."""
    return statistics.median(figures["speed"][OURS]) / statistics.median(figures["speed"][side])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("bootstrap", type=pathlib.Path, help="score-offers/bootstrap")
    parser.add_argument("benchmarks", type=pathlib.Path, help="the program apropos-benchmarks")
    parser.add_argument("--customers", type=int, default=1_000_000, help="of each round of ours (1000000)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print the ratios as the last line")
    arguments = parser.parse_args()
    figures = measure(arguments.bootstrap.resolve(), arguments.benchmarks.resolve(), arguments.customers, arguments.rounds)
    print(f"A page of {PEOPLE_A_PAGE:,}: {figures['candidates']:,} candidates, withheld {figures['withheld']}\n")
    print(f"{'customers a second of processor':<32} {'median':>9} {'min':>9} {'max':>9} {'ratio':>7}")
    for side, measured in figures["speed"].items():
        print(f"{side:<32} {statistics.median(measured):>9,.0f} {min(measured):>9,.0f} {max(measured):>9,.0f} {ratio(figures, side):>7.2f}")
    print(f"\npeak above the start, over {arguments.customers:,} customers: {figures['peak_mb']:.1f} MB")
    milliseconds = figures["ranking_ms"]
    print(f"POST /v1/relevance, {RANKED} offers: {statistics.median(milliseconds):.2f} ms of processor ({min(milliseconds):.2f} to {max(milliseconds):.2f})")
    if figures["peak_mb"] > MOST_MB:
        raise SystemExit(f"that is more than {MOST_MB} MB")
    if arguments.json:
        print(json.dumps({"ratios": {"node_page": round(ratio(figures, NODE), 2), "node_page_wide": round(ratio(figures, WIDE), 2)}}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
