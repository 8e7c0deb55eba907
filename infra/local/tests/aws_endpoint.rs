//! The stand-ins as the real SDK clients see them, over a loopback listener.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use std::net::SocketAddr;

use apropos_aws::Clock;
use apropos_local::aws_endpoint;
use apropos_local::mail_service::{
    AccountStatus, Fault, MailService, MailSettings, RefusalKind, SendAnswer, SendQuota,
};
use apropos_local::queue_service::{QueueService, QueueSettings, Redrive};
use aws_sdk_sesv2::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::operation::send_email::builders::SendEmailFluentBuilder;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageHeader, MessageTag, RawMessage};
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName, SendMessageBatchRequestEntry};
use jiff::{SignedDuration, Timestamp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const START: &str = "2026-03-02T09:00:00Z";

struct Stack {
    clock: Clock,
    queues: QueueService,
    mails: MailService,
    address: SocketAddr,
    sqs: aws_sdk_sqs::Client,
    ses: aws_sdk_sesv2::Client,
}

impl Stack {
    async fn start() -> Self {
        let clock = Clock::manual(START.parse::<Timestamp>().unwrap());
        let queues = QueueService::new(clock.clone());
        queues.create(QueueSettings::named("send-dead")).unwrap();
        let redrive = Redrive {
            dead_letter_queue: "send-dead".to_owned(),
            max_receive_count: 2,
        };
        queues
            .create(QueueSettings {
                redrive: Some(redrive),
                ..QueueSettings::named("send")
            })
            .unwrap();
        let mails = MailService::new(
            clock.clone(),
            MailSettings {
                verified_domains: vec!["brand.example".to_owned()],
                configuration_sets: vec!["events".to_owned()],
                quota: SendQuota {
                    max_24_hour: 50,
                    max_per_second: 10,
                },
                outbox: None,
            },
        )
        .unwrap();

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = aws_endpoint::router(queues.clone(), mails.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });

        let endpoint = format!("http://{address}");
        let sqs = aws_sdk_sqs::Client::from_conf(
            aws_sdk_sqs::Config::builder()
                .behavior_version(aws_sdk_sqs::config::BehaviorVersion::v2026_01_12())
                .endpoint_url(&endpoint)
                .http_client(apropos_aws::http_client())
                .region(aws_sdk_sqs::config::Region::new("eu-west-3"))
                .credentials_provider(aws_sdk_sqs::config::Credentials::new(
                    "id", "secret", None, None, "static",
                ))
                .retry_config(aws_sdk_sqs::config::retry::RetryConfig::disabled())
                .build(),
        );
        let ses = aws_sdk_sesv2::Client::from_conf(
            aws_sdk_sesv2::Config::builder()
                .behavior_version(aws_sdk_sesv2::config::BehaviorVersion::v2026_01_12())
                .endpoint_url(&endpoint)
                .http_client(apropos_aws::http_client())
                .region(aws_sdk_sesv2::config::Region::new("eu-west-3"))
                .credentials_provider(aws_sdk_sesv2::config::Credentials::new(
                    "id", "secret", None, None, "static",
                ))
                .retry_config(aws_sdk_sesv2::config::retry::RetryConfig::disabled())
                .build(),
        );
        Self {
            clock,
            queues,
            mails,
            address,
            sqs,
            ses,
        }
    }

    async fn queue_url(&self, name: &str) -> String {
        self.sqs
            .get_queue_url()
            .queue_name(name)
            .send()
            .await
            .unwrap()
            .queue_url
            .unwrap()
    }

    async fn receive(&self, url: &str) -> Vec<aws_sdk_sqs::types::Message> {
        let call = self.sqs.receive_message().queue_url(url).max_number_of_messages(10);
        call.message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
            .await
            .unwrap()
            .messages
            .unwrap_or_default()
    }

    fn mail(&self) -> SendEmailFluentBuilder {
        self.ses
            .send_email()
            .from_email_address("=?utf-8?Q?Caf=C3=A9?= <news@brand.example>")
            .destination(Destination::builder().to_addresses("someone@customer.example").build())
            .content(EmailContent::builder().simple(message().build()).build())
    }
}

fn text(data: &str) -> Content {
    Content::builder().data(data).charset("UTF-8").build().unwrap()
}

fn header(name: &str, value: &str) -> MessageHeader {
    MessageHeader::builder().name(name).value(value).build().unwrap()
}

fn tag(name: &str, value: &str) -> MessageTag {
    MessageTag::builder().name(name).value(value).build().unwrap()
}

