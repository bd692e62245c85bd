//! What routing adds to a call that does next to nothing, in process.

use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use everreach_core::routing::{LocalExecutor, Params, RouteRequest};
use everreach_core::runtime::{Runtime, RuntimeConfig};
use everreach_core::{ActionName, Id};
use serde_json::json;

async fn runtime(folder: &tempfile::TempDir) -> Runtime {
    let mut config = RuntimeConfig::default();
    config.data_dir = folder.path().to_path_buf();
    config.store.url = format!("sqlite://{}", folder.path().join("bench.db").display());
    let local = LocalExecutor::builder()
        .handler("dm.stats", "a read that is instant", |_, _| async { Ok(json!({"sent": 3})) })
        .handler("dm.send", "a send that is instant", |_, _| async { Ok(json!({"success": true})) })
        .build()
        .expect("handlers");
    Runtime::builder(config).with_executor(Arc::new(local)).build().await.expect("a runtime")
}

fn route(c: &mut Criterion) {
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio.block_on(runtime(&folder));
    let read: ActionName = "dm.stats".parse().expect("a name");
    let send: ActionName = "dm.send".parse().expect("a name");
    let mut group = c.benchmark_group("route");
    group.bench_function("read", |b| {
        b.to_async(&tokio).iter(|| runtime.route(RouteRequest::new(read.clone(), Params::new())));
    });
    group.bench_function("outward, journaled and durable", |b| {
        b.to_async(&tokio).iter(|| {
            let request = RouteRequest::new(send.clone(), Params::new()).with_idempotency_key(Id::new().to_string());
            runtime.route(request)
        });
    });
    group.finish();
    tokio.block_on(runtime.shutdown(std::time::Duration::from_secs(5)));
}

criterion_group!(benches, route);
criterion_main!(benches);
