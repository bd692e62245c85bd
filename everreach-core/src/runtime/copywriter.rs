//! Words for campaigns, written by a routed action.

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use crate::routing::{Orchestrator, RouteRequest};
use crate::safari::campaign::{CampaignPlan, Copywriter, Step, Target};
use crate::{ActionName, Error, ErrorKind, Result};

/// The action that writes.
const ACTION: &str = "content.generate";
/// Where an answer that is an object may hold the words.
const NAMES: [&str; 4] = ["text", "content", "message", "output"];

/// Lets `content.generate` write what templates leave out: under the budget and the stop switch, like any other call.
pub(super) struct RoutedCopywriter {
    action: ActionName,
    orchestrator: Orchestrator,
}

impl RoutedCopywriter {
    pub(super) fn new(orchestrator: Orchestrator) -> Result<Self> {
        Ok(Self { action: ACTION.parse()?, orchestrator })
    }
}

#[async_trait]
impl Copywriter for RoutedCopywriter {
    async fn text(&self, step: &Step, target: &Target, plan: &CampaignPlan) -> Result<String> {
        let request = RouteRequest::new(self.action.clone(), params(step, target, plan));
        let envelope = self.orchestrator.route(request).await;
        if let Some(kind) = envelope.error {
            let detail = envelope.detail.unwrap_or_default();
            return Err(Error::new(kind, "the words of a campaign were not written").with("detail", detail));
        }
        envelope.result.as_ref().and_then(words).ok_or_else(|| {
            Error::new(ErrorKind::HandlerError, "content.generate answers with a text, or an object with one under `text`")
                .with("target", &target.handle)
        })
    }
}

fn params(step: &Step, target: &Target, plan: &CampaignPlan) -> Map<String, Value> {
    let mut params = json!({ "contact": target.handle, "platform": plan.platform, "campaign": plan.kind });
    match step {
        Step::Comment { post_url, .. } => {
            params["kind"] = json!("comment");
            params["post_url"] = json!(post_url);
        }
        Step::Dm { touch } => params["kind"] = json!(touch),
        _ => {}
    }
    match params {
        Value::Object(params) => params,
        _ => Map::new(),
    }
}

fn words(result: &Value) -> Option<String> {
    let text = result.as_str().or_else(|| NAMES.iter().find_map(|name| result.get(name)?.as_str()))?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::safari::Platform;
    use crate::safari::campaign::{CampaignKind, Touch};

    #[test]
    fn an_answer_holds_its_words_as_a_text_or_under_a_name() {
        assert_eq!(words(&json!(" Hello bob ")).as_deref(), Some("Hello bob"));
        assert_eq!(words(&json!({"model": "m", "content": "Hello"})).as_deref(), Some("Hello"));
        for nothing in [json!(null), json!(""), json!({"text": " "}), json!({"text": 1}), json!([])] {
            assert_eq!(words(&nothing), None, "{nothing}");
        }
    }

    #[test]
    fn the_action_learns_for_whom_where_and_what() {
        let plan = CampaignPlan::new(CampaignKind::DmSequence, Platform::Twitter).expect("a plan");
        let asked = params(&Step::Dm { touch: Touch::FollowUp }, &Target::new("bob"), &plan);
        let expected = json!({"contact": "bob", "platform": "twitter", "campaign": "dm_sequence", "kind": "follow_up"});
        assert_eq!(Value::Object(asked), expected);
        let step = Step::Comment { index: 0, post_url: "https://x.com/bob/status/1".to_owned() };
        assert_eq!(params(&step, &Target::new("bob"), &plan)["post_url"], "https://x.com/bob/status/1");
    }
}