fn message() -> aws_sdk_sesv2::types::builders::MessageBuilder {
    let body = Body::builder()
        .text(text("Près de chez vous"))
        .html(text("<p>Près de chez vous</p>"))
        .build();
    Message::builder().subject(text("Une soirée à deux pas")).body(body)
}

#[tokio::test]
async fn a_sent_message_is_received_with_its_counts_and_deleted() {
    let stack = Stack::start().await;
    let url = stack.queue_url("send").await;
    let sent = stack
        .sqs
        .send_message()
        .queue_url(&url)
        .message_body("près")
        .send()
        .await
        .unwrap();
    assert_eq!(sent.md5_of_message_body(), Some("1e318a4f060d22a91cb0969b31df555a"));

    stack.clock.advance(SignedDuration::from_secs(5));
    let received = stack.receive(&url).await;
    let [message] = received.as_slice() else {
        panic!("one message, not {}", received.len())
    };
    assert_eq!(
        (message.body(), message.message_id()),
        (Some("près"), sent.message_id())
    );
    assert_eq!(message.md5_of_body(), sent.md5_of_message_body());
    let start = START.parse::<Timestamp>().unwrap().as_millisecond();
    let attribute = |name| message.attributes().unwrap().get(&name).unwrap().clone();
    assert_eq!(attribute(MessageSystemAttributeName::ApproximateReceiveCount), "1");
    assert_eq!(attribute(MessageSystemAttributeName::SentTimestamp), start.to_string());
    let first = attribute(MessageSystemAttributeName::ApproximateFirstReceiveTimestamp);
    assert_eq!(first, (start + 5_000).to_string());

    let handle = message.receipt_handle().unwrap();
    stack
        .sqs
        .delete_message()
        .queue_url(&url)
        .receipt_handle(handle)
        .send()
        .await
        .unwrap();
    stack.clock.advance(SignedDuration::from_secs(60));
    assert!(stack.receive(&url).await.is_empty());
}

#[tokio::test]
async fn an_unhandled_message_comes_back_and_ends_in_the_dead_letter_queue() {
    let stack = Stack::start().await;
    let url = stack.queue_url("send").await;
    stack
        .sqs
        .send_message()
        .queue_url(&url)
        .message_body("{}")
        .send()
        .await
        .unwrap();

    assert_eq!(stack.receive(&url).await.len(), 1);
    assert!(stack.receive(&url).await.is_empty(), "hidden while in flight");
    stack.clock.advance(SignedDuration::from_secs(29));
    assert!(
        stack.receive(&url).await.is_empty(),
        "still hidden a second before the timeout"
    );
    stack.clock.advance(SignedDuration::from_secs(1));
    let second = stack.receive(&url).await;
    let handle = second[0].receipt_handle().unwrap();
    let change = stack
        .sqs
        .change_message_visibility()
        .queue_url(&url)
        .receipt_handle(handle);
    change.visibility_timeout(0).send().await.unwrap();
    assert!(
        stack.receive(&url).await.is_empty(),
        "received twice, so it goes to the dead letters"
    );

    let dead = stack.queues.peek("send-dead").unwrap();
    assert_eq!((dead.len(), &*dead[0].body, dead[0].receive_count), (1, "{}", 2));
    assert_eq!(stack.queues.redrive("send-dead", "send").unwrap(), 1);
    let again = stack.receive(&url).await;
    let counts = again[0].attributes().unwrap();
    assert_eq!(
        counts
            .get(&MessageSystemAttributeName::ApproximateReceiveCount)
            .unwrap(),
        "1"
    );
}

#[tokio::test]
async fn a_batch_reports_its_bad_entry_and_sends_the_others() {
    let stack = Stack::start().await;
    let url = stack.queue_url("send").await;
    let entry = |id: &str, body: &str| {
        SendMessageBatchRequestEntry::builder()
            .id(id)
            .message_body(body)
            .build()
            .unwrap()
    };
    let answer = stack
        .sqs
        .send_message_batch()
        .queue_url(&url)
        .entries(entry("good", "1"))
        .entries(entry("bad", "\u{b}"))
        .entries(entry("also-good", "2"))
        .send()
        .await
        .unwrap();
    let sent: Vec<_> = answer.successful().iter().map(|entry| entry.id()).collect();
    assert_eq!(sent, ["good", "also-good"]);
    let [failed] = answer.failed() else {
        panic!("one failed entry")
    };
    assert_eq!(
        (failed.id(), failed.code(), failed.sender_fault()),
        ("bad", "InvalidMessageContents", true)
    );
    assert_eq!(stack.queues.depth("send").unwrap().visible, 2);
}

