//! The HTTP surface over a real runtime: shapes, status codes and refusals as published.

use axum::body::Body;
use everreach_core::Mode;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::http::Server;

const JSON: (&str, &str) = ("content-type", "application/json");

fn fields(value: &Value) -> Vec<&str> {
    let mut fields: Vec<_> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    fields.sort_unstable();
    fields
}

/// The fields that the OpenAPI document promises for a shape, the optional ones left out.
fn promised(shape: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(&everreach_server::openapi::document()).expect("json");
    let required = document["components"]["schemas"][shape]["required"].as_array().expect("required fields").clone();
    let mut fields: Vec<_> = required.iter().map(|field| field.as_str().expect("a name").to_owned()).collect();
    fields.sort_unstable();
    fields
}

#[tokio::test]
async fn a_call_is_answered_with_the_whole_envelope() {
    let server = Server::open().await;
    let envelope = server.post("/dispatch", json!({"action": "dm.stats", "params": {"days": 7}})).await.with(StatusCode::OK);
    assert_eq!((&envelope["ok"], &envelope["source"], &envelope["outcome"]), (&json!(true), &json!("local"), &json!("executed")));
    assert_eq!(envelope["result"], json!({"echo": {"days": 7}}));
    assert!(envelope["duration_ms"].as_f64().expect("a number") > 0.0);
    assert_eq!(fields(&envelope), promised("Envelope"));
}

#[tokio::test]
async fn a_call_that_went_badly_is_still_answered_with_200_and_an_unknown_one_with_404() {
    let server = Server::open().await;
    let envelope = server.post("/dispatch", json!({"action": "twitter.playbook"})).await.with(StatusCode::OK);
    assert_eq!((&envelope["ok"], &envelope["error"]), (&json!(false), &json!("handler_error")));
    assert!(envelope["detail"].as_str().expect("a sentence").contains("no niche"));
    let envelope = server.post("/dispatch", json!({"action": "nobody.knows"})).await.with(StatusCode::NOT_FOUND);
    assert_eq!((&envelope["error"], &envelope["outcome"]), (&json!("unknown_action"), &json!("not_executed")));
    assert!(envelope["suggestions"].is_array());
}

