//! Lanes: rows that the same rules hold back together.

use crate::safari::gate::Dispatchable;

/// The lane of what needs neither Safari nor a limit: taken many at a time.
pub(super) const FREE: &str = "free";

/// The lane of a command: health, limits, hours, spacing and stops say the same about all rows of one lane, so that a lane that
/// has to wait is passed over as a whole.
pub(super) fn lane_of(dispatchable: &Dispatchable) -> String {
    let verb = dispatchable.verb();
    if !verb.needs_browser() && !verb.is_outward() {
        return FREE.to_owned();
    }
    let platform = dispatchable.platform().map_or("-", |platform| platform.as_str());
    let service = dispatchable.service().map_or("-", |service| service.as_str());
    format!("{verb}.{platform}.{service}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::safari::gate::check;
    use crate::safari::{Command, Platform, Verb};

    #[test]
    fn what_different_rules_hold_back_is_in_different_lanes() {
        let now = "2026-11-20T12:00:00Z".parse().expect("a time");
        let lane = |command: Command| lane_of(&check(&command).expect("it may be sent"));
        assert_eq!(lane(Command::dm(Platform::Twitter, "bob", "hi", now)), "send_dm.twitter.twitter-dm");
        assert_eq!(lane(Command::research(Platform::Threads, "ai", 5, now)), "market_research.threads.market-research");
        assert_eq!(lane(Command::new(Verb::Sync, now)), "sync.-.-");
        assert_eq!(lane(Command::new(Verb::Score, now)), FREE);
        let open = |url| Command::new(Verb::Navigate, now).with_param("url", url);
        assert_ne!(lane(open("https://www.linkedin.com/in/bob/")), lane(open("https://www.linkedin.com/feed/")));
    }
}
