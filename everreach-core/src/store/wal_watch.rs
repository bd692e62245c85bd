//! Waiting for something to be written into the write-ahead log, by whomever.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The write-ahead log of a database file.
fn log_of(database: &Path) -> PathBuf {
    let mut name = OsString::from(database);
    name.push("-wal");
    name.into()
}

pub(super) use system::WalWatch;

/// The kernel tells.
#[cfg(target_os = "linux")]
mod system {
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt;
    use std::path::{Path, PathBuf};

    use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init};
    use rustix::io::Errno;
    use tokio::io::unix::AsyncFd;

    use super::log_of;

    /// Watches the log, and the folder only for its coming: it is removed and made anew, and others may write much beside it.
    #[derive(Debug)]
    pub(in crate::store) struct WalWatch {
        inotify: AsyncFd<OwnedFd>,
        log: PathBuf,
    }

    impl WalWatch {
        pub(in crate::store) fn new(database: &Path) -> io::Result<Self> {
            let log = log_of(&database.canonicalize()?);
            let folder = log.parent().unwrap_or(Path::new("/"));
            let inotify = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
            add_watch(&inotify, folder, WatchFlags::CREATE | WatchFlags::MOVED_TO)?;
            watch_log(&inotify, &log)?;
            #[allow(deprecated, reason = "its successor is unsafe; the descriptor is owned here and never exchanged")]
            let inotify = AsyncFd::new(inotify)?;
            Ok(Self { inotify, log })
        }

        /// Waits until something was written since the last time.
        pub(in crate::store) async fn written(&mut self) -> io::Result<()> {
            loop {
                let mut ready = self.inotify.readable().await?;
                let found = read(self.inotify.get_ref(), &self.log)?;
                ready.clear_ready();
                if found {
                    return Ok(());
                }
            }
        }
    }

    fn watch_log(inotify: &OwnedFd, log: &Path) -> io::Result<()> {
        match add_watch(inotify, log, WatchFlags::MODIFY) {
            // Its coming will be told.
            Ok(_) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes all that the kernel has to tell; says whether it was about the log. What has no name is: the log's own events, and an
    /// overflow, which may have been about anything.
    fn read(inotify: &OwnedFd, log: &Path) -> io::Result<bool> {
        let name = log.file_name().unwrap_or_default().as_bytes();
        let mut buffer = [MaybeUninit::uninit(); 4_096];
        let mut reader = Reader::new(inotify, &mut buffer);
        let mut found = false;
        loop {
            match reader.next() {
                Ok(event) => match event.file_name() {
                    None => found = true,
                    Some(new) if new.to_bytes() == name => {
                        watch_log(inotify, log)?;
                        found = true;
                    }
                    Some(_another_file) => {}
                },
                Err(Errno::WOULDBLOCK) => return Ok(found),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Looked at again and again: the size and the time of the last change cost a few microseconds.
#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;
    use std::path::{Path, PathBuf};
    use std::time::{Duration, SystemTime};

    use tokio::time::{Interval, MissedTickBehavior};

    use super::log_of;

    const LOOK: Duration = Duration::from_millis(2);

    #[derive(Debug)]
    pub(in crate::store) struct WalWatch {
        log: PathBuf,
        seen: Option<(u64, SystemTime)>,
        looks: Interval,
    }

    impl WalWatch {
        pub(in crate::store) fn new(database: &Path) -> io::Result<Self> {
            let log = log_of(&database.canonicalize()?);
            let mut looks = tokio::time::interval(LOOK);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            Ok(Self { seen: look(&log), log, looks })
        }

        /// Waits until something was written since the last time.
        pub(in crate::store) async fn written(&mut self) -> io::Result<()> {
            loop {
                self.looks.tick().await;
                let now = look(&self.log);
                if std::mem::replace(&mut self.seen, now) != now {
                    return Ok(());
                }
            }
        }
    }

    fn look(log: &Path) -> Option<(u64, SystemTime)> {
        let metadata = log.metadata().ok()?;
        Some((metadata.len(), metadata.modified().ok()?))
    }
}
