//! Calls that a person has to agree to.

use super::Orchestrator;
use super::flight::Flight;
use crate::approval::{Approval, ApprovalRequest, ApprovalState, Consumption};
use crate::ledger::{CallState, Claim, IdempotencyKey};
use crate::routing::RouteRequest;
use crate::{ActionName, Envelope, Error, ErrorKind, Id, Mode, Result, Side};

/// Waiting calls that are looked at in one round.
const ROUND: u32 = 1_000;

/// What a person has said about the call.
pub(super) enum Agreement {
    Given,
    /// Not yet: the answer that says so.
    Awaited(Box<Envelope>),
    Refused(Error),
}

impl Orchestrator {
    /// The call waits for a person. Once that person has spoken, whoever asks next goes on with it.
    pub(super) async fn run_waiting(&self, mut flight: Flight, stored: Envelope) -> Envelope {
        let key = match flight.make_key(self.parts.clock.now()) {
            Ok(key) => key,
            Err(error) => return self.give_up(flight, &error),
        };
        match self.parts.approvals.latest(key.as_str()).await {
            Ok(Some(approval)) if approval.state == ApprovalState::Pending && approval.expires_at > self.parts.clock.now() => {
                stored
            }
            Ok(_) => match self.parts.ledger.resume(flight.begin(key)).await {
                Ok(claim) => {
                    flight.has_waited = true;
                    self.run_claimed(flight, claim).await
                }
                // Somebody else was quicker to go on with it.
                Err(error) if error.kind() == ErrorKind::Conflict => stored,
                Err(error) => self.give_up(flight, &error),
            },
            Err(error) => self.give_up(flight, &error),
        }
    }

    /// Uses the agreement up, or asks for one.
    pub(super) async fn agreement(&self, flight: &Flight, key: &IdempotencyKey) -> Result<Agreement> {
        if !flight.route.approval || flight.is_agreed {
            return Ok(Agreement::Given);
        }
        let print = flight.print();
        if self.is_agreed_elsewhere(flight, key, &print).await? {
            return Ok(Agreement::Given);
        }
        let refused = |text| Ok(Agreement::Refused(Error::new(ErrorKind::ApprovalRequired, text)));
        match self.parts.approvals.consume(key.as_str(), print.as_str()).await? {
            Consumption::Approved(_) => Ok(Agreement::Given),
            Consumption::Denied(_) => refused("a person said no to this call"),
            Consumption::Pending(approval) => Ok(Agreement::Awaited(Box::new(awaiting(flight, &approval)))),
            // Told once; whoever sends the call after that asks anew.
            Consumption::Expired(_) if flight.has_waited => {
                refused("nobody agreed in time, which counts as no: send the call again to ask anew")
            }
            _ => {
                let (action, params) = (flight.route.action.clone(), flight.call.params.clone());
                let request = ApprovalRequest::call(action, params, key.as_str(), print.as_str());
                let approval = self.parts.approvals.request(request.with_kind(kind_of(flight.force_env))).await?;
                Ok(Agreement::Awaited(Box::new(awaiting(flight, &approval))))
            }
        }
    }

    pub(super) async fn wait_for_person(&self, mut flight: Flight, claim: &Claim, answer: Envelope) -> Envelope {
        flight.envelope = answer;
        flight.close(&self.parts);
        match self.parts.ledger.wait_for_approval(claim, &flight.envelope).await {
            Ok(()) => flight.envelope,
            Err(error) => self.give_up(flight, &error),
        }
    }

    /// A person agrees: the stored call runs now, once, and this is its answer. `None` from a process that has not got the action: it
    /// leaves the call to one that has, which runs it within a minute, or when it is sent again.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown id, [`ErrorKind::Conflict`] when it is decided or expired,
    /// [`ErrorKind::InvalidInput`] when it is not about a routed call; or the store's.
    pub async fn approve(&self, id: Id) -> Result<Option<Envelope>> {
        let asked = self.parts.approvals.get(id).await?;
        if let Some(other) = asked.filter(|asked| forced_side(&asked.kind).is_none()) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "this approval is not about a routed call: approve it where it was asked",
            )
            .with("id", id)
            .with("kind", other.kind));
        }
        let approval = self.parts.approvals.approve(id).await?;
        if self.has(&approval.action) { Ok(self.run_decided(approval).await) } else { Ok(None) }
    }

    /// A person refuses: the waiting call is closed.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown id, [`ErrorKind::Conflict`] when it is decided or expired; or the store's.
    pub async fn deny(&self, id: Id) -> Result<()> {
        let approval = self.parts.approvals.deny(id).await?;
        let _closed = self.run_decided(approval).await;
        Ok(())
    }

    /// Runs what a person agreed to and nobody has run: after a crash, or because whoever was told had not got the action.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn run_agreed(&self) -> Result<()> {
        for approval in self.parts.approvals.approved_unconsumed().await? {
            if self.has(&approval.action) {
                let _answered = self.run_decided(approval).await;
            }
        }
        Ok(())
    }

    /// Whether this process has some way to run the action.
    fn has(&self, action: &ActionName) -> bool {
        self.parts.config.mode != Mode::Local || self.parts.local.knows(action)
    }

    /// Goes on with a call about which a person has spoken, also after a restart that came between the word and the deed; `None`
    /// for an approval of something else.
    pub(crate) async fn run_decided(&self, approval: Approval) -> Option<Envelope> {
        let force_env = forced_side(&approval.kind)?;
        let mut request = RouteRequest::new(approval.action, approval.params).with_idempotency_key(approval.idempotency_key);
        request.force_env = force_env;
        Some(self.route(request).await)
    }

    /// Closes the calls that nobody agreed to in time, so that they do not say for ever that they wait.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn close_lapsed(&self) -> Result<()> {
        for waiting in self.parts.ledger.list(CallState::Waiting, ROUND).await? {
            let latest = self.parts.approvals.latest(waiting.idempotency_key.as_str()).await?;
            if let Some(lapsed) = latest.filter(|latest| matches!(latest.state, ApprovalState::Expired | ApprovalState::Denied)) {
                let _closed = self.run_decided(lapsed).await;
            }
        }
        Ok(())
    }
}

/// The approval's kind keeps the side that the caller insisted on.
const fn kind_of(force_env: Option<Side>) -> &'static str {
    match force_env {
        None => "call",
        Some(Side::Local) => "call_local",
        Some(_) => "call_cloud",
    }
}

/// The side that the caller insisted on; `None` for an approval that is not about a call.
fn forced_side(kind: &str) -> Option<Option<Side>> {
    match kind {
        "call" => Some(None),
        "call_local" => Some(Some(Side::Local)),
        "call_cloud" => Some(Some(Side::Cloud)),
        _ => None,
    }
}

fn awaiting(flight: &Flight, approval: &Approval) -> Envelope {
    let mut envelope = flight.envelope.clone();
    let error = Error::new(ErrorKind::ApprovalRequired, "a person has to agree to this call").with("approval", approval.id);
    envelope.fail(&error);
    envelope.suggestions = vec![format!("everreach approvals approve {}", approval.id)];
    envelope
}
