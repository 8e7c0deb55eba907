//! Who knocks: the link in the path, checked by itself.
//!
//! Everything that reads or writes a table takes a [`Visit`], and only [`Knock::verify`] makes one, from the path and
//! the keys alone. So garbage is refused before any read, by construction.

use apropos_core::brand::{Brand, Topic};
use apropos_core::consent::{Channel, Objection, Purpose};
use apropos_core::ids::BrandId;
use apropos_core::link::{InvalidLink, KeyRing, LinkContent, LinkPurpose, UnverifiedLink};

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    /// `/u`: leave a topic.
    Unsubscribe,
    /// `/p`: see and change choices.
    Preferences,
}

impl Page {
    /// What its links are signed for.
    const fn purpose(self) -> LinkPurpose {
        match self {
            Self::Unsubscribe => LinkPurpose::Unsubscribe,
            Self::Preferences => LinkPurpose::Preferences,
        }
    }
}

/// A path of ours with a link that nobody has checked yet.
#[derive(Clone, Copy)]
pub(crate) struct Knock<'a> {
    page: Page,
    brand: &'a str,
    token: &'a str,
}

impl<'a> Knock<'a> {
    /// The page of a path, `/u/{brand}/{token}` or `/p/{brand}/{token}`.
    pub(crate) fn at(path: &[&'a str]) -> Option<Self> {
        let [page, brand, token] = path else {
            return None;
        };
        let page = match *page {
            "u" => Page::Unsubscribe,
            "p" => Page::Preferences,
            _ => return None,
        };
        Some(Self { page, brand, token })
    }

    /// Checks the link. The reason of a refusal is for the log; a visitor sees one page for all.
    pub(crate) fn verify(self, ring: &KeyRing) -> Result<Visit, InvalidLink> {
        let brand = BrandId::new(self.brand).ok().ok_or(InvalidLink::Malformed)?;
        let link = UnverifiedLink::parse(self.token)?.verify(self.page.purpose(), &brand, ring)?;
        Ok(Visit {
            page: self.page,
            brand,
            link,
        })
    }
}

/// A visitor with a link that we signed for this page and brand.
#[derive(Debug)]
pub(crate) struct Visit {
    page: Page,
    brand: BrandId,
    link: LinkContent,
}

impl Visit {
    pub(crate) const fn page(&self) -> Page {
        self.page
    }

    pub(crate) const fn brand(&self) -> &BrandId {
        &self.brand
    }

    pub(crate) const fn link(&self) -> LinkContent {
        self.link
    }

    /// What the link leaves.
    pub(crate) fn leaving<'a>(&self, brand: &'a Brand) -> Leaving<'a> {
        brand
            .topics
            .by_number(self.link.topic)
            .map_or(Leaving::Everything, |topic| Leaving::Topic(topic, Channel::Email))
    }
}

/// What is left: by the link, or by another button of its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaving<'a> {
    /// A topic on a channel; the one a link came with, by e-mail.
    Topic(&'a Topic, Channel),
    /// All of the brand: by its own button, or because the brand no longer has that topic, and nobody knows what it was called. Who says "no more" is taken at their
    /// word: it would be worse to write to them again under another name.
    Everything,
}

impl<'a> Leaving<'a> {
    /// What a button of the page names, if the brand has it.
    pub(crate) fn named(purpose: &Purpose, brand: &'a Brand) -> Option<Self> {
        match purpose {
            Purpose::Topic { topic, channel } => Some(Self::Topic(brand.topics.get(topic)?, *channel)),
            Purpose::Objection(Objection::NoMarketing) => Some(Self::Everything),
            Purpose::Data(_) | Purpose::Objection(Objection::NoProfiling | Objection::Pause) => None,
        }
    }

    /// The purpose, as buttons name it.
    pub(crate) fn purpose(self) -> Purpose {
        match self {
            Self::Topic(topic, channel) => Purpose::Topic {
                topic: topic.id.clone(),
                channel,
            },
            Self::Everything => Purpose::Objection(Objection::NoMarketing),
        }
    }
}
