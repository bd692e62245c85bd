//! The launcher for this machine.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use async_trait::async_trait;

use super::logs::{LogConfig, LogFiles};
use super::platform::{self, Watch};
use super::process::{NativeProcess, Parent};
use super::record::RecordFolder;
use super::table::ProcessTable;
use super::{
    Adoption, AgentProcess, Incarnation, Launch, ProcessIdentity, ProcessLauncher, Programs, RunRecord, Secrets, StartError,
    environment,
};
use crate::supervisor::agent::AgentId;
use crate::supervisor::diagnosis::{HostReading, StartFailure};
use crate::{Error, ErrorKind, Result, SharedClock};

/// How processes are made on this machine.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LauncherConfig {
    /// Where records and logs of runs are kept.
    pub state_dir: PathBuf,
    /// Which programs may be run.
    pub programs: Programs,
    /// Variables that every agent gets.
    pub base_environment: BTreeMap<String, String>,
    /// What secrets refer to.
    pub secrets: Secrets,
    /// How much of what agents write is kept.
    pub logs: LogConfig,
}

impl LauncherConfig {
    /// Programs under these roots, with their state kept here.
    #[must_use]
    pub fn new(state_dir: PathBuf, roots: Vec<PathBuf>) -> Self {
        let programs = Programs::new(roots);
        let path = programs.search.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(":");
        let base_environment = BTreeMap::from([("PATH".to_owned(), path), ("LANG".to_owned(), "C.UTF-8".to_owned())]);
        Self { state_dir, programs, base_environment, secrets: Secrets::default(), logs: LogConfig::default() }
    }
}

/// The launcher for this machine.
///
/// ```
/// use everreach_core::supervisor::{LauncherConfig, NativeLauncher, ProcessLauncher};
/// # async fn run(folder: std::path::PathBuf) -> everreach_core::Result<()> {
/// let config = LauncherConfig::new(folder.join("state"), vec![folder.join("agents")]);
/// let launcher = NativeLauncher::open(config, everreach_core::SystemClock::shared())?;
/// assert!(launcher.records().await?.is_empty());
/// # Ok(()) }
/// # let folder = tempfile::tempdir().expect("a folder");
/// # tokio::runtime::Runtime::new().expect("a runtime").block_on(run(folder.path().to_owned())).expect("it works");
/// ```
#[derive(Debug, Clone)]
pub struct NativeLauncher {
    config: Arc<LauncherConfig>,
    clock: SharedClock,
    records: RecordFolder,
    logs: LogFiles,
    table: Arc<ProcessTable>,
}

impl NativeLauncher {
    /// A launcher over this state directory, which is made if it is not there.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when it cannot be made.
    pub fn open(config: LauncherConfig, clock: SharedClock) -> Result<Self> {
        let records = RecordFolder::open(config.state_dir.join("runs")).map_err(|source| {
            Error::new(ErrorKind::Config, "the state of agents cannot be kept there: check that the folder may be written")
                .with("folder", config.state_dir.display())
                .with_source(source)
        })?;
        let logs = LogFiles::new(config.state_dir.join("logs"), config.logs.clone());
        Ok(Self { config: Arc::new(config), clock, records, logs, table: Arc::default() })
    }

    /// What agents write.
    #[must_use]
    pub const fn logs(&self) -> &LogFiles {
        &self.logs
    }

    /// Which programs may be run.
    #[must_use]
    pub fn programs(&self) -> &Programs {
        &self.config.programs
    }

