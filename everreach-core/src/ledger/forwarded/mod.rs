//! Calls that are forwarded to another process. Where that one uses the same journal, it finds the row of the very call that it
//! received: the claim goes along with the call, and is handed over.
//!
//! # Law
//! A row has one holder at every moment. A claim is handed over once, by the try that carries it, while it holds the row; whoever
//! forwarded the call needs a new claim to try elsewhere.

mod store;

use std::fmt;
use std::str::FromStr;

use serde_json::json;

use super::decision::{self, StoredCall};
use super::store::{Times, find, record};
use super::{AttemptId, Begin, CallRecord, CallState, Claim, Ledger, transition};
use crate::events;
use crate::store::Db;
use crate::{Envelope, Error, ErrorKind, Event, Id, Outcome, Result, Timestamp};

const HANDED_OVER: &str = "handed over to the process that received it, which has the same journal";

/// The claim under which a call is forwarded, as it travels with the call: the try that carries it, and its fencing number.
///
/// ```
/// use everreach_core::ledger::ForwardedClaim;
/// let text = "01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b/3";
/// let claim: ForwardedClaim = text.parse().expect("a claim");
/// assert_eq!(claim.to_string(), text);
/// assert!("01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b".parse::<ForwardedClaim>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForwardedClaim {
    attempt: AttemptId,
    pub(super) fence: i64,
}

impl fmt::Display for ForwardedClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.attempt.as_id(), self.fence)
    }
}

impl FromStr for ForwardedClaim {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts = text.split_once('/').and_then(|(attempt, fence)| Some((attempt.parse::<Id>().ok()?, fence.parse().ok()?)));
        let (attempt, fence) = parts.ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "a forwarded claim is the id of a try, a slash and a fencing number")
                .with("seen", text.escape_debug().take(64).collect::<String>())
        })?;
        Ok(Self { attempt: AttemptId::from_id(attempt), fence })
    }
}

impl Claim {
    /// What goes along when this try forwards the call.
    #[must_use]
    pub const fn forwarded_by(&self, attempt: AttemptId) -> ForwardedClaim {
        ForwardedClaim { attempt, fence: self.fence }
    }

    /// Whether it was taken over from a process that forwarded the call.
    #[must_use]
    pub const fn was_handed_over(&self) -> bool {
        self.was_handed_over
    }
}

impl Ledger {
    /// What has become of a call since somebody else got its row: whoever it was forwarded to, as a rule. `None` while the claim
    /// still holds it.
    ///
    /// # Errors
    /// The store's.
    pub async fn taken_from(&self, claim: &Claim) -> Result<Option<CallRecord>> {
        let mut connection = self.store.read().await?;
        let mut db = connection.db();
        match find(&mut db, &claim.key).await? {
            Some(call) if call.fence > claim.fence => Ok(Some(transition::with_attempts(&mut db, call).await?)),
            _ => Ok(None),
        }
    }
}

/// Takes a locked row over from whoever forwarded the call, when that one's claim came along and holds it. Nothing has left under the
/// new claim, so that the dispatch mark is taken back: what left before was the call itself, and it has arrived.
pub(super) async fn take_over(
    db: &mut Db<'_>,
    begin: &Begin,
    owner: &str,
    call: &StoredCall,
    times: Times,
) -> Result<Option<Claim>> {
    let Some(forwarded) = begin.forwarded.filter(|forwarded| decision::may_hand_over(call, begin, *forwarded, times.now)) else {
        return Ok(None);
    };
    let attempt = forwarded.attempt.as_id();
    // A try that has ended, or was handed over before, hands nothing over.
    if !store::end_forwarding(db, &call.key, attempt, HANDED_OVER, times.now).await? {
        return Ok(None);
    }
    let claim = Claim {
        key: call.key.clone(),
        action: call.action.clone(),
        request_id: begin.request_id,
        fence: call.fence + 1,
        was_handed_over: true,
    };
    if !store::hand_over(db, call, owner, times).await? {
        return Err(decision::lost(&claim));
    }
    let data = json!({"action": call.action, "attempt": attempt});
    events::append(
        db,
        &Event::new(times.now, "call.handed_over", call.key.as_str()).with_request(call.request_id).with_data(data),
    )
    .await?;
    Ok(Some(claim))
}

/// Writes the answer that whoever forwarded the call got for it, which says what it cost too. It is a positive proof where the other
/// one could not write its own answer.
pub(super) async fn add_answer(
    db: &mut Db<'_>,
    mut call: StoredCall,
    claim: &Claim,
    envelope: Envelope,
    now: Timestamp,
) -> Result<()> {
    let is_the_same = call.envelope.as_ref().is_some_and(|stored| stored.outcome == envelope.outcome);
    match call.state {
        CallState::Executed | CallState::Queued | CallState::Unknown if is_the_same => {
            let expires_at = call.expires_at;
            call.envelope = Some(envelope);
            record(db, &call, expires_at).await
        }
        CallState::Running | CallState::Unknown if envelope.outcome == Outcome::Executed => {
            call.state = CallState::Executed;
            transition::close(db, call, envelope, "call.finished", now).await
        }
        state => Err(decision::lost(claim).with("state", state)),
    }
}
