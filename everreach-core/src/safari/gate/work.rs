//! What is to be done.

use serde::Serialize;

use crate::safari::{Contact, Platform, Service};

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "work", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Work {
    /// A direct message.
    Dm(DmWork),
    /// A comment.
    Comment(CommentWork),
    /// A search.
    Research(ResearchWork),
    /// A page to open.
    Navigation(NavigationWork),
    /// A step of the CRM script.
    Crm(CrmWork),
}

/// A direct message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DmWork {
    /// The platform.
    pub platform: Platform,
    /// The service that sends it.
    pub service: Service,
    /// The user name without `@`; on LinkedIn the address of the profile.
    pub recipient: String,
    /// The same person, as lists and rules know them.
    pub contact: Contact,
    /// The message.
    pub text: String,
    /// Whether the row asks to skip the service's hours, limits and memory of whom it has messaged.
    pub force: bool,
}

/// A comment under a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CommentWork {
    /// The platform.
    pub platform: Platform,
    /// The service that posts it.
    pub service: Service,
    /// The post.
    pub post_url: String,
    /// The author, where the address names one.
    pub author: Option<Contact>,
    /// The comment; none when the row asks the service to write it.
    pub text: Option<String>,
}

/// A search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ResearchWork {
    /// The platform.
    pub platform: Platform,
    /// What is searched for.
    pub keyword: String,
    /// How many posts are wanted.
    pub max_posts: u32,
}

/// A page to open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NavigationWork {
    /// The platform it belongs to, if any.
    pub platform: Option<Platform>,
    /// The address.
    pub url: String,
    /// Who opens it.
    pub opener: Opener,
}

/// Who opens a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Opener {
    /// The comment service of the platform.
    CommentService(Service),
    /// LinkedIn's service, which opens profiles only.
    LinkedinProfile,
    /// AppleScript, on a Mac only.
    AppleScript,
}

impl Opener {
    /// The service among them.
    ///
    /// ```
    /// use everreach_core::safari::{Service, gate::Opener};
    /// assert_eq!(Opener::LinkedinProfile.service(), Some(Service::LinkedinAutomation));
    /// ```
    #[must_use]
    pub const fn service(self) -> Option<Service> {
        match self {
            Self::CommentService(service) => Some(service),
            Self::LinkedinProfile => Some(Service::LinkedinAutomation),
            Self::AppleScript => None,
        }
    }
}

/// A step of the CRM script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CrmWork {
    /// Which step.
    pub step: CrmStep,
    /// How many contacts are scored.
    pub limit: u32,
    /// The score from which on a message is written.
    pub min_score: u32,
}

/// Which step of the CRM script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CrmStep {
    /// Inboxes into the CRM.
    Sync,
    /// LinkedIn's inbox into the CRM.
    SyncLinkedin,
    /// Score contacts.
    Score,
    /// Write messages.
    Generate,
    /// All of it, and send.
    Pipeline,
}
