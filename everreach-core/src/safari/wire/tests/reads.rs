//! The contract's lines on searches and pages, which do no harm twice.

use super::*;

fn search() -> Dispatchable {
    check(&Command::research(Platform::Twitter, "ai", 10, now())).expect("it passes")
}

fn page() -> Dispatchable {
    check(&Command::new(Verb::Navigate, now()).with_param("url", "https://x.com/home")).expect("it passes")
}

#[test]
fn a_search_with_posts_is_done_even_when_there_are_none() {
    for posts in [json!([]), json!([{"url": "a"}])] {
        let body = json!({"success": true, "platform": "twitter", "query": "ai", "posts": posts, "count": 1});
        assert_judged(&search(), 200, &body, Sent, Reason::Done);
    }
}

#[test]
fn a_search_that_says_success_false_is_no_success() {
    let body =
        json!({"success": false, "error": "Search returned no results or failed to load", "platform": "twitter", "query": "ai"});
    assert_judged(&search(), 200, &body, COUNTED, Reason::NoResults);
}

#[test]
fn other_answers_to_a_search() {
    for (status, body, verdict, reason) in [
        (200, json!({"success": true}), COUNTED, Reason::BadAnswer),
        (200, json!({"posts": []}), COUNTED, Reason::BadAnswer),
        (400, json!({"error": "query is required"}), NEVER, Reason::InvalidRequest),
        (401, json!({"error": "Unauthorized"}), COUNTED, Reason::TokenRefused),
        (429, json!({"error": "Too many requests"}), FREE, Reason::RateLimited),
        (500, json!({"error": "x", "platform": "twitter", "query": "ai"}), COUNTED, Reason::ServiceFailed),
        (503, json!({"error": "No Safari tab available for market-research"}), FREE, Reason::NoTab),
    ] {
        assert_judged(&search(), status, &body, verdict, reason);
    }
}

#[test]
fn answers_to_a_page() {
    for (status, body, verdict, reason) in [
        (200, json!({"success": true, "url": "https://x.com/home"}), Sent, Reason::Done),
        (200, json!({"success": false, "url": "https://x.com/home"}), COUNTED, Reason::PageFailed),
        (200, json!({}), COUNTED, Reason::BadAnswer),
        (400, json!({"error": "url is required"}), NEVER, Reason::InvalidRequest),
        (500, json!({"error": "x"}), COUNTED, Reason::ServiceFailed),
    ] {
        assert_judged(&page(), status, &body, verdict, reason);
    }
}

#[test]
fn silence_is_a_refusal_for_what_does_no_harm_twice() {
    for command in [search(), page()] {
        for exchange in [Exchange::TimedOut, Exchange::Broken("reset"), Exchange::NotSent("refused")] {
            assert_eq!(judge(&command, &exchange, now()).verdict, COUNTED, "{exchange:?}");
        }
    }
}

#[test]
fn what_does_no_harm_twice_is_never_held() {
    for command in [search(), page()] {
        for status in 100..600 {
            for body in [json!({"error": "in_flight: x"}), json!({"success": false, "captcha": true}), json!(null)] {
                assert_ne!(answered(&command, status, &body).verdict, Unknown, "{status} {body}");
            }
        }
    }
}
