"""Packages the template and creates a stack from it, as `sam deploy` would."""

import json
import pathlib
import subprocess
import sys

from emulator import REGION, Failed, http, until

# What this emulator needs otherwise than an account. `README.md` says why, and how it was checked instead.
PARAMETERS = {
    "Architecture": "x86_64",
    "DeletionProtection": "false",
    "PublicBaseUrl": "https://lettres.example.com",
    "SendConcurrency": "0",
}


class Stack:
    """A stack that was created, with its outputs."""

    def __init__(self, emulator, name, outputs):
        self.emulator = emulator
        self.name = name
        self.outputs = outputs
        api = outputs["ApiUrl"].split("//")[1].split(".")[0]
        self.api = f"{emulator.url}/_aws/execute-api/{api}/$default"

    def call(self, method, path, body=None, key=None, headers=None):
        """Calls the API; the body of the answer is read as JSON where it is that."""
        given = dict(headers or {})
        if key:
            given["Authorization"] = f"Bearer {key}"
        status, answered, text = http(method, self.api + path, body, given)
        is_json = "json" in answered.get("Content-Type", answered.get("content-type", ""))
        return status, json.loads(text) if is_json and text else text

    def page(self, url):
        """A link of a message, where it is served here."""
        base = PARAMETERS["PublicBaseUrl"]
        if not url.startswith(base + "/"):
            raise Failed(f"a link leads elsewhere than to {base}")
        return self.api + url[len(base):]

    def functions(self):
        """The names of this stack's functions."""
        pages = self.emulator.client("lambda").get_paginator("list_functions").paginate()
        names = [function["FunctionName"] for page in pages for function in page["Functions"]]
        return [name for name in names if name.startswith(f"{self.name}-") and not name.startswith(f"{self.name}-m")]

    def mails(self):
        """What SES accepted from this stack, oldest first."""
        mails = json.loads(http("GET", f"{self.emulator.mail}/mails")[2])["mails"]
        return [mail for mail in mails if mail["configuration_set"] in (self.name, f"{self.name}-clicks")]

    def queue(self, name):
        """The URL of a queue."""
        return self.emulator.client("sqs").get_queue_url(QueueName=f"{self.name}-{name}")["QueueUrl"]

    def depth(self, name):
        """How many messages a queue holds, hidden ones too."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.emulator.client("sqs").get_queue_attributes(
            QueueUrl=self.queue(name), AttributeNames=names
        )
        return sum(int(value) for value in attributes["Attributes"].values())

    def waiting(self, name):
        """How many messages a queue holds that are not to be received yet, because they were sent with a delay."""
        name_of = "ApproximateNumberOfMessagesDelayed"
        attributes = self.emulator.client("sqs").get_queue_attributes(
            QueueUrl=self.queue(name), AttributeNames=["All"]
        )
        return int(attributes["Attributes"].get(name_of, 0)) + self.depth(name)

    def redrive(self, name):
        """Gives dead letters back to their queue; what our command says of it."""
        return self.local("queues", "redrive", "--stack", self.name, "--queue", name)

    def local(self, *arguments):
        """Runs our command against this stack's tables; what it prints."""
        done = subprocess.run(
            [self.emulator.local, *arguments],
            env=self.emulator.environment,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise Failed(f"{' '.join(arguments[:2])}: {done.stderr.strip()}")
        return done.stdout.strip()


def package(template, work):
    """The template with its code in the artifact bucket."""
    packaged = pathlib.Path(work) / f"packaged-{template.stem}.yaml"
    sam = pathlib.Path(sys.executable).with_name("sam")
    done = subprocess.run(
        [sam, "package", "--template-file", template, "--s3-bucket", "artifacts", "--region", REGION]
        + ["--output-template-file", packaged],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise Failed(f"sam package: {done.stderr[-2000:]}")
    return packaged


def create(emulator, template, name):
    """The stack, once it is complete."""
    s3, formation = emulator.client("s3"), emulator.client("cloudformation")
    packaged = package(template, emulator.work)
    s3.upload_file(str(packaged), "artifacts", packaged.name)
    formation.create_stack(
        StackName=name,
        TemplateURL=f"{emulator.url}/artifacts/{packaged.name}",
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in PARAMETERS.items()],
    )

    def ended():
        stack = formation.describe_stacks(StackName=name)["Stacks"][0]
        return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack

    stack = until(f"the stack {name} is created", ended, 120)
    if stack["StackStatus"] != "CREATE_COMPLETE":
        events = formation.describe_stack_events(StackName=name)["StackEvents"]
        reasons = [event.get("ResourceStatusReason") for event in events if "FAILED" in event["ResourceStatus"]]
        raise Failed(f"{name}: {stack['StackStatus']}: {reasons}")
    return Stack(emulator, name, {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]})
