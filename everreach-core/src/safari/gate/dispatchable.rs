//! What came through the gate.

use super::work::{CrmStep, Work};
use crate::Id;
use crate::safari::{Contact, LimitedAction, Platform, Service, Verb};

/// A command that may be sent: everything in it has been checked and brought into the form in which it is sent.
///
/// ```
/// use everreach_core::safari::gate::{Work, check};
/// use everreach_core::safari::{Command, Platform, Service};
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let command = Command::dm(Platform::Tiktok, "@bob", "hello", now);
/// let dispatchable = check(&command)?;
/// assert_eq!(dispatchable.command_id(), command.id);
/// assert_eq!(dispatchable.service(), Some(Service::TiktokDm));
/// assert!(matches!(dispatchable.work(), Work::Dm(dm) if dm.recipient == "bob" && dm.text == "hello"));
/// # Ok::<(), everreach_core::safari::gate::Refusal>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispatchable {
    pub(super) command_id: Id,
    pub(super) attempt: u32,
    pub(super) verb: Verb,
    pub(super) work: Work,
}

impl Dispatchable {
    /// The command.
    #[must_use]
    pub const fn command_id(&self) -> Id {
        self.command_id
    }

    /// Which try it is; 1 until somebody says otherwise.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Says which try it is.
    ///
    /// ```
    /// # use everreach_core::safari::{Command, Verb, gate::check};
    /// # let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    /// let again = check(&Command::new(Verb::Score, now))?.on_attempt(2);
    /// assert_eq!(again.attempt(), 2);
    /// # Ok::<(), everreach_core::safari::gate::Refusal>(())
    /// ```
    #[must_use]
    pub const fn on_attempt(mut self, number: u32) -> Self {
        self.attempt = number;
        self
    }

    /// What it asks for.
    #[must_use]
    pub const fn verb(&self) -> Verb {
        self.verb
    }

    /// What is to be done.
    #[must_use]
    pub const fn work(&self) -> &Work {
        &self.work
    }

    /// The service that does it; none for the CRM script and for AppleScript.
    #[must_use]
    pub const fn service(&self) -> Option<Service> {
        match &self.work {
            Work::Dm(dm) => Some(dm.service),
            Work::Comment(comment) => Some(comment.service),
            Work::Research(_) => Some(Service::MarketResearch),
            Work::Navigation(navigation) => navigation.opener.service(),
            Work::Crm(_) => None,
        }
    }

    /// The platform it is about.
    ///
    /// ```
    /// # use everreach_core::safari::{Command, Platform, gate::check};
    /// # let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    /// let search = check(&Command::research(Platform::Threads, "ai", 5, now))?;
    /// assert_eq!(search.platform(), Some(Platform::Threads));
    /// # Ok::<(), everreach_core::safari::gate::Refusal>(())
    /// ```
    #[must_use]
    pub const fn platform(&self) -> Option<Platform> {
        match &self.work {
            Work::Dm(dm) => Some(dm.platform),
            Work::Comment(comment) => Some(comment.platform),
            Work::Research(research) => Some(research.platform),
            Work::Navigation(navigation) => navigation.platform,
            Work::Crm(_) => None,
        }
    }

    /// What it sends: a message, a comment, or neither. `pipeline` sends messages, on platforms that nobody can tell.
    ///
    /// ```
    /// # use everreach_core::safari::{Command, LimitedAction, Platform, gate::check};
    /// # let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    /// let dm = check(&Command::dm(Platform::Twitter, "bob", "hi", now))?;
    /// assert_eq!(dm.action(), Some(LimitedAction::Dm));
    /// # Ok::<(), everreach_core::safari::gate::Refusal>(())
    /// ```
    #[must_use]
    pub fn action(&self) -> Option<LimitedAction> {
        match &self.work {
            Work::Dm(_) => Some(LimitedAction::Dm),
            Work::Comment(_) => Some(LimitedAction::Comment),
            Work::Crm(crm) if crm.step == CrmStep::Pipeline => Some(LimitedAction::Dm),
            _ => None,
        }
    }

    /// The person it reaches, where that can be told: the recipient of a message, or the author that a post's address names.
    ///
    /// ```
    /// # use everreach_core::safari::{Command, Platform, gate::check};
    /// # let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    /// let reply = check(&Command::comment(Platform::Twitter, "https://x.com/Bob/status/1", "nice", now))?;
    /// assert_eq!(reply.contact().expect("an author").handle(), "bob");
    /// # Ok::<(), everreach_core::safari::gate::Refusal>(())
    /// ```
    #[must_use]
    pub const fn contact(&self) -> Option<&Contact> {
        match &self.work {
            Work::Dm(dm) => Some(&dm.contact),
            Work::Comment(comment) => comment.author.as_ref(),
            _ => None,
        }
    }

    /// What it takes from the daily limits. `pipeline` sends messages on platforms that nobody can tell beforehand, so it takes
    /// all it may send from each of them.
    ///
    /// ```
    /// # use everreach_core::safari::{Command, LimitedAction, Platform, Verb, gate::check};
    /// # let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    /// let dm = check(&Command::dm(Platform::Twitter, "bob", "hi", now))?;
    /// assert_eq!(dm.charges(), [(Platform::Twitter, LimitedAction::Dm, 1)]);
    /// assert_eq!(check(&Command::new(Verb::Pipeline, now))?.charges().len(), 4);
    /// assert!(check(&Command::new(Verb::Score, now))?.charges().is_empty());
    /// # Ok::<(), everreach_core::safari::gate::Refusal>(())
    /// ```
    #[must_use]
    pub fn charges(&self) -> Vec<(Platform, LimitedAction, u32)> {
        match &self.work {
            Work::Dm(dm) => vec![(dm.platform, LimitedAction::Dm, 1)],
            Work::Comment(comment) => vec![(comment.platform, LimitedAction::Comment, 1)],
            Work::Crm(crm) if crm.step == CrmStep::Pipeline => {
                let has_dms = |platform: &Platform| Service::for_action(*platform, LimitedAction::Dm).is_some();
                let charge = |platform| (platform, LimitedAction::Dm, Verb::PIPELINE_DMS);
                Platform::ALL.into_iter().filter(has_dms).map(charge).collect()
            }
            _ => Vec::new(),
        }
    }

    /// How many it sends at most, over all accounts: `pipeline` takes as many from each and sends them once.
    ///
    /// ```
    /// # use everreach_core::safari::{Command, Verb, gate::check};
    /// # let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    /// assert_eq!(check(&Command::new(Verb::Pipeline, now))?.sends(), Verb::PIPELINE_DMS);
    /// assert_eq!(check(&Command::new(Verb::Score, now))?.sends(), 0);
    /// # Ok::<(), everreach_core::safari::gate::Refusal>(())
    /// ```
    #[must_use]
    pub fn sends(&self) -> u32 {
        self.charges().into_iter().map(|(_, _, count)| count).max().unwrap_or(0)
    }
}