#[tokio::test]
async fn batch_limits_refuse_the_whole_batch_with_typed_errors() {
    let stack = Stack::start().await;
    let url = stack.queue_url("send").await;
    let entry = |id: &str, body: &str| {
        SendMessageBatchRequestEntry::builder()
            .id(id)
            .message_body(body)
            .build()
            .unwrap()
    };
    let refusal = async |entries: Vec<SendMessageBatchRequestEntry>| {
        let call = stack
            .sqs
            .send_message_batch()
            .queue_url(&url)
            .set_entries(Some(entries));
        call.send().await.unwrap_err().into_service_error()
    };
    assert!(refusal(Vec::new()).await.is_empty_batch_request());
    let eleven = (0..11).map(|index| entry(&index.to_string(), "x")).collect();
    assert!(refusal(eleven).await.is_too_many_entries_in_batch_request());
    assert!(
        refusal(vec![entry("a", "x"), entry("a", "y")])
            .await
            .is_batch_entry_ids_not_distinct()
    );
    assert!(refusal(vec![entry("a b", "x")]).await.is_invalid_batch_entry_id());
    let half = "x".repeat(524_289);
    assert!(
        refusal(vec![entry("a", &half), entry("b", &half)])
            .await
            .is_batch_request_too_long()
    );
    assert_eq!(stack.queues.depth("send").unwrap().total(), 0);
}

#[tokio::test]
async fn queue_errors_map_to_the_sdks_typed_variants() {
    let stack = Stack::start().await;
    let url = stack.queue_url("send").await;
    let wrong = url.replace("/send", "/nothing");
    let error = stack
        .sqs
        .send_message()
        .queue_url(&wrong)
        .message_body("x")
        .send()
        .await
        .unwrap_err();
    assert!(error.into_service_error().is_queue_does_not_exist());
    let error = stack
        .sqs
        .get_queue_url()
        .queue_name("nothing")
        .send()
        .await
        .unwrap_err();
    assert!(error.into_service_error().is_queue_does_not_exist());
    let error = stack
        .sqs
        .delete_message()
        .queue_url(&url)
        .receipt_handle("?")
        .send()
        .await
        .unwrap_err();
    assert!(error.into_service_error().is_receipt_handle_is_invalid());
    let error = stack
        .sqs
        .send_message()
        .queue_url(&url)
        .message_body("\u{1}")
        .send()
        .await
        .unwrap_err();
    assert!(error.into_service_error().is_invalid_message_contents());

    stack.queues.send("send", "x").unwrap();
    let handle = stack.queues.receive("send", 1).unwrap()[0].receipt_handle.clone();
    stack.clock.advance(SignedDuration::from_secs(31));
    let change = stack
        .sqs
        .change_message_visibility()
        .queue_url(&url)
        .receipt_handle(handle)
        .visibility_timeout(9);
    assert!(
        change
            .send()
            .await
            .unwrap_err()
            .into_service_error()
            .is_message_not_inflight()
    );

    let error = stack.sqs.purge_queue().queue_url(&url).send().await.unwrap_err();
    assert_eq!(error.into_service_error().code(), Some("UnknownOperationException"));
}

