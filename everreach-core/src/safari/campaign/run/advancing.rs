//! The clock's round: ends are taken in, replies are looked for, the next steps are asked for.

use sha2::{Digest, Sha256};

use super::approval::reason;
use super::ends::{is_open, report, shown_name};
use super::replies::is_written_to;
use super::store::{self, CampaignRow, TargetRow, Waiting};
use super::{Campaigns, people};
use crate::ledger::IdempotencyKey;
use crate::safari::Contact;
use crate::safari::alert::{Alert, raise_within};
use crate::safari::campaign::{Progress, Report, Step, advance, apply};
use crate::safari::gate::check;
use crate::safari::queue::{NewCommand, approvals, ended_within, enqueue_within};
use crate::store::Db;
use crate::{Event, Result, Timestamp, events};

/// A target that has moved, and what it asks for.
struct Moved {
    row: TargetRow,
    asks: Vec<(Step, NewCommand)>,
}

/// The commands for what a target asks for.
enum Words {
    /// These.
    Written(Vec<(Step, NewCommand)>),
    /// Nobody has written them yet: the target stays as it is until the next round.
    Wanting,
    /// The gate refuses one of them: the target is held for a person.
    Refused(String),
}

impl Campaigns {
    /// Moves every campaign on as far as the time allows; returns how many commands were asked for.
    ///
    /// # Errors
    /// The store's. What was moved on by then stays so.
    pub async fn advance(&self) -> Result<usize> {
        self.queue.close_questions().await?;
        let mut connection = self.store.read().await?;
        let mut db = connection.db();
        let open = store::open(&mut db).await?;
        let ids: Vec<_> = open.iter().map(|campaign| campaign.id.clone()).collect();
        let said = approvals(&mut db, &ids).await?;
        drop(connection);
        let mut asked = 0;
        for campaign in open {
            if self.heed(&campaign, said.get(&campaign.id).copied(), self.clock.now()).await? {
                asked += self.advance_one(campaign).await?;
            }
        }
        if asked > 0 {
            self.queue.written_within();
        }
        Ok(asked)
    }

    async fn advance_one(&self, campaign: CampaignRow) -> Result<usize> {
        let now = self.clock.now();
        let all = self.take_in(&campaign).await?;
        let mut moved = Vec::new();
        let replies = self.look_for_replies(&campaign, &all, now).await?;
        let mut targets = Vec::with_capacity(all.len());
        for mut row in all {
            if is_written_to(&row)
                && replies.has(&Contact::new(campaign.plan.platform, &row.handle), row.target.shown_name.as_deref())
            {
                apply(&mut row.target, &Report::Replied, now);
            }
            let mut target = row.target.clone();
            let mut steps = advance(&mut target, &campaign.plan, campaign.status, now);
            if replies.is_unknown() && is_written_to(&row) {
                // Nobody could look yet whether they replied: the next round can.
                (target, steps) = (row.target.clone(), Vec::new());
            }
            let mut asks = Vec::new();
            match self.words(&campaign, &row, steps, now).await {
                Words::Written(written) => {
                    row.target = target;
                    row.waiting.extend(written.iter().map(|(step, new)| Waiting { id: new.command.id, step: step.clone() }));
                    asks = written;
                }
                Words::Refused(why) => row.target.held = Some(why),
                Words::Wanting => {}
            }
            if row.has_changed() {
                moved.push(Moved { row: row.clone(), asks });
            }
            targets.push(row.target);
        }
        let progress = Progress::of(&targets);
        if moved.is_empty() && progress.status(campaign.status) == campaign.status {
            return Ok(0);
        }
        let (asked, completed) =
            self.store.write(move |mut db| Box::pin(async move { write(&mut db, &campaign, moved, now).await })).await?;
        if completed {
            self.alerts.raised_within();
        }
        Ok(asked)
    }

