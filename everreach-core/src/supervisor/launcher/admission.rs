//! Which programs may be run: those under the allowed roots, and interpreters of scripts under them.

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use super::StartError;
use crate::supervisor::agent::AgentDefinition;
use crate::supervisor::diagnosis::StartFailure;
use crate::{Error, ErrorKind, Result};

/// What an interpreter may be told before its script: nothing that runs code of its own.
const HARMLESS: [&str; 8] = ["-u", "-B", "-E", "-s", "-S", "-I", "-O", "-OO"];
/// Variables with folders from which code is loaded.
const CODE_PATHS: [&str; 2] = ["PYTHONPATH", "NODE_PATH"];

/// Which programs may be run.
///
/// ```
/// use everreach_core::supervisor::{AgentDefinition, Programs};
/// let programs = Programs::new(vec!["/srv/agents".into()]);
/// let definition = AgentDefinition::new("a".parse()?, r#"["/bin/sh", "-c", "id"]"#.parse()?);
/// assert!(programs.check(&definition).is_err());
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Programs {
    /// Folders under which programs, scripts and working folders lie.
    pub roots: Vec<PathBuf>,
    /// Programs that may lie elsewhere when what they run lies under a root; by name.
    pub interpreters: Vec<String>,
    /// Where interpreters are looked for, in this order.
    pub search: Vec<PathBuf>,
}

/// A program that may be run, as it is run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Admitted {
    /// Its path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The folder that it runs in.
    pub folder: PathBuf,
}

impl Programs {
    /// Programs under these roots, with `python3` and `node` as interpreters where they usually are.
    #[must_use]
    pub fn new(roots: Vec<PathBuf>) -> Self {
        Self {
            roots,
            interpreters: vec!["python3".to_owned(), "node".to_owned()],
            search: ["/usr/local/bin", "/opt/homebrew/bin", "/usr/bin", "/bin"].map(PathBuf::from).into(),
        }
    }

    /// Refuses a definition that could never be run here. What is merely not there yet is no objection.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a program, script or folder outside the allowed roots.
    pub fn check(&self, definition: &AgentDefinition) -> Result<()> {
        match self.admit(definition) {
            Ok(_) => Ok(()),
            Err(refused) if refused.failure == StartFailure::NotFound => Ok(()),
            Err(refused) => {
                let sentence = refused.error.message().to_owned();
                let refusal = Error::new(ErrorKind::InvalidInput, sentence).with("field", "entry_point");
                Err(refused.error.context().fold(refusal, |refusal, (key, value)| refusal.with(key, value)))
            }
        }
    }

    /// What is to be run for this agent.
    ///
    /// # Errors
    /// [`StartFailure::NotFound`] for what is not there, [`StartFailure::Denied`] for what may not be run.
    pub fn admit(&self, definition: &AgentDefinition) -> Result<Admitted, StartError> {
        let Some(entry_point) = &definition.entry_point else {
            return Err(denied("this agent is only looked at: it has nothing to run", definition.agent_id.as_str()));
        };
        let folder = self.folder(definition)?;
        for name in CODE_PATHS {
            for part in definition.env.get(name).into_iter().flat_map(|value| value.split(':')) {
                self.under_root(&folder.join(part))?;
            }
        }
        let program = entry_point.program();
        let mut arguments = entry_point.argv()[1..].to_vec();
        let is_bare = !program.contains('/');
        if is_bare && self.interpreters.iter().any(|name| name == program) {
            self.admit_script(&folder, &mut arguments)?;
            let program = self.find(program)?;
            return Ok(Admitted { program, arguments, folder });
        }
        let path = self.locate(&folder, program)?;
        check_executable(&path)?;
        // A link from a root to an interpreter elsewhere, as virtual environments have, runs scripts under a root only.
        if !self.is_under_root(&path.canonicalize().map_err(|source| unusable(&path, source))?) {
            if !self.interpreters.iter().any(|name| is_version_of(&path, name)) {
                return Err(denied("the program is a link that leads out of the allowed roots: move it under one", program));
            }
            self.admit_script(&folder, &mut arguments)?;
        }
        Ok(Admitted { program: path, arguments, folder })
    }

    fn folder(&self, definition: &AgentDefinition) -> Result<PathBuf, StartError> {
        let Some(root) = self.roots.first() else {
            return Err(denied("there is no allowed root: set EVERREACH_AGENT_ROOTS", ""));
        };
        let root = absolute(root)?;
        let Some(folder) = &definition.cwd else { return Ok(root) };
        let folder = root.join(folder);
        self.under_root(&folder)?;
        if folder.is_dir() { Ok(folder) } else { Err(unusable(&folder, io::ErrorKind::NotFound.into())) }
    }

