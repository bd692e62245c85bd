//! One action, from its checks to its answer: the delay, the press, and what the scenario makes of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use everreach_core::safari::{Platform, Service};
use serde_json::{Value, json};

use super::effect::Blanks;
use super::exchange::Reply;
use super::memory::Counts;
use super::press::{Press, sha256};
use super::station::{Mac, Station};

/// What is to be submitted.
#[derive(Debug, Clone)]
pub(super) struct Submission {
    pub(super) endpoint: String,
    pub(super) target: String,
    /// The text as it goes out.
    pub(super) text: String,
}

/// What a service says when all is well, from what it counted.
type Success = Box<dyn Fn(&Station, Counts) -> Value + Send>;

/// One action that passed its checks.
pub(super) struct Job {
    /// What reaches the platform; none for what only looks.
    pub(super) submission: Option<Submission>,
    pub(super) platform: Option<Platform>,
    pub(super) target: String,
    /// Held until the action is over.
    pub(super) hold: Option<Hold>,
    /// What the service says when all is well.
    pub(super) success: Success,
}

/// A lock or a recipient that is freed when the action ends, however it ends.
pub(super) struct Hold {
    station: Arc<Station>,
    recipient: Option<String>,
}

impl Hold {
    /// Takes the service's lock; `None` while another action has it.
    pub(super) fn lock(station: &Arc<Station>) -> Option<Self> {
        let now = station.now();
        let mut memory = station.memory();
        if memory.locked_since.is_some() {
            return None;
        }
        memory.locked_since = Some(now);
        Some(Self { station: Arc::clone(station), recipient: None })
    }

    /// Takes the recipient; `None` while another send to them is running.
    pub(super) fn recipient(station: &Arc<Station>, recipient: &str) -> Option<Self> {
        let is_free = station.memory().sending_to.insert(recipient.to_owned());
        is_free.then(|| Self { station: Arc::clone(station), recipient: Some(recipient.to_owned()) })
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut memory = self.station.memory();
        match &self.recipient {
            Some(recipient) => {
                memory.sending_to.remove(recipient);
            }
            None => memory.locked_since = None,
        }
    }
}

/// Counts the actions that run at the same time over all services.
struct Turn<'a>(&'a Mac);

impl<'a> Turn<'a> {
    fn begin(mac: &'a Mac) -> Self {
        let now = mac.busy.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        mac.busiest.fetch_max(now, Ordering::SeqCst);
        Self(mac)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Carries the action out.
pub(super) async fn carry_out(station: &Station, job: Job) -> Reply {
    let _turn = Turn::begin(&station.mac);
    let drawn = station.draw();
    let platform = job.platform.or(station.service.profile().platform).map_or("", Platform::as_str);
    let blanks = Blanks { service: station.name(), platform, target: &job.target };
    let injected = job.submission.as_ref().is_some_and(|submission| submission.target.contains('\''));
    if injected {
        // The shell runs before anything is typed.
        if let Err(reply) = note(station, job.submission.as_ref(), None) {
            return reply;
        }
    }
    tokio::time::sleep(drawn.delay).await;
    if let Some(reply) = drawn.effect.before(blanks) {
        return reply;
    }
    for _ in 0..drawn.effect.presses() {
        if let Err(reply) = note(station, job.submission.as_ref(), Some(0)) {
            return reply;
        }
    }
    tokio::time::sleep(drawn.linger).await;
    let counts = station.memory().counts(station.now());
    let success = (job.success)(station, counts);
    let reply = drawn.effect.after(success.clone(), blanks);
    if let Some(submission) = job.submission.filter(|_| drawn.effect.finishes()) {
        let body = if let Reply::Json(200, body) = &reply { body.clone() } else { success };
        remember(station, &submission, body);
    }
    drop(job.hold);
    reply
}

/// threads-comments keeps the answer to a comment that went well.
fn remember(station: &Station, submission: &Submission, answer: Value) {
    if station.service == Service::ThreadsComments {
        station.memory().finish_comment(&submission.target, &submission.text, answer, station.now());
    }
}

/// Writes the press down, then counts it. What cannot be written down does not happen.
fn note(station: &Station, submission: Option<&Submission>, press: Option<u64>) -> Result<(), Reply> {
    let Some(submission) = submission else { return Ok(()) };
    let now = station.now();
    let unpinned = !station.memory().is_pinned;
    let line = Press {
        ts: now,
        service: station.service,
        endpoint: submission.endpoint.clone(),
        target: submission.target.clone(),
        text_sha256: sha256(&submission.text),
        press,
        port: station.port(),
        injected: submission.target.contains('\''),
        unpinned: unpinned && station.service == Service::LinkedinAutomation,
    };
    if let Err(error) = station.mac.log.write(line) {
        tracing::error!(%error, "the press cannot be logged, so it did not happen");
        return Err(Reply::Json(500, json!({"error": "the log of presses cannot be written"})));
    }
    if press.is_some() {
        let mut memory = station.memory();
        memory.count(now);
        if station.service == Service::TiktokDm {
            memory.messaged.insert(submission.target.clone());
        }
    }
    Ok(())
}
