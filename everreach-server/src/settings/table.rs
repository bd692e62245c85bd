//! The table of every setting: its name in the environment, its key in `everreach.toml`, its default and its meaning.

use super::failover::FAILOVER;
use super::safari_table::SAFARI_SERVICES;
pub use super::safari_table::{
    CRM_COMMAND, CRM_FOLDER, SAFARI_ACTIVE_HOURS, SAFARI_ALLOW_FORCE, SAFARI_CAMPAIGN_APPROVAL, SAFARI_DENY_LIST, SAFARI_LEASE,
    SAFARI_LIMITS, SAFARI_MIN_DELAY, SAFARI_REST, SAFARI_TIMEZONE,
};

/// One setting.
///
/// ```
/// use everreach_server::settings::table;
/// assert_eq!(table::LISTEN.env, "EVERREACH_LISTEN");
/// assert!(table::all().all(|setting| !setting.meaning.is_empty()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// Its name in the environment and in `.env`.
    pub env: &'static str,
    /// Its dotted key in `everreach.toml`.
    pub key: &'static str,
    /// What holds when nobody sets it; `None` for nothing.
    pub default: Option<&'static str>,
    /// Whether its value is never shown.
    pub is_secret: bool,
    /// What it does, in one line.
    pub meaning: &'static str,
}

pub(super) const fn plain(env: &'static str, key: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { env, key, default: Some(default), is_secret: false, meaning }
}

pub(super) const fn unset(env: &'static str, key: &'static str, meaning: &'static str) -> Setting {
    Setting { env, key, default: None, is_secret: false, meaning }
}

pub(super) const fn secret(env: &'static str, key: &'static str, meaning: &'static str) -> Setting {
    Setting { env, key, default: None, is_secret: true, meaning }
}

/// Which sides are used.
pub const ENV: Setting = plain("EVERREACH_ENV", "env", "local", "where actions run: cloud, local or hybrid");
/// What this process is.
pub const ROLE: Setting =
    unset("EVERREACH_ROLE", "role", "terminal or cloud-terminal; cloud-terminal when env is cloud and CLOUD_ENDPOINT is unset");
/// Where the server listens.
pub const LISTEN: Setting = plain(
    "EVERREACH_LISTEN",
    "listen",
    "127.0.0.1:8080",
    "address of the server, port 8090 when env is cloud; beyond loopback it needs at least one key",
);
/// How many of these run.
pub const REPLICAS: Setting =
    plain("EVERREACH_REPLICAS", "replicas", "1", "how many of these run behind one address, for /health");
/// Further names to answer.
pub const ALLOWED_HOSTS: Setting =
    unset("EVERREACH_ALLOWED_HOSTS", "allowed_hosts", "comma-separated Host names to answer besides the loopback names");
/// A key with every scope.
pub const ADMIN_KEY: Setting = secret("EVERREACH_ADMIN_KEY", "admin_key", "a bearer key with all scopes, beside the stored keys");
/// The key that commands send.
pub const CLIENT_KEY: Setting = secret("EVERREACH_KEY", "key", "the bearer key that commands send to --server");
/// The workers' shared secret.
pub const WORKER_SECRET: Setting =
    secret("WORKER_SECRET", "worker.secret", "accepted as X-Worker-Secret or bearer on /api/services");
/// The data directory.
pub const DATA_DIR: Setting = plain("EVERREACH_DATA_DIR", "data_dir", "data", "database, logs, run records and the STOP file");
/// The database.
pub const DATABASE_URL: Setting = plain(
    "DATABASE_URL",
    "database.url",
    "sqlite://data/everreach.db",
    "sqlite://path (relative to the working directory) or postgres://user@host/name; the default follows the data directory",
);
/// Connections of the pool.
pub const DATABASE_CONNECTIONS: Setting =
    plain("DATABASE_CONNECTIONS", "database.connections", "4", "connections for reading (SQLite) or for everything (PostgreSQL)");
