use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::request::REFUSED_HEADERS;
use super::*;

fn service(outbox: Option<PathBuf>) -> (Clock, MailService) {
    let clock = Clock::manual("2026-03-02T09:00:00Z".parse().unwrap());
    let settings = MailSettings {
        verified_domains: vec!["brand.example".to_owned()],
        configuration_sets: vec!["events".to_owned()],
        quota: SendQuota {
            max_24_hour: 1_000,
            max_per_second: 100,
        },
        outbox,
    };
    (clock.clone(), MailService::new(clock, settings).unwrap())
}

fn mail() -> OutgoingMail {
    OutgoingMail {
        from: "Brand <news@brand.example>".to_owned(),
        to: vec!["canary@customer.example".to_owned()],
        subject: "canary subject".to_owned(),
        text: "canary text".to_owned(),
        tags: pairs(&[("delivery", "d-1"), ("ses:feedback-id-b", "run-1")]),
        configuration_set: Some("events".to_owned()),
        ..OutgoingMail::default()
    }
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn accepted_id(answer: SendAnswer) -> String {
    match answer {
        SendAnswer::Accepted(id) => id,
        SendAnswer::Refused(_) | SendAnswer::InternalError | SendAnswer::Truncated(_) | SendAnswer::Reset => {
            panic!("not accepted: {answer:?}")
        }
    }
}

fn is_refused(mails: &MailService, mail: OutgoingMail) -> bool {
    let answer = mails.send(mail);
    matches!(
        answer,
        SendAnswer::Refused(Refusal {
            kind: RefusalKind::BadRequest,
            ..
        })
    )
}

#[test]
fn headers_out_of_sess_limits_are_refused() {
    let (_, mails) = service(None);
    let with = |headers: &[(&str, &str)]| OutgoingMail {
        headers: pairs(headers),
        ..mail()
    };
    for name in REFUSED_HEADERS {
        assert!(is_refused(&mails, with(&[(&name.to_uppercase(), "x")])), "{name}");
    }
    let long = "v".repeat(995);
    assert!(!is_refused(&mails, with(&[("X", &long)])));
    assert!(is_refused(&mails, with(&[("XY", &long)])), "996 with its name");
    assert!(is_refused(&mails, with(&[("X", &"v".repeat(996))])));
    assert!(is_refused(&mails, with(&[(&"n".repeat(127), "v")])));
    for value in ["", "é", "a\r\nBcc: b", "a\tb", "\u{2028}"] {
        assert!(is_refused(&mails, with(&[("X-Value", value)])), "{value:?}");
    }
    for name in ["", "X Y", "X:", "É"] {
        assert!(is_refused(&mails, with(&[(name, "v")])), "{name:?}");
    }
    assert!(is_refused(
        &mails,
        with(&[("List-Id", "<a.example>"), ("list-id", "<b.example>")])
    ));
    let many: Vec<_> = (0..16).map(|index| (format!("X-{index}"), "v".to_owned())).collect();
    assert!(is_refused(
        &mails,
        OutgoingMail {
            headers: many.clone(),
            ..mail()
        }
    ));
    assert!(!is_refused(
        &mails,
        OutgoingMail {
            headers: many[1..].to_vec(),
            ..mail()
        }
    ));
}

#[test]
fn tags_out_of_sess_alphabet_are_refused() {
    let (_, mails) = service(None);
    let with = |name: &str, value: &str| OutgoingMail {
        tags: pairs(&[(name, value)]),
        ..mail()
    };
    assert!(!is_refused(&mails, with("ses:feedback-id-a", "Az09_-")));
    assert!(!is_refused(&mails, with(&"n".repeat(256), &"v".repeat(256))));
    for (name, value) in [
        ("ses:other", "v"),
        ("", "v"),
        ("n", ""),
        ("n", "a:b"),
        ("n", "a b"),
        ("n", "é"),
    ] {
        assert!(is_refused(&mails, with(name, value)), "{name:?} {value:?}");
    }
    assert!(is_refused(&mails, with(&"n".repeat(257), "v")));
    let many: Vec<_> = (0..51).map(|index| (format!("t{index}"), "v".to_owned())).collect();
    assert!(is_refused(&mails, OutgoingMail { tags: many, ..mail() }));
}

#[test]
fn addresses_and_content_are_checked() {
    let (_, mails) = service(None);
    for from in [
        "",
        "news",
        "Café <news@brand.example>",
        "<news@brand.example",
        "a@b@brand.example",
    ] {
        assert!(
            is_refused(
                &mails,
                OutgoingMail {
                    from: from.to_owned(),
                    ..mail()
                }
            ),
            "{from:?}"
        );
    }
    for to in [
        "",
        "x",
        "x@",
        "a b@c.example",
        "x@c.example\r\nBcc: y@c.example",
        "Name <x@c.example>",
    ] {
        assert!(
            is_refused(
                &mails,
                OutgoingMail {
                    to: vec![to.to_owned()],
                    ..mail()
                }
            ),
            "{to:?}"
        );
    }
    let reply_to = vec!["x@c.example\nBcc: y@c.example".to_owned()];
    assert!(is_refused(&mails, OutgoingMail { reply_to, ..mail() }));
    assert!(is_refused(
        &mails,
        OutgoingMail {
            text: String::new(),
            ..mail()
        }
    ));
    assert!(is_refused(
        &mails,
        OutgoingMail {
            subject: String::new(),
            ..mail()
        }
    ));
    assert_eq!(mails.accepted_count(), 0);
    accepted_id(mails.send(OutgoingMail {
        from: "news@shop.BRAND.example".to_owned(),
        ..mail()
    }));
}

#[test]
fn text_beyond_ascii_needs_its_charset() {
    let (_, mails) = service(None);
    let call = |charset: &str| {
        format!(
            r#"{{"FromEmailAddress":"n@brand.example","Destination":{{"ToAddresses":["a@c.example"]}},
                "Content":{{"Simple":{{"Subject":{{"Data":"près"{charset}}},"Body":{{"Text":{{"Data":"t"}}}}}}}}}}"#
        )
    };
    assert!(matches!(
        mails.send_json(call("").as_bytes()),
        Ok(SendAnswer::Refused(_))
    ));
    let named = call(r#","Charset":"utf-8""#);
    assert!(matches!(mails.send_json(named.as_bytes()), Ok(SendAnswer::Accepted(_))));
    assert_eq!(mails.send_json(b"{"), Err(UnreadableMail));
}

