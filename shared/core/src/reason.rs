//! Why a message was withheld: stable codes, one byte each in receipts, a sentence each in both languages.

use crate::language::Language;

/// The rule that withheld a message. The order is the order of the gates: the first that fails is the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The run was cancelled.
    RunCancelled,
    /// The offer's window has not begun or is over.
    OutsideWindow,
    /// The person objects to all marketing (GDPR 21(2)).
    Objected,
    /// They asked for a pause, which is not over yet.
    Paused,
    /// They never agreed to the topic.
    NoConsent,
    /// They have not confirmed yet.
    ConsentPending,
    /// They said no.
    ConsentDenied,
    /// They took their yes back.
    ConsentWithdrawn,
    /// Their yes has ended.
    ConsentExpired,
    /// There is no address to write to.
    NoContactPoint,
    /// The address must not be written to: complaint or erasure. Of whoever was erased nothing else is left to ask, so for them
    /// it is told at once.
    Suppressed,
    /// The address does not exist (a hard bounce).
    Undeliverable,
    /// Not in the campaign's audience.
    OutsideAudience,
    /// In the group that is never written to, for comparison.
    Holdout,
    /// Too far from every place of the offer.
    TooFar,
    /// Where they live is not known or may not be used.
    PlaceUnknown,
    /// It could not be read in time to be used: the queue, quiet hours and the way to the place take longer.
    TooLate,
    /// A suitability rule says no.
    Unsuitable,
    /// A suitability rule cannot be answered.
    SuitabilityUnknown,
    /// They have one, and such a thing lasts.
    AlreadyHas,
    /// Of what the offer uses, too little speaks for it: it has no place to be near to, and goes with too little of what the
    /// person bought or likes.
    NoReasonToWrite,
    /// Too little is known to judge.
    TooLittleKnown,
    /// Not relevant enough for the campaign.
    BelowThreshold,
    /// Not relevant enough for what the person asked.
    BelowOwnThreshold,
    /// As many messages as allowed.
    CapReached,
    /// Too soon after the last message.
    TooSoon,
    /// A message of higher priority took the last place.
    Outranked,
    /// The offer ends before quiet hours do.
    EndsInQuietHours,
    /// SES refused the message for good.
    Refused,
    /// Whether SES took it was never known; it counts as sent in the cap.
    Abandoned,
}

impl Reason {
    /// All, in the order of the gates.
    pub const ALL: [Self; 30] = [
        Self::RunCancelled,
        Self::OutsideWindow,
        Self::Objected,
        Self::Paused,
        Self::NoConsent,
        Self::ConsentPending,
        Self::ConsentDenied,
        Self::ConsentWithdrawn,
        Self::ConsentExpired,
        Self::NoContactPoint,
        Self::Suppressed,
        Self::Undeliverable,
        Self::OutsideAudience,
        Self::Holdout,
        Self::TooFar,
        Self::PlaceUnknown,
        Self::TooLate,
        Self::Unsuitable,
        Self::SuitabilityUnknown,
        Self::AlreadyHas,
        Self::NoReasonToWrite,
        Self::TooLittleKnown,
        Self::BelowThreshold,
        Self::BelowOwnThreshold,
        Self::CapReached,
        Self::TooSoon,
        Self::Outranked,
        Self::EndsInQuietHours,
        Self::Refused,
        Self::Abandoned,
    ];

