//! The same answers on both databases.

use everreach_core::safari::DispatchOutcome;
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::http::Server;
use crate::support::safari::{tried, unknown};
use crate::support::store::postgres_url;

const PATH: &str = "/api/safari/commands";

async fn body(server: &Server, path: &str) -> Value {
    server.get(path).await.with(StatusCode::OK)
}

#[tokio::test]
async fn a_day_of_the_queue_reads_the_same_on_both_databases() {
    for url in ["sqlite::memory:".to_owned(), postgres_url().await] {
        let server = Server::open_at(&url).await;
        let queue = server.state.runtime().safari().queue();
        tried(queue, "bob", DispatchOutcome::sent("seen").with_answer(json!({"success": true}))).await;
        let held = tried(queue, "alice", unknown()).await;
        let later = json!({"action": "score", "scheduled_for": "2126-11-20T12:00:00.000001Z", "idempotency_key": "later"});
        let later = server.post(PATH, later).await.with(StatusCode::CREATED)["id"].clone();
        assert_eq!(server.post(PATH, json!({"action": "score"})).await.status, 201);
        assert_eq!(server.post("/api/safari/run-once", json!({})).await.with(StatusCode::OK)["completed"], 1);
        let resolved = server.post(&format!("{PATH}/{held}/resolve"), json!({"verdict": "happened"})).await.with(StatusCode::OK);
        assert_eq!(resolved["tries"][0]["verdict"], "unknown");

        let counts = json!({"pending": 1, "running": 0, "completed": 3, "failed": 0, "cancelled": 0, "unknown": 0});
        assert_eq!(body(&server, "/api/safari/status").await["commands"], counts, "{url}");
        let limits = body(&server, "/api/safari/rate-limits").await;
        let dm =
            limits["limits"].as_array().expect("limits").iter().find(|row| row["platform"] == "twitter" && row["action"] == "dm");
        assert_eq!(dm.expect("a limit")["used"], json!({"this_hour": 2, "today": 2}));
        let pending = body(&server, &format!("{PATH}?status=pending")).await;
        assert_eq!((&pending["commands"][0]["id"], &pending["next"]), (&later, &Value::Null));
        assert!(pending["commands"][0]["scheduled_for"].as_str().expect("a time").contains("12:00:00.000001"));
        let campaign = json!({"type": "research_sweep", "platform": "twitter", "handles": ["tea"], "id": "sweep"});
        server.post("/api/safari/campaigns", campaign).await.with(StatusCode::CREATED);
        server.post("/api/safari/run-once", json!({})).await.with(StatusCode::OK);
        assert_eq!(body(&server, "/api/safari/campaigns/sweep").await["status"], "completed", "{url}");
    }
}