#[tokio::test]
async fn bodies_of_every_wrong_kind_get_a_problem_that_names_the_fault() {
    let server = Server::open().await;
    let big = format!(r#"{{"action":"dm.stats","params":{{"x":"{}"}}}}"#, "x".repeat(2 * 1024 * 1024));
    let deep = format!(r#"{{"action":"dm.stats","params":{{"x":{}{}}}}}"#, "[".repeat(200), "]".repeat(200));
    let cases = [
        ("", 400),
        ("{", 400),
        (r#"{"params":{}}"#, 422),
        ("[]", 422),
        ("7", 422),
        (deep.as_str(), 400),
        (big.as_str(), 413),
        (r#"{"action":""}"#, 422),
        (r#"{"action":"DM.stats"}"#, 422),
        (r#"{"action":7}"#, 422),
        (r#"{"action":"dm.stats","params":[]}"#, 422),
        (r#"{"action":"dm.stats","is_admin":true}"#, 422),
        (r#"{"action":"dm.stats","timeout_ms":0}"#, 422),
        (r#"{"pipeline":"crm_brain","args":["--pipeline"]}"#, 422),
    ];
    for path in ["/dispatch", "/api/explain"] {
        for (body, status) in cases {
            let answer = server.send(Method::POST, path, &[JSON], Body::from(body.to_owned())).await;
            let shown: String = body.chars().take(60).collect();
            assert_eq!(answer.status, status, "{path} {shown}: {}", answer.body);
            assert_eq!(answer.headers["content-type"], "application/problem+json", "{path} {shown}");
            assert_eq!(answer.body["status"], status, "{path} {shown}");
        }
    }
    let answer =
        server.send(Method::POST, "/dispatch", &[("content-type", "text/plain")], Body::from(r#"{"action":"dm.stats"}"#)).await;
    assert_eq!(answer.status, 415);
}

#[tokio::test]
async fn the_same_key_answers_again_without_running_again() {
    let server = Server::open().await;
    let body = json!({"action": "dm.send", "params": {"platform": "instagram", "username": "a", "text": "hi"}, "idempotency_key": "order-1"});
    let first = server.post("/dispatch", body.clone()).await;
    let second = server.post("/dispatch", body).await;
    assert_eq!(first.body["idempotency_key"], "order-1");
    assert_eq!(second.body["outcome"], first.body["outcome"]);
    let differs = server
        .send(
            Method::POST,
            "/dispatch",
            &[JSON, ("idempotency-key", "other")],
            Body::from(r#"{"action":"dm.send","idempotency_key":"order-1"}"#),
        )
        .await;
    assert_eq!((differs.status, &differs.body["errors"][0]["pointer"]), (422, &json!("/idempotency_key")));
    assert_eq!(server.get("/api/calls/never-seen").await.status, 404);
    assert_eq!(server.get("/api/calls/two%20words").await.status, 404);
}

#[tokio::test]
async fn a_batch_answers_in_order_and_counts() {
    let server = Server::open().await;
    let actions: Vec<_> =
        (0..10).map(|n| json!({"action": if n == 4 { "twitter.playbook" } else { "dm.stats" }, "params": {"n": n}})).collect();
    let answer = server.post("/batch", json!({"actions": actions, "max_concurrent": 4})).await.with(StatusCode::OK);
    assert_eq!((&answer["ok"], &answer["failed"]), (&json!(9), &json!(1)));
    assert_eq!(fields(&answer), promised("BatchAnswer"));
    for (index, envelope) in answer["results"].as_array().expect("results").iter().enumerate() {
        assert!(index == 4 || envelope["result"]["echo"]["n"] == index, "{envelope}");
    }
    for (body, pointer) in [
        (json!({"actions": []}), "/actions"),
        (json!({"actions": [{"action": "dm.stats"}], "max_concurrent": 0}), "/max_concurrent"),
        (json!({"actions": [{"action": "dm.stats"}], "max_concurrent": 17}), "/max_concurrent"),
        (json!({"actions": [{"action": "dm.stats"}, {"action": "X"}]}), "/actions/1/action"),
        (json!({"actions": [["dm.stats"]]}), "/actions/0"),
        (json!({"actions": vec![json!({"action": "dm.stats"}); 1_001]}), "/actions"),
    ] {
        let answer = server.post("/batch", body).await;
        assert_eq!((answer.status, &answer.body["errors"][0]["pointer"]), (422, &json!(pointer)), "{}", answer.body);
    }
}

#[tokio::test]
async fn the_registry_surface_takes_params_alone_and_adds_the_topic() {
    let server = Server::open().await;
    let answer = server.post("/api/services/dm/stats", json!({"days": 1})).await.with(StatusCode::OK);
    assert_eq!((&answer["topic"], &answer["result"]), (&json!("dm.stats"), &json!({"echo": {"days": 1}})));
    let empty = server.send(Method::POST, "/api/services/dm/stats", &[], Body::empty()).await.with(StatusCode::OK);
    assert_eq!(empty["result"], json!({"echo": {}}));
    assert_eq!(server.post("/api/services/DM/stats", json!({})).await.status, 422);
    assert_eq!(server.post("/api/services/dm/stats", json!([1])).await.status, 422);
    assert_eq!(server.post("/api/services/nobody/knows", json!({})).await.with(StatusCode::NOT_FOUND)["error"], "unknown_action");

    let listed = server.get("/api/services").await.with(StatusCode::OK);
    let services = listed["services"].as_array().expect("services");
    let dm = services.iter().find(|service| service["name"] == "dm").expect("the service dm");
    let stats = dm["topics"].as_array().expect("topics").iter().find(|topic| topic["name"] == "stats").expect("the topic stats");
    assert_eq!(fields(stats), promised("Topic"));
}

#[tokio::test]
async fn alerts_become_one_notification_wherever_they_are_sent() {
    let server = Server::open().await;
    let payload = json!({"version": "4", "groupKey": "{}", "receiver": "everreach", "status": "firing", "alerts": [
        {"status": "firing", "labels": {"alertname": "CostNearCap", "severity": "warning"}, "annotations": {"summary": "380 of 400 USD"}}]});
    for path in ["/webhooks/alertmanager", "/api/services/telegram/send", "/dispatch"] {
        assert_eq!(server.post(path, payload.clone()).await.with(StatusCode::OK), json!({"ok": true, "alerts": 1}), "{path}");
    }
    let told = server.notices.all();
    assert_eq!(told.len(), 3);
    assert_eq!(told[0], "[FIRING] 1 alert\nCostNearCap (warning): 380 of 400 USD");
    assert_eq!(server.post("/webhooks/alertmanager", json!({"text": "hello"})).await.status, 422);
}

#[tokio::test]
async fn explain_cost_stop_and_status_have_the_published_fields() {
    let server = Server::open().await;
    let explanation = server.post("/api/explain", json!({"action": "dm.send"})).await.with(StatusCode::OK);
    assert_eq!(fields(&explanation), promised("Explanation"));
    assert_eq!(fields(&explanation["decision"]), promised("ExplainedDecision"));
    assert_eq!(fields(&explanation["decision"]["rules"][0]), promised("RuleVerdict"));
    assert_eq!(fields(&server.get("/api/cost").await.with(StatusCode::OK)), promised("MonthlyCost"));
    assert_eq!(fields(&server.get("/status").await.with(StatusCode::OK)), promised("Status"));
    let stopped = server.post("/api/stop", json!({"reason": "maintenance"})).await.with(StatusCode::OK);
    assert_eq!((&stopped["stopped"], &stopped["reason"]), (&json!(true), &json!("maintenance")));
    assert_eq!(fields(&stopped), promised("StopState"));
    assert_eq!(server.get("/status").await.body["stop"]["stopped"], true);
    assert_eq!(server.get("/readyz?verbose").await.with(StatusCode::OK)["checks"]["stop_switch"], "stopped");
    let resumed = server.send(Method::POST, "/api/resume", &[], Body::empty()).await.with(StatusCode::OK);
    assert_eq!(resumed["stopped"], false);
}

#[tokio::test]
async fn health_has_the_shape_of_its_environment() {
    let local = Server::open().await.get("/health").await.with(StatusCode::OK);
    assert_eq!(
        fields(&local),
        ["database", "env", "instance", "leads", "offline_mode", "online", "services", "status", "uptime_sec"]
    );
    assert_eq!((&local["env"], &local["status"]), (&json!("local"), &json!("ok")));
    let cloud = Server::start(Mode::Cloud, |access| access).await.get("/health").await.with(StatusCode::OK);
    let promised =
        ["actions_routed_today", "cost_today_usd", "database", "env", "instance", "leads", "replicas", "status", "uptime_sec"];
    assert_eq!(fields(&cloud), promised);
    assert_eq!((&cloud["env"], &cloud["status"]), (&json!("cloud"), &json!("ok")));
}

#[tokio::test]
async fn a_server_whose_database_is_gone_is_alive_but_not_ready() {
    let server = Server::open().await;
    assert_eq!(server.get("/readyz").await.with(StatusCode::OK), json!({"status": "ok"}));
    server.state.runtime().store().close().await;
    let answer = server.get("/readyz?verbose").await.with(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((&answer["status"], &answer["checks"]["database"]), (&json!("not_ready"), &json!("failed")));
    server.get("/livez").await.with(StatusCode::OK);
    server.get("/status").await.with(StatusCode::OK);
    let cost = server.get("/api/calls/k").await.with(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(cost["code"], "store_unavailable");
}

#[tokio::test]
async fn every_described_route_wants_a_key_once_there_is_one() {
    let server = Server::start(Mode::Local, |access| access.with_key(&"the-admin-key".into())).await;
    let document: Value = serde_json::from_str(&everreach_server::openapi::document()).expect("json");
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("operations").keys() {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let real = path.replace("{id}", "01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b").replace(['{', '}'], "");
            let answer = server.send(method.clone(), &real, &[], Body::empty()).await;
            let is_probe = matches!(path.as_str(), "/livez" | "/readyz" | "/health");
            assert_eq!(answer.status == 401, !is_probe, "{method} {path}: {}", answer.status);
        }
    }
    assert_eq!(server.get("/no/such/path").await.status, 401);
    let admin = [("authorization", "Bearer the-admin-key")];
    assert_eq!(server.send(Method::GET, "/no/such/path", &admin, Body::empty()).await.status, 404);
    let wrong_method = server.send(Method::GET, "/dispatch", &admin, Body::empty()).await;
    assert_eq!((wrong_method.status, &wrong_method.headers["allow"]), (405, &http::HeaderValue::from_static("POST")));
}

#[tokio::test]
async fn a_key_made_over_http_works_at_once_and_is_nothing_once_revoked() {
    let server = Server::start(Mode::Local, |access| access.with_key(&"the-admin-key".into())).await;
    let admin = [JSON, ("authorization", "Bearer the-admin-key")];
    let made = server
        .send(Method::POST, "/api/keys", &admin, Body::from(r#"{"name":"reader","scopes":["read"]}"#))
        .await
        .with(StatusCode::CREATED);
    assert_eq!(fields(&made), promised("NewKey"));
    let bearer = format!("Bearer {}", made["key"].as_str().expect("a key"));
    let reader = [JSON, ("authorization", bearer.as_str())];
    server.send(Method::GET, "/status", &reader, Body::empty()).await.with(StatusCode::OK);
    for (method, path) in
        [(Method::POST, "/dispatch"), (Method::POST, "/api/stop"), (Method::POST, "/api/keys"), (Method::GET, "/api/keys")]
    {
        assert_eq!(server.send(method, path, &reader, Body::from("{}")).await.status, 403, "{path}");
    }
    let listed = server.send(Method::GET, "/api/keys", &admin, Body::empty()).await.with(StatusCode::OK);
    assert!(!listed.to_string().contains(made["key"].as_str().expect("a key")), "the list shows a key in clear");
    let path = format!("/api/keys/{}", made["id"].as_str().expect("an id"));
    assert_eq!(server.send(Method::DELETE, &path, &admin, Body::empty()).await.status, 204);
    assert_eq!(server.send(Method::GET, "/status", &reader, Body::empty()).await.status, 401);
    for body in [r#"{"name":"","scopes":["read"]}"#, r#"{"name":"x","scopes":[]}"#, r#"{"name":"x","scopes":["root"]}"#] {
        assert_eq!(server.send(Method::POST, "/api/keys", &admin, Body::from(body)).await.status, 422, "{body}");
    }
}

#[tokio::test]
async fn approvals_that_do_not_exist_are_not_found() {
    let server = Server::open().await;
    assert_eq!(server.get("/api/approvals").await.with(StatusCode::OK), json!({"approvals": []}));
    for id in ["01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b", "not-an-id"] {
        for verb in ["approve", "deny"] {
            assert_eq!(
                server.send(Method::POST, &format!("/api/approvals/{id}/{verb}"), &[], Body::empty()).await.status,
                404,
                "{id}"
            );
        }
    }
}

#[tokio::test]
async fn the_metrics_page_and_the_front_page_are_there() {
    let server = Server::open().await;
    server.post("/dispatch", json!({"action": "dm.stats"})).await.with(StatusCode::OK);
    let page = server.get("/metrics").await.with(StatusCode::OK);
    let page = page.as_str().expect("text");
    assert!(page.contains("everreach_local_uptime_sec") && page.contains("everreach_build_info"), "{page}");
    let front = server.get("/").await;
    assert_eq!((front.status, &front.headers["location"]), (307, &http::HeaderValue::from_static("/status")));
    assert_eq!(server.get("/openapi.json").await.with(StatusCode::OK)["openapi"], "3.1.0");
}
