use serde_json::json;

use super::*;
use crate::safari::gate::check;
use crate::safari::wire::{DispatchConfig, Means, means};
use crate::safari::{Command, Verb};

fn checked(verb: Verb) -> Dispatchable {
    let command = Command::new(verb, "2026-11-20T12:00:00Z".parse().expect("a time"));
    check(&command.with_param("url", "https://example.com/a?b=c").with_param("limit", 7).with_param("min_score", "33"))
        .expect("it passes")
}

fn program(verb: Verb) -> Program {
    match means(&checked(verb), &DispatchConfig::default()) {
        Means::Program(program) => program,
        Means::Request(request) => panic!("{request:?}"),
    }
}

#[test]
fn each_crm_step_has_its_flags_with_an_equals_sign() {
    for (verb, flags) in [
        (Verb::Sync, vec!["--sync"]),
        (Verb::SyncLinkedin, vec!["--sync-linkedin"]),
        (Verb::Score, vec!["--score", "--limit=7"]),
        (Verb::Generate, vec!["--generate", "--min-score=33"]),
        (Verb::Pipeline, vec!["--pipeline"]),
    ] {
        let program = program(verb);
        assert_eq!(program.argv[..2], ["python3", "scripts/crm_brain.py"]);
        assert_eq!(program.argv[2..], flags, "{verb}");
        assert_eq!(program.needs, Needs::Nothing);
    }
}

#[test]
fn the_address_of_a_page_is_an_argument_of_a_constant_script() {
    let program = program(Verb::Navigate);
    assert_eq!(program.argv, ["osascript", "-e", NAVIGATE_SCRIPT, "https://example.com/a?b=c"]);
    assert_eq!(program.needs, Needs::Mac);
    assert!(!NAVIGATE_SCRIPT.contains("https:"));
}

#[test]
fn a_crm_command_that_names_no_program_is_refused() {
    for text in ["", "  ", "[]", "[\"\"]", "[1]", "[\"python3\"", "py\0thon"] {
        let error = text.parse::<CrmCommand>().expect_err(text);
        assert!(error.to_string().contains("CRM_COMMAND"), "{error}");
    }
    let quoted: CrmCommand = "python3 'my crm.py'; id".parse().expect("words");
    assert_eq!(quoted.argv(), ["python3", "'my", "crm.py';", "id"], "no shell reads it");
}

#[test]
fn a_pipeline_that_was_started_is_never_repeated_and_other_steps_are() {
    let endings = [Ending::Exited(1, "Traceback"), Ending::Killed(9), Ending::TimedOut];
    for ending in endings {
        assert_eq!(judge_program(&checked(Verb::Pipeline), &ending).verdict, DispatchVerdict::Unknown, "{ending:?}");
        for verb in [Verb::Sync, Verb::SyncLinkedin, Verb::Score, Verb::Generate, Verb::Navigate] {
            assert_eq!(
                judge_program(&checked(verb), &ending).verdict,
                DispatchVerdict::Refused(Repeat::Counted),
                "{verb} {ending:?}"
            );
        }
    }
}

#[test]
fn what_was_not_started_did_nothing() {
    for verb in [Verb::Pipeline, Verb::Sync] {
        let outcome = judge_program(&checked(verb), &Ending::NotStarted("no such file"));
        assert_eq!((outcome.verdict, outcome.reason), (DispatchVerdict::Refused(Repeat::Counted), Reason::NotStarted));
    }
    let outcome = judge_program(&checked(Verb::Navigate), &Ending::NotAMac);
    assert_eq!((outcome.verdict, outcome.reason), (DispatchVerdict::Refused(Repeat::Never), Reason::NeedsMac));
}

#[test]
fn a_good_ending_is_done_but_a_pipeline_proves_nothing() {
    assert_eq!(judge_program(&checked(Verb::Score), &Ending::Exited(0, "dashboard")).reason, Reason::Done);
    assert_eq!(judge_program(&checked(Verb::Pipeline), &Ending::Exited(0, "dashboard")).verdict, DispatchVerdict::SentUnverified);
}

#[test]
fn what_a_program_wrote_is_shown_on_one_line() {
    let outcome = judge_program(&checked(Verb::Score), &Ending::Exited(2, "Traceback\n  File\u{1b}[31m"));
    assert!(!outcome.detail.contains(char::is_control), "{}", outcome.detail);
    assert_eq!(serde_json::to_value(&outcome).expect("json")["reason"], json!("program_failed"));
}
