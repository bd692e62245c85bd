//! The schedule: the built-in jobs, and a file laid over them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use chrono_tz::Tz;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::raw::{RawFile, RawJob, RawMissed, RawStep};
use super::timing::LOCAL_ZONE;
use super::{ChainStep, FiresOn, Job, JobName, MissedRuns, Timing, zone};
use crate::{ActionName, Error, ErrorKind, Result};

const BUILTIN: &str = include_str!("schedule.json");
const BUILTIN_ORIGIN: &str = "the built-in schedule";
const VERSION: u64 = 1;
const LARGEST_FILE: u64 = 1024 * 1024;
const MOST_STEPS: usize = 50;
const MOST_CAUGHT_UP: u16 = 100;
const DAY_S: u64 = 24 * 3_600;
const MONTH_S: u64 = 31 * DAY_S;
const DEFAULT_TIMEOUT_S: u64 = 900;
const DEFAULT_MIRROR_AFTER_S: u64 = 300;

/// Every job by its name.
///
/// ```
/// use everreach_core::schedule::{JobName, Jobs};
/// let jobs = Jobs::parse(r#"{"version": 1, "jobs": {"prospect_scan": {"enabled": false}}}"#, "mine.json", chrono_tz::UTC)?;
/// let scan: JobName = "prospect_scan".parse()?;
/// assert!(jobs.get(&scan).is_some_and(|job| !job.enabled && job.chain.len() == 2));
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Jobs {
    jobs: BTreeMap<JobName, Job>,
}

impl Jobs {
    /// The jobs that come with this program; `local` is the zone of this machine.
    ///
    /// # Errors
    /// None in a released program: a test reads them.
    pub fn builtin(local: Tz) -> Result<Self> {
        read(&file(BUILTIN, BUILTIN_ORIGIN)?, BUILTIN_ORIGIN, local)
    }

    /// A file's text laid over the built-in jobs, field by field; `origin` names the file in errors. A job of a new name has to say its
    /// schedule and its chain.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for the first mistake, with its `origin` and its `key`.
    pub fn parse(text: &str, origin: &str, local: Tz) -> Result<Self> {
        let mut merged = file(BUILTIN, BUILTIN_ORIGIN)?;
        for (name, fields) in file(text, origin)?.jobs.0 {
            let job = merged.jobs.0.entry(name).or_default();
            // A job that is switched on has no reason any more for being off.
            if fields.get("enabled") == Some(&Value::Bool(true)) {
                job.remove("disabled_because");
            }
            job.extend(fields);
        }
        read(&merged, origin, local)
    }

    /// The same from a file. Blocks while reading.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the file cannot be read, is larger than 1 MiB, or as for [`Jobs::parse`].
    pub fn load(path: &Path, local: Tz) -> Result<Self> {
        let origin = path.display().to_string();
        let unreadable =
            |source: std::io::Error| wrong("the schedule cannot be read", &origin, "").with("cause", &source).with_source(source);
        let length = std::fs::metadata(path).map_err(unreadable)?.len();
        if length > LARGEST_FILE {
            return Err(wrong("a schedule is a file of at most 1 MiB", &origin, "").with("bytes", length));
        }
        Self::parse(&std::fs::read_to_string(path).map_err(unreadable)?, &origin, local)
    }

    /// These jobs and no others.
    #[must_use]
    pub fn of(jobs: impl IntoIterator<Item = Job>) -> Self {
        Self { jobs: jobs.into_iter().map(|job| (job.name.clone(), job)).collect() }
    }

    /// Switches off the jobs that consist of this action alone, since it could do nothing here. A job that is off already keeps its reason.
    ///
    /// ```
    /// use everreach_core::schedule::Jobs;
    /// let mut jobs = Jobs::builtin(chrono_tz::UTC)?;
    /// jobs.switch_off(&"sync.push".parse()?, "there is no cloud");
    /// let push = jobs.get(&"sync_push".parse()?).expect("a built-in job");
    /// assert_eq!((push.enabled, push.disabled_because.as_deref()), (false, Some("there is no cloud")));
    /// # Ok::<(), everreach_core::Error>(())
    /// ```
    pub fn switch_off(&mut self, action: &ActionName, because: &str) {
        let is_alone = |job: &Job| matches!(job.chain.as_slice(), [step] if step.action == *action);
        for job in self.jobs.values_mut().filter(|job| job.enabled && is_alone(job)) {
            (job.enabled, job.disabled_because) = (false, Some(because.to_owned()));
        }
    }

    /// The job of this name.
    #[must_use]
    pub fn get(&self, name: &JobName) -> Option<&Job> {
        self.jobs.get(name)
    }

    /// Every job, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values()
    }

    /// The actions of enabled jobs that `is_known` does not know: their steps will fail until somebody answers them.
    pub fn unknown_actions(&self, is_known: impl Fn(&ActionName) -> bool) -> BTreeSet<(JobName, ActionName)> {
        let enabled = self.iter().filter(|job| job.enabled);
        let steps = enabled.flat_map(|job| job.chain.iter().map(|step| (job.name.clone(), step.action.clone())));
        steps.filter(|(_, action)| !is_known(action)).collect()
    }
}

fn wrong(sentence: &'static str, origin: &str, key: &str) -> Error {
    let error = Error::new(ErrorKind::Config, sentence).with_operation("read the schedule").with("origin", origin);
    if key.is_empty() { error } else { error.with("key", key) }
}

fn file(text: &str, origin: &str) -> Result<RawFile> {
    let file: RawFile = located(&mut serde_json::Deserializer::from_str(text), origin, "")?;
    if file.version != VERSION {
        return Err(wrong("this program reads schedules of version 1", origin, "version").with("seen", file.version));
    }
    Ok(file)
}