/// Whether statements must not be prepared.
pub const DATABASE_POOLER: Setting =
    plain("DATABASE_TRANSACTION_POOLER", "database.transaction_pooler", "0", "1 behind a PostgreSQL pooler in transaction mode");
/// The route table.
pub const ROUTE_TABLE: Setting = unset(
    "EVERREACH_ROUTE_TABLE",
    "route_table",
    "path of a route_table.json laid over the built-in one, reloaded when it changes",
);
/// The schedule.
pub const SCHEDULE: Setting = unset(
    "EVERREACH_SCHEDULE",
    "schedule",
    "path of a schedule.json laid over the built-in jobs; off: the server fires none by itself",
);
/// Where the cloud terminal is.
pub const CLOUD_ENDPOINT: Setting =
    unset("CLOUD_ENDPOINT", "cloud.endpoint", "URL of the cloud terminal; needed when env is cloud or hybrid");
/// The cloud terminal's key.
pub const CLOUD_KEY: Setting = secret(
    "EVERREACH_CLOUD_KEY",
    "cloud.key",
    "bearer key of the cloud terminal; the terminal itself accepts it with all scopes",
);
/// Where the local worker is.
pub const LOCAL_ENDPOINT: Setting =
    unset("LOCAL_ENDPOINT", "worker.endpoint", "URL of a worker that speaks POST /api/services/{service}/{topic}");
/// The local worker's key.
pub const LOCAL_KEY: Setting = secret("LOCAL_KEY", "worker.key", "bearer key of that worker");
/// Forced offline mode.
pub const OFFLINE_MODE: Setting =
    unset("OFFLINE_MODE", "offline_mode", "1 treats the cloud as unreachable whatever the probes say");
/// The hard cap.
pub const COST_CAP: Setting =
    plain("MONTHLY_COST_CAP", "cost.monthly_cap", "400", "US dollars a month that capped calls never pass");
/// The soft cap.
pub const COST_SOFT_CAP: Setting =
    plain("MONTHLY_COST_SOFT_CAP", "cost.monthly_soft_cap", "380", "from here on hybrid sends everything local");
/// The zone of months.
pub const COST_TIMEZONE: Setting =
    plain("COST_TIMEZONE", "cost.timezone", "UTC", "time zone in which months begin, such as Europe/Berlin");
/// The price of what has none.
pub const COST_DEFAULT_RATE: Setting =
    unset("COST_DEFAULT_RATE", "cost.default_rate", "US dollars a cloud call without a price counts; refused when unset");
/// The notice bot's token.
pub const TELEGRAM_TOKEN: Setting =
    secret("TELEGRAM_BOT_TOKEN", "telegram.bot_token", "bot that sends notices; they are logged when unset");
/// The notice chat.
pub const TELEGRAM_CHAT: Setting = unset("TELEGRAM_CHAT_ID", "telegram.chat_id", "chat that receives notices");
/// The notice API.
pub const TELEGRAM_URL: Setting =
    plain("TELEGRAM_BASE_URL", "telegram.base_url", "https://api.telegram.org", "base URL of the Telegram Bot API");
/// How logs look.
pub const LOG_FORMAT: Setting = plain("EVERREACH_LOG_FORMAT", "log.format", "text", "text or json, on stderr");
/// Which log lines appear.
pub const LOG_FILTER: Setting = unset("RUST_LOG", "log.filter", "log filter such as info or everreach_core=debug");
/// Whether both machines use one database.
pub const SHARED_DATABASE: Setting = unset(
    "EVERREACH_SHARED_DATABASE",
    "relay.shared_database",
    "1 where both sides use this database: calls for the local one are queued in it, and FAILOVER_MODE is shared; 0 where they do not",
);
/// Whose task types carry actions out.
pub const TASK_TYPES: Setting = unset(
    "EVERREACH_TASK_TYPES",
    "relay.task_types",
    "comma-separated action=type for actions queued as tasks of another program's worker; everreach_call for the rest",
);
/// Further task types to pull.
pub const PULL_TASK_TYPES: Setting = unset(
    "EVERREACH_PULL_TASK_TYPES",
    "relay.pull_task_types",
    "comma-separated types of other programs' tasks that are run here too, where their input is {action, params}",
);
/// How often rows are looked for.
pub const PULL_INTERVAL: Setting =
    plain("EVERREACH_PULL_INTERVAL_SEC", "relay.pull_interval_sec", "2", "seconds between looks for calls that the cloud queued");
