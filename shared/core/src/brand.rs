//! A brand's own settings: who sends, about which topics, and the limits it sets itself.

use crate::cap::{FrequencyCap, MinimumGap};
use crate::colour::Colour;
use crate::consent::Notice;
use crate::email::EmailAddress;
use crate::header::DisplayName;
use crate::ids::{BrandId, TopicId};
use crate::language::Localized;
use crate::quiet::QuietHours;
use crate::retention::Retention;

/// The tenant and data controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    /// Its id.
    pub id: BrandId,
    /// Its name, as people know it and as mail clients show it.
    pub name: DisplayName,
    /// Who the controller is and where, for the footer (GDPR 13(1)(a), LCEN 20).
    pub imprint: String,
    /// The verified sender.
    pub sender: EmailAddress,
    /// Where replies go.
    pub reply_to: EmailAddress,
    /// The domain of its list ids (RFC 2919).
    pub list_domain: String,
    /// What people can choose.
    pub topics: Topics,
    /// The privacy notice in force.
    pub notice: Notice,
    /// Where the notice can be read, if it is on the web.
    pub notice_link: Option<String>,
    /// Who asks people to confirm a consent that was requested.
    pub confirmations: Confirmations,
    /// The most messages to one person.
    pub caps: Vec<FrequencyCap>,
    /// Least time between two messages to one person.
    pub minimum_gap: Option<MinimumGap>,
    /// When nobody is written to, in each person's own time zone.
    pub quiet: QuietHours,
    /// The colour of its pages' accents.
    pub colour: Option<Colour>,
    /// How long a yes outlives the last sign of the person.
    pub retention: Retention,
}

/// Who asks people to confirm a consent that was requested (double opt-in). Whoever signs up on our own page is asked by
/// us in any case: nobody else knows that they did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confirmations {
    /// Apropos does, by e-mail, for each request that the person made within the last day.
    #[default]
    Apropos,
    /// The brand does, and records the grant once it is confirmed.
    Brand,
}

/// A kind of message people can choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its id.
    pub id: TopicId,
    /// Its number, fixed for ever: links and the audience carry it.
    pub number: TopicNumber,
    /// Its name for people.
    pub name: Localized,
}

/// A topic's number, 0 to 15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicNumber(u8);

impl TopicNumber {
    /// Checks the range.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number < 16 { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// At most 16 topics, each with an id and a number of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics(Vec<Topic>);

/// Why a list of topics was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTopics {
    /// None at all.
    #[error("must name at least one topic")]
    None,
    /// An id twice.
    #[error("name the same topic twice")]
    SameId,
    /// A number twice.
    #[error("give two topics the same number")]
    SameNumber,
}

impl Topics {
    /// Checks that ids and numbers are unique; numbers below 16 bound the length.
    ///
    /// # Errors
    /// [`InvalidTopics`].
    pub fn new(topics: Vec<Topic>) -> Result<Self, InvalidTopics> {
        if topics.is_empty() {
            return Err(InvalidTopics::None);
        }
        for (position, topic) in topics.iter().enumerate() {
            for other in topics.iter().skip(position + 1) {
                if other.id == topic.id {
                    return Err(InvalidTopics::SameId);
                }
                if other.number == topic.number {
                    return Err(InvalidTopics::SameNumber);
                }
            }
        }
        Ok(Self(topics))
    }

    /// In the brand's order.
    pub fn iter(&self) -> impl Iterator<Item = &Topic> {
        self.0.iter()
    }

    /// By id.
    #[must_use]
    pub fn get(&self, id: &TopicId) -> Option<&Topic> {
        self.0.iter().find(|topic| topic.id == *id)
    }

    /// By number.
    #[must_use]
    pub fn by_number(&self, number: u16) -> Option<&Topic> {
        self.0.iter().find(|topic| u16::from(topic.number.get()) == number)
    }

    /// The number of a topic.
    #[must_use]
    pub fn number(&self, id: &TopicId) -> Option<TopicNumber> {
        self.get(id).map(|topic| topic.number)
    }
}