    /// The stable name in answers, and in stored deliveries.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::RunCancelled => "run_cancelled",
            Self::OutsideWindow => "outside_window",
            Self::Objected => "objected",
            Self::Paused => "paused",
            Self::NoConsent => "no_consent",
            Self::ConsentPending => "consent_pending",
            Self::ConsentDenied => "consent_denied",
            Self::ConsentWithdrawn => "consent_withdrawn",
            Self::ConsentExpired => "consent_expired",
            Self::NoContactPoint => "no_contact_point",
            Self::Suppressed => "suppressed",
            Self::Undeliverable => "undeliverable",
            Self::OutsideAudience => "outside_audience",
            Self::Holdout => "holdout",
            Self::TooFar => "too_far",
            Self::PlaceUnknown => "place_unknown",
            Self::TooLate => "too_late",
            Self::Unsuitable => "unsuitable",
            Self::SuitabilityUnknown => "suitability_unknown",
            Self::AlreadyHas => "already_has",
            Self::NoReasonToWrite => "no_reason_to_write",
            Self::TooLittleKnown => "too_little_known",
            Self::BelowThreshold => "below_threshold",
            Self::BelowOwnThreshold => "below_own_threshold",
            Self::CapReached => "cap_reached",
            Self::TooSoon => "too_soon",
            Self::Outranked => "outranked",
            Self::EndsInQuietHours => "ends_in_quiet_hours",
            Self::Refused => "refused",
            Self::Abandoned => "abandoned",
        }
    }

    /// By name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.code() == code)
    }

    /// The stored byte, 1 to 30. Never renumbered: a new reason takes the next one, whatever its place in the order.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::RunCancelled => 1,
            Self::OutsideWindow => 2,
            Self::Objected => 3,
            Self::NoConsent => 4,
            Self::ConsentPending => 5,
            Self::ConsentDenied => 6,
            Self::ConsentWithdrawn => 7,
            Self::ConsentExpired => 8,
            Self::NoContactPoint => 9,
            Self::Suppressed => 10,
            Self::Undeliverable => 11,
            Self::OutsideAudience => 12,
            Self::Holdout => 13,
            Self::TooFar => 14,
            Self::PlaceUnknown => 15,
            Self::Unsuitable => 16,
            Self::SuitabilityUnknown => 17,
            Self::AlreadyHas => 18,
            Self::TooLittleKnown => 19,
            Self::BelowThreshold => 20,
            Self::BelowOwnThreshold => 21,
            Self::CapReached => 22,
            Self::TooSoon => 23,
            Self::EndsInQuietHours => 24,
            Self::Refused => 25,
            Self::Abandoned => 26,
            Self::Paused => 27,
            Self::TooLate => 28,
            Self::Outranked => 29,
            Self::NoReasonToWrite => 30,
        }
    }

    /// By stored byte.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.byte() == byte)
    }

    /// The end of the sentence "Withheld because …" / "Non envoyé : …", in plain words.
    #[must_use]
    pub const fn because(self, language: Language) -> &'static str {
        let (french, english) = match self {
            Self::RunCancelled => ("la campagne a été annulée", "the campaign was cancelled"),
            Self::OutsideWindow => (
                "l’offre n’a pas commencé ou est terminée",
                "the offer has not begun or is over",
            ),
            Self::Objected => (
                "cette personne refuse toute prospection",
                "this person objects to all marketing",
            ),
            Self::Paused => ("cette personne a demandé une pause", "this person asked for a pause"),
            Self::NoConsent => (
                "cette personne n’a jamais demandé ces messages",
                "this person never agreed to these messages",
            ),
            Self::ConsentPending => (
                "l’inscription n’a pas encore été confirmée",
                "the subscription has not been confirmed yet",
            ),
            Self::ConsentDenied => (
                "cette personne a dit non à ces messages",
                "this person said no to these messages",
            ),
            Self::ConsentWithdrawn => ("cette personne s’est désinscrite", "this person unsubscribed"),
            Self::ConsentExpired => ("son accord a pris fin", "the consent has expired"),
            Self::NoContactPoint => ("aucune adresse n’est connue", "there is no address to write to"),
            Self::Suppressed => (
                "il ne faut plus écrire à cette adresse",
                "this address must not be written to any more",
            ),
            Self::Undeliverable => ("l’adresse n’existe pas", "the address does not exist"),
            Self::OutsideAudience => (
                "cette personne n’est pas dans le public visé",
                "this person is not in the campaign’s audience",
            ),
            Self::Holdout => (
                "cette personne fait partie du groupe témoin",
                "this person is in the comparison group that is not written to",
            ),
            Self::TooFar => (
                "c’est trop loin pour cette personne",
                "it is too far away for this person",
            ),
            Self::PlaceUnknown => (
                "on ne sait pas d’où cette personne viendrait, ou cela ne doit pas servir",
                "where this person would come from is not known, or may not be used",
            ),
            Self::TooLate => (
                "le message n’arriverait plus à temps pour en profiter",
                "the message would not arrive in time for it to be used",
            ),
            Self::Unsuitable => (
                "l’offre ne convient pas à sa situation",
                "the offer does not suit this person’s situation",
            ),
            Self::SuitabilityUnknown => (
                "on ne sait pas si l’offre convient à sa situation",
                "whether the offer suits this person’s situation is not known",
            ),
            Self::AlreadyHas => (
                "cette personne a déjà cet article, ou un autre qui en tient lieu",
                "this person already has one, or something that does the same",
            ),
            Self::NoReasonToWrite => (
                "dans ce que l’offre utilise de cette personne, trop peu plaide pour elle",
                "of what the offer uses about this person, too little speaks for it",
            ),
            Self::TooLittleKnown => ("on en sait trop peu pour juger", "too little is known to judge"),
            Self::BelowThreshold => ("l’offre n’est pas assez pertinente", "the offer is not relevant enough"),
            Self::BelowOwnThreshold => (
                "l’offre est moins pertinente que ce que cette personne souhaite",
                "the offer is less relevant than this person asked for",
            ),
            Self::CapReached => (
                "cette personne a déjà reçu assez de messages",
                "this person has received as many messages as allowed",
            ),
            Self::TooSoon => (
                "le dernier message est trop récent",
                "it is too soon after the last message",
            ),
            Self::Outranked => (
                "un message plus important de la marque a pris la dernière place",
                "a more important message of the brand took the last place",
            ),
            Self::EndsInQuietHours => (
                "l’offre se termine avant la fin des heures calmes",
                "the offer ends before quiet hours do",
            ),
            Self::Refused => (
                "le message a été refusé à l’envoi",
                "the message was refused on sending",
            ),
            Self::Abandoned => (
                "on n’a jamais su si le message était parti",
                "whether the message left was never known",
            ),
        };
        match language {
            Language::French => french,
            Language::English => english,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_byte_keeps_its_meaning() {
        let given_out = [
            "run_cancelled",
            "outside_window",
            "objected",
            "no_consent",
            "consent_pending",
            "consent_denied",
            "consent_withdrawn",
            "consent_expired",
            "no_contact_point",
            "suppressed",
            "undeliverable",
            "outside_audience",
            "holdout",
            "too_far",
            "place_unknown",
            "unsuitable",
            "suitability_unknown",
            "already_has",
            "too_little_known",
            "below_threshold",
            "below_own_threshold",
            "cap_reached",
            "too_soon",
            "ends_in_quiet_hours",
            "refused",
            "abandoned",
            "paused",
            "too_late",
            "outranked",
            "no_reason_to_write",
        ];
        for (byte, code) in (1..).zip(given_out) {
            assert_eq!(Reason::from_byte(byte).map(Reason::code), Some(code));
        }
    }

    #[test]
    fn every_reason_has_its_own_name_byte_and_sentences() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(reason));
            assert_eq!(Reason::from_byte(reason.byte()), Some(reason));
            for language in Language::ALL {
                let same = Reason::ALL
                    .iter()
                    .filter(|other| other.because(language) == reason.because(language));
                assert_eq!(same.count(), 1, "{reason:?} {language:?}");
            }
        }
    }
}
