"""Templates with one thing taken out, to show that the story notices."""

import re


def without_resource(text, name):
    """Without a resource, and with nothing left that refers to it but what is refused for it."""
    pattern = re.compile(rf"^  {name}:\n(?:(?:    .*)?\n)+?(?=^  \S|^\S|\Z)", re.MULTILINE)
    found, count = pattern.subn("", text)
    assert count == 1, name
    return found


def body(text, name):
    """Where the lines of a resource begin and end."""
    start = re.search(rf"^  {name}:\n", text, re.MULTILINE).end()
    return start, start + re.search(r"^  \S", text[start:], re.MULTILINE).start()


def without_line(text, resource, line):
    """Without the line, within a resource, that matches."""
    start, end = body(text, resource)
    lines = text[start:end].splitlines(keepends=True)
    kept = [kept for kept in lines if not re.search(line, kept)]
    assert len(kept) == len(lines) - 1, (resource, line, len(lines) - len(kept))
    return text[:start] + "".join(kept) + text[end:]


def without_right(text, role, action, table):
    """Without one action on one resource in a role."""
    start, end = body(text, role)
    pattern = re.compile(
        rf'(Action: \[[^\]]*?)(, )?"{re.escape(action)}"(, )?([^\]]*\]\n\s*Resource: !GetAtt {table}\.)'
    )

    def cut(found):
        comma = ", " if found.group(2) and found.group(3) else ""
        return found.group(1) + comma + found.group(4)

    kept, count = pattern.subn(cut, text[start:end])
    assert count == 1, (role, action, table, count)
    return text[:start] + kept + text[end:]


# What is taken out, how, and the claim that must notice.
MUTATIONS = {
    "the route POST /v1/consents": (
        lambda text: without_resource(text, "ConsentsRoute"),
        "customers and consents come in",
    ),
    "send-messages' right to UpdateItem on the standing": (
        lambda text: without_right(text, "SendMessagesRole", "dynamodb:UpdateItem", "StandingTable"),
        "those near who agreed get one message each",
    ),
    "APROPOS_SEND_QUEUE_URL of score-offers": (
        lambda text: without_line(text, "ScoreOffersFunction", r"APROPOS_SEND_QUEUE_URL"),
        "those near who agreed get one message each",
    ),
    "the event source of record-feedback": (
        lambda text: without_resource(text, "FeedbackSource"),
        "what ses tells closes addresses",
    ),
}