/// No colors.
pub const NO_COLOR: Setting = unset("NO_COLOR", "no_color", "any value: no colors in the output");

/// What routing, the server and the command line read.
const CORE: [Setting; 29] = [
    ENV,
    ROLE,
    LISTEN,
    REPLICAS,
    ALLOWED_HOSTS,
    ADMIN_KEY,
    CLIENT_KEY,
    WORKER_SECRET,
    DATA_DIR,
    DATABASE_URL,
    DATABASE_CONNECTIONS,
    DATABASE_POOLER,
    ROUTE_TABLE,
    SCHEDULE,
    CLOUD_ENDPOINT,
    CLOUD_KEY,
    LOCAL_ENDPOINT,
    LOCAL_KEY,
    OFFLINE_MODE,
    COST_CAP,
    COST_SOFT_CAP,
    COST_TIMEZONE,
    COST_DEFAULT_RATE,
    TELEGRAM_TOKEN,
    TELEGRAM_CHAT,
    TELEGRAM_URL,
    LOG_FORMAT,
    LOG_FILTER,
    NO_COLOR,
];

/// Redis.
pub const REDIS_URL: Setting = secret("REDIS_URL", "sync.redis_url", "Redis that carries sync messages; polling when unset");
/// How often the bus looks by itself.
pub const SYNC_INTERVAL: Setting =
    plain("SYNC_INTERVAL_SEC", "sync.interval_sec", "5", "seconds between polls when there is no Redis");

/// The key of shared state.
pub const SYNC_ENCRYPTION_KEY: Setting = secret(
    "SYNC_ENCRYPTION_KEY",
    "sync.encryption_key",
    "32 bytes in base64 that seal shared state, or several as name:key to replace one; nothing is shared when unset",
);

/// What the other capabilities read: one file of settings serves them all, and a process that runs without them accepts it.
const CAPABILITIES: [Setting; 21] = [
    SHARED_DATABASE,
    TASK_TYPES,
    PULL_TASK_TYPES,
    PULL_INTERVAL,
    REDIS_URL,
    SYNC_INTERVAL,
    SYNC_ENCRYPTION_KEY,
    secret("VECTOR_DB_URL", "knowledge.vector_db_url", "vector database of the knowledge base"),
    CRM_COMMAND,
    CRM_FOLDER,
    SAFARI_ACTIVE_HOURS,
    SAFARI_TIMEZONE,
    SAFARI_MIN_DELAY,
    SAFARI_LIMITS,
    SAFARI_LEASE,
    SAFARI_REST,
    SAFARI_CAMPAIGN_APPROVAL,
    SAFARI_DENY_LIST,
    SAFARI_ALLOW_FORCE,
    plain("EVERREACH_AGENT_INTERPRETERS", "agents.interpreters", "python3, node", "programs allowed outside the agent roots"),
    unset("EVERREACH_AGENT_ROOTS", "agents.roots", "colon-separated roots of agent programs; the data directory when unset"),
];

const VENDOR_KEY: &str = "key of this vendor";
const VENDOR_URL: &str = "base URL of this vendor's API";

