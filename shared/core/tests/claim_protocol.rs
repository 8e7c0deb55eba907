//! The claim protocol alone, as a model: two senders of the same candidate, each step of theirs in every order, with a
//! crash, a lost answer or a wrong clock at every point, until no new state is left.
//!
//! A lease that looks over is a choice here and no time: what holds in every state holds for every clock.

#![expect(
    clippy::indexing_slicing,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use std::collections::{BTreeSet, VecDeque};

/// How a sender takes over the trace of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// As it is: an attempt is fenced out before its claim is given away.
    FencedOut,
    /// As it must not be: where the lease looks over, the claim is given away and the trace taken over.
    LeaseAlone,
    /// As it must not be: what is not known is taken as not sent.
    UnknownIsNotSent,
    /// As it must not be: the claim does not look at the version.
    VersionIgnored,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trace {
    Claimed,
    Sent,
    Withheld,
    Unresolved,
    Released,
}

type Attempt = u8;

/// What a sender does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum At {
    Start,
    Former(Attempt),
    Close(Attempt),
    Release(Attempt),
    Claim { seen: u8 },
    Withhold,
    Open,
    Send,
    Settle(Trace),
    GiveBack,
    LetGo(Attempt),
    Done,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    version: u8,
    consent: bool,
    claim: Option<Attempt>,
    /// The attempts that won a claim while there was a consent.
    rightful: BTreeSet<Attempt>,
    delivery: Option<(Trace, Attempt)>,
    accepted: u8,
    accepted_without_consent: bool,
    senders: [(At, Attempt); 2],
    next_attempt: Attempt,
    crashes_left: u8,
}

impl State {
    const FIRST: Self = Self {
        version: 1,
        consent: true,
        claim: None,
        rightful: BTreeSet::new(),
        delivery: None,
        accepted: 0,
        accepted_without_consent: false,
        senders: [(At::Start, 1), (At::Start, 2)],
        next_attempt: 3,
        crashes_left: 1,
    };

    fn with(&self, sender: usize, at: At) -> Self {
        let mut next = self.clone();
        next.senders[sender].0 = at;
        next
    }

    /// Every state that one step leads to.
    fn next(&self, rule: Rule) -> Vec<Self> {
        let mut all = Vec::new();
        if self.consent {
            let mut next = self.clone();
            next.consent = false;
            next.version += 1;
            all.push(next);
        }
        for sender in 0..2 {
            let (at, attempt) = self.senders[sender];
            if at == At::Done {
                continue;
            }
            all.extend(self.step(sender, at, attempt, rule));
            if self.crashes_left > 0 {
                // The message comes again, to an invocation with an attempt of its own.
                let mut next = self.clone();
                next.crashes_left -= 1;
                next.senders[sender] = (At::Start, self.next_attempt);
                next.next_attempt += 1;
                all.push(next);
            }
        }
        all
    }