#[tokio::test]
async fn queue_attributes_tell_depth_and_redrive_policy() {
    let stack = Stack::start().await;
    let url = stack.queue_url("send").await;
    for body in ["1", "2"] {
        stack.queues.send("send", body).unwrap();
    }
    stack
        .queues
        .send_delayed("send", "3", SignedDuration::from_secs(60))
        .unwrap();
    stack.queues.receive("send", 1).unwrap();
    let call = stack
        .sqs
        .get_queue_attributes()
        .queue_url(&url)
        .attribute_names(QueueAttributeName::All);
    let attributes = call.send().await.unwrap().attributes.unwrap();
    let attribute = |name| attributes.get(&name).map(String::as_str);
    assert_eq!(attribute(QueueAttributeName::ApproximateNumberOfMessages), Some("1"));
    assert_eq!(
        attribute(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
        Some("1")
    );
    assert_eq!(
        attribute(QueueAttributeName::ApproximateNumberOfMessagesDelayed),
        Some("1")
    );
    assert_eq!(
        attribute(QueueAttributeName::RedrivePolicy),
        Some(r#"{"deadLetterTargetArn":"arn:aws:sqs:eu-west-3:000000000000:send-dead","maxReceiveCount":2}"#)
    );
    let unknown = QueueAttributeName::from("Colour");
    let error = stack
        .sqs
        .get_queue_attributes()
        .queue_url(&url)
        .attribute_names(unknown)
        .send()
        .await
        .unwrap_err();
    assert!(error.into_service_error().is_invalid_attribute_name());
}

#[tokio::test]
async fn headers_and_tags_reach_the_accepted_mail() {
    let stack = Stack::start().await;
    let content = message()
        .headers(header("List-Unsubscribe", "<https://apropos.example/u/token>"))
        .headers(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
        .build();
    let sent = stack
        .mail()
        .content(EmailContent::builder().simple(content).build())
        .reply_to_addresses("hello@brand.example")
        .email_tags(tag("run", "r-1"))
        .email_tags(tag("ses:feedback-id-a", "spring"))
        .configuration_set_name("events")
        .send()
        .await
        .unwrap();
    let mail = stack.mails.find(sent.message_id().unwrap()).unwrap();
    assert_eq!(mail.header("list-unsubscribe-post"), Some("List-Unsubscribe=One-Click"));
    assert_eq!(
        (mail.tag("run"), mail.tag("ses:feedback-id-a")),
        (Some("r-1"), Some("spring"))
    );
    assert_eq!(
        (mail.subject.as_str(), mail.to.as_str()),
        ("Une soirée à deux pas", "someone@customer.example")
    );
    assert_eq!(
        (mail.text.as_str(), mail.html.as_str()),
        ("Près de chez vous", "<p>Près de chez vous</p>")
    );
    assert_eq!(mail.configuration_set.as_deref(), Some("events"));

    let account = stack.ses.get_account().send().await.unwrap();
    let quota = account.send_quota().unwrap();
    assert_eq!(
        (
            quota.max24_hour_send(),
            quota.max_send_rate(),
            quota.sent_last24_hours()
        ),
        (50.0, 10.0, 1.0)
    );
    assert!(account.sending_enabled() && account.production_access_enabled());
    assert_eq!(account.enforcement_status(), Some("HEALTHY"));
}

#[tokio::test]
async fn each_modelled_refusal_maps_to_its_typed_variant() {
    let stack = Stack::start().await;
    for kind in RefusalKind::ALL {
        stack.mails.inject(Fault::Reject(kind));
        let error = stack.mail().send().await.unwrap_err().into_service_error();
        let is_its_own = match kind {
            RefusalKind::AccountSuspended => error.is_account_suspended_exception(),
            RefusalKind::BadRequest => error.is_bad_request_exception(),
            RefusalKind::LimitExceeded => error.is_limit_exceeded_exception(),
            RefusalKind::MailFromDomainNotVerified => error.is_mail_from_domain_not_verified_exception(),
            RefusalKind::MessageRejected => error.is_message_rejected(),
            RefusalKind::NotFound => error.is_not_found_exception(),
            RefusalKind::SendingPaused => error.is_sending_paused_exception(),
            RefusalKind::TooManyRequests => error.is_too_many_requests_exception(),
        };
        assert!(is_its_own, "{kind:?} became {error:?}");
    }
    assert_eq!(stack.mails.accepted_count(), 0);
}

#[tokio::test]
async fn the_account_and_its_limits_refuse_as_ses_does() {
    let stack = Stack::start().await;
    let refusal = async |call: SendEmailFluentBuilder| call.send().await.unwrap_err().into_service_error();

    stack.mails.set_status(AccountStatus::Paused);
    assert!(refusal(stack.mail()).await.is_sending_paused_exception());
    stack.mails.set_status(AccountStatus::Suspended);
    assert!(refusal(stack.mail()).await.is_account_suspended_exception());
    stack.mails.set_status(AccountStatus::MailFromUnverified);
    assert!(refusal(stack.mail()).await.is_mail_from_domain_not_verified_exception());
    stack.mails.set_status(AccountStatus::Healthy);

    let stranger = stack.mail().from_email_address("news@notbrand.example");
    assert!(refusal(stranger).await.is_message_rejected());
    assert!(
        refusal(stack.mail().configuration_set_name("none"))
            .await
            .is_not_found_exception()
    );
    let two = Destination::builder()
        .to_addresses("a@customer.example")
        .to_addresses("b@customer.example")
        .build();
    assert!(refusal(stack.mail().destination(two)).await.is_bad_request_exception());
    let raw = RawMessage::builder()
        .data(aws_sdk_sesv2::primitives::Blob::new("x"))
        .build()
        .unwrap();
    let raw = stack.mail().content(EmailContent::builder().raw(raw).build());
    assert!(refusal(raw).await.is_bad_request_exception());

    stack.mails.set_quota(SendQuota {
        max_24_hour: 3,
        max_per_second: 2,
    });
    for _ in 0..2 {
        stack.mail().send().await.unwrap();
    }
    assert!(refusal(stack.mail()).await.is_too_many_requests_exception());
    stack.clock.advance(SignedDuration::from_secs(1));
    stack.mail().send().await.unwrap();
    stack.clock.advance(SignedDuration::from_secs(1));
    assert!(refusal(stack.mail()).await.is_limit_exceeded_exception());
    stack.clock.advance(SignedDuration::from_hours(24));
    stack.mail().send().await.unwrap();
}

#[tokio::test]
async fn an_internal_error_may_hide_an_accepted_mail_or_none() {
    let stack = Stack::start().await;
    for (fault, accepted) in [(Fault::InternalError, 0), (Fault::AcceptThenInternalError, 1)] {
        stack.mails.inject(fault);
        let error = stack.mail().send().await.unwrap_err();
        assert_eq!(error.raw_response().unwrap().status().as_u16(), 500);
        assert!(is_unmodelled(&error), "{fault:?} must not look like a refusal");
        assert_eq!(stack.mails.accepted_count(), accepted, "after {fault:?}");
    }
}

#[tokio::test]
async fn a_truncated_answer_is_an_sdk_error_for_an_accepted_mail() {
    let stack = Stack::start().await;
    stack.mails.inject(Fault::AcceptThenTruncate);
    let error = stack.mail().send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 200);
    assert!(is_unmodelled(&error), "it must not look like a refusal");
    assert_eq!(stack.mails.accepted_count(), 1);
    stack.mail().send().await.unwrap();
}

#[tokio::test]
async fn a_reset_ends_the_connection_before_the_first_byte_of_an_answer() {
    let stack = Stack::start().await;
    stack.mails.inject(Fault::AcceptThenReset);
    let error = stack.mail().send().await.unwrap_err();
    assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
    assert_eq!(stack.mails.accepted_count(), 1);

    stack.mails.inject(Fault::AcceptThenReset);
    let body = r#"{"FromEmailAddress":"news@brand.example","Destination":{"ToAddresses":["a@customer.example"]},
        "Content":{"Simple":{"Subject":{"Data":"s"},"Body":{"Text":{"Data":"t"}}}},"NewMember":{"Anything":1}}"#;
    let request = format!(
        "POST /v2/email/outbound-emails HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = tokio::net::TcpStream::connect(stack.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "");
    assert_eq!(stack.mails.accepted_count(), 2);
}

#[tokio::test]
async fn unknown_operations_answer_as_aws_does() {
    let stack = Stack::start().await;
    let error = stack.ses.list_email_identities().send().await.unwrap_err();
    assert_eq!(error.into_service_error().code(), Some("UnknownOperationException"));
    let error = stack
        .ses
        .delete_contact_list()
        .contact_list_name("x")
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.into_service_error().code(), Some("UnknownOperationException"));
}

#[tokio::test]
async fn both_services_work_side_by_side_without_a_socket() {
    let stack = Stack::start().await;
    stack.mails.inject(Fault::AcceptThenInternalError);
    let call = br#"{"FromEmailAddress":"news@brand.example","Destination":{"ToAddresses":["a@customer.example"]},
        "Content":{"Simple":{"Subject":{"Data":"s"},"Body":{"Text":{"Data":"t"}}}}}"#;
    assert_eq!(stack.mails.send_json(call).unwrap(), SendAnswer::InternalError);
    assert!(matches!(stack.mails.send_json(call).unwrap(), SendAnswer::Accepted(_)));
    let body = br#"{"QueueUrl":"http://h/0/send","MessageBody":"x"}"#;
    stack.queues.call("SendMessage", body, "http://h").unwrap();
    assert_eq!(stack.queues.depth("send").unwrap().visible, 1);
}

fn is_unmodelled(error: &SdkError<SendEmailError>) -> bool {
    error.as_service_error().is_none_or(|error| {
        !(error.is_account_suspended_exception()
            || error.is_bad_request_exception()
            || error.is_limit_exceeded_exception()
            || error.is_mail_from_domain_not_verified_exception()
            || error.is_message_rejected()
            || error.is_not_found_exception()
            || error.is_sending_paused_exception()
            || error.is_too_many_requests_exception())
    })
}