/// The vendors.
const VENDORS: [Setting; 17] = [
    secret("ANTHROPIC_API_KEY", "anthropic.api_key", VENDOR_KEY),
    plain("ANTHROPIC_BASE_URL", "anthropic.base_url", "https://api.anthropic.com", VENDOR_URL),
    secret("OPENAI_API_KEY", "openai.api_key", VENDOR_KEY),
    plain("OPENAI_BASE_URL", "openai.base_url", "https://api.openai.com", VENDOR_URL),
    secret("STRIPE_KEY", "stripe.key", VENDOR_KEY),
    plain("STRIPE_BASE_URL", "stripe.base_url", "https://api.stripe.com", VENDOR_URL),
    secret("REVENUECAT_API_KEY", "revenuecat.api_key", VENDOR_KEY),
    plain("REVENUECAT_BASE_URL", "revenuecat.base_url", "https://api.revenuecat.com", VENDOR_URL),
    secret("BLOTATO_KEY", "blotato.key", VENDOR_KEY),
    plain("BLOTATO_BASE_URL", "blotato.base_url", "https://backend.blotato.com", VENDOR_URL),
    unset("UPWORK_CLIENT_ID", "upwork.client_id", "client id of this vendor"),
    secret("UPWORK_CLIENT_SECRET", "upwork.client_secret", "client secret of this vendor"),
    plain("UPWORK_BASE_URL", "upwork.base_url", "https://api.upwork.com", VENDOR_URL),
    secret("HUNTER_API_KEY", "hunter.api_key", VENDOR_KEY),
    plain("HUNTER_BASE_URL", "hunter.base_url", "https://api.hunter.io", VENDOR_URL),
    secret("GITHUB_TOKEN", "github.token", VENDOR_KEY),
    plain("GITHUB_BASE_URL", "github.base_url", "https://api.github.com", VENDOR_URL),
];

/// Every setting under its heading, in the order in which people read them.
pub const SECTIONS: [(&str, &[Setting]); 5] = [
    ("Routing, server, command line", &CORE),
    ("Failover", &FAILOVER),
    ("Sync, queue, agents", &CAPABILITIES),
    ("Safari services", &SAFARI_SERVICES),
    ("Vendors", &VENDORS),
];

/// Every setting.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    SECTIONS.iter().flat_map(|(_, settings)| settings.iter())
}

/// The setting with this key in `everreach.toml`.
///
/// ```
/// use everreach_server::settings::table;
/// assert_eq!(table::by_key("cloud.endpoint").expect("a setting").env, "CLOUD_ENDPOINT");
/// ```
#[must_use]
pub fn by_key(key: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.key == key)
}

/// The setting with this name in the environment.
///
/// ```
/// use everreach_server::settings::table;
/// assert_eq!(table::by_env("SAFARI_TWITTER_DM_URL").expect("a setting").default, Some("http://127.0.0.1:3003"));
/// ```
#[must_use]
pub fn by_env(name: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.env == name)
}

/// The known word nearest to a mistyped one, when one is near enough to be meant.
///
/// ```
/// use everreach_server::settings::table;
/// assert_eq!(table::nearest("cloud.endpiont", table::all().map(|setting| setting.key)), Some("cloud.endpoint"));
/// assert_eq!(table::nearest("zzz", table::all().map(|setting| setting.key)), None);
/// ```
pub fn nearest<'w>(seen: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    const NEAR_ENOUGH: f64 = 0.82;
    words
        .map(|word| (strsim::jaro_winkler(seen, word), word))
        .filter(|(likeness, _)| *likeness >= NEAR_ENOUGH)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_name_and_no_key_stands_twice() {
        let (mut names, mut keys) = (HashSet::new(), HashSet::new());
        for setting in all() {
            assert!(names.insert(setting.env), "{} twice", setting.env);
            assert!(keys.insert(setting.key), "{} twice", setting.key);
        }
    }

    #[test]
    fn no_key_is_both_a_value_and_a_section() {
        for outer in all() {
            let section = format!("{}.", outer.key);
            assert!(all().all(|inner| !inner.key.starts_with(&section)), "{} is a section too", outer.key);
        }
    }

    #[test]
    fn whatever_is_called_key_secret_or_token_is_secret() {
        for setting in all().filter(|setting| ["_KEY", "_SECRET", "_TOKEN"].iter().any(|end| setting.env.ends_with(end))) {
            assert!(setting.is_secret, "{} would be shown", setting.env);
        }
    }
}