    fn step(&self, sender: usize, at: At, attempt: Attempt, rule: Rule) -> Vec<Self> {
        match at {
            At::Start => vec![self.with(
                sender,
                match self.claim {
                    None if self.consent => At::Claim { seen: self.version },
                    None => At::Withhold,
                    // Where the lease does not look over the sender waits, which is no step.
                    Some(former) => At::Former(former),
                },
            )],
            At::Former(former) => vec![match self.delivery {
                Some((Trace::Sent | Trace::Withheld, by)) if by != former => self.with(sender, At::LetGo(former)),
                Some((Trace::Sent | Trace::Withheld, _)) => self.with(sender, At::Done),
                Some((Trace::Claimed | Trace::Unresolved, by)) => {
                    self.settled(by, Trace::Unresolved).with(sender, At::Done)
                }
                Some((Trace::Released, by)) if by == former => self.with(sender, At::Release(former)),
                Some((Trace::Released, _)) | None if rule == Rule::LeaseAlone => self.with(sender, At::Release(former)),
                Some((Trace::Released, _)) | None => self.with(sender, At::Close(former)),
            }],
            At::Close(former) => vec![match self.delivery {
                None | Some((Trace::Released, _)) => {
                    let mut next = self.with(sender, At::Release(former));
                    next.delivery = Some((Trace::Released, former));
                    next
                }
                Some(_) => self.with(sender, At::Former(former)),
            }],
            At::Release(former) => vec![self.without_claim(former).with(sender, At::Start)],
            At::Claim { seen } => {
                let is_current = self.version == seen || rule == Rule::VersionIgnored;
                if !is_current || self.claim.is_some() {
                    return vec![self.with(sender, At::Start)];
                }
                let mut next = self.with(sender, At::Open);
                next.claim = Some(attempt);
                next.version += 1;
                if self.consent {
                    next.rightful.insert(attempt);
                }
                vec![next]
            }
            At::Withhold => {
                let mut next = self.with(sender, At::Done);
                if matches!(self.delivery, None | Some((Trace::Released, _))) {
                    next.delivery = Some((Trace::Withheld, attempt));
                }
                vec![next]
            }
            At::Open => {
                let is_open = match self.delivery {
                    None => true,
                    Some((Trace::Released, by)) => by != attempt || rule == Rule::LeaseAlone,
                    Some((Trace::Claimed, by)) => by == attempt || rule == Rule::LeaseAlone,
                    Some((Trace::Sent | Trace::Withheld | Trace::Unresolved, _)) => false,
                };
                if !is_open {
                    return vec![self.with(sender, At::LetGo(attempt))];
                }
                let mut next = self.with(sender, At::Send);
                next.delivery = Some((Trace::Claimed, attempt));
                // The deadline may have passed meanwhile.
                vec![next.with(sender, At::GiveBack), next]
            }
            At::Send => {
                let mut taken = self.clone();
                taken.accepted += 1;
                taken.accepted_without_consent |= !self.rightful.contains(&attempt);
                let unknown = if rule == Rule::UnknownIsNotSent {
                    At::GiveBack
                } else {
                    At::Settle(Trace::Unresolved)
                };
                vec![
                    taken.with(sender, At::Settle(Trace::Sent)),
                    taken.with(sender, unknown),
                    self.with(sender, unknown),
                    self.with(sender, At::GiveBack),
                    self.with(sender, At::Settle(Trace::Withheld)),
                ]
            }
            At::Settle(to) => vec![self.settled(attempt, to).with(sender, At::Done)],
            At::GiveBack => vec![self.settled(attempt, Trace::Released).with(sender, At::LetGo(attempt))],
            At::LetGo(of) => vec![self.without_claim(of).with(sender, At::Done)],
            At::Done => Vec::new(),
        }
    }

    /// Fenced by the attempt, as every later change is.
    fn settled(&self, attempt: Attempt, to: Trace) -> Self {
        let mut next = self.clone();
        if let Some((Trace::Claimed | Trace::Unresolved, by)) = self.delivery
            && by == attempt
        {
            next.delivery = Some((to, by));
        }
        next
    }

    fn without_claim(&self, of: Attempt) -> Self {
        let mut next = self.clone();
        if self.claim == Some(of) {
            next.claim = None;
            next.version += 1;
        }
        next
    }

    fn violation(&self) -> Option<&'static str> {
        if self.accepted > 1 {
            return Some("written to twice");
        }
        if self.accepted_without_consent {
            return Some("written to under a claim that saw no consent");
        }
        let says_not_sent = matches!(self.delivery, Some((Trace::Released | Trace::Withheld, _)));
        let all_done = self.senders.iter().all(|(at, _)| *at == At::Done);
        (all_done && self.accepted == 1 && says_not_sent).then_some("sent, and the receipt says it was not")
    }
}

/// How many states can be reached, and the first violation.
fn explore(rule: Rule) -> (usize, Option<&'static str>) {
    let mut seen = BTreeSet::from([State::FIRST]);
    let mut open = VecDeque::from([State::FIRST]);
    while let Some(state) = open.pop_front() {
        if let Some(violation) = state.violation() {
            return (seen.len(), Some(violation));
        }
        for next in state.next(rule) {
            // What goes round gets no further than this.
            if next.version < 12 && seen.insert(next.clone()) {
                open.push_back(next);
            }
        }
    }
    (seen.len(), None)
}

#[test]
fn no_order_of_two_senders_writes_twice_or_without_consent_or_against_its_receipt() {
    let (states, violation) = explore(Rule::FencedOut);
    assert_eq!(violation, None);
    assert!(states > 1_000, "only {states} states were reached");
    println!("{states} states");
}

#[test]
fn a_lease_alone_would_write_twice() {
    assert_eq!(explore(Rule::LeaseAlone).1, Some("written to twice"));
}

#[test]
fn to_send_again_what_is_not_known_would_write_twice() {
    let violation = explore(Rule::UnknownIsNotSent).1;
    assert!(violation.is_some(), "{violation:?}");
}

#[test]
fn a_claim_that_does_not_look_at_the_version_would_write_without_consent() {
    let violation = explore(Rule::VersionIgnored).1;
    assert_eq!(violation, Some("written to under a claim that saw no consent"));
}
