//! Programs on this machine: the CRM script, and AppleScript. Always an argv, never a shell.

use std::str::FromStr;
use std::time::Duration;

use crate::safari::gate::{CrmStep, CrmWork, Dispatchable};
use crate::safari::{DispatchOutcome, DispatchVerdict, Reason, Repeat};
use crate::{Error, ErrorKind, Result};

/// Opens a page in a new tab of the front window. The address comes in as an argument, never as part of the script.
pub const NAVIGATE_SCRIPT: &str = r#"on run argv
	tell application "Safari"
		if (count of windows) is 0 then
			make new document with properties {URL:(item 1 of argv)}
		else
			tell front window to set current tab to (make new tab with properties {URL:(item 1 of argv)})
		end if
	end tell
end run"#;

const CRM_TIMEOUT: Duration = Duration::from_secs(600);
const APPLESCRIPT_TIMEOUT: Duration = Duration::from_secs(30);

/// Where a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Needs {
    /// Any machine.
    Nothing,
    /// A Mac.
    Mac,
}

/// One program to run.
///
/// ```
/// use everreach_core::safari::wire::{DispatchConfig, Means, means};
/// use everreach_core::safari::{Command, Verb, gate::check};
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let score = check(&Command::new(Verb::Score, now).with_param("limit", 5))?;
/// let Means::Program(program) = means(&score, &DispatchConfig::default()) else { panic!("a program") };
/// assert_eq!(program.argv, ["python3", "scripts/crm_brain.py", "--score", "--limit=5"]);
/// # Ok::<(), everreach_core::safari::gate::Refusal>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Program {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
    /// What it needs to run on.
    pub needs: Needs,
}

impl Program {
    /// Opens an address in Safari.
    pub(super) fn open_in_safari(url: &str) -> Self {
        let argv = ["osascript", "-e", NAVIGATE_SCRIPT, url].map(str::to_owned).to_vec();
        Self { argv, timeout: APPLESCRIPT_TIMEOUT, needs: Needs::Mac }
    }
}

/// How the CRM script is started: `CRM_COMMAND`.
///
/// ```
/// use everreach_core::safari::wire::CrmCommand;
/// assert_eq!("/opt/py/bin/python3 crm_brain.py".parse::<CrmCommand>()?.argv(), ["/opt/py/bin/python3", "crm_brain.py"]);
/// assert_eq!(r#"["python3", "my scripts/crm.py"]"#.parse::<CrmCommand>()?.argv()[1], "my scripts/crm.py");
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrmCommand(Vec<String>);

impl CrmCommand {
    /// The program and its first arguments.
    #[must_use]
    pub fn argv(&self) -> &[String] {
        &self.0
    }

    /// The script with the flags of one step. The form with `=` is the only one that the script takes.
    pub(super) fn program(&self, crm: CrmWork) -> Program {
        let flags = match crm.step {
            CrmStep::Sync => vec!["--sync".to_owned()],
            CrmStep::SyncLinkedin => vec!["--sync-linkedin".to_owned()],
            CrmStep::Score => vec!["--score".to_owned(), format!("--limit={}", crm.limit)],
            CrmStep::Generate => vec!["--generate".to_owned(), format!("--min-score={}", crm.min_score)],
            CrmStep::Pipeline => vec!["--pipeline".to_owned()],
        };
        Program { argv: self.0.iter().cloned().chain(flags).collect(), timeout: CRM_TIMEOUT, needs: Needs::Nothing }
    }
}

impl Default for CrmCommand {
    fn default() -> Self {
        Self(["python3", "scripts/crm_brain.py"].map(str::to_owned).to_vec())
    }
}

impl FromStr for CrmCommand {
    type Err = Error;

    /// Reads words between blanks, or a JSON list of them when one has a blank in it. No quotes, no variables: there is no shell.
    fn from_str(text: &str) -> Result<Self> {
        let words = if text.trim_start().starts_with('[') {
            serde_json::from_str::<Vec<String>>(text).unwrap_or_default()
        } else {
            text.split_whitespace().map(str::to_owned).collect()
        };
        let is_usable = words.first().is_some_and(|program| !program.trim().is_empty()) && !text.contains('\0');
        if is_usable {
            return Ok(Self(words));
        }
        let message = "the CRM command is a program and its arguments, as words or as a JSON list; for example python3 scripts/crm_brain.py";
        Err(Error::new(ErrorKind::Config, message).with("setting", "CRM_COMMAND").with("seen", text.escape_debug()))
    }
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending<'a> {
    /// It was not started, because of this.
    NotStarted(&'a str),
    /// It was not started, because this machine is no Mac.
    NotAMac,
    /// It ended by itself; with its exit code and the end of what it wrote to its error output.
    Exited(i32, &'a str),
    /// It was ended by a signal.
    Killed(i32),
    /// It was ended because its time was up.
    TimedOut,
}

/// What the ending of a program means for the command.
///
/// `pipeline` sends messages by itself and tells nobody which: an exit code of 0 is done without proof, anything else after
/// the start is unknown. The other steps do no harm twice. The script exits with 0 even when it skipped a step.
///
/// ```
/// use everreach_core::safari::wire::{Ending, judge_program};
/// use everreach_core::safari::{Command, DispatchVerdict, Verb, gate::check};
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let pipeline = check(&Command::new(Verb::Pipeline, now))?;
/// assert_eq!(judge_program(&pipeline, &Ending::TimedOut).verdict, DispatchVerdict::Unknown);
/// assert_eq!(judge_program(&pipeline, &Ending::Exited(0, "")).verdict, DispatchVerdict::SentUnverified);
/// # Ok::<(), everreach_core::safari::gate::Refusal>(())
/// ```
#[must_use]
pub fn judge_program(command: &Dispatchable, ending: &Ending<'_>) -> DispatchOutcome {
    let verb = command.verb();
    let failed = |reason, what: String| {
        if verb.is_outward() {
            return DispatchOutcome::unknown(reason, format!("{what}; {verb} may have sent messages before"));
        }
        DispatchOutcome::refused(Repeat::Counted, reason, what)
    };
    match ending {
        Ending::NotStarted(why) => {
            let what = format!("the program for {verb} could not be started: {why}");
            DispatchOutcome::refused(Repeat::Counted, Reason::NotStarted, what)
        }
        Ending::NotAMac => {
            let what = format!("{verb} of this page needs Safari on a Mac, and this machine is none; run the queue there");
            DispatchOutcome::refused(Repeat::Never, Reason::NeedsMac, what)
        }
        Ending::Exited(0, _) if verb.is_outward() => {
            let what = format!("{verb} ended well; which messages it sent stands in the CRM");
            DispatchOutcome::new(DispatchVerdict::SentUnverified, Reason::Unverified, what)
        }
        Ending::Exited(0, _) => DispatchOutcome::done(format!("{verb} is done")),
        Ending::Exited(code, said) => {
            let said: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
            failed(Reason::ProgramFailed, format!("the program for {verb} ended with code {code}: {}", said.trim()))
        }
        Ending::Killed(signal) => failed(Reason::ProgramFailed, format!("the program for {verb} was ended by signal {signal}")),
        Ending::TimedOut => failed(Reason::TimedOut, format!("the program for {verb} did not end in time")),
    }
}

#[cfg(test)]
#[path = "program_tests.rs"]
mod tests;
