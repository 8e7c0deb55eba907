//! `queues`: what an operator sees of the queues of a stack on AWS, and puts back.

use std::collections::BTreeMap;

use apropos_aws::{ERROR_ATTRIBUTE, REASON_ATTRIBUTE};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, QueueAttributeName};
use lexopt::Arg::{Long, Short, Value};
use lexopt::ValueExt as _;

use super::place::{act_asked, aws_settings, text, unexpected};
use super::{Command, CommandError, UsageError, say};
use crate::event_source::{ALL, EventSource};

/// What is asked for, and of which stack.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Queues {
    act: Act,
    stack: String,
    region: Option<String>,
    endpoint_url: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Act {
    /// How much waits, and how much is dead.
    List,
    /// Why the dead letters of a queue are dead.
    Show(&'static str),
    /// Puts them back.
    Redrive {
        queue: &'static str,
        reason: Option<String>,
        limit: u32,
    },
}

const ACTS: &str = "list, show or redrive";

/// The reason of what was received too often without one.
const RECEIVED_TOO_OFTEN: &str = "received_too_often";

/// How many letters are looked at unless more are asked for.
const MOST_LETTERS: u32 = 1_000;

/// How long a letter that is looked at is hidden from others, in seconds: longer than a command takes.
const LOOKED_AT_FOR: i32 = 120;

pub(super) fn parse(mut parser: lexopt::Parser) -> Result<Command, UsageError> {
    let Some(name) = act_asked(&mut parser, "queues", ACTS)? else {
        return Ok(Command::Help);
    };
    if !["list", "show", "redrive"].contains(&name.as_str()) {
        return Err(UsageError::UnknownAct("queues", name, ACTS));
    }
    let (mut stack, mut region, mut endpoint_url) = (None, None, None);
    let (mut queue, mut reason, mut limit) = (None, None, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("stack") => stack = Some(text(&mut parser)?),
            Long("region") => region = Some(text(&mut parser)?),
            Long("endpoint-url") => endpoint_url = Some(text(&mut parser)?),
            Long("queue") if name != "list" => queue = Some(parse_queue(&text(&mut parser)?)?),
            Long("reason") if name == "redrive" => reason = Some(text(&mut parser)?),
            Long("limit") if name == "redrive" => limit = Some(parser.value()?.parse()?),
            Long("help") | Short('h') => return Ok(Command::Help),
            other @ (Long(_) | Short(_) | Value(_)) => return Err(unexpected(other)),
        }
    }
    let queue = || queue.ok_or(UsageError::Missing("--queue"));
    let act = match name.as_str() {
        "list" => Act::List,
        "show" => Act::Show(queue()?),
        _ => Act::Redrive {
            queue: queue()?,
            reason,
            limit: limit.unwrap_or(MOST_LETTERS),
        },
    };
    Ok(Command::Queues(Queues {
        act,
        stack: stack.ok_or(UsageError::Missing("--stack"))?,
        region,
        endpoint_url,
    }))
}

fn parse_queue(name: &str) -> Result<&'static str, UsageError> {
    let known = ALL.iter().find(|source| source.queue == name);
    known.map(|source| source.queue).ok_or_else(|| UsageError::Refused {
        option: "--queue",
        problem: format!("'{name}' is none of {}", ALL.map(|source| source.queue).join(", ")),
    })
}

pub(super) async fn run(asked: Queues) -> Result<(), CommandError> {
    let config = aws_settings(asked.region.as_deref(), asked.endpoint_url.as_deref()).await?;
    let operator = Operator {
        client: Client::new(&config),
        stack: asked.stack,
    };
    match asked.act {
        Act::List => operator.list().await,
        Act::Show(queue) => operator.show(queue).await,
        Act::Redrive { queue, reason, limit } => operator.redrive(queue, reason.as_deref(), limit).await,
    }
}

/// Whoever looks after the queues of a stack.
struct Operator {
    client: Client,
    stack: String,
}

/// A letter that is looked at: hidden from others until it is moved or shown again.
struct Letter {
    body: String,
    handle: String,
    reason: String,
    error: String,
}

impl Operator {
    async fn list(&self) -> Result<(), CommandError> {
        for EventSource {
            queue, dead_letters, ..
        } in ALL
        {
            let [waiting, in_hand, later] = self.depth(queue).await?;
            let dead: u64 = self.depth(dead_letters).await?.into_iter().sum();
            say(&format!(
                "{queue}: {waiting} waiting, {in_hand} in hand, {later} later, {dead} dead"
            ));
        }
        Ok(())
    }

