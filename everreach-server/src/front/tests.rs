use axum::Router;
use axum::body::{Body, to_bytes};
use axum::middleware::from_fn;
use axum::routing::{get, post};
use http::{Method, StatusCode};
use serde_json::Value;
use tower::ServiceExt;

use super::*;
use crate::auth::tests::no_keys;
use crate::extract::Json;

/// A router with the front before it and no runtime behind it.
fn router(access: Access) -> Router {
    let hosts = AllowedHosts::new("127.0.0.1:8080".parse().expect("an address"), [""; 0]).expect("no names");
    let panics = || async {
        if true {
            panic!("/secret/path is broken");
        }
    };
    Router::new()
        .route("/status", get(|RequestId(id): RequestId| async move { id.to_string() }))
        .route("/livez", get(|| async { "ok" }))
        .route("/dispatch", post(|Json(body): Json<Value>| async move { axum::Json(body) }))
        .route("/panic", get(panics))
        .fallback(|| async { Problem::of(ErrorKind::NotFound, "there is no such path") })
        .method_not_allowed_fallback(|| async { Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "not so") })
        .layer(from_fn(move |request: Request, next: Next| {
            let (access, hosts) = (access.clone(), hosts.clone());
            async move { guard(&access, &hosts, request, |request| next.run(request)).await }
        }))
}

async fn open() -> Router {
    router(Access::loopback(no_keys().await))
}

async fn closed() -> Router {
    router(Access::loopback(no_keys().await).with_key(&"good".into()))
}

async fn send(router: Router, method: Method, path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Value) {
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router.oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 100_000).await.expect("a body");
    let body = serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into_owned().into());
    (parts.status, parts.headers, body)
}

#[tokio::test]
async fn without_a_key_every_path_known_or_not_gets_the_same_problem_with_a_challenge() {
    for (method, path) in
        [(Method::GET, "/status"), (Method::GET, "/nowhere"), (Method::POST, "/dispatch"), (Method::DELETE, "/status")]
    {
        let (status, headers, body) = send(closed().await, method, path, &[]).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
        assert!(headers.contains_key(header::WWW_AUTHENTICATE));
        assert_eq!(body["code"], "unauthorized");
        assert_eq!(headers[REQUEST_ID], body["request_id"].as_str().expect("an id"));
    }
    let good = [("authorization", "Bearer good")];
    assert_eq!(send(closed().await, Method::GET, "/nowhere", &good).await.0, StatusCode::NOT_FOUND);
    assert_eq!(send(closed().await, Method::GET, "/livez", &[]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_wrong_method_says_which_ones_are_right() {
    let (status, headers, body) = send(open().await, Method::DELETE, "/status", &[]).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::METHOD_NOT_ALLOWED, Some("method_not_allowed")));
    assert!(headers[header::ALLOW].to_str().expect("text").contains("GET"));
}

#[tokio::test]
async fn a_request_keeps_the_id_it_came_with_and_gets_one_otherwise() {
    let given = Id::new().to_string();
    let (_, headers, body) = send(open().await, Method::GET, "/status", &[("x-request-id", &given)]).await;
    assert_eq!((headers[REQUEST_ID].to_str().expect("text"), &body), (given.as_str(), &Value::from(given.clone())));
    let (_, headers, _) = send(open().await, Method::GET, "/status", &[("x-request-id", "not an id")]).await;
    assert!(headers[REQUEST_ID].to_str().expect("text").parse::<Id>().is_ok());
}

#[tokio::test]
async fn a_panic_is_a_plain_500_and_the_next_request_is_fine() {
    let (status, _, body) = send(open().await, Method::GET, "/panic", &[]).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::INTERNAL_SERVER_ERROR, Some("internal")));
    assert!(!body.to_string().contains("/secret/path"), "{body}");
    assert_eq!(send(open().await, Method::GET, "/status", &[]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn foreign_hosts_and_origins_get_no_answer_and_nobody_gets_a_cors_header() {
    for header in [("host", "evil.example"), ("origin", "https://evil.example"), ("origin", "null")] {
        let (status, headers, _) = send(open().await, Method::GET, "/status", &[header]).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{header:?}");
        assert!(headers.keys().all(|name| !name.as_str().starts_with("access-control-")));
    }
    let preflight = [("origin", "http://localhost:8080"), ("access-control-request-method", "POST")];
    let (_, headers, _) = send(open().await, Method::OPTIONS, "/dispatch", &preflight).await;
    assert!(headers.keys().all(|name| !name.as_str().starts_with("access-control-")));
    assert_eq!(send(open().await, Method::GET, "/livez", &[("host", "10.1.2.3:8080")]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_key_in_the_query_string_is_refused() {
    let (status, _, body) = send(closed().await, Method::GET, "/status?token=good", &[("authorization", "Bearer good")]).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::BAD_REQUEST, Some("key_in_query")));
    assert!(!body.to_string().contains("good"));
}
