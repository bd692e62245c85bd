//! What programs write when they fail.

/// Smaller numbers after a colon are minutes and seconds.
const LEAST_PORT: u16 = 60;
/// How many of the last lines are read.
const LINES: usize = 50;

const PORT: [&str; 3] = ["address already in use", "eaddrinuse", "port is already allocated"];
const CONFIG: [&str; 8] = [
    "modulenotfounderror",
    "importerror",
    "syntaxerror",
    "cannot find module",
    "unrecognized arguments",
    "missing required",
    "invalid configuration",
    "can't open file",
];
const HOST: [&str; 6] = [
    "no space left on device",
    "disk quota exceeded",
    "too many open files",
    "cannot allocate memory",
    "can't start new thread",
    "resource temporarily unavailable",
];
const MEMORY: [&str; 4] = ["memoryerror", "heap out of memory", "out of memory", "memory allocation of"];
const DEPENDENCY: [&str; 8] = [
    "connection refused",
    "econnrefused",
    "could not connect to server",
    "connection timed out",
    "network is unreachable",
    "name or service not known",
    "temporary failure in name resolution",
    "getaddrinfo enotfound",
];

/// What the end of a log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    PortInUse(String),
    Config(String),
    Host(String),
    Memory(String),
    /// Something that it needs is away, with its name where the line has one.
    Dependency {
        line: String,
        peer: String,
    },
}

/// The last thing of meaning that was written, if any: the last words tell best.
pub(super) fn read(tail: &str) -> Option<Said> {
    tail.lines().rev().take(LINES).find_map(said)
}

fn said(line: &str) -> Option<Said> {
    let low = line.to_lowercase();
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| low.contains(phrase));
    let shown = || masked(line).chars().take(200).collect::<String>();
    if has(&PORT) {
        Some(Said::PortInUse(shown()))
    } else if has(&HOST) {
        Some(Said::Host(shown()))
    } else if has(&MEMORY) {
        Some(Said::Memory(shown()))
    } else if has(&DEPENDENCY) {
        Some(Said::Dependency { peer: peer(&masked(&low)), line: shown() })
    } else if has(&CONFIG) {
        Some(Said::Config(shown()))
    } else {
        None
    }
}

/// Words whose value is nobody's business.
const SECRETS: [&str; 6] = ["password", "passwd", "secret", "token", "key", "authorization"];

/// The line without what looks like a secret: it is told and written down.
fn masked(line: &str) -> String {
    let mut is_value = false;
    let mask = |word: &str| {
        let was_value = std::mem::take(&mut is_value);
        let low = word.to_lowercase();
        let is_named = SECRETS.iter().any(|name| low.contains(name)) || low.trim_end_matches(':') == "bearer";
        if let Some((scheme, rest)) = word.split_once("://")
            && let Some((_, host)) = rest.rsplit_once('@')
        {
            format!("{scheme}://***@{host}")
        } else if let Some((name, value)) = word.split_once(['=', ':']).filter(|_| is_named) {
            is_value = value.is_empty();
            format!("{name}=***")
        } else if was_value {
            // `Authorization: Bearer abc` has its value a word later still.
            is_value = is_named;
            "***".to_owned()
        } else {
            is_value = low == "bearer";
            word.to_owned()
        }
    };
    line.split_whitespace().map(mask).collect::<Vec<_>>().join(" ")
}

/// Host and port as they stand in a line, else the port alone, else a word for the network as such.
fn peer(line: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    let words = line.split(|c| !is_part(c)).map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()));
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port >= LEAST_PORT);
    let with_port = words.iter().find(|word| {
        let parts = word.rsplit_once(':');
        parts.is_some_and(|(host, port)| host.contains(|c: char| c.is_ascii_alphabetic() || c == '.') && is_port(port))
    });
    let after_port =
        || words.windows(2).find(|pair| pair[0] == "port" && is_port(pair[1])).map(|pair| format!("port {}", pair[1]));
    with_port.map(|word| (*word).to_owned()).or_else(after_port).unwrap_or_else(|| "the network".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peer_is_read_from_the_line() {
        for (line, wanted) in [
            (
                "psycopg.OperationalError: connection to server at \"db.example.com\", port 5432 failed: Connection refused",
                "port 5432",
            ),
            ("Error: connect ECONNREFUSED 127.0.0.1:6379", "127.0.0.1:6379"),
            ("requests: HTTPConnection('http://crm.local:3000/x'): Connection refused", "crm.local:3000"),
            ("ConnectionRefusedError: [Errno 111] Connection refused", "the network"),
        ] {
            let Some(Said::Dependency { peer, .. }) = read(line) else { panic!("{line}") };
            assert_eq!(peer, wanted, "{line}");
        }
    }

    #[test]
    fn what_looks_like_a_secret_is_not_told() {
        for line in [
            "Connection refused: postgres://me:hunter2@db.example.com:5432/x",
            "connection refused, password=hunter2",
            "connection refused: postgres://me:54321@db.example.com:5432/x",
            "ECONNREFUSED api_key: hunter2 at 127.0.0.1:6379",
            "connection refused Authorization: Bearer hunter2",
        ] {
            let Some(Said::Dependency { line: told, peer }) = read(line) else { panic!("{line}") };
            assert!(!told.contains("hunter2") && !peer.contains("hunter2"), "{told} {peer}");
        }
    }

    #[test]
    fn the_last_words_count_and_old_ones_do_not() {
        let tail = "ECONNREFUSED 127.0.0.1:6379\nrecovered\nOSError: [Errno 98] Address already in use\n";
        assert!(matches!(read(tail), Some(Said::PortInUse(_))));
        let old = format!("MemoryError\n{}", "fine\n".repeat(60));
        assert_eq!(read(&old), None);
        assert_eq!(read(""), None);
    }
}
