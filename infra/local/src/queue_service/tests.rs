use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

fn service() -> (Clock, QueueService) {
    let clock = Clock::manual("2026-03-02T09:00:00Z".parse().unwrap());
    let queues = QueueService::new(clock.clone());
    queues.create(QueueSettings::named("dead")).unwrap();
    let redrive = Redrive {
        dead_letter_queue: "dead".to_owned(),
        max_receive_count: 3,
    };
    queues
        .create(QueueSettings {
            redrive: Some(redrive),
            ..QueueSettings::named("work")
        })
        .unwrap();
    (clock, queues)
}

fn bodies(received: &[ReceivedMessage]) -> Vec<&str> {
    received.iter().map(|message| &*message.body).collect()
}

#[test]
fn messages_are_received_in_the_order_they_were_sent() {
    let (clock, queues) = service();
    for body in ["a", "b", "c"] {
        queues.send("work", body).unwrap();
    }
    assert_eq!(bodies(&queues.receive("work", 2).unwrap()), ["a", "b"]);
    clock.advance(SignedDuration::from_secs(30));
    queues.send("work", "d").unwrap();
    assert_eq!(bodies(&queues.receive("work", 10).unwrap()), ["a", "b", "c", "d"]);
}

#[test]
fn the_latest_handle_deletes_even_after_its_timeout() {
    let (clock, queues) = service();
    queues.send("work", "a").unwrap();
    let received = queues.receive("work", 1).unwrap();
    clock.advance(SignedDuration::from_secs(31));
    assert_eq!(queues.depth("work").unwrap().visible, 1);
    queues.delete("work", &received[0].receipt_handle).unwrap();
    assert_eq!(queues.depth("work").unwrap().total(), 0);
    queues.delete("work", &received[0].receipt_handle).unwrap();
}

#[test]
fn an_older_handle_succeeds_and_leaves_the_message_of_the_later_receive() {
    let (clock, queues) = service();
    queues.send("work", "a").unwrap();
    let first = queues.receive("work", 1).unwrap();
    clock.advance(SignedDuration::from_secs(30));
    let second = queues.receive("work", 1).unwrap();
    assert_eq!(
        (second[0].receive_count, second[0].first_received_at),
        (2, first[0].first_received_at)
    );
    queues.delete("work", &first[0].receipt_handle).unwrap();
    assert_eq!(queues.depth("work").unwrap().in_flight, 1);
    queues.delete("work", &second[0].receipt_handle).unwrap();
    assert_eq!(queues.depth("work").unwrap().total(), 0);
}

#[test]
fn a_message_moved_to_the_dead_letters_is_out_of_reach_of_its_old_handle() {
    let (clock, queues) = service();
    let sent = queues.send("work", "a").unwrap();
    let mut last = Vec::new();
    for count in 1..=3 {
        last = queues.receive("work", 1).unwrap();
        assert_eq!(last[0].receive_count, count);
        clock.advance(SignedDuration::from_secs(30));
    }
    assert!(queues.receive("work", 1).unwrap().is_empty());
    queues.delete("work", &last[0].receipt_handle).unwrap();
    queues.delete("dead", &last[0].receipt_handle).unwrap();
    let dead = queues.drain("dead").unwrap();
    assert_eq!(
        (dead.len(), &dead[0].message_id, dead[0].receive_count),
        (1, &sent.message_id, 3)
    );
    assert_eq!(queues.depth("dead").unwrap().total(), 0);
}

#[test]
fn redriving_makes_new_messages_with_all_their_receives_ahead() {
    let (clock, queues) = service();
    let sent = queues.send("dead", "a").unwrap();
    clock.advance(SignedDuration::from_secs(5));
    assert_eq!(queues.redrive("dead", "work").unwrap(), 1);
    let again = queues.receive("work", 1).unwrap();
    assert_ne!(again[0].message_id, sent.message_id);
    assert_eq!((again[0].receive_count, again[0].sent_at), (1, clock.now()));
    assert_eq!(queues.redrive("dead", "nothing"), Err(QueueError::QueueDoesNotExist));
}

