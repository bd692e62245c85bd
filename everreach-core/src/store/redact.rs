//! Addresses as people may see them.

/// The words that the name of a parameter has when its value is nobody's business.
const SECRET: [&str; 5] = ["pass", "pwd", "secret", "token", "key"];
const HIDDEN: &str = "***";

/// An address without its password, also when it is none that can be read: whatever stands between the user and the last `@` is
/// hidden, and so is the value of each parameter that is called like a secret.
///
/// ```
/// use everreach_core::store::redact_url;
/// assert_eq!(redact_url("postgres://me:s3cret@db.example/app"), "postgres://me:***@db.example/app");
/// assert_eq!(redact_url("postgres://db.example:odd/app?user=me&password=s3cret"), "postgres://db.example:odd/app?user=me&password=***");
/// assert_eq!(redact_url("sqlite://data/everreach.db"), "sqlite://data/everreach.db");
/// ```
#[must_use]
pub fn redact_url(address: &str) -> String {
    without_parameters(&without_user_info(address))
}

fn without_user_info(address: &str) -> String {
    let begin = address.find("://").map_or(0, |scheme| scheme + "://".len());
    let Some(end) = address.rfind('@').filter(|at| *at >= begin) else { return address.to_owned() };
    match address[begin..end].find(':') {
        Some(colon) => format!("{}:{HIDDEN}{}", &address[..begin + colon], &address[end..]),
        None => address.to_owned(),
    }
}

/// Parameters stand behind `?` and `&`, or between spaces where somebody writes `host=… password=…`.
fn without_parameters(address: &str) -> String {
    let is_between = |c: char| c == '?' || c == '&' || c.is_whitespace();
    address.split_inclusive(is_between).map(without_value).collect()
}

fn without_value(piece: &str) -> String {
    let Some((name, value)) = piece.split_once('=') else { return piece.to_owned() };
    let lower = name.to_ascii_lowercase();
    if value.is_empty() || !SECRET.iter().any(|word| lower.contains(word)) {
        return piece.to_owned();
    }
    let follows = value.chars().next_back().filter(|c| *c == '&' || c.is_whitespace()).map_or_else(String::new, String::from);
    format!("{name}={HIDDEN}{follows}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_left_however_the_address_is_written() {
        for address in [
            "postgres://me:hunter2@db.example/app",
            "postgres://me:hunter2@db.example:notaport/app",
            "postgres://me:hun/ter2?hunter2#hunter2@db.example/app",
            "postgres://me:hunter2@hunter2@db.example/app",
            "postgres://:hunter2@db.example",
            "mysql://me:hunter2@db.example/app",
            "me:hunter2@db.example/app",
            "postgres://db.example/app?user=me&password=hunter2",
            "postgres://db.example/app?sslpassword=hunter2&sslmode=require",
            "redis+unix:///run/redis.sock?db=1&PASS=hunter2",
            "host=db.example user=me password=hunter2 dbname=app",
            "https://cloud.example/?access_token=hunter2",
        ] {
            let shown = redact_url(address);
            assert!(!shown.contains("hunter2") && shown.contains("***"), "{shown}");
        }
    }

    #[test]
    fn what_is_no_secret_is_shown_as_it_is() {
        for address in [
            "sqlite://data/everreach.db?mode=rwc",
            "sqlite::memory:",
            "postgres://me@db.example:5432/app?sslmode=require",
            "https://cloud.example:8090/base",
            "linkedin.search=linkedin,upwork.search=upwork",
            "me@example.org",
            "127.0.0.1:8080",
            "",
        ] {
            assert_eq!(redact_url(address), address);
        }
        assert_eq!(redact_url("postgres://h/d?password=x&user=me"), "postgres://h/d?password=***&user=me");
    }
}
