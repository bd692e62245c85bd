//! One supervisor per state directory.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use crate::{Error, ErrorKind, Id, Result};

/// Holds the state directory until it is dropped, or its process ends in whatever way.
#[derive(Debug)]
pub(super) struct StateLock {
    _file: File,
    instance: String,
}

impl StateLock {
    /// Takes the directory.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] while another process has it, with its number.
    pub(super) fn take(folder: &Path) -> Result<Self> {
        let unusable = |source: io::Error| {
            Error::new(ErrorKind::Config, "the state of agents cannot be kept there: check that the folder may be written")
                .with("folder", folder.display())
                .with_source(source)
        };
        fs::create_dir_all(folder).map_err(unusable)?;
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(folder.join("lock")).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _unknown = file.read_to_string(&mut holder);
                return Err(Error::new(ErrorKind::Conflict, "another supervisor looks after the agents of this directory")
                    .with("folder", folder.display())
                    .with("pid", holder.trim()));
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(unusable)?;
        writeln!(file, "{}", std::process::id()).map_err(unusable)?;
        Ok(Self { _file: file, instance: name(folder).map_err(unusable)? })
    }

    /// What the supervisor of this directory is called, in every run.
    pub(super) fn instance(&self) -> &str {
        &self.instance
    }
}

/// The name of a directory, made at its first use.
fn name(folder: &Path) -> io::Result<String> {
    let path = folder.join("instance");
    if let Ok(name) = fs::read_to_string(&path)
        && !name.trim().is_empty()
    {
        return Ok(name.trim().to_owned());
    }
    let name = Id::new().to_string();
    let unfinished = folder.join("instance.new");
    fs::write(&unfinished, &name)?;
    fs::rename(unfinished, path)?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_supervisor_is_refused_with_the_number_of_the_first_and_the_name_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = StateLock::take(folder.path()).expect("it is free");
        let instance = first.instance().to_owned();
        let refused = StateLock::take(folder.path()).expect_err("it is taken");
        assert_eq!(refused.kind(), ErrorKind::Conflict);
        assert!(refused.to_string().contains(&std::process::id().to_string()), "{refused}");
        drop(first);
        assert_eq!(StateLock::take(folder.path()).expect("it is free").instance(), instance);
    }
}