    fn start(&self, launch: &Launch) -> Result<RunRecord, StartError> {
        let admitted = self.config.programs.admit(&launch.definition)?;
        let variables = environment::build(&self.config.base_environment, &self.config.secrets, launch)?;
        let agent = &launch.definition.agent_id;
        let output = self.logs.open(agent, &launch.incarnation).map_err(refused_by_system)?;
        let errors = output.try_clone().map_err(refused_by_system)?;
        let mut record = RunRecord {
            agent_id: agent.clone(),
            incarnation: launch.incarnation.clone(),
            digest: launch.definition.digest(),
            started_at: self.clock.now(),
            identity: None,
        };
        self.records.write(&record).map_err(refused_by_system)?;
        let mut command = Command::new(&admitted.program);
        command.args(&admitted.arguments).current_dir(&admitted.folder).env_clear().envs(&variables);
        command.process_group(0).stdin(Stdio::null()).stdout(output).stderr(errors);
        let child = command.spawn().map_err(|source| {
            self.records.remove(agent, &launch.incarnation);
            refused_by_system(source)
        })?;
        // Its end is waited for through its descriptor; dropping this neither ends nor reaps it.
        let pid = i32::try_from(child.id()).unwrap_or_default();
        if let Some(most) = launch.definition.limits.open_files
            && let Err(error) = platform::limit_open_files(pid, most)
        {
            tracing::warn!(%agent, %error, "the limit of open files could not be set");
        }
        // A child that ended already has no birth any more, and is a zombie until it is reaped: nobody has to find it again.
        let birth = platform::birth(pid).unwrap_or_default();
        record.identity = Some(ProcessIdentity { pid, birth, boot: platform::boot(), handle: platform::handle(pid) });
        if let Err(error) = self.records.write(&record) {
            // It is found by its incarnation all the same.
            tracing::warn!(%agent, %error, "the record of a run could not be completed");
        }
        Ok(record)
    }

    fn hold(&self, record: RunRecord, parent: Parent) -> io::Result<Arc<dyn AgentProcess>> {
        let pid = record.identity.as_ref().map_or(0, |identity| identity.pid);
        let watch = Watch::open(pid)?;
        Ok(Arc::new(NativeProcess::new(record, watch, parent, Arc::clone(&self.table))))
    }

    /// The process of a run of which only the incarnation is known: the oldest that carries it.
    async fn find(&self, record: &RunRecord) -> Option<ProcessIdentity> {
        let members = self.table.members(&record.incarnation).await;
        let born = members.into_iter().filter_map(|pid| Some((platform::birth(pid)?, pid)));
        let (birth, pid) = born.min_by_key(|(birth, pid)| (birth.parse::<u64>().unwrap_or(u64::MAX), *pid))?;
        Some(ProcessIdentity { pid, birth, boot: platform::boot(), handle: platform::handle(pid) })
    }
}

fn refused_by_system(source: io::Error) -> StartError {
    use rustix::io::Errno;
    let errno = source.raw_os_error().map(Errno::from_raw_os_error);
    let (failure, kind, sentence) = match (source.kind(), errno) {
        (io::ErrorKind::NotFound, _) => {
            (StartFailure::NotFound, ErrorKind::NotFound, "the program, or the interpreter in its first line, is not there")
        }
        (io::ErrorKind::PermissionDenied, _) => (StartFailure::Denied, ErrorKind::Forbidden, "the system does not let it be run"),
        (_, Some(Errno::NOEXEC)) => {
            (StartFailure::Denied, ErrorKind::Forbidden, "the file is no program: give it a first line with its interpreter")
        }
        (_, Some(Errno::AGAIN | Errno::NOMEM | Errno::MFILE | Errno::NFILE | Errno::NOSPC | Errno::DQUOT)) => {
            (StartFailure::NoRoom, ErrorKind::Unreachable, "the machine has no room for another process")
        }
        _ => (StartFailure::Other, ErrorKind::Internal, "the system refused to start it"),
    };
    StartError::new(failure, Error::new(kind, sentence).with("cause", &source).with_source(source))
}