    /// The targets, with the ends of what they waited for taken in.
    async fn take_in(&self, campaign: &CampaignRow) -> Result<Vec<TargetRow>> {
        let mut connection = self.store.read().await?;
        let mut db = connection.db();
        let mut rows = store::targets(&mut db, &campaign.id).await?;
        let ids: Vec<_> = rows.iter().flat_map(|row| row.waiting.iter().map(|waiting| waiting.id)).collect();
        if ids.is_empty() {
            return Ok(rows);
        }
        let ended = ended_within(&mut db, &ids).await?;
        for end in &ended {
            let id = end.command.id;
            let Some(row) = rows.iter_mut().find(|row| row.waiting.iter().any(|waiting| waiting.id == id)) else { continue };
            let Some(at) = row.waiting.iter().position(|waiting| waiting.id == id) else { continue };
            let report = report(end, &row.waiting[at], &row.handle, &campaign.plan);
            apply(&mut row.target, &report, end.command.updated_at);
            if let Some(name) = shown_name(end, &campaign.plan) {
                row.target.shown_name = Some(name);
            }
            if !is_open(end) {
                row.waiting.remove(at);
            }
        }
        Ok(rows)
    }

    /// The commands for these steps.
    async fn words(&self, campaign: &CampaignRow, row: &TargetRow, steps: Vec<Step>, now: Timestamp) -> Words {
        let mut asks = Vec::with_capacity(steps.len());
        for step in steps {
            let mut text = campaign.templates.text(&step, &row.handle, campaign.plan.platform);
            if step.needs_text() && text.is_none() {
                let Some(copywriter) = &self.copywriter else { return Words::Wanting };
                match copywriter.text(&step, &row.target, &campaign.plan).await {
                    Ok(written) => text = Some(written),
                    Err(error) => {
                        tracing::warn!(%error, campaign = campaign.id, target = row.handle, "there are no words yet");
                        return Words::Wanting;
                    }
                }
            }
            let command = step.command(&campaign.plan, &campaign.id, &row.handle, text.as_deref(), now);
            if let Err(refusal) = check(&command) {
                return Words::Refused(refusal.to_string());
            }
            asks.push((step, NewCommand::new(command)));
        }
        Words::Written(asks)
    }
}

/// The key of a step; its digest where a name has characters that no key has, as a keyword of two words.
fn key_of(text: &str) -> Result<IdempotencyKey> {
    text.parse().or_else(|_| format!("campaign:{}", hex::encode(Sha256::digest(text))).parse())
}

/// One transaction: targets that are still as they were read, and their commands.
async fn write(db: &mut Db<'_>, campaign: &CampaignRow, mut moved: Vec<Moved>, now: Timestamp) -> Result<(usize, bool)> {
    let said = approvals(db, std::slice::from_ref(&campaign.id)).await?;
    if reason(said.get(&campaign.id).copied()).is_some() {
        // It was refused just now, and its comments were taken back: that ends it, and is no end of theirs.
        return Ok((0, false));
    }
    // The queue's rows before the targets', as whoever tells of a reply does, so that two transactions never wait for each other.
    for Moved { row, .. } in moved.iter_mut().filter(|moved| moved.row.target.state.is_terminal() && moved.asks.is_empty()) {
        people::take_back(db, row, now).await?;
    }
    let mut asked = 0;
    for Moved { row, asks } in moved {
        if !store::move_on(db, &campaign.id, &row, now).await? {
            continue;
        }
        let mut new = Vec::with_capacity(asks.len());
        for (step, ask) in asks {
            new.push(ask.with_key(key_of(&step.key(&campaign.id, &row.handle))?));
        }
        if !new.is_empty() {
            asked += enqueue_within(db, new, now).await?.len();
        }
    }
    let targets: Vec<_> = store::targets(db, &campaign.id).await?.into_iter().map(|row| row.target).collect();
    let progress = Progress::of(&targets);
    let status = progress.status(campaign.status);
    if status == campaign.status {
        store::set_run(db, campaign, status, progress, None).await?;
        return Ok((asked, false));
    }
    if !store::set_status(db, campaign, status, progress, now).await? {
        return Ok((asked, false));
    }
    events::append(db, &Event::new(now, "safari.campaign_completed", campaign.id.clone())).await?;
    let alert = Alert::CampaignComplete {
        campaign: campaign.id.clone(),
        kind: campaign.plan.kind,
        platform: campaign.plan.platform,
        completed: progress.completed,
        total: progress.total,
        took: (now - campaign.started_at).to_std().unwrap_or_default(),
    };
    raise_within(db, &alert, now).await?;
    Ok((asked, true))
}
