use std::fs::{self, File};
use std::io::Write as _;

use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};

use super::{LogConfig, LogFiles};
use crate::supervisor::agent::AgentId;
use crate::supervisor::launcher::Incarnation;

const MIB: usize = 1024 * 1024;

fn agent() -> AgentId {
    "chatty".parse().expect("an id")
}

fn logs(most_mib: u64, step_mib: u64) -> (tempfile::TempDir, LogFiles) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = LogConfig { most_bytes: most_mib * MIB as u64, step_bytes: step_mib * MIB as u64 };
    let logs = LogFiles::new(folder.path().join("logs"), config);
    (folder, logs)
}

fn write_lines(mut file: &File, numbers: std::ops::Range<u32>) {
    let text: String = numbers.map(|number| format!("{number:015}\n")).collect();
    file.write_all(text.as_bytes()).expect("it is written");
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    let text = std::str::from_utf8(bytes).expect("text");
    text.lines().map(|line| line.parse().unwrap_or_else(|_| panic!("a torn line: {line:?}"))).collect()
}

#[test]
fn what_was_written_is_read_exactly_over_several_runs() {
    let (_folder, logs) = logs(50, 10);
    for run in 0..3 {
        let file = logs.open(&agent(), &Incarnation::random()).expect("a file");
        write_lines(&file, run * 10..run * 10 + 10);
    }
    let all = logs.tail(&agent(), usize::MAX).expect("it is read");
    assert_eq!(numbers(&all), (0..30).collect::<Vec<_>>());
    assert_eq!(numbers(&logs.tail(&agent(), 12).expect("it is read")), (18..30).collect::<Vec<_>>());
    assert!(logs.tail(&agent(), 0).expect("it is read").is_empty());
    let bytes: &[u8] = b"\xff\x00 no text\nand no end";
    logs.open(&agent(), &Incarnation::random()).expect("a file").write_all(bytes).expect("it is written");
    assert_eq!(logs.tail(&agent(), 2).expect("it is read"), bytes);
}

#[test]
fn a_file_that_is_too_long_loses_its_oldest_part_while_it_is_written_and_no_line_more() {
    let (_folder, logs) = logs(4, 1);
    let run = Incarnation::random();
    let file = logs.open(&agent(), &run).expect("a file");
    let mut next = 0;
    for _ in 0..20 {
        write_lines(&file, next..next + 40_000);
        next += 40_000;
        logs.bound(&agent(), Some(&run)).expect("it is bounded");
    }
    write_lines(&file, next..next + 1);
    let kept = numbers(&logs.tail(&agent(), usize::MAX).expect("it is read"));
    assert_eq!(kept, (kept[0]..next + 1).collect::<Vec<_>>(), "one piece up to the end");
    let bytes = kept.len() * 16;
    assert!((3 * MIB..=4 * MIB + 16).contains(&bytes), "{bytes} bytes are kept");
}

#[cfg(target_os = "linux")]
#[test]
fn what_went_takes_no_room_on_the_disk() {
    use std::os::unix::fs::MetadataExt as _;
    let (_folder, logs) = logs(2, 1);
    let run = Incarnation::random();
    let file = logs.open(&agent(), &run).expect("a file");
    for _ in 0..10 {
        (&file).write_all(&vec![b'x'; MIB]).expect("it is written");
        logs.bound(&agent(), Some(&run)).expect("it is bounded");
    }
    let blocks = file.metadata().expect("its size").blocks();
    assert!(blocks * 512 <= 3 * MIB as u64, "{blocks} blocks");
}

#[test]
fn old_runs_go_before_new_ones_and_their_files_with_them() {
    let (_folder, logs) = logs(3, 1);
    let mut newest = Incarnation::random();
    for run in 0..6 {
        newest = Incarnation::random();
        let file = logs.open(&agent(), &newest).expect("a file");
        write_lines(&file, run * 65_536..(run + 1) * 65_536);
        logs.bound(&agent(), Some(&newest)).expect("it is bounded");
    }
    assert_eq!(fs::read_dir(logs.folder_of(&agent())).expect("a folder").count(), 3);
    let kept = numbers(&logs.tail(&agent(), usize::MAX).expect("it is read"));
    assert_eq!((kept.first(), kept.last()), (Some(&(3 * 65_536)), Some(&(6 * 65_536 - 1))));
    assert_eq!(logs.tail_of_run(&agent(), &newest, 16).expect("it is read").len(), 16);
}

#[test]
fn a_follower_reads_every_line_once_while_the_front_goes_and_over_a_new_run() {
    let (_folder, logs) = logs(2, 1);
    let mut run = Incarnation::random();
    let mut file = logs.open(&agent(), &run).expect("a file");
    write_lines(&file, 0..10);
    let mut follower = logs.follow(&agent()).expect("it follows");
    let (mut seen, mut next) = (Vec::new(), 10);
    for round in 0..30 {
        write_lines(&file, next..next + 10_000);
        next += 10_000;
        if round == 15 {
            run = Incarnation::random();
            let after = logs.open(&agent(), &run).expect("a file");
            loop {
                let piece = follower.read().expect("it is read");
                if piece.is_empty() {
                    break;
                }
                seen.extend(piece);
            }
            file = after;
        }
        loop {
            let piece = follower.read().expect("it is read");
            if piece.is_empty() {
                break;
            }
            seen.extend(piece);
        }
        logs.bound(&agent(), Some(&run)).expect("it is bounded");
    }
    assert_eq!(numbers(&seen), (10..next).collect::<Vec<_>>());
}

#[test]
fn a_folder_that_was_deleted_is_made_again_for_the_next_run() {
    let (folder, logs) = logs(2, 1);
    let file = logs.open(&agent(), &Incarnation::random()).expect("a file");
    fs::remove_dir_all(folder.path().join("logs")).expect("it is deleted");
    write_lines(&file, 0..10);
    assert!(logs.tail(&agent(), 10).expect("nothing is there").is_empty());
    assert_eq!(logs.bound(&agent(), None).expect("nothing is there"), 0);
    write_lines(&logs.open(&agent(), &Incarnation::random()).expect("a file"), 0..1);
    assert_eq!(numbers(&logs.tail(&agent(), 10).expect("it is read")), [0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_last_lines_are_those_that_text_has(lines in proptest::collection::vec("[a-z]{0,300}", 0..400), asked in 0_usize..450) {
        let (_folder, logs) = logs(50, 10);
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        logs.open(&agent(), &Incarnation::random()).expect("a file").write_all(text.as_bytes()).expect("it is written");
        let wanted: String = lines[lines.len().saturating_sub(asked)..].iter().map(|line| format!("{line}\n")).collect();
        prop_assert_eq!(logs.tail(&agent(), asked).expect("it is read"), wanted.into_bytes());
    }
}
