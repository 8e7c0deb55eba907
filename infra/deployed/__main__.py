"""`python infra/deployed` deploys the template on this machine and tells the story; `README.md` in `infra` says more."""

import argparse
import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import mutations
import stack as deployed
import story
from emulator import ROOT, STACKS, Emulator, Failed

TEMPLATE = ROOT / "infra" / "template.yaml"


def say(line):
    print(line, flush=True)


def schemathesis(stack, key):
    """Tries the contract against the stack; its configuration bounds it."""
    say("== the contract, tried by schemathesis")
    program = pathlib.Path(sys.executable).with_name("schemathesis")
    done = subprocess.run(
        [program, "--config-file", ROOT / "infra" / "schemathesis.toml", "run", ROOT / "infra" / "openapi.yaml"]
        # MiniStack answers OPTIONS itself; the local stack's test of the contract tries it.
        + ["--url", stack.api, "--exclude-method", "OPTIONS", "--max-examples", "12"],
        env={**os.environ, "APROPOS_KEY": key},
        cwd=stack.emulator.work,
    )
    if done.returncode != 0:
        raise Failed("schemathesis found faults")


def told(emulator, template, name, work, quiet=False):
    """Creates the stack and tells the story."""
    begun = time.monotonic()
    work.mkdir(parents=True, exist_ok=True)
    stack = deployed.create(emulator, template, name)
    if not quiet:
        say(f"ok  the stack is created from the template ({time.monotonic() - begun:.0f} s)")
    try:
        story.tell(stack, work, (lambda line: None) if quiet else say)
    finally:
        for function in stack.functions():
            (work / f"{function}.log").write_text(emulator.log_of(function))
    return stack


def mutated(emulator, work):
    """Tells the story on templates with one thing taken out: each must break off. They mostly wait, so all do at once."""
    stories = concurrent.futures.ThreadPoolExecutor(len(mutations.MUTATIONS))
    try:
        begun = [
            stories.submit(noticed, emulator, number, what, *mutation, work / STACKS[number])
            for number, (what, mutation) in enumerate(mutations.MUTATIONS.items(), start=1)
        ]
        for each in begun:
            each.result()
    finally:
        # The emulator ends next: a story that is still told finds nobody to talk to, and ends as well.
        stories.shutdown(wait=False, cancel_futures=True)


def noticed(emulator, number, what, change, claim, work):
    """Fails unless it is the claim that breaks off without what is taken out."""
    # Beside the shipped one, because its paths are relative.
    template = TEMPLATE.with_name(f".mutation-{number}.yaml")
    template.write_text(change(TEMPLATE.read_text()))
    try:
        told(emulator, template, STACKS[number], work, quiet=True)
    except Failed as failed:
        if not str(failed).startswith(claim):
            raise Failed(f"without {what} it was not '{claim}' that noticed: {failed}") from failed
        say(f"ok  without {what}: {failed}")
    else:
        raise Failed(f"nothing was noticed without {what}")
    finally:
        template.unlink()


def main():
    parser = argparse.ArgumentParser(prog="python infra/deployed", description=__doc__)
    parser.add_argument("--local", default=ROOT / "target/debug/apropos-local", help="our command")
    parser.add_argument("--work", help="where logs are kept (target/deployed, target/mutations)")
    parser.add_argument("--without-schemathesis", action="store_true")
    parser.add_argument("--mutations", action="store_true", help="only tell the story on mutated templates")
    asked = parser.parse_args()
    begun = time.monotonic()
    work = pathlib.Path(asked.work or ROOT / "target" / ("mutations" if asked.mutations else "deployed")).resolve()
    # Whoever ends this ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with Emulator(work, str(pathlib.Path(asked.local).resolve())) as emulator:
            if asked.mutations:
                mutated(emulator, work)
            else:
                stack = told(emulator, TEMPLATE, STACKS[0], work)
                if not asked.without_schemathesis:
                    schemathesis(stack, stack.local(*KEY, stack.outputs["TablePrefix"]))
    except Failed as failed:
        say(f"FAILED  {failed}")
        say(f"logs: {re.sub(str(ROOT), '.', str(work))}")
        return 1
    say(f"the deployed stack holds ({time.monotonic() - begun:.0f} s)")
    return 0


KEY = ("keys", "create", "--brand", "maison", "--table-prefix")

if __name__ == "__main__":
    sys.exit(main())
