"""What stands in for AWS on this machine: MiniStack, with IAM enforced, and our own SES.

MiniStack runs the bootstraps as processes. Its SES drops headers and tags and publishes no events, so the functions find
ours under AWS_ENDPOINT_URL_SESV2. Both listen on loopback only.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
REGION = "eu-west-3"

# The services that the template uses, and those that MiniStack deploys it with.
SERVICES = (
    "apigateway,cloudformation,cloudwatch,dynamodb,events,iam,kms,lambda,logs,s3,secretsmanager,ses,sesv2,sns,sqs,sts"
)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Failed(Exception):
    """The story broke off; the text says where."""


def until(what, ask, seconds=60.0):
    """What `ask` answers once it is true. Asked again and again, because queues and pollers take their time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Failed(f"after {seconds:.0f} s still not so: {what}")
        time.sleep(0.2)


def http(method, url, body=None, headers=None, host=None):
    """Status, headers and body of the answer, whatever the status; redirects are not followed."""
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers=dict(headers or {}))
    if host:
        request.add_header("Host", host)
    if data is not None and not request.has_header("Content-type"):
        request.add_header("Content-Type", "application/json")
    try:
        with OPENER.open(request, timeout=60) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, dict(answer.headers), answer.read().decode()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


CLIENTS = threading.Lock()
OPENER = urllib.request.build_opener(_Stay, urllib.request.ProxyHandler({}))


class Emulator:
    """MiniStack and the mail stand-in, while the `with` lasts."""

    def __init__(self, work, local):
        self.work = pathlib.Path(work)
        self.local = local
        self.processes = []

    def __enter__(self):
        self.work.mkdir(parents=True, exist_ok=True)
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        self.outbox = self.work / "outbox"
        shutil.rmtree(self.outbox, ignore_errors=True)
        mail = self._run(
            "mail",
            [self.local, "mail", "--port", "0", "--domain", "mail.example.com", "--domain", "autre.example.com"]
            + ["--outbox", str(self.outbox)]
            + [part for name in STACKS for part in ("--configuration-set", name, "--configuration-set", f"{name}-clicks")],
            os.environ,
        )
        self.mail = until("the mail stand-in says where it is", lambda: self._said(mail, r"(http://\S+)"))

        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "SAM_CLI_TELEMETRY": "0",
        }
        self._run(
            "ministack",
            [sys.executable, str(pathlib.Path(__file__).with_name("ministack_as_iam.py"))],
            {
                **self.environment,
                # Every call is checked against its caller's policies, as IAM would.
                "AUTH": "true",
                "AWS_ENDPOINT_URL_SESV2": self.mail,
                "BIND_HOST": "127.0.0.1",
                "GATEWAY_PORT": str(port),
                "IOT_MTLS_ENABLED": "0",
                "MINISTACK_HOST": "127.0.0.1",
                "MINISTACK_REGION": REGION,
                "SERVICES": SERVICES,
                "SFTP_ENABLED": "0",
                "TMPDIR": str(self.work),
            },
        )
        until("MiniStack answers", self._answers, 120)
        os.environ.update(self.environment)
        import boto3

        session = boto3.Session(region_name=REGION)

        # A client may be shared by threads, the making of one may not.
        def client(service):
            with CLIENTS:
                return session.client(service, endpoint_url=self.url)

        self.client = client
        self.client("s3").create_bucket(
            Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": REGION}
        )

    def _run(self, name, command, environment):
        log = open(self.work / f"{name}.log", "w")
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=self.work, start_new_session=True
        )
        self.processes.append(process)
        return name

    def _said(self, name, pattern):
        found = re.search(pattern, (self.work / f"{name}.log").read_text())
        return found and found.group(1)

    def _answers(self):
        if self.processes[-1].poll() is not None:
            raise Failed("MiniStack ended: " + (self.work / "ministack.log").read_text()[-2000:])
        with contextlib.suppress(OSError):
            return http("GET", f"{self.url}/_ministack/health")[0] == 200

    def __exit__(self, *_):
        for process in reversed(self.processes):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 15)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)

    def log_of(self, function):
        """What a function wrote."""
        logs = self.client("logs")
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
        return "\n".join(event["message"] for event in events)


# The names that stacks may have here: SES's stand-in knows their configuration sets from the start.
STACKS = ("apropos", *(f"apropos-m{number}" for number in range(1, 10)))
