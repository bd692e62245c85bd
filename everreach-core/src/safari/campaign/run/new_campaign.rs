//! What is to be started.

use std::collections::BTreeSet;

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::ledger::IdempotencyKey;
use crate::safari::Contact;
use crate::safari::campaign::{CampaignKind, CampaignPlan, Step, Target, Templates};
use crate::{Error, ErrorKind, Id, Result};

/// A campaign that is to be started.
///
/// ```
/// use everreach_core::safari::Platform;
/// use everreach_core::safari::campaign::{CampaignKind, CampaignPlan, NewCampaign, Target};
/// let plan = CampaignPlan::new(CampaignKind::DmSequence, Platform::Twitter)?;
/// let new = NewCampaign::new(plan, vec![Target::new("bob")]).named("spring").with_templates(r#"{"first_dm": "Hi {handle}"}"#.parse()?);
/// assert_eq!((new.id.as_str(), new.targets.len()), ("spring", 1));
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewCampaign {
    /// Its id.
    pub id: String,
    /// What is done with each target.
    pub plan: CampaignPlan,
    /// Whom it is about.
    pub targets: Vec<Target>,
    /// The words; what is left out is written by the [`Copywriter`](super::Copywriter).
    pub templates: Templates,
    /// The key under which it is started at most once.
    pub key: Option<IdempotencyKey>,
    /// Whether somebody chose its id: then the id is a part of what is asked for.
    has_own_id: bool,
}

impl NewCampaign {
    /// A campaign with a new id and no templates.
    #[must_use]
    pub fn new(plan: CampaignPlan, targets: Vec<Target>) -> Self {
        let (id, templates) = (Id::new().to_string(), Templates::default());
        Self { id, plan, targets, templates, key: None, has_own_id: false }
    }

    /// Gives it an id that means something.
    #[must_use]
    pub fn named(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self.has_own_id = true;
        self
    }

    /// Starts it at most once under this key.
    #[must_use]
    pub fn with_key(mut self, key: IdempotencyKey) -> Self {
        self.key = Some(key);
        self
    }

    /// What is asked for, in 64 hexadecimal digits.
    pub(super) fn fingerprint(&self) -> String {
        let own_id = self.has_own_id.then_some(&self.id);
        let asked = json!({"id": own_id, "plan": self.plan, "targets": self.targets, "templates": self.templates});
        hex::encode(Sha256::digest(asked.to_string()))
    }

    /// Gives it words.
    #[must_use]
    pub fn with_templates(mut self, templates: Templates) -> Self {
        self.templates = templates;
        self
    }

    /// Whether it can be started, with or without somebody who writes what the templates leave out.
    pub(super) fn check(&self, has_copywriter: bool) -> Result<()> {
        let wrong = |message: &'static str| Error::new(ErrorKind::InvalidInput, message).with_operation("start a campaign");
        if self.targets.is_empty() {
            return Err(wrong("a campaign needs at least one target"));
        }
        let mut seen = BTreeSet::new();
        for target in &self.targets {
            let is_keyword = self.plan.kind == CampaignKind::ResearchSweep;
            let name = if is_keyword {
                target.handle.to_lowercase()
            } else {
                Contact::new(self.plan.platform, &target.handle).handle().to_owned()
            };
            if name.is_empty() {
                return Err(wrong("a target has a name"));
            }
            if !seen.insert(name) {
                return Err(wrong("a target is named once").with("target", &target.handle));
            }
        }
        for step in self.steps_with_words() {
            if !has_copywriter && self.templates.text(&step, "bob", self.plan.platform).is_none() {
                return Err(
                    wrong("there are no words for a step: add a template, or let them be written").with("step", step.name())
                );
            }
        }
        Ok(())
    }

    fn steps_with_words(&self) -> Vec<Step> {
        let comments = (0..self.plan.comments).map(|index| Step::Comment { index, post_url: String::new() });
        comments.chain(self.plan.touches.iter().map(|touch| Step::Dm { touch: *touch })).collect()
    }
}

impl Step {
    fn name(&self) -> String {
        match self {
            Self::Comment { .. } => "comments".to_owned(),
            Self::Dm { touch } => touch.to_string(),
            Self::FindPosts | Self::Search => "search".to_owned(),
        }
    }
}