#[test]
fn a_refused_send_leaves_the_fault_script_in_place() {
    let (_, mails) = service(None);
    mails.inject(Fault::Throttle);
    mails.inject(Fault::AcceptThenReset);
    assert!(is_refused(
        &mails,
        OutgoingMail {
            to: Vec::new(),
            ..mail()
        }
    ));
    assert_eq!(mails.send(mail()), SendAnswer::Refused(OVER_RATE));
    assert_eq!(mails.send(mail()), SendAnswer::Reset);
    accepted_id(mails.send(mail()));
    assert_eq!(mails.accepted_count(), 2);
}

#[test]
fn the_hook_sees_each_accepted_mail_whatever_the_answer() {
    let (_, mails) = service(None);
    let seen = Arc::new(AtomicUsize::new(0));
    let (counter, service) = (Arc::clone(&seen), mails.clone());
    mails.on_accept(move |mail| {
        assert!(
            service.find(&mail.message_id).is_some(),
            "the hook may call the service"
        );
        counter.fetch_add(1, Ordering::SeqCst);
    });
    mails.inject(Fault::AcceptThenInternalError);
    mails.inject(Fault::InternalError);
    for _ in 0..3 {
        let _ = mails.send(mail());
    }
    assert_eq!((seen.load(Ordering::SeqCst), mails.accepted_count()), (2, 2));
}

#[test]
fn the_outbox_holds_each_accepted_mail_as_it_is_rendered() {
    let outbox = std::env::temp_dir().join(format!("apropos-outbox-{}", std::process::id()));
    let (_, mails) = service(Some(outbox.clone()));
    accepted_id(mails.send(mail()));
    let id = accepted_id(mails.send(mail()));
    let second = mails.find(&id).unwrap();
    let path = second.eml_path.clone().unwrap();
    assert_eq!(path.file_name().unwrap().to_str().unwrap(), format!("000002-{id}.eml"));
    assert_eq!(std::fs::read(&path).unwrap(), second.eml());
    assert_eq!(std::fs::read_dir(&outbox).unwrap().count(), mails.accepted_count());

    std::fs::remove_dir_all(&outbox).unwrap();
    assert_eq!(mails.send(mail()), SendAnswer::InternalError);
    assert_eq!(mails.accepted_count(), 2, "what the outbox lacks was not sent");
}

#[test]
fn events_carry_the_tags_as_ses_writes_them() {
    let (clock, mails) = service(None);
    let id = accepted_id(mails.send(mail()));
    clock.advance(SignedDuration::from_secs(2));
    let bounce = mails.event(&id, Feedback::Bounce(BounceKind::Permanent)).unwrap();
    let bounce: serde_json::Value = serde_json::from_str(&bounce).unwrap();
    assert_eq!(bounce["eventType"], "Bounce");
    assert_eq!(bounce["bounce"]["bounceType"], "Permanent");
    assert_eq!(
        bounce["bounce"]["bouncedRecipients"][0]["emailAddress"],
        "canary@customer.example"
    );
    assert_eq!(bounce["bounce"]["timestamp"], "2026-03-02T09:00:02.000Z");
    assert_eq!(bounce["mail"]["timestamp"], "2026-03-02T09:00:00.000Z");
    assert_eq!(bounce["mail"]["messageId"], id.as_str());
    assert_eq!(bounce["mail"]["tags"]["delivery"], json!(["d-1"]));
    assert_eq!(bounce["mail"]["tags"]["ses:configuration-set"], json!(["events"]));
    assert_eq!(bounce["mail"]["tags"]["ses:from-domain"], json!(["brand.example"]));
    for (feedback, key) in [
        (Feedback::Send, "send"),
        (Feedback::Delivery, "delivery"),
        (Feedback::Complaint, "complaint"),
        (Feedback::Bounce(BounceKind::Transient), "bounce"),
    ] {
        let event: serde_json::Value = serde_json::from_str(&mails.event(&id, feedback).unwrap()).unwrap();
        assert!(event[key].is_object(), "{event}");
    }
    assert_eq!(mails.event("unknown", Feedback::Send), None);
}

#[test]
fn debug_and_refusals_show_no_personal_data() {
    let (_, mails) = service(None);
    let outgoing = OutgoingMail {
        headers: pairs(&[("X-Canary", "canary")]),
        ..mail()
    };
    let id = accepted_id(mails.send(outgoing.clone()));
    let refused = mails.send(OutgoingMail {
        from: "canary@other.example".to_owned(),
        ..mail()
    });
    let shown = format!("{outgoing:?} {:?} {mails:?} {refused:?}", mails.find(&id));
    assert!(!shown.to_lowercase().contains("canary"), "{shown}");
}
