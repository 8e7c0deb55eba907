#!/usr/bin/env python3
"""A mail client's view of our messages: each must be one that Python's `email` reads without a defect.

    python3 tests/mail/outbox.py DIRECTORY…

Every `.eml` below the directories is read; each fault is printed with its file, and the exit status says whether there
was one. Needs nothing but the standard library.
"""

import email
import email.header
import email.policy
import html.parser
import pathlib
import re
import sys

# Once each in every message; the two of RFC 8058 in those that offer something, and in no other.
ONCE = [
    "From", "To", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Feedback-ID",
]
ONE_CLICK = ["List-Unsubscribe", "List-Unsubscribe-Post", "List-Id"]
# RFC 5322 section 2.1.1.
MOST_OCTETS = 998
BEST_OCTETS = 78


class Title(html.parser.HTMLParser):
    """The title of a page."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.inside = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, _):
        self.inside = tag == "title"

    def handle_endtag(self, _):
        self.inside = False

    def handle_data(self, data):
        self.text += data if self.inside else ""


def faults(raw):
    """What is wrong with a message, given as it would travel."""
    found = list(lines_of(raw))
    message = email.message_from_bytes(raw, policy=email.policy.SMTP)
    for part in message.walk():
        found += [f"{part.get_content_type()}: {defect!r}" for defect in part.defects]
        for name, value in part.items():
            found += [f"{name}: {defect!r}" for defect in value.defects]
    found += headers_of(message)
    found += parts_of(message)
    # The reader that older programs use, which decodes no header by itself, must come to the same subject.
    older = email.message_from_bytes(raw, policy=email.policy.compat32)
    subject = str(email.header.make_header(email.header.decode_header(older["Subject"])))
    if subject != str(message["Subject"]):
        found.append("Subject: two readers decode it differently")
    return found


def lines_of(raw):
    """Lines end in CRLF, none is too long, and a header's is over 78 octets only where it cannot be folded."""
    if b"\n" in raw.replace(b"\r\n", b"") or b"\r" in raw.replace(b"\r\n", b""):
        yield "a line ends in CR or LF alone"
    if not raw.isascii():
        yield "an octet is not ASCII"
    lines = raw.split(b"\r\n")
    for number, line in enumerate(lines, start=1):
        if len(line) > MOST_OCTETS:
            yield f"line {number} has {len(line)} octets"
    for line in lines[: lines.index(b"")]:
        # A name and one word, or one word that goes on: nowhere to fold.
        if len(line) > BEST_OCTETS and len(line.split()) > 1 + line[:1].isalpha():
            yield f"a header's line has {len(line)} octets and could be folded: {line.split(b':')[0].decode()}"
        if line[:1] in b" \t" and not line.strip():
            yield "a header's line is white space alone"


def headers_of(message):
    offers = "List-Unsubscribe" in message
    for name in ONCE + (ONE_CLICK if offers else []):
        if len(message.get_all(name, [])) != 1:
            yield f"{name}: stands {len(message.get_all(name, []))} times"
            return
    if offers:
        if not re.fullmatch(r"<https?://[!-~]+/u/[A-Za-z0-9_-]+/[A-Za-z0-9_-]{59}>", message["List-Unsubscribe"]):
            yield "List-Unsubscribe: is not one address of ours"
        if message["List-Unsubscribe-Post"] != "List-Unsubscribe=One-Click":
            yield "List-Unsubscribe-Post: is not the value of RFC 8058"
        if not re.search(r"<[a-z0-9_-]+(\.[a-z0-9-]+)+>$", message["List-Id"]):
            yield "List-Id: has no list's id"
    elif any(name in message for name in ONE_CLICK) or message.get_all("Auto-Submitted") != ["auto-generated"]:
        yield "Auto-Submitted: is missing in a message without an offer, or it has a list"
    if len(message["From"].addresses) != 1 or not message["From"].addresses[0].display_name:
        yield "From: is not one mailbox with a name"
    if len(message["To"].addresses) != 1:
        yield "To: is not one mailbox"
    if message["Date"].datetime.tzinfo is None:
        yield "Date: has no time zone"
    if "\ufffd" in message["Subject"] or "=?" in message["Subject"] or not message["Subject"].strip():
        yield "Subject: is not decoded"


def parts_of(message):
    if message.get_content_type() != "multipart/alternative":
        yield f"is {message.get_content_type()}"
        return
    parts = list(message.iter_parts())
    kinds = [(part.get_content_type(), part.get_content_charset()) for part in parts]
    # The last one is what a client prefers (RFC 2046 section 5.1.4).
    if kinds != [("text/plain", "utf-8"), ("text/html", "utf-8")]:
        yield f"has the parts {kinds}"
        return
    text, page = (part.get_payload(decode=True).decode("utf-8", "replace") for part in parts)
    if "\ufffd" in text + page:
        yield "a part is not the UTF-8 that it says it is"
    subject = str(message["Subject"])
    if (text.splitlines() or [""])[0] != subject or Title(page).text != subject:
        yield "Subject: is not what text and page are headed by"
    if page.count("</html>") != 1 or not page.startswith("<!DOCTYPE html>"):
        yield "the page is cut"
    if "List-Unsubscribe" in message:
        link = message["List-Unsubscribe"].strip("<>")
        if link not in text.split() or f'href="{link}"' not in page:
            yield "the link of the header is not the one of the text and the page"


def main(directories):
    messages = sorted(path for directory in directories for path in pathlib.Path(directory).rglob("*.eml"))
    found = [f"{path.name}: {fault}" for path in messages for fault in faults(path.read_bytes())]
    for fault in found:
        print(fault)
    encoded = sum(b"\r\nSubject: =?utf-8?" in path.read_bytes() for path in messages)
    if not encoded:
        print("no message has a subject beyond ASCII, so nothing was decoded")
    print(f"{len(messages)} messages read by Python's email, {encoded} with an encoded subject, {len(found)} faults")
    return 1 if found or not encoded else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
