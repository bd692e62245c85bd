use serde_json::Value;

use super::*;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only the shape matters")]
struct Shape {
    name: String,
    #[serde(default)]
    params: serde_json::Map<String, Value>,
    #[serde(default)]
    items: Vec<Object<Item>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only the shape matters")]
struct Item {
    count: u32,
}

fn refusal(body: &str) -> (u16, String, String) {
    let problem = parse::<Shape>(body.as_bytes()).expect_err(body);
    let pointer = problem.errors().first().map(|error| error.pointer.clone()).unwrap_or_default();
    let detail = problem.errors().first().map(|error| error.detail.clone()).unwrap_or_default();
    (problem.status().as_u16(), pointer, detail)
}

#[test]
fn what_is_not_json_is_a_400_with_the_position() {
    for body in ["{", "{\"name\": }", "", "\u{feff}{}", "{\"name\":\"a\"} trailing", "{\"name\":\"a\",}"] {
        assert_eq!(refusal(body).0, 400, "{body}");
    }
    let problem = parse::<Shape>(b"{\"name\": }").expect_err("malformed");
    assert!(format!("{problem:?}").contains("line 1 column 10"), "{problem:?}");
    let deep = format!("{{\"name\":\"a\",\"params\":{{\"x\":{}{}}}}}", "[".repeat(200), "]".repeat(200));
    assert_eq!(refusal(&deep).0, 400);
}

#[test]
fn what_has_the_wrong_shape_is_a_422_with_a_pointer_to_the_place() {
    let cases = [
        (r#"{"name":"a","params":[1]}"#, "/params"),
        (r#"{"name":"a","params":null}"#, "/params"),
        (r#"{"name":7}"#, "/name"),
        (r#"{"name":"a","items":[{"count":1},{"count":-1}]}"#, "/items/1/count"),
        (r#"{"name":"a","items":[[1]]}"#, "/items/0"),
        (r#"["a"]"#, ""),
        (r#""a""#, ""),
        ("null", ""),
    ];
    for (body, place) in cases {
        let (status, pointer, _) = refusal(body);
        assert_eq!((status, pointer.as_str()), (422, place), "{body}");
    }
}

#[test]
fn unknown_and_missing_fields_are_named() {
    assert!(refusal(r#"{"name":"a","is_admin":true}"#).2.contains("`is_admin`"));
    assert!(refusal(r#"{"name":"a","items":[{"count":1,"x":2}]}"#).2.contains("`x`"));
    assert!(refusal("{}").2.contains("`name`"));
    assert!(refusal(r#"{"name":"a","name":"b"}"#).2.contains("duplicate"));
}

fn request(content_type: Option<&str>, body: impl Into<Body>) -> Request {
    let mut request = http::Request::post("/");
    if let Some(kind) = content_type {
        request = request.header(header::CONTENT_TYPE, kind);
    }
    request.body(body.into()).expect("a request")
}

#[tokio::test]
async fn only_bodies_sent_as_json_are_read() {
    for kind in ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"] {
        assert_eq!(read(request(Some(kind), "{}")).await.expect(kind), "{}");
    }
    for kind in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/jsonp"),
        Some("application/é+json"),
    ] {
        assert_eq!(read(request(kind, "{}")).await.expect_err("another type").status().as_u16(), 415, "{kind:?}");
    }
    assert_eq!(read(request(None, "")).await.expect("nothing"), "");
}

#[tokio::test]
async fn a_body_over_two_mebibytes_is_refused_however_it_arrives() {
    let just = Body::from(vec![b' '; BODY_LIMIT]);
    assert_eq!(read(request(Some("application/json"), just)).await.expect("at the limit").len(), BODY_LIMIT);
    let chunk = Bytes::from(vec![b' '; BODY_LIMIT / 2]);
    let chunks = futures_util::stream::iter(vec![chunk; 3].into_iter().map(Ok::<_, std::io::Error>));
    assert_eq!(
        read(request(Some("application/json"), Body::from_stream(chunks))).await.expect_err("too much").status().as_u16(),
        413
    );
    let mut declared = request(Some("application/json"), "{}");
    declared.headers_mut().insert(header::CONTENT_LENGTH, http::HeaderValue::from(BODY_LIMIT + 1));
    assert_eq!(read(declared).await.expect_err("declared too large").status().as_u16(), 413);
}

#[tokio::test]
async fn chunks_are_put_together_in_order_and_a_broken_body_is_a_400() {
    let chunks = |parts: Vec<Result<&'static str, std::io::Error>>| Body::from_stream(futures_util::stream::iter(parts));
    let whole = read(request(Some("application/json"), chunks(vec![Ok("{\"a\""), Ok(":"), Ok(""), Ok("1}")]))).await;
    assert_eq!(whole.expect("whole"), "{\"a\":1}");
    let broken = chunks(vec![Ok("{"), Err(std::io::Error::other("gone"))]);
    assert_eq!(read(request(Some("application/json"), broken)).await.expect_err("broken").status().as_u16(), 400);
}
