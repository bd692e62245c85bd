use super::*;
use crate::safari::gate::check;
use crate::safari::{Command, Verb};

fn now() -> crate::Timestamp {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

fn request_under(command: &Command, force: ForcePolicy) -> ServiceRequest {
    let config = DispatchConfig { force, ..DispatchConfig::default() };
    match means(&check(command).expect("it passes"), &config) {
        Means::Request(request) => request,
        Means::Program(program) => panic!("{program:?}"),
    }
}

fn request(command: &Command) -> ServiceRequest {
    request_under(command, ForcePolicy::Ignore)
}

#[test]
fn each_service_gets_its_messages_at_its_path_in_its_words() {
    for (platform, path, body, seconds) in [
        (Platform::Instagram, "/api/messages/send-to", json!({"username": "Bob", "text": "hi"}), 120),
        (Platform::Twitter, "/api/twitter/messages/send-to", json!({"username": "Bob", "text": "hi"}), 90),
        (Platform::Tiktok, "/api/tiktok/messages/send-to", json!({"username": "Bob", "text": "hi"}), 180),
        (
            Platform::Linkedin,
            "/api/linkedin/messages/send-to",
            json!({"profileUrl": "https://www.linkedin.com/in/Bob/", "text": "hi"}),
            90,
        ),
    ] {
        let request = request(&Command::dm(platform, "@Bob", "hi", now()));
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", path));
        assert_eq!(request.body, Some(body));
        assert_eq!(request.timeout, Duration::from_secs(seconds), "{platform}");
        assert_eq!(request.service.profile().platform, Some(platform));
    }
}

#[test]
fn each_service_gets_its_comments_at_its_path() {
    for (platform, url, path, seconds) in [
        (Platform::Threads, "https://www.threads.com/@a/post/1", "/api/threads/comments/post", 45),
        (Platform::Instagram, "https://www.instagram.com/p/1/", "/api/instagram/comments/post", 45),
        (Platform::Tiktok, "https://www.tiktok.com/@a/video/1", "/api/tiktok/comments/post", 120),
        (Platform::Twitter, "https://x.com/a/status/1", "/api/twitter/comments/post", 120),
    ] {
        let request = request(&Command::comment(platform, url, "nice", now()));
        assert_eq!(request.path, path);
        assert_eq!(request.body, Some(json!({"postUrl": url, "text": "nice"})));
        assert_eq!(request.timeout, Duration::from_secs(seconds), "{platform}");
    }
}

#[test]
fn words_of_the_service_are_asked_for_only_when_the_row_does_and_gives_none() {
    let url = "https://x.com/a/status/1";
    let bare = Command::new(Verb::Comment, now()).on(Platform::Twitter).with_param("postUrl", url).with_param("useAI", true);
    assert_eq!(request(&bare).body, Some(json!({"postUrl": url, "useAI": true})));
    let worded = bare.with_param("text", "nice");
    assert_eq!(request(&worded).body, Some(json!({"postUrl": url, "text": "nice"})));
}

#[test]
fn force_goes_along_only_when_row_and_configuration_say_so_and_the_service_knows_it() {
    for platform in [Platform::Instagram, Platform::Twitter, Platform::Tiktok, Platform::Linkedin] {
        let plain = Command::dm(platform, "bob", "hi", now());
        let forced = plain.clone().with_param("force", true);
        for (command, policy) in [(&plain, ForcePolicy::Ignore), (&plain, ForcePolicy::Honour), (&forced, ForcePolicy::Ignore)] {
            let body = request_under(command, policy).body.expect("a body");
            assert_eq!(body.get("force"), None, "{platform} {policy:?}");
        }
        let body = request_under(&forced, ForcePolicy::Honour).body.expect("a body");
        let expected = (platform != Platform::Instagram).then_some(Value::Bool(true));
        assert_eq!(body.get("force"), expected.as_ref(), "{platform}");
    }
}

#[test]
fn a_search_is_called_query_and_has_no_straight_apostrophe() {
    let request = request(&Command::research(Platform::Twitter, "founder's tips", 50, now()));
    assert_eq!(request.path, "/api/research/twitter/search");
    assert_eq!(request.body, Some(json!({"query": "founder\u{2019}s tips", "config": {"postsPerQuery": 50}})));
    assert_eq!(request.timeout, Duration::from_secs(60));
}

#[test]
fn a_search_on_tiktok_takes_longer_with_each_video() {
    let request = request(&Command::research(Platform::Tiktok, "ai", 10, now()));
    assert_eq!(request.timeout, Duration::from_secs(60 + 150));
}

#[test]
fn a_page_goes_to_the_comment_service_or_to_linkedin() {
    let open = |url: &str| request(&Command::new(Verb::Navigate, now()).with_param("url", url));
    let twitter = open("https://x.com/home");
    assert_eq!((twitter.service, twitter.path.as_str()), (Service::TwitterComments, "/api/twitter/navigate"));
    assert_eq!(twitter.body, Some(json!({"url": "https://x.com/home"})));
    let linkedin = open("https://www.linkedin.com/in/bob/");
    assert_eq!((linkedin.service, linkedin.path.as_str()), (Service::LinkedinAutomation, "/api/linkedin/navigate/profile"));
    assert_eq!(linkedin.body, Some(json!({"profileUrl": "https://www.linkedin.com/in/bob/"})));
}
