#!/usr/bin/env python3
"""From a page of the audience to its decisions: the deployed `score-offers`, and the same on Node with SDK v3.

    python3 tests/benchmarks/page.py target/lambda/score-offers/bootstrap RECORDS [--customers 1000000] [--rounds 3] [--json]

RECORDS is the file `records.bin` that `apropos-benchmarks export` writes: stored records of the audience, each after its
length in one byte. A page of 8 000 of them is what every Query answers. The process that is measured is the bootstrap as
it is deployed: it takes page tasks from the Runtime API, reads brand, run, campaign and offer, asks for the page, decides,
writes the page's receipt and queues the candidates. Everything that answers it is this program, on loopback.

- **customers a second of processor**: customers over user and system time of the process, after one page to warm up.
- **peak memory** above what it had when it first asked for an event.
- **the same receipts**: the first receipt of Node must be the bootstrap's, byte for byte but for nothing; so both
  compute the same model.

Node is given the same compact item (one binary attribute), and, as `wide`, the same facts as a map of attributes.
"""

import argparse
import base64
import datetime
import hashlib
import json
import os
import pathlib
import re
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import startup

HERE = pathlib.Path(__file__).resolve().parent
PEOPLE_A_PAGE = 8_000
TABLES = {name: f"apropos-{name}" for name in ["audience", "brands", "campaigns", "receipts"]}
TARGET = re.compile(rb"(?i)\r\nx-amz-target: *([\w.]+)")
MOST_MEMORY_MB = 12


class PageStub(startup.Stub):
    """The Runtime API, DynamoDB and SQS: page tasks out, one page for every Query, and a note of the first receipt."""

    def __init__(self, items: dict, page: bytes):
        super().__init__(b"", b"")
        self.items = {key: dynamodb({"Item": item}) for key, item in items.items()}
        self.page = startup.answer(200, b"application/x-amz-json-1.0", page, REQUEST_ID)
        self.none = dynamodb({})

    def work(self, process, events: int, warm: int) -> dict:
        """Hands out the events and serves until the last was answered; what was used since the first `warm` of them."""
        self.receipt, self.queued = None, 0
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
                        key.fileobj.sendall(page_task(handed))
                        handed += 1
                elif match := startup.DONE.match(request):
                    body = request.partition(b"\r\n\r\n")[2]
                    if match[2] != b"response" or json.loads(body or b"null") != {"batchItemFailures": []}:
                        raise SystemExit(f"the function failed: {body.decode()}")
                    done += 1
                    # Its answer first: what the process does until the next poll belongs to this page.
                    key.fileobj.sendall(ACCEPTED)
                else:
                    key.fileobj.sendall(self.reply(request))
            if process.poll() is not None:
                raise SystemExit(f"{process.args[-1]} ended by itself, with {process.returncode}")
        clock, processor = time.perf_counter(), used(process.pid)
        return {
            "pages": events - warm,
            "clock": clock - began[0],
            "processor": processor - began[1],
            "peak_kib": status_kib(process.pid, "VmHWM") - memory,
            "receipt": self.receipt,
            "queued": self.queued,
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