#[test]
fn a_delayed_message_is_hidden_until_its_time() {
    let (clock, queues) = service();
    queues.send_delayed("work", "a", SignedDuration::from_mins(15)).unwrap();
    assert_eq!(
        queues.depth("work").unwrap(),
        Depth {
            visible: 0,
            in_flight: 0,
            delayed: 1
        }
    );
    let due = queues.next_visible_at("work").unwrap().unwrap();
    assert_eq!(due, clock.now() + SignedDuration::from_mins(15));
    assert!(queues.receive("work", 1).unwrap().is_empty());
    clock.advance(due.duration_since(clock.now()));
    assert_eq!(queues.next_visible_at("work").unwrap(), None);
    assert_eq!(queues.receive("work", 1).unwrap().len(), 1);
    let too_long = MAX_DELAY + SignedDuration::from_secs(1);
    let refused = queues.send_delayed("work", "a", too_long);
    assert_eq!(refused, Err(QueueError::InvalidParameterValue("DelaySeconds")));
}

#[test]
fn visibility_can_be_prolonged_and_given_up() {
    let (clock, queues) = service();
    queues.send("work", "a").unwrap();
    let received = queues.receive("work", 1).unwrap();
    let handle = &received[0].receipt_handle;
    clock.advance(SignedDuration::from_secs(20));
    queues
        .change_visibility("work", handle, SignedDuration::from_secs(30))
        .unwrap();
    clock.advance(SignedDuration::from_secs(29));
    assert_eq!(queues.depth("work").unwrap().in_flight, 1);
    queues.change_visibility("work", handle, SignedDuration::ZERO).unwrap();
    assert_eq!(queues.depth("work").unwrap().visible, 1);
    let late = queues.change_visibility("work", handle, SignedDuration::ZERO);
    assert_eq!(late, Err(QueueError::MessageNotInflight));
}

#[test]
fn twice_replays_each_deleted_message_once_under_its_id() {
    let (_, queues) = service();
    queues.set_delivery_mode(DeliveryMode::Twice);
    for body in ["a", "b"] {
        queues.send("work", body).unwrap();
    }
    let mut seen = Vec::new();
    for _ in 0..5 {
        for message in queues.receive("work", 1).unwrap() {
            assert_eq!(message.receive_count, 1);
            queues.delete("work", &message.receipt_handle).unwrap();
            seen.push((message.message_id, message.body));
        }
    }
    let order: Vec<_> = seen.iter().map(|(_, body)| &**body).collect();
    assert_eq!(order, ["a", "b", "a", "b"]);
    assert_eq!((&seen[0], &seen[1]), (&seen[2], &seen[3]));
}

#[test]
fn a_queue_is_made_once_and_its_settings_are_checked() {
    let (_, queues) = service();
    queues.create(QueueSettings::named("dead")).unwrap();
    let other = QueueSettings {
        visibility_timeout: SignedDuration::ZERO,
        ..QueueSettings::named("dead")
    };
    assert_eq!(queues.create(other), Err(QueueError::QueueNameExists));
    let unnamed = queues.create(QueueSettings::named("a b"));
    assert_eq!(unnamed, Err(QueueError::InvalidParameterValue("QueueName")));
    let redrive = Some(Redrive {
        dead_letter_queue: "nothing".to_owned(),
        max_receive_count: 1,
    });
    let orphan = queues.create(QueueSettings {
        redrive,
        ..QueueSettings::named("orphan")
    });
    assert_eq!(orphan, Err(QueueError::QueueDoesNotExist));
    assert_eq!(queues.queue_names(), ["dead", "work"]);
}

#[test]
fn bodies_out_of_sqss_limits_are_refused() {
    let (_, queues) = service();
    queues.send("work", "x".repeat(MAX_BYTES)).unwrap();
    let long = queues.send("work", "x".repeat(MAX_BYTES + 1));
    assert_eq!(long, Err(QueueError::InvalidParameterValue("MessageBody")));
    assert_eq!(
        queues.send("work", ""),
        Err(QueueError::MissingParameter("MessageBody"))
    );
    assert_eq!(queues.send("work", "\u{fffe}"), Err(QueueError::InvalidMessageContents));
    queues.send("work", "\t\r\n é \u{10ffff}").unwrap();
}

