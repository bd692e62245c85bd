//! No password and no key is ever shown: every setting that holds one is given a recognisable value, and all output is searched.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use url::Url;

use super::program::Place;
use crate::support::redis::RedisServer;
use crate::support::store::postgres_url;

/// What no output may have.
const WORD: &str = "hunter2";
/// 32 bytes that begin with the word, and what they are in base64.
const SEALING_KEY: &str = "hunter2-seals-what-both-share-00";
const SEALING_KEY_BASE64: &str = "aHVudGVyMi1zZWFscy13aGF0LWJvdGgtc2hhcmUtMDA=";
/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:9";

/// A place with every secret set, on this database and with this Redis.
fn with_every_secret(database: &str, redis: &str) -> Place {
    let mut place = Place::new()
        .with("DATABASE_URL", database)
        .with("REDIS_URL", redis)
        .with("SYNC_ENCRYPTION_KEY", SEALING_KEY_BASE64)
        .with("EVERREACH_ENV", "hybrid")
        .with("CLOUD_ENDPOINT", NOBODY)
        .with("LOCAL_ENDPOINT", NOBODY)
        .with("TELEGRAM_BASE_URL", NOBODY)
        .with("TELEGRAM_CHAT_ID", "1")
        .with("FAILOVER_PROFILE", "drill")
        .with("SYNC_INTERVAL_SEC", "1")
        .with("RUST_LOG", "trace");
    for name in [
        "EVERREACH_CLOUD_KEY",
        "EVERREACH_ADMIN_KEY",
        "WORKER_SECRET",
        "LOCAL_KEY",
        "TELEGRAM_BOT_TOKEN",
        "VECTOR_DB_URL",
        "ANTHROPIC_API_KEY",
        "STRIPE_KEY",
        "SAFARI_TWITTER_DM_TOKEN",
    ] {
        place = place.with(name, &format!("hunter2-{}", name.to_ascii_lowercase().replace('_', "-")));
    }
    place
}

fn assert_clean(what: &str, text: &str) {
    for secret in [WORD, SEALING_KEY, SEALING_KEY_BASE64] {
        let Some(at) = text.find(secret) else { continue };
        let before = text[..at].char_indices().rev().nth(200).map_or(0, |(index, _)| index);
        panic!("{what} shows a secret: …{}", &text[before..at + secret.len()]);
    }
}

