//! The file `STOP`: its being there stops, its content is the reason.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::StopState;
use super::switch::clean_reason;

/// More than this is no reason but a mistake.
const MAX_BYTES: u64 = 4_096;

/// Looks for the file. Whatever stands in the way of reading it, a thing of that name stops.
pub(super) fn look(path: &Path) -> Option<StopState> {
    let metadata = match fs::metadata(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return None,
        other => other.ok(),
    };
    let since = metadata.as_ref().and_then(|metadata| metadata.modified().ok()).map(Into::into);
    // A pipe of that name would never end.
    let is_file = metadata.is_some_and(|metadata| metadata.is_file());
    let text = if is_file { read(path).unwrap_or_default() } else { String::new() };
    let reason = clean_reason(&text).unwrap_or_else(|| format!("the file {} is there", path.display()));
    Some(StopState { stopped: true, since, reason: Some(reason) })
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_is_the_reason_and_an_empty_file_names_itself() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("STOP");
        assert_eq!(look(&path), None);
        fs::write(&path, "  platform complains\n").expect("it is written");
        assert_eq!(look(&path).and_then(|state| state.reason).as_deref(), Some("platform complains"));
        fs::write(&path, "").expect("it is written");
        assert!(look(&path).and_then(|state| state.reason).is_some_and(|reason| reason.contains("STOP")));
    }

    #[test]
    fn anything_of_that_name_stops_even_when_it_cannot_be_read_as_text() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("STOP");
        fs::create_dir(&path).expect("it is made");
        assert!(look(&path).is_some());
        fs::remove_dir(&path).expect("it is removed");
        fs::write(&path, [0xff, 0xfe, 0x00, 0x1b]).expect("it is written");
        let reason = look(&path).and_then(|state| state.reason).expect("a reason");
        assert!(!reason.contains(['\0', '\u{1b}']), "{reason:?}");
    }

    #[test]
    fn a_missing_data_directory_does_not_stop() {
        assert_eq!(look(Path::new("/nowhere/at/all/STOP")), None);
    }
}
