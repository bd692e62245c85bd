//! The local side's loop: it looks at the cloud, feeds the machine, and carries out what it orders.

mod carry_out;
mod grants;
mod hear;
mod lease;
mod tell;

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::control::Command;
use super::look::{Looked, look};
use super::{
    Bulletin, ConnectivityView, Duty, Failover, FailoverConfig, FailoverControl, LeaseAnswer, ModeSource, Notice, Phase,
    TwoNodeMode,
};
use crate::SharedClock;
use crate::events::EventLog;
use crate::lease::{Lease, Standing};
use crate::notify::Notifier;
use crate::store::Store;
use lease::Reply;

/// How often it is looked whether something is due, while the work is not where it belongs.
const PULSE: Duration = Duration::from_secs(1);

/// What the loop works with.
pub(crate) struct Watch {
    pub(crate) config: FailoverConfig,
    pub(crate) client: reqwest::Client,
    pub(crate) endpoint: Url,
    /// The bearer key that the cloud wants with a grant.
    pub(crate) key: Option<SecretString>,
    pub(crate) view: ConnectivityView,
    pub(crate) control: FailoverControl,
    pub(crate) store: Store,
    pub(crate) events: EventLog,
    pub(crate) clock: SharedClock,
    pub(crate) notifier: Arc<dyn Notifier>,
}

/// What was begun, and has ended.
#[derive(Debug)]
enum Heard {
    Looked(Looked),
    Lease(Reply),
    Drained,
    Challenge(Option<crate::Id>),
    Nothing,
}

struct Watcher {
    parts: Arc<Watch>,
    failover: Failover,
    mode_from: ModeSource,
    bulletin: Bulletin,
    messages: mpsc::Sender<Notice>,
    tasks: JoinSet<Heard>,
    held: Option<Lease>,
    /// What the holder before left, until this side begins.
    note: Option<serde_json::Value>,
    /// When the lease that somebody else has was to end, at the first refusal since this side is armed.
    others_end: Option<crate::Timestamp>,
    is_looking: bool,
    is_asking: bool,
    is_granting: bool,
    look_at: Duration,
    ask_at: Duration,
    grant_at: Duration,
}

impl Watch {
    /// Watches the cloud until it is told to stop, and does its work meanwhile where that is this process's duty and right.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let parts = Arc::new(self);
        let (mode, mode_from) = parts.known_mode().await;
        let commands = (parts.config.duty == Duty::TakePart).then(|| parts.control.listen());
        let at = parts.clock.monotonic();
        let mut watcher = Watcher {
            failover: Failover::new(parts.config.clone(), mode),
            mode_from,
            bulletin: Bulletin::new(parts.config.handover_every),
            messages: tell::start(Arc::clone(&parts.notifier)),
            tasks: JoinSet::new(),
            held: None,
            note: None,
            others_end: None,
            is_looking: false,
            is_asking: false,
            is_granting: false,
            look_at: at,
            ask_at: at,
            grant_at: at,
            parts,
        };
        watcher.run(stop, commands).await;
    }
}

impl Watcher {
    async fn run(&mut self, stop: CancellationToken, mut commands: Option<mpsc::Receiver<Command>>) {
        loop {
            self.step();
            let wait = self.wait();
            tokio::select! {
                () = stop.cancelled() => break,
                Some(heard) = self.tasks.join_next(), if !self.tasks.is_empty() => match heard {
                    Ok(heard) => self.hear(heard),
                    Err(error) => tracing::error!(%error, "a part of the failover's loop ended early"),
                },
                Some(command) = next(&mut commands) => self.obey(command),
                () = tokio::time::sleep(wait) => {}
            }
        }
        self.leave().await;
    }

    fn takes_part(&self) -> bool {
        self.parts.config.duty == Duty::TakePart
    }

    fn now(&self) -> Duration {
        self.parts.clock.monotonic()
    }

    /// Begins what is due, and lets the machine see the time.
    fn step(&mut self) {
        let at = self.now();
        if self.held.as_ref().is_some_and(|lease| !lease.is_good(at)) {
            self.held = None;
            let orders = self.failover.lease(LeaseAnswer::Lost, at);
            self.carry_out(orders);
        }
        let orders = self.failover.tick(at);
        self.carry_out(orders);
        if !self.is_looking && at >= self.look_at {
            self.begin_look();
        }
        if self.held.is_some() && !self.is_asking && at >= self.ask_at {
            self.renew();
        }
        if self.takes_part() && self.failover.may_grant() && !self.is_granting && at >= self.grant_at {
            self.ask_for_challenge();
        }
        if let Some(notice) = self.bulletin.due(at) {
            self.send(notice);
        }
        self.show();
    }

    fn begin_look(&mut self) {
        self.is_looking = true;
        let parts = Arc::clone(&self.parts);
        self.tasks.spawn(async move {
            let config = &parts.config;
            Heard::Looked(look(&parts.client, &parts.endpoint, config.timeout, &config.self_check, &parts.control).await)
        });
    }

    /// How long nothing is due.
    fn wait(&self) -> Duration {
        let at = self.now();
        let mut next = if self.is_looking { at + PULSE } else { self.look_at };
        if let Some(lease) = &self.held {
            next = next.min(lease.act_until());
            if !self.is_asking {
                next = next.min(self.ask_at);
            }
        }
        if self.failover.may_grant() && !self.is_granting {
            next = next.min(self.grant_at);
        }
        if self.failover.phase() != Phase::Standby {
            let pulse = if self.is_asking { PULSE } else { PULSE.min(self.parts.config.lease.renew_every / 5) };
            next = next.min(at + pulse);
        }
        next.saturating_sub(at)
    }

    fn show(&self) {
        let parts = &self.parts;
        parts.view.show(self.failover.cloud().reachability(), parts.clock.now());
        parts.control.show_well(self.failover.cloud().is_well());
        let mut shown = parts.control.shown();
        shown.mode = Some(self.failover.mode());
        shown.mode_from = Some(self.mode_from);
        let phase = self.takes_part().then(|| self.failover.phase());
        if shown.phase != phase {
            shown.phase = phase;
            shown.since = parts.clock.now();
        }
    }

    /// The process ends: what it has goes back while it can.
    async fn leave(&mut self) {
        self.parts.control.stand(Standing::Follows);
        let Some(lease) = self.held.take() else { return };
        let left = lease.act_until().saturating_sub(self.now()).min(self.parts.config.drain);
        if tokio::time::timeout(left, self.parts.control.drained()).await.is_err() {
            tracing::warn!("what runs did not end in time: the lease runs out by itself");
            return;
        }
        lease::give_back(&self.parts, &lease).await;
    }
}

async fn next(commands: &mut Option<mpsc::Receiver<Command>>) -> Option<Command> {
    match commands {
        Some(commands) => commands.recv().await,
        None => std::future::pending().await,
    }
}

impl Watch {
    /// How the two sides agree, before the cloud was asked.
    async fn known_mode(&self) -> (TwoNodeMode, ModeSource) {
        if let Some(mode) = self.config.mode {
            return (mode, ModeSource::Setting);
        }
        match self.remembered().await {
            Ok(Some(mode)) => (mode, ModeSource::Remembered),
            Ok(None) => (TwoNodeMode::Manual, ModeSource::Assumed),
            Err(error) => {
                tracing::warn!(%error, "what is known of the cloud cannot be read");
                (TwoNodeMode::Manual, ModeSource::Assumed)
            }
        }
    }
}
