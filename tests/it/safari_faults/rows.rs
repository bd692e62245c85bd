//! Rows as the cloud writes them: parameters as text, platforms that contradict, and commands hidden in names, addresses and texts.

use everreach_core::safari::CommandStatus;
use everreach_core::store::Dialect;
use serde_json::{Value, json};

use super::scene::{Scene, file};
use crate::support::store::{execute, postgres_url};

const NAME: &str = "b'; open -a Calculator; '";
const URL: &str = "https://x.com/ann/status/1'$(open -a Calculator)'";

/// Each row that must never be sent, and the code that says why.
fn refused() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    vec![
        ("send_dm", "twitter", json!({"username": NAME, "text": "hello"}), "forbidden_character"),
        ("send_dm", "twitter", json!({"username": "bob\nopen", "text": "hello"}), "forbidden_character"),
        (
            "send_dm",
            "linkedin",
            json!({"profileUrl": "https://www.linkedin.com/in/bob'`open`", "text": "hello"}),
            "forbidden_character",
        ),
        (
            "send_dm",
            "linkedin",
            json!({"profileUrl": "https://linkedin.com.evil.example/in/bob", "text": "hello"}),
            "unexpected_host",
        ),
        ("comment", "twitter", json!({"postUrl": URL, "text": "hello"}), "forbidden_character"),
        (
            "comment",
            "threads",
            json!({"postUrl": "https://user:word@www.threads.net/@a/post/1", "text": "hello"}),
            "url_credentials",
        ),
        ("comment", "tiktok", json!({"postUrl": "https://www.tiktok.com:8080/@a/video/1", "text": "hello"}), "url_port"),
        ("send_dm", "twitter", json!({"username": "bob", "text": "hello $(open -a Calculator)"}), "shell_syntax"),
        ("comment", "instagram", json!({"postUrl": "https://www.instagram.com/p/1/", "text": "hello `open`"}), "shell_syntax"),
        ("navigate", "twitter", json!({"url": "javascript:alert(1)"}), "invalid_url"),
        ("send_dm", "twitter", json!({"platform": "instagram", "username": "bob", "text": "hello"}), "platform_conflict"),
        (
            "comment",
            "tiktok",
            json!({"platform": "twitter", "postUrl": "https://x.com/a/status/1", "text": "hello"}),
            "platform_conflict",
        ),
    ]
}

async fn insert(scene: &Scene, action: &str, platform: &str, params: &Value) {
    let literal = params.to_string().replace('\'', "''");
    let cast = if scene.store.dialect() == Dialect::Postgres { "::jsonb" } else { "" };
    let row = format!(
        "INSERT INTO safari_command_queue (action, platform, params) VALUES ('{action}', '{platform}', '{literal}'{cast})"
    );
    execute(&scene.store, row).await;
}

async fn only_what_is_harmless_goes(url: &str) {
    let scene = Scene::at(url).await;
    let rows = refused();
    for (action, platform, params, _) in &rows {
        insert(&scene, action, platform, params).await;
    }
    let as_text = json!({"username": "@ann", "text": "it's \"fine\""}).to_string();
    insert(&scene, "send_dm", "twitter", &json!(as_text)).await;
    insert(
        &scene,
        "comment",
        "twitter",
        &json!({"platform": "Twitter", "url": "https://x.com/ann/status/1", "text": "$5, really?"}),
    )
    .await;
    let daemon = scene.daemon().await;
    scene.rows(2, "status = 'completed'").await;
    scene.rows(i64::try_from(rows.len()).expect("small"), "status = 'failed'").await;
    daemon.finish().await;
    let targets: Vec<_> = scene.presses().into_iter().map(|press| press.target).collect();
    assert_eq!(targets.len(), 2, "{targets:?}");
    let page = scene.run(&["--json", "safari", "history", "--status", "failed", "--limit", "100"]).await.json(0);
    let failed = page["commands"].as_array().expect("commands");
    for (action, platform, params, code) in rows {
        let is_it = |row: &&Value| row["action"] == action && row["platform"] == platform && row["params"] == params;
        let row = failed.iter().find(is_it).unwrap_or_else(|| panic!("{params} is among {page}"));
        assert_eq!(row["result"]["reason"], code, "{params}: {row}");
        assert!(row["error"].as_str().is_some_and(|error| !error.is_empty()), "{row}");
        assert_eq!(row["status"], CommandStatus::Failed.as_str());
        assert_eq!(row["attempts"], 0, "{params} was never claimed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_hide_a_command_or_contradict_themselves_are_refused_with_their_reason_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    only_what_is_harmless_goes(&file(&folder)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_hide_a_command_or_contradict_themselves_are_refused_with_their_reason_on_postgres() {
    only_what_is_harmless_goes(&postgres_url().await).await;
}