fn request(url: &str, method: &str, path: &str, key: &str, body: &str) -> String {
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("it listens");
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it answers");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Everything that the commands and a server print, log, answer and write down.
fn search(place: &Place) {
    let log = place.path().join("server.log");
    let mut server = place
        .command(&["--json", "serve", "--listen", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&log).expect("a file"))
        .spawn()
        .expect("it starts");
    let mut ready = String::new();
    let mut stdout = std::io::BufReader::new(server.stdout.take().expect("stdout"));
    std::io::BufRead::read_line(&mut stdout, &mut ready).expect("a ready line");
    assert_clean("the ready line", &ready);
    let url = serde_json::from_str::<Value>(&ready).expect("JSON")["url"].as_str().expect("a URL").to_owned();
    let admin = "hunter2-everreach-admin-key";
    for path in ["/health", "/status", "/livez?verbose", "/readyz?verbose", "/metrics", "/openapi.json", "/api/services"] {
        let answer = request(&url, "GET", path, admin, "");
        assert!(answer.starts_with("HTTP/1.1 200") || path.starts_with("/readyz"), "{path}: {answer}");
        assert_clean(path, &answer);
        assert_clean(path, &request(&url, "GET", path, "hunter2-is-no-key", ""));
    }
    for path in ["/api/cost", "/api/sync/status", "/api/failover", "/api/cron", "/api/safari/status", "/api/calls/hunter3"] {
        assert_clean(path, &request(&url, "GET", path, admin, ""));
    }
    for (path, body) in [
        ("/api/sync/push", "{}"),
        ("/api/sync/pull", "{}"),
        ("/dispatch", r#"{"action": "telegram.send", "params": {"message": "hello"}}"#),
        ("/dispatch", r#"{"action": "research.platform", "params": {"q": 1}, "timeout_ms": 2000}"#),
        ("/cron/sync_push", "{}"),
        ("/api/failover/take-over", "{}"),
    ] {
        assert_clean(path, &request(&url, "POST", path, admin, body));
    }
    let commands: [&[&str]; 14] = [
        &["config", "show"],
        &["config", "show", "--origin", "--json"],
        &["doctor"],
        &["doctor", "--json"],
        &["cost"],
        &["sync", "status", "--json"],
        &["sync", "push"],
        &["cron", "list"],
        &["cron", "run", "sync_pull", "--force", "--json"],
        &["failover", "status"],
        &["db", "status", "--json"],
        &["keys", "list"],
        &["route", "telegram.send", "--params", r#"{"message": "hello"}"#],
        &["-vv", "calls", "list"],
    ];
    for command in commands {
        let ended = place.run(command);
        assert_clean(&format!("{command:?} on stdout"), &ended.stdout);
        assert_clean(&format!("{command:?} on stderr"), &ended.stderr);
    }
    let asked = std::process::Command::new("kill").args(["-TERM", &server.id().to_string()]).status().expect("kill runs");
    assert!(asked.success() && server.wait().expect("it ends").success());
    let logged = std::fs::read_to_string(&log).expect("a log");
    assert!(logged.contains("TRACE") && logged.len() > 10_000, "the log was to be complete");
    files(place.path());
}

/// Whatever was written into the folder: the log and, with SQLite, every table.
fn files(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path);
        } else {
            let bytes = std::fs::read(&path).expect("a file");
            assert_clean(&path.display().to_string(), &String::from_utf8_lossy(&bytes));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_logged_answered_printed_or_written_down() {
    let redis = RedisServer::start();
    assert_eq!(redis.say("CONFIG SET requirepass hunter2-redis"), "+OK");
    let mut database: Url = postgres_url().await.parse().expect("a URL");
    database.set_password(Some("hunter2-database")).expect("it takes one");
    let right = format!("{}?pass=hunter2-redis", redis.url());
    let wrong = format!("{}?pass=hunter2-of-somebody-else", redis.url());
    tokio::task::spawn_blocking(move || {
        search(&with_every_secret(database.as_str(), &right));
        search(&with_every_secret("sqlite://data/everreach.db", &wrong));
    })
    .await
    .expect("the search ends");
    drop(redis);
}

#[test]
fn no_refusal_repeats_the_secret_in_what_is_wrong() {
    let wrong = [
        ("DATABASE_URL", "mysql://me:hunter2@db.example/app"),
        ("DATABASE_URL", "postgres://me:hunter2@db.example:notaport/app"),
        ("DATABASE_URL", "postgres://me:hunter2@127.0.0.1:9/app"),
        ("DATABASE_URL", "postgres://127.0.0.1:9/app?user=me&password=hunter2"),
        ("DATABASE_URL", "host=db.example user=me password=hunter2"),
        ("REDIS_URL", "rediss://me:hunter2@redis.example"),
        ("REDIS_URL", "redis://me:hunter2@redis.example:notaport"),
        ("REDIS_URL", "hunter2"),
        ("SYNC_ENCRYPTION_KEY", "hunter2"),
        ("SYNC_ENCRYPTION_KEY", "new:aHVudGVyMi1zZWFscy13aGF0LWJvdGgtc2hhcmUtMDA,hunter2"),
        ("CLOUD_ENDPOINT", "http://me:hunter2@cloud.example"),
        ("CLOUD_ENDPOINT", "https://me:hunter2@127.0.0.1:9"),
        ("LOCAL_ENDPOINT", "ftp://me:hunter2@127.0.0.1"),
        ("LOCAL_ENDPOINT", "http://me:hunter2@127.0.0.1"),
        ("EVERREACH_CLOUD_KEY", "hunter2 with a space"),
        ("TELEGRAM_BASE_URL", "ftp://me:hunter2@telegram.example"),
    ];
    for (name, value) in wrong {
        let mut place = Place::new().with(name, value).with("RUST_LOG", "trace");
        if name.starts_with("CLOUD_") || name.ends_with("CLOUD_KEY") {
            let other =
                if name == "CLOUD_ENDPOINT" { ("EVERREACH_CLOUD_KEY", "er_live_test") } else { ("CLOUD_ENDPOINT", NOBODY) };
            place = place.with("EVERREACH_ENV", "hybrid").with(other.0, other.1);
        }
        let refused = place.run(&["cost", "--json"]);
        assert_ne!(refused.code, Some(0), "{name}={value}: {}", refused.stderr);
        let mut said = vec![refused, place.run(&["config", "show", "--origin"])];
        // A server that does not answer is waited for each time.
        if !value.contains("127.0.0.1:9/app") {
            said.push(place.run(&["doctor"]));
        }
        for ended in said {
            assert_clean(&format!("{name}={value}"), &format!("{}{}", ended.stdout, ended.stderr));
        }
    }
    let flag = Place::new().run(&["--database-url", "postgres://me:hunter2@db.example:odd/app", "cost"]);
    assert_ne!(flag.code, Some(0));
    assert_clean("a flag", &format!("{}{}", flag.stdout, flag.stderr));
}
