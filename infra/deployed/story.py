"""The whole story through the HTTP API of a stack that was created from the template, with the real bootstraps.

Each claim is a function, told in order on one stack; the first that does not hold ends the story.
"""

import datetime
import json
import pathlib
import re
import sys
import time

from emulator import ROOT, Failed, http, until

sys.path.insert(0, str(ROOT / "tests" / "mail"))

import outbox

NOW = datetime.datetime.now(datetime.timezone.utc)
# What must not be found in any log: addresses, and what the story adds as it goes (keys, tokens).
CANARIES = ["@clients.example.com"]


def claim(holds, what):
    if not holds:
        raise Failed(what)


def same(found, expected, what):
    if found != expected:
        raise Failed(f"{what}: {found!r} instead of {expected!r}")


def instant(days=0):
    return (NOW + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


NOTICE = {"id": "privacy", "version": "2026-03", "language": "fr", "hash": "5f0c1ad7" * 8}


def brand(identifier, name, domain, quiet):
    return {
        "id": identifier,
        "name": name,
        "imprint": f"{name}, 1 quai des Exemples, 69002 Lyon",
        "sender": f"bonjour@{domain}",
        "list_domain": domain,
        "topics": [{"id": "offers", "number": 0, "name": {"fr": "Offres", "en": "Offers"}}],
        "notice": NOTICE,
        "caps": [{"most": 20, "window_days": 7}],
        "quiet": quiet,
    }


def customer(name, **more):
    return {
        "customer": name,
        "contact": {"email": f"{name}@clients.example.com", "language": "fr"},
        "home": {"commune": "69123"},
        "interests": ["exhibition-tickets"],
        **more,
    }


def consents(name, purposes=("email.offers", "profiling", "home_location")):
    return [
        {
            "customer": name,
            "event": f"web-{purpose.replace('.', '-')}",
            "purpose": purpose,
            "act": "grant",
            "effective_at": instant(-20),
            "actor": "customer",
            "evidence": {
                "affirmative_action": "ticked_box",
                "method": "web_form",
                "source": "https://shop.example.com/join",
                "notice": NOTICE,
            },
        }
        for purpose in purposes
    ]


OFFER = {
    "id": "expo",
    "title": {"fr": "Coupe-file pour « Lumières »", "en": "Skip the line for “Lights”"},
    "text": {"fr": "Entrez sans attendre.", "en": "Walk straight in."},
    "link": "https://shop.example.com/expo",
    "category": "exhibition-tickets",
    "places": [{"id": "halle", "name": "Halle Lumen", "latitude": 45.764, "longitude": 4.8357, "radius_m": 30000}],
    "uses": [
        {"attribute": "home", "because": {"fr": "parce que c’est à Lyon", "en": "because it is in Lyon"}},
        {"attribute": "interests", "because": {"fr": "pour vos goûts", "en": "for what you like"}},
    ],
    "window": {"from": instant(-5), "until": instant(30)},
}
CAMPAIGN = {
    "id": "expo-hiver",
    "offer": "expo",
    "topic": "offers",
    "goal": "inform",
    "threshold_bp": 3000,
    "minimum_evidence_bp": 1000,
}


class Story:
    """What the claims know of each other."""

    def __init__(self, stack, work):
        self.stack = stack
        self.work = pathlib.Path(work)
        self.followed = set()

    def call(self, method, path, body=None, key=None):
        return self.stack.call(method, path, body, key or self.key)

    def launch(self, run, key=None):
        status, answer = self.call("POST", "/v1/campaigns/expo-hiver/launch", {"run": run}, key)
        same((status, answer.get("status")), (202, "running"), f"launching {run}")

    def report(self, run, key=None):
        status, answer = self.call("GET", "/v1/campaigns/expo-hiver", key=key)
        same(status, 200, "the report")
        return next(row for row in answer["runs"] if row["run"] == run)

    def completed(self, run, seconds=45, key=None):
        def over():
            row = self.report(run, key)
            return row if row["status"] == "completed" else None

        return until(f"run {run} is completed", over, seconds)

    def mail_to(self, name, after=0):
        mails = [mail for mail in self.stack.mails()[after:] if mail["to"] == f"{name}@clients.example.com"]
        same(len(mails), 1, f"messages to {name}")
        return mails[0]

    def happens(self, mail, event):
        """Publishes what SES would tell of a mail, as SES does: to the topic."""
        url = f"{self.stack.emulator.mail}/mails/{mail['message_id']}/{event}"
        status, _, text = http("POST", url)
        same(status, 200, f"the event {event}")
        topic = self.stack.outputs["FeedbackTopicArn"]
        self.stack.emulator.client("sns").publish(
            TopicArn=topic, Subject="Amazon SES Email Event Notification", Message=text
        )


def header(mail, name):
    found = [value for known, value in mail["headers"] if known.lower() == name.lower()]
    same(len(found), 1, f"headers {name}")
    return found[0]


def link_of(mail):
    return re.fullmatch(r"<(https://[^>]+)>", header(mail, "List-Unsubscribe")).group(1)


def brands_and_keys_are_made_by_our_own_command(story):
    now = datetime.datetime.now(datetime.timezone.utc)
    # Quiet until a little after now wherever Paris's clock stands, for the claim about the minute's rule.
    paris = now + datetime.timedelta(hours=2 if 3 < now.month < 11 else 1)
    clock = lambda minutes: (paris + datetime.timedelta(minutes=minutes)).strftime("%H:%M")
    brands = [
        brand("maison", "Maison Claire", "mail.example.com", {"from": "03:00", "until": "03:01"}),
        brand("autre", "Autre Maison", "autre.example.com", {"from": clock(-30), "until": clock(2)}),
    ]
    prefix = story.stack.outputs["TablePrefix"]
    for settings in brands:
        file = story.work / f"{settings['id']}.json"
        file.write_text(json.dumps(settings))
        story.stack.local("brands", "put", str(file), "--table-prefix", prefix)

    def key(*more):
        made = story.stack.local("keys", "create", "--table-prefix", prefix, *more)
        claim(re.fullmatch(r"apr_[0-9a-z]+_\S+", made), "a key is printed alone")
        CANARIES.append(made.rsplit("_", 1)[1])
        return made

    story.key = key("--brand", "maison")
    story.other = key("--brand", "autre")
    story.reader = key("--brand", "maison", "--scopes", "campaigns:read")
    story.revoked = key("--brand", "maison")
    story.stack.local("keys", "revoke", story.revoked.split("_")[1], "--table-prefix", prefix)


def only_a_valid_key_with_the_scope_may_call(story):
    call = story.stack.call
    same(call("POST", "/v1/offers", OFFER)[0], 401, "no key")
    unknown = "apr_" + "0" * 12 + "_" + "A" * 43
    same(call("POST", "/v1/offers", OFFER, unknown)[0], 403, "an unknown key")
    same(call("POST", "/v1/offers", OFFER, story.revoked)[0], 403, "a revoked key")
    status, answer = call("POST", "/v1/offers", OFFER, story.reader)
    same((status, answer["type"]), (403, "urn:apropos:problem:missing-scope"), "a key without the scope")
    same(call("GET", "/v1/nowhere", key=story.key)[0], 404, "no such route")


def customers_and_consents_come_in(story):
    people = [
        customer("camille"),
        customer("benoit"),
        customer("chantal"),
        customer("denis", home={"commune": "29019"}),
        customer("eve"),
    ]
    status, answer = story.call("POST", "/v1/customers", {"customers": people})
    same((status, answer.get("stored")), (200, 5), "customers stored")
    events = [event for name in ("camille", "benoit", "chantal", "denis") for event in consents(name)]
    status, answer = story.call("POST", "/v1/consents", {"events": events})
    same((status, answer.get("recorded")), (200, 12), "consents recorded")
    status, answer = story.call("POST", "/v1/consents", {"events": events[:1]})
    same((status, answer["results"][0]["status"]), (200, "recorded"), "the same event again")

    # The other brand: one customer, whose message has to wait for the end of the quiet hours.
    status, answer = story.call("POST", "/v1/customers", {"customers": [customer("fanny")]}, story.other)
    same((status, answer.get("stored")), (200, 1), "a customer of the other brand")
    status, answer = story.call("POST", "/v1/consents", {"events": consents("fanny")}, story.other)
    same((status, answer.get("recorded")), (200, 3), "consents of the other brand")


def bad_input_is_refused_with_the_field(story):
    status, answer = story.call("POST", "/v1/offers", {**OFFER, "id": "bad", "uses": [{"attribute": "age"}]})
    same((status, answer["status"]), (422, 422), "an undeclared attribute")
    claim("uses" in answer.get("field", ""), "the field is named")
    status, answer = story.call("POST", "/v1/offers", {"id": "big", "text": "x" * 1_000_001})
    same(status, 413, "a body over a million bytes")


def a_campaign_is_made_previewed_and_launched(story):
    same(story.call("POST", "/v1/offers", OFFER), (201, {"offer": "expo", "version": 1}), "the offer")
    same(story.call("POST", "/v1/campaigns", CAMPAIGN)[0], 201, "the campaign")
    for path, body in (("/v1/offers", OFFER), ("/v1/campaigns", CAMPAIGN)):
        same(story.call("POST", path, body, story.other)[0], 201, "the other brand's")
    status, answer = story.call("POST", "/v1/campaigns/expo-hiver/preview", key=story.reader)
    same((status, answer["considered"], answer["candidates"]), (200, 5, 3), "the preview")
    story.launch("waits", story.other)
    story.launch("first")


def those_near_who_agreed_get_one_message_each(story):
    row = story.completed("first")
    same((row["considered"], row["sent"]), (5, 3), "considered and sent")
    same(row["withheld"], {"too_far": 1, "no_consent": 1}, "withheld")
    mails = story.stack.mails()
    same(len(mails), 3, "messages at SES")
    for name in ("camille", "benoit", "chantal"):
        mail = story.mail_to(name)
        same(header(mail, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click", "the one-click header")
        tags = dict(mail["tags"])
        same((tags["brand"], tags["campaign"], tags["run"]), ("maison", "expo-hiver", "first"), "the tags")
        claim(name not in link_of(mail), "the link names nobody")
        CANARIES.append(link_of(mail).rsplit("/", 1)[1])
    status, answer = story.call("GET", "/v1/campaigns/expo-hiver/decisions/denis?run=first")
    same((status, answer["outcome"], answer["reason"]), (200, "withheld", "too_far"), "why denis got nothing")
    status, answer = story.call("POST", "/v1/relevance", {"customer": "camille", "topic": "offers"})
    same((status, answer["offers"][0]["offer"]), (200, "expo"), "offers ranked for one")


def nothing_of_another_brand_is_seen(story):
    same(story.call("GET", "/v1/campaigns/expo-hiver/decisions/camille", key=story.other)[0], 404, "a foreign customer")
    body = {"customer": "camille", "topic": "offers"}
    same(story.call("POST", "/v1/relevance", body, story.other)[0], 404, "a foreign customer to rank for")


def opening_a_link_changes_nothing_and_one_click_unsubscribes(story):
    link = link_of(story.mail_to("camille"))
    page = story.stack.page(link)
    for method in ("GET", "HEAD"):
        status, headers, _ = http(method, page)
        same(status, 200, f"{method} of the link")
    same(http("GET", page[:-1] + ("A" if page[-1] != "A" else "B"))[0], 404, "a forged link")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    status, _, text = http("POST", page, b"List-Unsubscribe=One-Click", form)
    same(status, 200, "one click")
    claim("<html" not in text, "one click is answered without a page")
    same(http("POST", page, b"List-Unsubscribe=One-Click", form)[0], 200, "one click again")


def what_ses_tells_closes_addresses(story):
    for name, event in (("chantal", "delivery"), ("benoit", "bounce"), ("chantal", "complaint")):
        story.happens(story.mail_to(name), event)
    until("feedback is worked through", lambda: story.stack.depth("feedback") == 0, 40)
    same(story.stack.depth("feedback-dead"), 0, "dead feedback")


def the_next_run_spares_whoever_left_bounced_or_complained(story):
    story.launch("second")
    row = story.completed("second")
    same((row["considered"], row["sent"]), (5, 0), "considered and sent")
    withheld = dict(row["withheld"])
    same(withheld.pop("consent_withdrawn", 0), 1, "who left by one click")
    same(withheld.pop("undeliverable", 0), 1, "whose address bounced")
    same(sum(count for reason, count in withheld.items() if reason in ("objected", "complained")), 1, "who complained")
    status, answer = story.call("GET", "/v1/campaigns/expo-hiver/decisions/camille?run=second")
    same((status, answer["reason"]), (200, "consent_withdrawn"), "why camille got nothing")
    same(len(story.stack.mails()), 3, "messages at SES still")


def what_cannot_be_read_ends_among_the_dead_letters(story):
    sqs = story.stack.emulator.client("sqs")
    for queue in ("sends", "pages", "feedback"):
        # Only so that what is given again comes soon.
        sqs.set_queue_attributes(QueueUrl=story.stack.queue(queue), Attributes={"VisibilityTimeout": "1"})
        sqs.send_message(QueueUrl=story.stack.queue(queue), MessageBody="not of our form")
        until(f"{queue}: the dead letter", lambda queue=queue: story.stack.depth(f"{queue}-dead") == 1, 60)
        same(story.stack.depth(queue), 0, f"{queue}: nothing else waits")
        shown = story.stack.local("queues", "show", "--stack", story.stack.name, "--queue", queue)
        claim("1 malformed: the message cannot be read from line 1" in shown, f"{queue}: it says why, at once: {shown}")


def a_pause_holds_messages_back_kills_none_and_sends_nothing_twice(story):
    mail = story.stack.emulator.mail
    story.call("POST", "/v1/customers", {"customers": [customer("gaelle")]})
    story.call("POST", "/v1/consents", {"events": consents("gaelle")})
    same(http("POST", f"{mail}/account/paused")[0], 200, "SES is paused")
    story.launch("third")
    until("the candidate is handed back", lambda: story.stack.waiting("sends") >= 1, 90)
    # Five receives, a second each, would have made it a dead letter by now.
    time.sleep(15)
    same(story.stack.depth("sends-dead"), 1, "no dead letter but the unreadable one")
    same(len(story.stack.mails()), 3, "nothing sent while paused")
    same(http("POST", f"{mail}/account/healthy")[0], 200, "SES goes on")
    # It comes by itself within a quarter of an hour, and finds that SES goes on, which is asked once a minute. A copy of it
    # need not wait so long; of the two, one is sent.
    time.sleep(61)
    copy = {"v": 1, "brand": "maison", "campaign": "expo-hiver", "run": "third", "customers": ["gaelle"]}
    story.stack.emulator.client("sqs").send_message(
        QueueUrl=story.stack.queue("sends"), MessageBody=json.dumps(copy)
    )
    row = story.completed("third")
    same(row["sent"], 1, "sent after the pause")
    same(dict(story.mail_to("gaelle")["tags"])["run"], "third", "the run of the message")
    claim("1 went back to sends, 0 stay dead" in story.stack.redrive("sends"), "the unreadable one goes back")
    until("only the unreadable one is dead again", lambda: story.stack.depth("sends-dead") == 1, 60)


def link_keys_are_rotated_and_old_links_go_on(story):
    before = len(story.stack.mails())
    secret = story.stack.outputs["LinkKeysSecretArn"]
    said = story.stack.local("secrets", "rotate-link-keys", "--secret", secret)
    claim("2" in said, "the new key's id is told")
    # A new start reads the ring anew; the portal has started long ago and meets a key that it does not know.
    story.stack.emulator.client("lambda").update_function_configuration(
        FunctionName=f"{story.stack.name}-send-messages", MemorySize=512
    )
    story.call("POST", "/v1/customers", {"customers": [customer("hugo")]})
    story.call("POST", "/v1/consents", {"events": consents("hugo")})
    story.launch("fourth")
    story.completed("fourth")
    link = link_of(story.mail_to("hugo", after=before))
    same(key_id(link), 2, "the key of a new link")
    same(key_id(link_of(story.mail_to("camille"))), 1, "the key of an old link")
    CANARIES.append(link.rsplit("/", 1)[1])
    until("the new link opens", lambda: http("GET", story.stack.page(link))[0] == 200, 75)
    same(http("GET", story.stack.page(link_of(story.mail_to("camille"))))[0], 200, "the old link opens")


def key_id(link):
    import base64

    token = link.rsplit("/", 1)[1]
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))[1]


def the_minutes_rule_sends_what_waited_for_the_end_of_quiet_hours(story):
    row = story.completed("waits", 240, story.other)
    same((row["considered"], row["sent"]), (1, 1), "considered and sent after quiet hours")
    same(dict(story.mail_to("fanny")["tags"])["brand"], "autre", "the brand of the message")


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def mailed(story, name, page):
    """The newest link to a page in a message to someone that was not followed yet; waits for the message."""

    def found():
        for mail in reversed(story.stack.mails()):
            link = re.search(rf"https://\S+/{page}/\S+", mail["text"])
            if mail["to"] == f"{name}@clients.example.com" and link and link.group(0) not in story.followed:
                return link.group(0)
        return None

    link = until(f"{name} has a message with a link to /{page}", found, 45)
    story.followed.add(link)
    CANARIES.append(link.rsplit("/", 1)[1])
    return story.stack.page(link)


def someone_signs_up_confirms_and_sees_their_choices(story):
    address = "iris%40clients.example.com"
    form = f"topic=offers&channel=email&email={address}&language=fr&website=".encode()
    same(http("POST", f"{story.stack.api}/s/maison", form, FORM)[0], 200, "the form")
    confirm = mailed(story, "iris", "c")
    same(http("GET", confirm)[0], 200, "the page that asks to confirm")
    status, _, text = http("POST", confirm, b"action=confirm", FORM)
    same(status, 200, "confirmed")
    choices = re.search(r"/p/maison/[A-Za-z0-9_-]+", text).group(0)
    CANARIES.append(choices.rsplit("/", 1)[1])
    same(http("GET", story.stack.api + choices)[0], 200, "the page of choices")
    form = b"save=all&on=email.offers&on=profiling&cap=1-30&quiet_from=&quiet_until=&language=fr"
    same(http("POST", story.stack.api + choices, form, FORM)[0], 200, "choices saved")


def someone_corrects_a_fact_and_fetches_the_receipt_of_a_consent(story):
    why = mailed(story, "gaelle", "w")
    same(http("GET", why)[0], 200, "why the message came")
    story.ask = ask = why.replace("/w/", "/d/")
    same(http("GET", ask)[0], 200, "the page that offers fresh links")
    same(http("POST", ask, b"ask=correct", FORM)[0], 200, "a link to correct is asked for")
    status, _, text = http("POST", mailed(story, "gaelle", "r"), b"open=correct", FORM)
    same(status, 200, "what can be corrected")
    correct = re.search(r'action="(/r/maison/[A-Za-z0-9_-]+)"', text).group(1)
    CANARIES.append(correct.rsplit("/", 1)[1])
    status, _, text = http("POST", story.stack.api + correct, b"field=dwelling.garden&value=true", FORM)
    same((status, "Aucun fichier de la marque" in text), (200, True), "a fact corrected")

    same(http("POST", ask, b"ask=access", FORM)[0], 200, "a link to see is asked for")
    status, _, text = http("POST", mailed(story, "gaelle", "a"), b"show=page", FORM)
    same(status, 200, "one's data, to read")
    receipts = re.search(r'action="(/a/maison/[A-Za-z0-9_-]+)"', text).group(1)
    CANARIES.append(receipts.rsplit("/", 1)[1])
    status, _, text = http("POST", story.stack.api + receipts, b"show=receipt&seq=1", FORM)
    same(status, 200, "the receipt of the first consent")
    claim("maison" in text and "gaelle@" not in text, "the receipt names the brand and no address")


def a_request_sent_again_has_one_effect(story):
    offer = {**OFFER, "id": "expo-again"}
    key = {"Authorization": f"Bearer {story.key}", "Idempotency-Key": "6f1c1c1e-again"}
    first = http("POST", f"{story.stack.api}/v1/offers", offer, key)
    again = http("POST", f"{story.stack.api}/v1/offers", offer, key)
    same((first[0], again[0], first[2]), (201, 201, again[2]), "an offer sent twice")
    told = {name.lower(): value for name, value in again[1].items()}
    same(told.get("idempotent-replayed"), "true", "the header of an answer given again")
    changed = http("POST", f"{story.stack.api}/v1/offers", {**offer, "id": "expo-other"}, key)
    same(changed[0], 422, "the same name for another request")


def someone_sees_their_data_and_is_erased(story):
    data = story.ask
    same(http("POST", data, b"ask=access", FORM)[0], 200, "a link to see is asked for")
    status, _, text = http("POST", mailed(story, "gaelle", "a"), b"show=json", FORM)
    same(status, 200, "one's data")
    claim("gaelle@clients.example.com" in text, "the data holds the address")
    same(http("POST", data, b"ask=erase", FORM)[0], 200, "a link to erase is asked for")
    erase = mailed(story, "gaelle", "e")
    same(http("GET", erase)[0], 200, "the page that asks to confirm")
    same(http("POST", erase, b"erase=yes", FORM)[0], 200, "erased")
    status, answer = story.call("POST", "/v1/customers", {"customers": [customer("gaelle")]})
    same((status, answer.get("suppressed")), (200, 1), "an import of who was erased")
    dynamodb = story.stack.emulator.client("dynamodb")
    for table in dynamodb.get_paginator("list_tables").paginate().search("TableNames[]"):
        if table.startswith(story.stack.outputs["TablePrefix"]):
            for page in dynamodb.get_paginator("scan").paginate(TableName=table):
                claim("gaelle@clients.example.com" not in str(page["Items"]), f"{table} still holds the address")


def every_message_is_read_by_pythons_email_without_a_fault(story):
    kinds = set()
    for mail in story.stack.mails():
        [path] = story.stack.emulator.outbox.rglob(f"*-{mail['message_id']}.eml")
        same(outbox.faults(path.read_bytes()), [], f"faults of {path.name}")
        kinds.add(any(name == "List-Unsubscribe" for name, _ in mail["headers"]))
    same(kinds, {False, True}, "messages with an offer and without")


def nothing_personal_is_in_a_log_or_a_queue(story):
    functions = story.stack.functions()
    same(len(functions), 8, "functions")
    spoke = 0
    for function in functions:
        log = story.stack.emulator.log_of(function)
        spoke += bool(log)
        for canary in CANARIES:
            claim(canary not in log, f"{function}'s log holds what it must not")
    claim(spoke >= 7, f"only {spoke} functions have a log")


CLAIMS = [
    brands_and_keys_are_made_by_our_own_command,
    only_a_valid_key_with_the_scope_may_call,
    customers_and_consents_come_in,
    bad_input_is_refused_with_the_field,
    a_campaign_is_made_previewed_and_launched,
    those_near_who_agreed_get_one_message_each,
    nothing_of_another_brand_is_seen,
    opening_a_link_changes_nothing_and_one_click_unsubscribes,
    what_ses_tells_closes_addresses,
    the_next_run_spares_whoever_left_bounced_or_complained,
    what_cannot_be_read_ends_among_the_dead_letters,
    a_pause_holds_messages_back_kills_none_and_sends_nothing_twice,
    link_keys_are_rotated_and_old_links_go_on,
    someone_signs_up_confirms_and_sees_their_choices,
    someone_corrects_a_fact_and_fetches_the_receipt_of_a_consent,
    someone_sees_their_data_and_is_erased,
    a_request_sent_again_has_one_effect,
    the_minutes_rule_sends_what_waited_for_the_end_of_quiet_hours,
    every_message_is_read_by_pythons_email_without_a_fault,
    nothing_personal_is_in_a_log_or_a_queue,
]


def tell(stack, work, say):
    """Tells the story; raises `Failed` with the claim that does not hold."""
    story = Story(stack, work)
    for told in CLAIMS:
        words = told.__name__.replace("_", " ")
        try:
            told(story)
        except Failed as failed:
            raise Failed(f"{words}: {failed}") from failed
        say(f"ok  {words}")
