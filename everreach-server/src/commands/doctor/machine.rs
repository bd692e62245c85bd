//! Checks of the machine: the data directory, its file system, its disk.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use everreach_core::{Clock as _, SystemClock};

use super::Check;

/// File systems on which SQLite's locks or its shared memory cannot be trusted.
const NETWORK_FILESYSTEMS: [&str; 9] = ["nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "webdav", "fuse.sshfs", "9p"];

/// A commit waits for one fsync; beyond this, every write is felt.
const SLOW_FSYNC: Duration = Duration::from_millis(20);

const FSYNC_TRIES: usize = 5;
const MEBIBYTE: u64 = 1024 * 1024;
const LITTLE_SPACE: u64 = 1024 * MEBIBYTE;
const NO_SPACE: u64 = 100 * MEBIBYTE;

/// Whether the data directory can be written; it is created when it is missing.
pub(super) fn data_dir(folder: &Path) -> Check {
    const NAME: &str = "data";
    match std::fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder)) {
        Ok(_) => Check::pass(NAME, format!("{} can be written", shown(folder))),
        Err(error) => {
            let detail = format!("{} cannot be written: {error}", shown(folder));
            Check::fail(NAME, detail, "set EVERREACH_DATA_DIR to a folder that this user can write")
        }
    }
}

/// Whether the data directory lies on this machine.
pub(super) fn filesystem(folder: &Path) -> Check {
    const NAME: &str = "filesystem";
    let Some(kind) = mounts().and_then(|mounts| kind_of(&shown_path(folder), &mounts)) else {
        return Check::warn(NAME, "its type cannot be told here", "make sure that the data directory is no network share");
    };
    if NETWORK_FILESYSTEMS.contains(&kind.as_str()) {
        let detail = format!("{kind} is a network file system: SQLite can lose data there");
        return Check::fail(NAME, detail, "set EVERREACH_DATA_DIR to a local disk, or DATABASE_URL to postgres://…");
    }
    Check::pass(NAME, kind)
}

/// How long a write takes until it is on the disk.
pub(super) fn fsync(folder: &Path) -> Check {
    const NAME: &str = "fsync";
    match fsync_time(folder) {
        Ok(time) if time <= SLOW_FSYNC => Check::pass(NAME, format!("{:.1} ms", time.as_secs_f64() * 1e3)),
        Ok(time) => {
            let detail = format!("{:.1} ms: each commit waits that long", time.as_secs_f64() * 1e3);
            Check::warn(NAME, detail, "put EVERREACH_DATA_DIR on a faster disk")
        }
        Err(error) => Check::fail(NAME, format!("it cannot be measured: {error}"), "mend the data directory first"),
    }
}

/// The middle one of a few tries.
fn fsync_time(folder: &Path) -> std::io::Result<Duration> {
    let clock = SystemClock::new();
    let mut file = tempfile::tempfile_in(folder)?;
    let mut times = [Duration::ZERO; FSYNC_TRIES];
    for time in &mut times {
        let begun = clock.monotonic();
        file.write_all(&[0; 4096])?;
        file.sync_all()?;
        *time = clock.monotonic().saturating_sub(begun);
    }
    times.sort_unstable();
    Ok(times[FSYNC_TRIES / 2])
}

/// Whether there is room to grow.
pub(super) fn disk_space(folder: &Path) -> Check {
    const NAME: &str = "disk";
    const FIX: &str = "free some space, or move EVERREACH_DATA_DIR";
    match free_bytes(folder) {
        Some(free) if free >= LITTLE_SPACE => Check::pass(NAME, format!("{} MiB free", free / MEBIBYTE)),
        Some(free) if free >= NO_SPACE => Check::warn(NAME, format!("only {} MiB free", free / MEBIBYTE), FIX),
        Some(free) => Check::fail(NAME, format!("only {} MiB free", free / MEBIBYTE), FIX),
        None => Check::warn(NAME, "free space cannot be told here", "make sure that there is a gigabyte"),
    }
}