    /// The first argument that is no harmless option is the script, and lies under a root.
    fn admit_script(&self, folder: &Path, arguments: &mut [String]) -> Result<(), StartError> {
        let script = arguments.iter_mut().find(|argument| !HARMLESS.contains(&argument.as_str()));
        let Some(script) = script else {
            return Err(denied("an interpreter needs a script to run: name one under an allowed root", ""));
        };
        if script.starts_with('-') {
            return Err(denied(
                "an interpreter runs a script under an allowed root here, with no option of this kind before it",
                script,
            ));
        }
        let path = self.locate(folder, script)?;
        if !self.is_under_root(&path.canonicalize().map_err(|source| unusable(&path, source))?) {
            return Err(denied("the script is a link that leads out of the allowed roots: move it under one", script));
        }
        *script = path.display().to_string();
        Ok(())
    }

    /// A file under a root: as a path from the working folder, else in one of the roots.
    fn locate(&self, folder: &Path, name: &str) -> Result<PathBuf, StartError> {
        let in_folder = folder.join(name);
        self.under_root(&in_folder)?;
        let elsewhere = self.roots.iter().map(|root| root.join(name)).filter(|path| self.under_root(path).is_ok());
        let found = std::iter::once(in_folder.clone()).chain(elsewhere).find(|path| path.is_file());
        found.ok_or_else(|| unusable(&in_folder, io::ErrorKind::NotFound.into()))
    }

    fn find(&self, interpreter: &str) -> Result<PathBuf, StartError> {
        let found = self.search.iter().map(|folder| folder.join(interpreter)).find(|path| check_executable(path).is_ok());
        found.ok_or_else(|| {
            let error = Error::new(ErrorKind::NotFound, "the interpreter is nowhere on the search path: install it")
                .with("program", interpreter);
            StartError::new(StartFailure::NotFound, error)
        })
    }

    /// Refuses a path that does not lie under a root, whether anything is there or not. Links in the folders on the way are followed; the last
    /// part may be a link, which is looked at where it matters.
    fn under_root(&self, path: &Path) -> Result<(), StartError> {
        let is_inside = path.canonicalize().is_ok_and(|real| self.is_under_root(&real)) || self.is_under_root(&settled(path));
        let sentence = "this lies outside the allowed roots: move it under one, or extend EVERREACH_AGENT_ROOTS";
        if is_inside { Ok(()) } else { Err(denied(sentence, &path.display().to_string())) }
    }

    fn is_under_root(&self, path: &Path) -> bool {
        let real = |root: &PathBuf| root.canonicalize().ok().or_else(|| std::path::absolute(root).ok());
        self.roots.iter().filter_map(real).any(|root| path.starts_with(root))
    }
}

fn absolute(path: &Path) -> Result<PathBuf, StartError> {
    std::path::absolute(path).map_err(|source| unusable(path, source))
}

/// The path with the links in its folders followed, as far as these are there, and `..` taken out of the rest.
fn settled(path: &Path) -> PathBuf {
    let mut folders = path.ancestors().skip(1);
    let real = folders.find_map(|folder| Some((folder, folder.canonicalize().ok()?)));
    let Some((folder, mut settled)) = real else { return path.to_owned() };
    for part in path.strip_prefix(folder).unwrap_or(path).components() {
        match part {
            Component::ParentDir => {
                settled.pop();
            }
            Component::Normal(name) => settled.push(name),
            _ => {}
        }
    }
    settled
}

/// Whether a file is called like the interpreter, with or without a version: `python3`, `python3.12`, `python`.
fn is_version_of(path: &Path, interpreter: &str) -> bool {
    let is_mark = |c: char| c.is_ascii_digit() || c == '.';
    let bare = interpreter.trim_end_matches(is_mark);
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    name.strip_prefix(bare).is_some_and(|rest| rest.chars().all(is_mark))
}

fn check_executable(path: &Path) -> Result<(), StartError> {
    let metadata = path.metadata().map_err(|source| unusable(path, source))?;
    if metadata.is_file() && metadata.permissions().mode() & 0o111 != 0 {
        Ok(())
    } else {
        Err(denied("this is no executable program: chmod +x, or name its interpreter", &path.display().to_string()))
    }
}

fn denied(sentence: &'static str, seen: &str) -> StartError {
    StartError::new(StartFailure::Denied, Error::new(ErrorKind::Forbidden, sentence).with("seen", seen))
}