#[test]
fn message_attributes_are_kept_and_given_to_whoever_asks() {
    let (_, queues) = service();
    let call =
        br#"{"QueueUrl":"work","MessageBody":"x","MessageAttributes":{"a":{"DataType":"String","StringValue":"b"}}}"#;
    queues.call("SendMessage", call, "").unwrap();
    let received = |asked: &str| -> serde_json::Value {
        let call = format!(r#"{{"QueueUrl":"work","VisibilityTimeout":0,"MessageAttributeNames":{asked}}}"#);
        serde_json::from_slice(&queues.call("ReceiveMessage", call.as_bytes(), "").unwrap()).unwrap()
    };
    let given = serde_json::json!({ "a": { "DataType": "String", "StringValue": "b" } });
    for asked in [r#"["All"]"#, r#"["a"]"#] {
        assert_eq!(received(asked)["Messages"][0]["MessageAttributes"], given, "{asked}");
    }
    assert!(received("[]")["Messages"][0].get("MessageAttributes").is_none());
    assert_eq!(queues.peek("work").unwrap()[0].attributes["a"], "b");
}

#[test]
fn message_attributes_of_another_type_or_too_many_are_refused_rather_than_dropped() {
    let (_, queues) = service();
    let send = |attributes: String| {
        let call = format!(r#"{{"QueueUrl":"work","MessageBody":"x","MessageAttributes":{attributes}}}"#);
        queues.call("SendMessage", call.as_bytes(), "").unwrap_err()
    };
    for other in [
        r#"{"a":{"DataType":"Number","StringValue":"1"}}"#,
        r#"{"a":{"DataType":"String"}}"#,
    ] {
        assert_eq!(send(other.to_owned()), QueueError::UnsupportedOperation, "{other}");
    }
    let many: Vec<_> = (0..11)
        .map(|n| format!(r#""a{n}":{{"DataType":"String","StringValue":"b"}}"#))
        .collect();
    let refused = QueueError::InvalidParameterValue("MessageAttributes");
    assert_eq!(send(format!("{{{}}}", many.join(","))), refused);
    assert_eq!(
        send(r#"{"a":{"DataType":"String","StringValue":""}}"#.to_owned()),
        refused
    );
    assert!(queues.peek("work").unwrap().is_empty());
    assert_eq!(queues.call("SendMessage", b"{", ""), Err(QueueError::UnreadableRequest));
}

#[test]
fn debug_shows_no_body() {
    let (_, queues) = service();
    queues.send("work", "canary").unwrap();
    let shown = format!("{:?} {:?} {queues:?}", queues.peek("work"), queues.receive("work", 1));
    assert!(!shown.contains("canary"), "{shown}");
}

#[derive(Debug, Clone)]
enum Step {
    Send,
    Receive(usize),
    Delete(usize),
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Send),
        (1..=MAX_BATCH).prop_map(Step::Receive),
        (0_usize..20).prop_map(Step::Delete),
        (0_i64..40).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_message_is_in_a_queue_until_its_latest_handle_deletes_it(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let (clock, queues) = service();
        let mut living = HashSet::new();
        let mut latest = Vec::<(String, String)>::new();
        for step in steps {
            match step {
                Step::Send => {
                    living.insert(queues.send("work", "x").unwrap().message_id);
                }
                Step::Receive(max) => {
                    for message in queues.receive("work", max).unwrap() {
                        prop_assert!(message.receive_count <= 3);
                        latest.retain(|(id, _)| *id != message.message_id);
                        latest.push((message.message_id, message.receipt_handle));
                    }
                }
                Step::Delete(index) if !latest.is_empty() => {
                    let (id, handle) = latest.swap_remove(index % latest.len());
                    queues.delete("work", &handle).unwrap();
                    let is_dead = queues.peek("dead").unwrap().iter().any(|message| message.message_id == id);
                    if !is_dead {
                        living.remove(&id);
                    }
                }
                Step::Delete(_) => {}
                Step::Wait(seconds) => clock.advance(SignedDuration::from_secs(seconds)),
            }
            let (work, dead) = (queues.peek("work").unwrap(), queues.peek("dead").unwrap());
            let kept: HashSet<_> = work.iter().chain(&dead).map(|message| message.message_id.clone()).collect();
            prop_assert_eq!(kept.len(), work.len() + dead.len(), "no message is in two places");
            prop_assert_eq!(&kept, &living);
            prop_assert_eq!(queues.depth("work").unwrap().total(), work.len());
        }
    }
}