/// What `df` says; its portable form has one line a file system, in KiB.
fn free_bytes(folder: &Path) -> Option<u64> {
    let output = Command::new("df").arg("-Pk").arg(folder).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    free_of_df(&text)
}

fn free_of_df(text: &str) -> Option<u64> {
    // A device's name may hold blanks, so the columns are counted from the percentage on.
    let columns: Vec<&str> = text.lines().nth(1)?.split_whitespace().collect();
    let percentage =
        columns.iter().position(|column| column.strip_suffix('%').is_some_and(|number| number.parse::<u8>().is_ok()))?;
    columns.get(percentage.checked_sub(1)?)?.parse::<u64>().ok()?.checked_mul(1024)
}

/// Mount points and their types.
fn mounts() -> Option<Vec<(PathBuf, String)>> {
    if let Ok(text) = std::fs::read_to_string("/proc/self/mounts") {
        return Some(text.lines().filter_map(mount_of_proc).collect());
    }
    let output = Command::new("mount").output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.lines().filter_map(mount_of_command).collect())
}

/// `device point type options 0 0`
fn mount_of_proc(line: &str) -> Option<(PathBuf, String)> {
    let mut columns = line.split(' ');
    let point = columns.nth(1)?.replace("\\040", " ");
    Some((PathBuf::from(point), columns.next()?.to_owned()))
}

/// `device on point (type, options)`, as macOS and the BSDs print it.
fn mount_of_command(line: &str) -> Option<(PathBuf, String)> {
    let (place, options) = line.rsplit_once(" (")?;
    let (_, point) = place.split_once(" on ")?;
    let kind = options.split([',', ')']).next()?;
    Some((PathBuf::from(point), kind.trim().to_owned()))
}

/// The type of the deepest mount point above the folder.
fn kind_of(folder: &Path, mounts: &[(PathBuf, String)]) -> Option<String> {
    // The last of equals counts: a later mount hides an earlier one.
    let deepest =
        mounts.iter().filter(|(point, _)| folder.starts_with(point)).max_by_key(|(point, _)| point.components().count())?;
    Some(deepest.1.clone())
}

fn shown_path(folder: &Path) -> PathBuf {
    folder.canonicalize().or_else(|_| std::path::absolute(folder)).unwrap_or_else(|_| folder.to_owned())
}

fn shown(folder: &Path) -> String {
    shown_path(folder).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::State;

    #[test]
    fn the_deepest_mount_decides_the_type() {
        let mounts: Vec<_> =
            ["/dev/sda / ext4 rw 0 0", "srv:/x /home/a\\040b nfs4 rw 0 0"].into_iter().filter_map(mount_of_proc).collect();
        assert_eq!(kind_of(Path::new("/home/a b/data"), &mounts).as_deref(), Some("nfs4"));
        assert_eq!(kind_of(Path::new("/home/a"), &mounts).as_deref(), Some("ext4"));
    }

    #[test]
    fn the_other_notation_of_mounts_is_read_too() {
        let mount = mount_of_command("//me@nas/share on /Volumes/My Share (smbfs, nodev, nosuid)").expect("a mount");
        assert_eq!(mount, (PathBuf::from("/Volumes/My Share"), "smbfs".to_owned()));
    }

    #[test]
    fn free_space_is_read_whatever_the_device_is_called() {
        let head = "Filesystem 1024-blocks Used Available Capacity Mounted on\n";
        assert_eq!(free_of_df(&format!("{head}/dev/sda1 100 40 60 40% /")), Some(60 * 1024));
        assert_eq!(free_of_df(&format!("{head}map auto home 100 40 60 40% /System/Volumes/Data")), Some(60 * 1024));
        assert_eq!(free_of_df("nonsense"), None);
    }

    #[test]
    fn a_folder_that_cannot_be_made_fails_with_a_fix() {
        let check = data_dir(Path::new("/proc/nowhere/data"));
        assert_eq!(check.state, State::Fail);
        assert!(check.fix.expect("a fix").contains("EVERREACH_DATA_DIR"));
    }
}
