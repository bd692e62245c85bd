use everreach_core::SystemClock;
use everreach_core::access::AccessKeys;
use everreach_core::events::EventLog;
use everreach_core::store::{Store, StoreConfig};
use http::HeaderValue;

use super::*;

async fn keys() -> AccessKeys {
    let store = Store::open(&StoreConfig::new("sqlite::memory:")).await.expect("a store");
    AccessKeys::new(store.clone(), SystemClock::shared(), EventLog::start(store))
}

pub(crate) async fn no_keys() -> KeyRing {
    keys().await.ring().await.expect("a ring")
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

async fn closed() -> Access {
    Access::loopback(no_keys().await).with_key(&"the-admin-key".into()).with_worker_secret(&"the-worker-secret".into())
}

fn status(access: &Access, method: &Method, path: &str, headers: &HeaderMap) -> Option<u16> {
    access.admit(method, path, None, headers).err().map(|problem| problem.status().as_u16())
}

#[tokio::test]
async fn loopback_without_any_key_lets_anybody_do_everything() {
    let access = Access::loopback(no_keys().await).with_one_run_key(&"once".into()).with_worker_secret(&"w".into());
    for (method, path) in
        [(Method::GET, "/status"), (Method::POST, "/dispatch"), (Method::POST, "/api/keys"), (Method::GET, "/nowhere")]
    {
        assert_eq!(access.admit(&method, path, None, &HeaderMap::new()).expect("open"), Caller::Anonymous);
    }
}

#[tokio::test]
async fn beyond_loopback_nothing_but_the_probes_answers_without_a_key() {
    let access = Access::network(no_keys().await);
    assert_eq!(status(&access, &Method::GET, "/status", &HeaderMap::new()), Some(401));
    for probe in ["/livez", "/readyz", "/health"] {
        assert_eq!(status(&access, &Method::GET, probe, &HeaderMap::new()), None);
        assert_eq!(status(&access, &Method::POST, probe, &HeaderMap::new()), Some(401));
    }
}

#[tokio::test]
async fn an_unknown_path_is_not_told_from_a_known_one_without_a_key() {
    let access = closed().await;
    assert_eq!(status(&access, &Method::GET, "/nowhere", &HeaderMap::new()), Some(401));
    assert_eq!(status(&access, &Method::DELETE, "/", &HeaderMap::new()), Some(401));
}

#[tokio::test]
async fn the_configured_key_opens_everything_and_a_near_miss_nothing() {
    let access = closed().await;
    for good in ["Bearer the-admin-key", "bearer the-admin-key", "BEARER  the-admin-key"] {
        assert_eq!(status(&access, &Method::POST, "/api/keys", &headers(&[("authorization", good)])), None, "{good}");
    }
    for bad in [
        "Bearer the-admin-kez",
        "Bearer xhe-admin-key",
        "Bearer",
        "Bearer ",
        "Basic the-admin-key",
        "the-admin-key",
        "Bearer the-admin-key2",
    ] {
        assert_eq!(status(&access, &Method::GET, "/status", &headers(&[("authorization", bad)])), Some(401), "{bad}");
    }
    let mut twice = headers(&[("authorization", "Bearer the-admin-key")]);
    twice.append(AUTHORIZATION, HeaderValue::from_static("Bearer the-admin-key"));
    assert_eq!(status(&access, &Method::GET, "/status", &twice), Some(401));
}

#[tokio::test]
async fn the_worker_secret_opens_the_services_and_nothing_else() {
    let access = closed().await;
    for given in [headers(&[("x-worker-secret", "the-worker-secret")]), headers(&[("authorization", "Bearer the-worker-secret")])]
    {
        assert_eq!(status(&access, &Method::POST, "/api/services/dm/stats", &given), None);
        assert_eq!(status(&access, &Method::GET, "/api/services", &given), None);
        for path in ["/dispatch", "/api/servicesx", "/api/stop"] {
            assert_eq!(status(&access, &Method::POST, path, &given), Some(401), "{path}");
        }
    }
    assert_eq!(status(&access, &Method::POST, "/api/services/a/b", &headers(&[("x-worker-secret", "other")])), Some(401));
}

#[test]
fn each_route_asks_for_its_own_scope() {
    assert_eq!(scope_of(&Method::GET, "/status"), Some(Scope::Read));
    assert_eq!(scope_of(&Method::POST, "/api/explain"), Some(Scope::Read));
    assert_eq!(scope_of(&Method::POST, "/dispatch"), Some(Scope::Dispatch));
    assert_eq!(scope_of(&Method::POST, "/api/services/dm/send"), Some(Scope::Dispatch));
    assert_eq!(scope_of(&Method::POST, "/api/stop"), Some(Scope::Operate));
    assert_eq!(scope_of(&Method::GET, "/api/keys"), Some(Scope::Admin));
    assert_eq!(scope_of(&Method::DELETE, "/api/keys/1"), Some(Scope::Admin));
    assert_eq!(scope_of(&Method::GET, "/api/keysmith"), Some(Scope::Read));
}

#[tokio::test]
async fn a_key_in_the_query_string_is_refused_however_it_is_spelled() {
    let mut good = HeaderMap::new();
    good.insert(http::header::AUTHORIZATION, http::HeaderValue::from_static("Bearer the-admin-key"));
    for query in ["key=x", "a=1&TOKEN=x", "api_key", "%61ccess_token=x"] {
        let refused =
            async |headers| closed().await.admit(&Method::GET, "/status", Some(query), headers).expect_err("a secret").status();
        assert_eq!(refused(&good).await, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(refused(&HeaderMap::new()).await, StatusCode::UNAUTHORIZED, "who comes without a key learns nothing else");
    }
    assert_eq!(
        closed().await.admit(&Method::GET, "/readyz", Some("verbose"), &HeaderMap::new()).expect("open"),
        Caller::Anonymous
    );
}

#[tokio::test]
async fn a_stored_key_opens_what_its_scopes_say_and_nothing_once_revoked() {
    let keys = keys().await;
    let reader = keys.create("a reader", "read".parse().expect("a scope")).await.expect("a key");
    let ring = keys.ring().await.expect("a ring");
    let access = Access::loopback(ring.clone());
    let mut given = HeaderMap::new();
    given.insert(AUTHORIZATION, format!("Bearer {}", reader.reveal()).parse().expect("a header"));
    assert_eq!(access.admit(&Method::GET, "/status", None, &given).expect("reads"), Caller::Key(reader.id));
    for (method, path) in
        [(Method::POST, "/dispatch"), (Method::POST, "/api/stop"), (Method::GET, "/api/keys"), (Method::POST, "/nowhere")]
    {
        assert_eq!(status(&access, &method, path, &given), Some(403), "{path}");
    }
    assert_eq!(status(&access, &Method::GET, "/status", &HeaderMap::new()), Some(401));
    keys.revoke(reader.id).await.expect("it is revoked");
    ring.refresh().await.expect("it is read");
    assert!(!access.has_key());
}
