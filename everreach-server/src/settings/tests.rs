use std::path::Path;

use everreach_core::failover::Duty;
use everreach_core::{ErrorKind, MicroUsd, Mode};
use secrecy::ExposeSecret;

use super::*;

fn with(pairs: &[(&str, &str)]) -> Layers {
    let environment = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Layers { environment, ..Layers::default() }
}

fn resolved(pairs: &[(&str, &str)]) -> Resolved {
    with(pairs).load().expect("they load").resolve().expect("they hold together")
}

fn refusal(pairs: &[(&str, &str)]) -> String {
    let error = with(pairs).load().expect("they load").resolve().expect_err("they do not hold together");
    assert_eq!(error.kind(), ErrorKind::Config);
    error.to_string()
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

#[test]
fn flags_beat_the_environment_beats_dotenv_beats_the_file_beats_the_default() {
    let folder = folder(&[
        (".env", "EVERREACH_LISTEN=127.0.0.1:3\nMONTHLY_COST_CAP=30\nMONTHLY_COST_SOFT_CAP=3\n"),
        ("everreach.toml", "listen = \"127.0.0.1:4\"\ndata_dir = \"here\"\n[cost]\nmonthly_cap = 40\nmonthly_soft_cap = 4\n"),
    ]);
    let mut layers = with(&[("EVERREACH_LISTEN", "127.0.0.1:2"), ("MONTHLY_COST_CAP", "20")]);
    layers.folder = Some(folder.path().to_owned());
    let settings = layers.with_flag("--listen", &table::LISTEN, "127.0.0.1:1").load().expect("they load");
    let seen = |setting| (settings.text(setting).unwrap_or_default(), settings.origin(setting).to_string());
    assert_eq!(seen(&table::LISTEN), ("127.0.0.1:1", "flag --listen".to_owned()));
    assert_eq!(seen(&table::COST_CAP), ("20", "environment".to_owned()));
    assert_eq!(seen(&table::COST_SOFT_CAP), ("3", ".env".to_owned()));
    assert_eq!(seen(&table::DATA_DIR), ("here", "everreach.toml:2".to_owned()));
    assert_eq!(seen(&table::COST_TIMEZONE), ("UTC", "default".to_owned()));
}

#[test]
fn an_empty_value_counts_as_unset() {
    assert!(with(&[("CLOUD_ENDPOINT", " ")]).load().expect("they load").get(&table::CLOUD_ENDPOINT).is_none());
}

#[test]
fn hybrid_without_the_cloud_names_both_settings() {
    for pairs in
        [&[("EVERREACH_ENV", "hybrid")][..], &[("EVERREACH_ENV", "hybrid"), ("CLOUD_ENDPOINT", "https://cloud.example")][..]]
    {
        let text = refusal(pairs);
        assert!(text.contains("CLOUD_ENDPOINT") && text.contains("EVERREACH_CLOUD_KEY"), "{text}");
    }
}

#[test]
fn a_cloud_without_an_endpoint_is_the_cloud_terminal_on_its_own_port() {
    let cloud = resolved(&[("EVERREACH_ENV", "cloud"), ("EVERREACH_CLOUD_KEY", "k")]);
    assert_eq!((cloud.server.role, cloud.server.listen.to_string().as_str()), (Role::CloudTerminal, "127.0.0.1:8090"));
    assert!(cloud.runtime.routing.is_cloud_terminal && cloud.runtime.cloud.is_none());
    assert_eq!(cloud.server.cloud_key.expect("the terminal accepts it").expose_secret(), "k");
}

#[test]
fn beside_a_cloud_only_a_server_that_fires_jobs_takes_them_over() {
    let (key, cloud) = (("EVERREACH_CLOUD_KEY", "k"), ("CLOUD_ENDPOINT", "https://cloud.example"));
    let off = ("EVERREACH_SCHEDULE", "off");
    assert_eq!(resolved(&[("EVERREACH_ENV", "hybrid"), cloud, key]).duty(), Duty::TakePart);
    assert_eq!(resolved(&[("EVERREACH_ENV", "hybrid"), cloud, key, off]).duty(), Duty::Observe);
    assert_eq!(resolved(&[("EVERREACH_ENV", "cloud"), key, off]).duty(), Duty::TakePart, "it may be called for them");
}

#[test]
fn a_cloud_with_an_endpoint_is_a_client_of_it_and_does_not_accept_its_key() {
    let pairs = [("EVERREACH_ENV", "cloud"), ("CLOUD_ENDPOINT", "https://cloud.example"), ("EVERREACH_CLOUD_KEY", "k")];
    let client = resolved(&pairs);
    assert_eq!(client.server.role, Role::Terminal);
    assert!(client.runtime.cloud.is_some() && client.server.cloud_key.is_none());
}

#[test]
fn a_key_never_travels_in_clear_to_another_machine() {
    let pairs = [("EVERREACH_ENV", "hybrid"), ("CLOUD_ENDPOINT", "http://cloud.example:8090"), ("EVERREACH_CLOUD_KEY", "k")];
    assert!(refusal(&pairs).contains("https://"));
    let local = [("EVERREACH_ENV", "hybrid"), ("CLOUD_ENDPOINT", "http://127.0.0.1:8090"), ("EVERREACH_CLOUD_KEY", "k")];
    assert_eq!(resolved(&local).runtime.routing.mode, Mode::Hybrid);
}

#[test]
fn the_data_directory_moves_the_default_database_and_no_other() {
    let moved = resolved(&[("EVERREACH_DATA_DIR", "/var/lib/everreach")]);
    assert_eq!(moved.runtime.store.url, "sqlite:///var/lib/everreach/everreach.db");
    let kept = resolved(&[("EVERREACH_DATA_DIR", "/var/lib/everreach"), ("DATABASE_URL", "sqlite://x.db")]);
    assert_eq!(kept.runtime.store.url, "sqlite://x.db");
}

#[test]
fn bad_values_name_the_setting_its_origin_what_was_seen_and_what_is_wanted() {
    for (name, value, wanted) in [
        ("EVERREACH_ENV", "clod", "cloud, local or hybrid"),
        ("EVERREACH_LISTEN", "8080", "an address with a port"),
        ("EVERREACH_ROLE", "boss", "terminal or cloud-terminal"),
        ("DATABASE_URL", "mysql://x", "sqlite://"),
        ("DATABASE_CONNECTIONS", "0", "from 1 to 100"),
        ("MONTHLY_COST_CAP", "lots", "US dollars"),
        ("COST_TIMEZONE", "Mars", "time zone"),
        ("OFFLINE_MODE", "perhaps", "1 or 0"),
        ("LOCAL_ENDPOINT", "worker:1", "a URL"),
        ("EVERREACH_LOG_FORMAT", "xml", "text or json"),
    ] {
        let text = refusal(&[(name, value)]);
        for part in [name, value, wanted, "environment"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}

#[test]
fn a_cap_below_the_default_soft_cap_lowers_it_and_a_stated_one_is_refused() {
    assert_eq!(resolved(&[("MONTHLY_COST_CAP", "10")]).runtime.cost.soft_cap, MicroUsd::from_usd(10));
    assert!(refusal(&[("MONTHLY_COST_CAP", "10"), ("MONTHLY_COST_SOFT_CAP", "11")]).contains("MONTHLY_COST_SOFT_CAP"));
}

#[test]
fn secrets_are_never_shown() {
    let settings =
        with(&[("EVERREACH_ADMIN_KEY", "hunter2"), ("DATABASE_URL", "postgres://u:hunter2@h/d")]).load().expect("they load");
    assert_eq!(settings.shown(&table::ADMIN_KEY).as_deref(), Some("***"));
    assert_eq!(settings.shown(&table::DATABASE_URL).as_deref(), Some("postgres://u:***@h/d"));
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn no_debug_output_and_no_refusal_repeats_a_secret() {
    const KEY: &str = "aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMmh1bnQ=";
    let secrets = [
        ("DATABASE_URL", "postgres://u:hunter2@127.0.0.1/d"),
        ("REDIS_URL", "redis://u:hunter2@127.0.0.1"),
        ("SYNC_ENCRYPTION_KEY", KEY),
        ("CLOUD_ENDPOINT", "https://cloud.example"),
        ("EVERREACH_CLOUD_KEY", "hunter2"),
        ("EVERREACH_ADMIN_KEY", "hunter2"),
        ("WORKER_SECRET", "hunter2"),
        ("TELEGRAM_BOT_TOKEN", "hunter2"),
        ("TELEGRAM_CHAT_ID", "1"),
        ("SOMEBODY_ELSES_TOKEN", "hunter2"),
    ];
    let mut layers = with(&secrets);
    layers = layers.with_flag("--database-url", &table::DATABASE_URL, "postgres://u:hunter2@127.0.0.1/d");
    let mut seen = format!("{layers:?}");
    let settings = layers.load().expect("they load");
    seen += &format!("{settings:?} {:?}", settings.get(&table::REDIS_URL));
    let resolved = settings.resolve().expect("they hold together");
    seen += &format!("{resolved:?} {:?} {:?}", resolved.runtime, resolved.runtime.store);
    let wrong = [
        ("DATABASE_URL", "mysql://u:hunter2@db.example:odd/d"),
        ("DATABASE_URL", "host=db.example password=hunter2"),
        ("REDIS_URL", "rediss://u:hunter2@127.0.0.1"),
        ("REDIS_URL", "hunter2"),
        ("SYNC_ENCRYPTION_KEY", "hunter2"),
        ("CLOUD_ENDPOINT", "http://u:hunter2@cloud.example"),
        ("CLOUD_ENDPOINT", "u:hunter2@cloud.example"),
        ("LOCAL_ENDPOINT", "ftp://u:hunter2@cloud.example"),
    ];
    for (name, value) in wrong {
        let rest = secrets.iter().copied().filter(|(other, _)| *other != name);
        let layers = with(&rest.chain([(name, value)]).collect::<Vec<_>>());
        let refused = layers.load().and_then(|settings| settings.resolve()).expect_err(name);
        seen += &format!("{refused} {refused:?}");
    }
    assert!(!seen.contains("hunter2") && !seen.contains(KEY), "{seen}");
}

#[test]
fn a_mistyped_name_of_ours_is_pointed_out() {
    let settings = with(&[("EVERREACH_ADMINKEY", "k"), ("HOME", "/")]).load().expect("they load");
    assert_eq!(settings.warnings, ["EVERREACH_ADMINKEY (environment) is no setting; did you mean EVERREACH_ADMIN_KEY?"]);
}

#[test]
fn a_bad_line_in_dotenv_is_an_error_that_does_not_repeat_the_value() {
    let folder = folder(&[(".env", "EVERREACH_ADMIN_KEY=\"hunter2\n")]);
    let mut layers = with(&[]);
    layers.folder = Some(folder.path().to_owned());
    let text = layers.load().expect_err("an open quote").to_string();
    assert!(text.contains("EVERREACH_ADMIN_KEY") && !text.contains("hunter2"), "{text}");
}

#[test]
fn a_missing_file_given_by_hand_is_an_error() {
    let mut layers = with(&[]);
    layers.config = Some("/nowhere/everreach.toml".into());
    assert!(layers.load().expect_err("no such file").to_string().contains("/nowhere/everreach.toml"));
}

#[test]
fn the_example_of_everreach_toml_is_read_back_when_uncommented() {
    let uncommented: String = toml_example()
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = \"")).unwrap_or(line).to_owned() + "\n")
        .collect();
    let entries = super::file::read(Path::new("everreach.toml"), &uncommented).expect("every key is known");
    assert_eq!(entries.len(), table::all().filter(|setting| !setting.is_secret).count());
}

#[test]
fn dotenv_example_in_the_repository_is_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.env.example");
    let file = std::fs::read_to_string(path).expect(".env.example");
    assert_eq!(file, env_example(), "write it anew with `everreach config example > .env.example`");
}

#[test]
fn the_uncommented_dotenv_example_loads_without_complaint() {
    let is_setting = |line: &&str| line.split('=').next().is_some_and(|name| table::all().any(|setting| setting.env == name));
    let text: String = env_example()
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(is_setting)
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(text.lines().count(), table::all().count());
    let folder = folder(&[(".env", &text)]);
    let mut layers = with(&[]);
    layers.folder = Some(folder.path().to_owned());
    let settings = layers.load().expect("it loads");
    assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
    let _resolved = settings.resolve().expect("the defaults hold together");
}