fn unusable(path: &Path, source: io::Error) -> StartError {
    let (failure, kind, sentence) = match source.kind() {
        io::ErrorKind::PermissionDenied => (StartFailure::Denied, ErrorKind::Forbidden, "this may not be read or run"),
        _ => (StartFailure::NotFound, ErrorKind::NotFound, "this file or folder is not there: check the path"),
    };
    StartError::new(failure, Error::new(kind, sentence).with("path", path.display()).with_source(source))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    struct Place {
        _folder: tempfile::TempDir,
        root: PathBuf,
        programs: Programs,
    }

    fn place() -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("a path").join("agents");
        fs::create_dir_all(root.join("bin")).expect("a folder");
        fs::write(root.join("agent.py"), "print('hello')").expect("a script");
        fs::write(root.join("bin/run"), "#!/bin/sh\n").expect("a program");
        fs::set_permissions(root.join("bin/run"), fs::Permissions::from_mode(0o755)).expect("executable");
        fs::write(folder.path().join("evil.py"), "print('evil')").expect("a script outside");
        let mut programs = Programs::new(vec![root.clone()]);
        programs.interpreters.push("sh".to_owned());
        Place { _folder: folder, root, programs }
    }

    fn definition(argv: &[&str]) -> AgentDefinition {
        let argv = argv.iter().map(|word| (*word).to_owned()).collect();
        AgentDefinition::new("a".parse().expect("an id"), crate::supervisor::EntryPoint::new(argv).expect("an argv"))
    }

    fn failure(place: &Place, argv: &[&str]) -> StartFailure {
        place.programs.admit(&definition(argv)).expect_err("refused").failure
    }

    #[test]
    fn scripts_and_programs_under_a_root_are_run_with_their_whole_path() {
        let place = place();
        let admitted = place.programs.admit(&definition(&["sh", "-u", "agent.py", "--x"])).expect("admitted");
        assert_eq!(admitted.arguments, ["-u", place.root.join("agent.py").to_str().expect("text"), "--x"]);
        assert_eq!(admitted.folder, place.root);
        let admitted = place.programs.admit(&definition(&["bin/run", "-c", "anything"])).expect("admitted");
        assert_eq!(admitted.program, place.root.join("bin/run"));
    }

    #[test]
    fn nothing_outside_the_roots_is_run_whatever_it_is_called() {
        let place = place();
        let outside = place.root.parent().expect("a parent").join("evil.py");
        let outside = outside.to_str().expect("text");
        symlink(outside, place.root.join("innocent.py")).expect("a link");
        symlink("/bin", place.root.join("tools")).expect("a link");
        symlink("/bin/sh", place.root.join("innocent")).expect("a link");
        for argv in [
            &["/bin/sh", "-c", "id"][..],
            &["sh", "-c", "id"],
            &["sh", "-uc", "id"],
            &["sh", "../evil.py"],
            &["sh", "bin/../../evil.py"],
            &["sh", outside],
            &["sh", "innocent.py"],
            &["sh"],
            &["python3", "-m", "http.server"],
            &["tools/sh", "-c", "id"],
            &["innocent", "-c", "id"],
            &["../../../bin/sh"],
            &["sh", "/etc/nothing-here"],
            &["agent.py"],
        ] {
            assert_eq!(failure(&place, argv), StartFailure::Denied, "{argv:?}");
            assert!(place.programs.check(&definition(argv)).is_err(), "{argv:?}");
        }
    }

    #[test]
    fn what_is_not_there_yet_can_be_registered_and_not_started() {
        let place = place();
        for argv in [&["sh", "later.py"][..], &["bin/later"], &["deeper/still/later"]] {
            assert_eq!(failure(&place, argv), StartFailure::NotFound, "{argv:?}");
            place.programs.check(&definition(argv)).expect("it may come");
        }
    }

    #[test]
    fn the_working_folder_and_folders_of_code_lie_under_a_root_too() {
        let place = place();
        let mut elsewhere = definition(&["sh", "agent.py"]);
        elsewhere.cwd = Some("/tmp".to_owned());
        assert_eq!(place.programs.admit(&elsewhere).expect_err("outside").failure, StartFailure::Denied);
        elsewhere.cwd = Some("bin".to_owned());
        let admitted = place.programs.admit(&elsewhere).expect("admitted");
        assert_eq!(admitted.folder, place.root.join("bin"));
        elsewhere.env.insert("PYTHONPATH".to_owned(), "lib:/tmp/evil".to_owned());
        assert_eq!(place.programs.admit(&elsewhere).expect_err("outside").failure, StartFailure::Denied);
    }

    #[test]
    fn a_virtual_environment_under_a_root_runs_scripts_and_nothing_else() {
        let place = place();
        symlink("/bin/sh", place.root.join("bin/sh3")).expect("a link");
        assert!(place.programs.admit(&definition(&["bin/sh3", "agent.py"])).is_ok());
        assert_eq!(failure(&place, &["bin/sh3", "-c", "id"]), StartFailure::Denied);
    }
}