    async fn show(&self, queue: &'static str) -> Result<(), CommandError> {
        let dead = self.url(&dead_letters(queue)).await?;
        let letters = self.letters(&dead, MOST_LETTERS).await?;
        let mut reasons: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for letter in &letters {
            *reasons.entry((&letter.reason, &letter.error)).or_default() += 1;
        }
        for ((reason, error), count) in reasons {
            say(&format!("{count} {reason}: {error}"));
        }
        for letter in &letters {
            self.give_back(&dead, letter).await?;
        }
        say(&format!("{} dead letters of {queue}", letters.len()));
        Ok(())
    }

    /// Each letter is sent before it is deleted: cut short, it is in both queues and not in none, and the functions find
    /// done what was done.
    async fn redrive(&self, queue: &'static str, reason: Option<&str>, limit: u32) -> Result<(), CommandError> {
        let live = self.url(queue).await?;
        let dead = self.url(&dead_letters(queue)).await?;
        let letters = self.letters(&dead, MOST_LETTERS.max(limit)).await?;
        let mut moved = 0;
        let mut stay = 0;
        for letter in &letters {
            let meant = reason.is_none_or(|reason| reason == letter.reason);
            if !meant || moved == limit {
                self.give_back(&dead, letter).await?;
                stay += 1;
                continue;
            }
            let send = self.client.send_message().queue_url(&live).message_body(&letter.body);
            send.send().await.map_err(failed)?;
            let delete = self.client.delete_message().queue_url(&dead);
            delete.receipt_handle(&letter.handle).send().await.map_err(failed)?;
            moved += 1;
        }
        say(&format!("{moved} went back to {queue}, {stay} stay dead"));
        Ok(())
    }

    async fn url(&self, queue: &str) -> Result<String, CommandError> {
        let name = format!("{}-{queue}", self.stack);
        let answer = self.client.get_queue_url().queue_name(&name).send().await;
        let url = answer.map_err(failed)?.queue_url;
        url.ok_or(CommandError::UnknownQueue(name))
    }

    /// Ready to be received, received, and sent to be received later.
    async fn depth(&self, queue: &str) -> Result<[u64; 3], CommandError> {
        const COUNTS: [QueueAttributeName; 3] = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let answer = self
            .client
            .get_queue_attributes()
            .queue_url(self.url(queue).await?)
            .set_attribute_names(Some(COUNTS.to_vec()))
            .send()
            .await
            .map_err(failed)?;
        let counts = answer.attributes.unwrap_or_default();
        Ok(COUNTS.map(|name| counts.get(&name).and_then(|count| count.parse().ok()).unwrap_or(0)))
    }

    /// As many as there are, or so many. A receive of SQS may miss some servers' messages, so an empty one is asked again.
    async fn letters(&self, url: &str, most: u32) -> Result<Vec<Letter>, CommandError> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let mut letters = Vec::new();
        let mut empty = 0;
        while empty < 2 && letters.len() < most {
            let left = most.saturating_sub(letters.len()).min(10);
            let answer = self
                .client
                .receive_message()
                .queue_url(url)
                .max_number_of_messages(i32::try_from(left).unwrap_or(1))
                .visibility_timeout(LOOKED_AT_FOR)
                .message_attribute_names("All")
                .send()
                .await
                .map_err(failed)?;
            let received = answer.messages.unwrap_or_default();
            empty = if received.is_empty() { empty + 1 } else { 0 };
            letters.extend(received.into_iter().filter_map(letter));
        }
        Ok(letters)
    }

    async fn give_back(&self, url: &str, letter: &Letter) -> Result<(), CommandError> {
        let change = self.client.change_message_visibility().queue_url(url);
        let change = change.receipt_handle(&letter.handle).visibility_timeout(0);
        change.send().await.map_err(failed)?;
        Ok(())
    }
}

fn dead_letters(queue: &str) -> String {
    format!("{queue}-dead")
}

fn letter(message: Message) -> Option<Letter> {
    let attribute = |name: &str| {
        let attributes = message.message_attributes.as_ref()?;
        attributes.get(name)?.string_value.clone()
    };
    Some(Letter {
        reason: attribute(REASON_ATTRIBUTE).unwrap_or_else(|| RECEIVED_TOO_OFTEN.to_owned()),
        error: attribute(ERROR_ATTRIBUTE).unwrap_or_else(|| "see the log of the function".to_owned()),
        body: message.body?,
        handle: message.receipt_handle?,
    })
}

fn failed(error: impl Into<aws_sdk_sqs::Error>) -> CommandError {
    CommandError::Queues(Box::new(error.into()))
}
