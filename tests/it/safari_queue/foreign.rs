//! Other programs that work through the same table.

use everreach_core::safari::CommandStatus;
use serde_json::json;

use super::*;

const INSERT: &str = "INSERT INTO safari_command_queue (action, platform, params) VALUES";

on_both! {
async fn rows_of_other_programs_are_left_alone(bench: Bench) {
    for row in ["('prospect_discover', 'instagram', '{}')", "('instagram:dm', NULL, '{}')", "('dm', 'twitter', '{}')",
        "('send_dm', 'linkedin_chrome', '{}')", "('sync', 'Upwork', '{}')"] {
        bench.execute(&format!("{INSERT} {row}")).await;
    }
    bench.execute(&format!("{INSERT} ('send_dm', 'twitter', '{{}}')")).await;
    bench.execute("UPDATE safari_command_queue SET status = 'running' WHERE platform = 'twitter' AND action = 'send_dm'").await;
    bench.clock.advance(30 * DAY);
    assert!(bench.claim(10).await.is_empty());
    assert_eq!(bench.number("SELECT COUNT(*) FROM safari_command_queue WHERE status = 'pending'").await, 5);
    assert_eq!(bench.number("SELECT COUNT(*) FROM safari_command_queue WHERE status = 'running' AND worker_id IS NULL").await, 1);
}

async fn a_row_of_another_program_goes_its_way(bench: Bench) {
    bench.execute(&format!("{INSERT} ('send_dm', NULL, '{{\"platform\": \"twitter\", \"username\": \"@bob\", \"message\": \"hi\"}}')")).await;
    let claimed = bench.claim_one().await;
    assert_eq!(claimed.dispatchable().platform(), Some(Platform::Twitter));
    let id = claimed.command().id;
    bench.dispatch(&claimed).await;
    bench.finish(claimed, sent().with_answer(json!({"success": true, "verified": true}))).await;
    let entry = bench.get(id).await.entry;
    assert_eq!(entry.command.status, CommandStatus::Completed);
    assert_eq!(entry.command.result.expect("a result")["answer"]["verified"], true);
}

async fn parameters_as_json_text_are_understood(bench: Bench) {
    bench.execute(&format!("{INSERT} ('send_dm', 'twitter', '\"{{\\\"username\\\": \\\"bob\\\", \\\"text\\\": \\\"hi\\\"}}\"')")).await;
    let claimed = bench.claim_one().await;
    assert!(claimed.command().params.is_string(), "it is kept as it was written");
    assert_eq!(claimed.dispatchable().contact().expect("bob").handle(), "bob");
}

async fn what_the_gate_refuses_is_failed_with_its_code_and_never_claimed(bench: Bench) {
    for (row, code) in [
        ("('send_dm', 'twitter', '{\"username\": \"bob''; open /\", \"text\": \"hi\"}')", "forbidden_character"),
        ("('send_dm', 'twitter', '{\"username\": \"bob\", \"text\": \"$(id)\"}')", "shell_syntax"),
        ("('comment', 'twitter', '{\"postUrl\": \"https://evil.test/a/status/1\", \"text\": \"hi\"}')", "unexpected_host"),
        ("('send_dm', 'twitter', '{\"platform\": \"tiktok\", \"username\": \"bob\", \"text\": \"hi\"}')", "platform_conflict"),
        ("('comment', 'linkedin', '{\"postUrl\": \"https://linkedin.com/posts/1\", \"text\": \"hi\"}')", "no_endpoint"),
        ("('market_research', 'twitter', '[1]')", "params_not_object"),
    ] {
        bench.execute("DELETE FROM safari_command_queue").await;
        bench.execute(&format!("{INSERT} {row}")).await;
        assert!(bench.claim(10).await.is_empty(), "{row}");
        let reason = format!("SELECT COUNT(*) FROM safari_command_queue WHERE status = 'failed' AND everreach_outcome = 'refused' \
            AND CAST(result AS TEXT) LIKE '%{code}%' AND error IS NOT NULL");
        assert_eq!(bench.number(&reason).await, 1, "{row}");
    }
    bench.clock.advance(DAY);
    assert!(bench.claim(10).await.is_empty());
}

async fn a_row_that_turns_bad_after_it_was_written_is_refused_too(bench: Bench) {
    let dm = bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    let score = bench.enqueue(bench.score()).await;
    bench.execute("UPDATE safari_command_queue SET params = '{\"limit\": 100000, \"username\": \"b ob\", \"text\": \"x\"}'").await;
    assert!(bench.claim(10).await.is_empty());
    for (id, code) in [(dm, "forbidden_character"), (score, "out_of_range")] {
        let entry = bench.get(id).await.entry;
        assert_eq!((entry.command.status, entry.command.result.expect("a result")["reason"].as_str()), (CommandStatus::Failed, Some(code)));
    }
}

async fn a_finish_never_overwrites_what_another_program_did_to_the_row(bench: Bench) {
    let id = bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    let claimed = bench.claim_one().await;
    bench.dispatch(&claimed).await;
    bench.execute("UPDATE safari_command_queue SET status = 'failed', error = 'Rejected: unknown command'").await;
    bench.queue.finish(bench.end(claimed, sent())).await.expect_err("it is not ours any more");
    assert_eq!(bench.get(id).await.entry.command.error.as_deref(), Some("Rejected: unknown command"));
    let numbers = bench.queue.statistics(&bench.conditions).await.expect("numbers");
    assert_eq!(numbers.rejected_elsewhere, 1, "another program fails what it does not know");
    bench.enqueue(bench.dm(Platform::Tiktok, "ann")).await;
    bench.claim_one().await;
}
}