/// Reads something and names the place of a mistake in it.
fn located<'de, T, D>(deserializer: D, origin: &str, parent: &str) -> Result<T>
where
    T: DeserializeOwned,
    D: serde::Deserializer<'de>,
    D::Error: std::error::Error + Send + Sync + 'static,
{
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let path = error.path().to_string();
        let key = match (parent, path.as_str()) {
            ("", "." | "?") => String::new(),
            (parent, "." | "?") => parent.to_owned(),
            ("", path) => path.to_owned(),
            (parent, path) => format!("{parent}.{path}"),
        };
        wrong("the schedule has a field that cannot be read", origin, &key).with("cause", error.inner()).with_source(error)
    })
}

fn read(file: &RawFile, origin: &str, local: Tz) -> Result<Jobs> {
    let jobs = file.jobs.0.iter().map(|(name, fields)| {
        let key = format!("jobs.{name}");
        let job_name: JobName =
            name.parse().map_err(|error| wrong("a job's name is one lower_snake_case word", origin, &key).with_source(error))?;
        let raw: RawJob = located(&Value::Object(fields.clone()), origin, &key)?;
        Ok((job_name.clone(), job(job_name, raw, &Place { origin, key }, local)?))
    });
    Ok(Jobs { jobs: jobs.collect::<Result<_>>()? })
}

/// Where a job stands, for errors.
struct Place<'a> {
    origin: &'a str,
    key: String,
}

impl Place<'_> {
    fn wrong(&self, field: &str, sentence: &'static str) -> Error {
        wrong(sentence, self.origin, &format!("{}.{field}", self.key))
    }

    /// Adds the place to an error that knows only the value.
    fn locate(&self, field: &str, error: &Error) -> Error {
        let placed = Error::new(error.kind(), error.message().to_owned()).with_operation("read the schedule");
        let placed = placed.with("origin", self.origin).with("key", format!("{}.{field}", self.key));
        error.context().fold(placed, |placed, (name, value)| placed.with(name, value))
    }

    fn seconds(&self, field: &str, seconds: u64, sentence: &'static str, most: u64) -> Result<Duration> {
        if (1..=most).contains(&seconds) {
            return Ok(Duration::from_secs(seconds));
        }
        Err(self.wrong(field, sentence).with("seen", seconds))
    }
}

fn job(name: JobName, raw: RawJob, place: &Place<'_>, local: Tz) -> Result<Job> {
    let zone = zone(&raw.timezone, local).map_err(|error| place.locate("timezone", &error))?;
    let fires_on = raw.fires_on.unwrap_or(FiresOn::Either);
    if raw.timezone == LOCAL_ZONE && fires_on != FiresOn::Local {
        let sentence =
            "a job that two sides may fire names its zone: `local` differs between machines; set fires_on to local, or a zone";
        return Err(place.wrong("timezone", sentence));
    }
    let timing = Timing::parse(&raw.schedule, zone).map_err(|error| place.locate("schedule", &error))?;
    if raw.chain.is_empty() || raw.chain.len() > MOST_STEPS {
        return Err(place.wrong("chain", "a chain has from 1 to 50 steps").with("seen", raw.chain.len()));
    }
    let chain = raw.chain.into_iter().enumerate().map(|(index, step)| chain_step(step, index, place));
    let timeout = raw.timeout_s.unwrap_or(DEFAULT_TIMEOUT_S);
    let mirror_after = raw.mirror_after_s.unwrap_or(DEFAULT_MIRROR_AFTER_S);
    let job = Job {
        name,
        description: raw.description,
        timing,
        chain: chain.collect::<Result<_>>()?,
        timeout: place.seconds("timeout_s", timeout, "timeout_s is a number of seconds from 1 to 86400", DAY_S)?,
        missed: missed(raw.missed, place)?,
        overlap: raw.overlap,
        fires_on,
        mirror_after: place.seconds("mirror_after_s", mirror_after, "mirror_after_s is from 1 to 86400 seconds", DAY_S)?,
        enabled: raw.enabled,
        disabled_because: raw.disabled_because.filter(|_| !raw.enabled),
    };
    match job.missed {
        MissedRuns::Once { within } | MissedRuns::All { within, .. }
            if within < job.mirror_after && fires_on == FiresOn::Cloud =>
        {
            Err(place.wrong("missed", "within_s is shorter than mirror_after_s: the mirror would always come too late"))
        }
        _ => Ok(job),
    }
}

fn chain_step(raw: RawStep, index: usize, place: &Place<'_>) -> Result<ChainStep> {
    let seconds = |seconds| {
        let field = format!("chain[{index}].timeout_s");
        place.seconds(&field, seconds, "timeout_s is a number of seconds from 1 to 86400", DAY_S)
    };
    let timeout = raw.timeout_s.map(seconds).transpose()?;
    Ok(ChainStep { action: raw.action, params: raw.params, timeout, optional: raw.optional })
}

fn missed(raw: Option<RawMissed>, place: &Place<'_>) -> Result<MissedRuns> {
    let within = |seconds| place.seconds("missed.within_s", seconds, "within_s is from 1 second to 31 days", MONTH_S);
    match raw {
        None => Ok(MissedRuns::default()),
        Some(RawMissed::Skip) => Ok(MissedRuns::Skip),
        Some(RawMissed::Once { within_s }) => Ok(MissedRuns::Once { within: within(within_s)? }),
        Some(RawMissed::All { max, within_s }) if (1..=MOST_CAUGHT_UP).contains(&max) => {
            Ok(MissedRuns::All { max, within: within(within_s)? })
        }
        Some(RawMissed::All { max, .. }) => Err(place.wrong("missed.max", "max is from 1 to 100").with("seen", max)),
    }
}

#[cfg(test)]
#[path = "tests/jobs.rs"]
mod tests;