#[async_trait]
impl ProcessLauncher for NativeLauncher {
    async fn spawn(&self, launch: Launch) -> Result<Arc<dyn AgentProcess>, StartError> {
        let this = self.clone();
        let started = tokio::task::spawn_blocking(move || this.start(&launch)).await;
        let record = started.unwrap_or_else(|error| Err(refused_by_system(io::Error::other(error))))?;
        let incarnation = record.incarnation.clone();
        match self.hold(record, Parent::This) {
            Ok(process) => Ok(process),
            Err(source) => {
                // Nobody could watch it: it must not run on unseen.
                self.table.clear(&incarnation).await;
                Err(refused_by_system(source))
            }
        }
    }

    async fn records(&self) -> Result<Vec<RunRecord>> {
        let records = self.records.clone();
        let read = tokio::task::spawn_blocking(move || records.all()).await.unwrap_or_else(|error| Err(io::Error::other(error)));
        read.map_err(|source| Error::new(ErrorKind::Config, "the records of runs cannot be read").with_source(source))
    }

    async fn adopt(&self, record: &RunRecord) -> Adoption {
        let is_after_reboot = record.identity.as_ref().is_some_and(|identity| identity.boot != platform::boot());
        if is_after_reboot {
            return Adoption::Dead { is_after_reboot };
        }
        let identity = match &record.identity {
            Some(identity) => Some(identity.clone()).filter(|identity| identity.is_alive(&record.incarnation)),
            None => self.find(record).await,
        };
        let Some(identity) = identity else {
            // Its leader is dead; what it left behind ends with it.
            let survivors = self.table.clear(&record.incarnation).await;
            return if survivors == 0 { Adoption::Dead { is_after_reboot } } else { Adoption::Unclear };
        };
        let record = RunRecord { identity: Some(identity.clone()), ..record.clone() };
        match self.hold(record.clone(), Parent::Other) {
            // Looked at again now that it is held: before that its number could have become a stranger's.
            Ok(process) if identity.is_alive(&record.incarnation) => {
                if let Err(error) = self.records.write(&record) {
                    tracing::warn!(agent = %record.agent_id, %error, "the record of a run could not be completed");
                }
                Adoption::Alive(process)
            }
            Ok(_) => Adoption::Dead { is_after_reboot },
            Err(error) => {
                tracing::warn!(agent = %record.agent_id, %error, "a process cannot be taken over");
                Adoption::Unclear
            }
        }
    }

    async fn forget(&self, record: &RunRecord) {
        self.records.remove(&record.agent_id, &record.incarnation);
    }

    async fn memory(&self) -> HashMap<Incarnation, u64> {
        let all = self.table.all().await;
        let sum = |pids: &Vec<i32>| pids.iter().filter_map(|pid| platform::memory(*pid)).sum();
        all.iter().map(|(incarnation, pids)| (Incarnation::from_text(incarnation.as_str()), sum(pids))).collect()
    }

    fn boot(&self) -> String {
        platform::boot()
    }

    async fn host(&self, folder: &Path) -> (HostReading, Option<u64>) {
        let mut host = HostReading::default();
        if let Ok(disk) = rustix::fs::statvfs(folder) {
            host.disk_free = disk.f_bavail.saturating_mul(disk.f_frsize);
        }
        if let Some(free) = platform::memory_free() {
            host.memory_free = free;
        }
        (host, platform::oom_kills())
    }

    async fn bound_logs(&self, running: Vec<(AgentId, Option<Incarnation>)>) {
        let logs = self.logs.clone();
        let bounded = tokio::task::spawn_blocking(move || {
            for (agent, incarnation) in running {
                if let Err(error) = logs.bound(&agent, incarnation.as_ref()) {
                    tracing::warn!(%agent, %error, "what an agent wrote cannot be kept within its bound");
                }
            }
        });
        drop(bounded.await);
    }

    async fn log_tail(&self, agent: &AgentId, incarnation: &Incarnation, most: usize) -> String {
        let (logs, agent, incarnation) = (self.logs.clone(), agent.clone(), incarnation.clone());
        let read = tokio::task::spawn_blocking(move || logs.tail_of_run(&agent, &incarnation, most)).await;
        let bytes = read.unwrap_or_else(|error| Err(io::Error::other(error))).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
