//! What a person is told.

use crate::Timestamp;
use crate::supervisor::agent::AgentId;
use crate::supervisor::diagnosis::Diagnosis;

/// The occasion, once in an hour.
pub(super) fn edge(occasion: &str, at: Timestamp) -> String {
    format!("{occasion} {}", at.format("%Y-%m-%dT%H"))
}

/// An agent failed in a way that no repeat mends.
pub(super) fn failed(id: &AgentId, diagnosis: &Diagnosis) -> String {
    let hint = diagnosis.reason.hint().map(|hint| format!(" What to do: {hint}.")).unwrap_or_default();
    format!("The agent {id} failed ({}): {}.{hint}", diagnosis.reason, diagnosis.detail)
}

/// An agent failed so often that it rests.
pub(super) fn circuit_opened(id: &AgentId, diagnosis: &Diagnosis, failures: u32, next_s: Option<u64>) -> String {
    let then = match next_s {
        Some(seconds) => format!("It is tried again in {seconds} s; at once with: everreach agents circuit-reset {id}"),
        None => format!("It is not tried again by itself; with: everreach agents circuit-reset {id}"),
    };
    format!("{} It failed {failures} times. {then}", failed(id, diagnosis))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::diagnosis::Reason;

    #[test]
    fn an_alert_says_what_happened_what_to_do_and_what_comes_next() {
        let id = "content-agent".parse().expect("an id");
        let diagnosis = Diagnosis::new(Reason::PortInUse, "Address already in use");
        let text = circuit_opened(&id, &diagnosis, 5, Some(300));
        for part in
            ["content-agent", "port_in_use", "Address already in use", "another port", "5 times", "300 s", "circuit-reset"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn one_occasion_is_told_once_an_hour() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        assert_eq!(edge("agent a hung", at("2026-11-20T12:00:00Z")), edge("agent a hung", at("2026-11-20T12:59:59Z")));
        assert_ne!(edge("agent a hung", at("2026-11-20T12:00:00Z")), edge("agent a hung", at("2026-11-20T13:00:00Z")));
    }
}
