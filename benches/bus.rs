//! Messages per second from a publisher to a subscriber that acknowledges what it has: in one SQLite database, and from one SQLite
//! database over Redis into another.
//!
//! Eight publishers publish one message at a time, each in a commit that they wait for, or a hundred in one. With Redis the time
//! runs until the other side has committed and acknowledged the last message.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use everreach_core::events::EventLog;
use everreach_core::store::{Store, StoreConfig};
use everreach_core::sync::bus::{BusConfig, NewMessage, OutboxBus, Subscription, SyncBus};
use everreach_core::{Clock, SystemClock};

const PUBLISHERS: u64 = 8;

struct Redis {
    process: Child,
    folder: tempfile::TempDir,
}

impl Redis {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("redis.sock");
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--save", "", "--appendonly", "yes", "--unixsocket"]).arg(&socket);
        command.arg("--dir").arg(folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
        let process = command.spawn().expect("redis-server is installed");
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { process, folder }
    }

    fn url(&self) -> String {
        format!("redis+unix://{}", self.folder.path().join("redis.sock").display())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _it_is_gone_already = self.process.kill();
        let _it_is_reaped_already = self.process.wait();
    }
}

async fn bus(folder: &tempfile::TempDir, name: &str, redis: Option<&Redis>) -> OutboxBus {
    let url = format!("sqlite://{}", folder.path().join(name).display());
    let store = Store::open(&StoreConfig::new(url)).await.expect("a store");
    let mut config = BusConfig::default();
    config.redis_url = redis.map(|redis| redis.url().into());
    OutboxBus::start(store.clone(), SystemClock::shared(), EventLog::start(store), config).expect("a bus")
}

async fn publish(bus: OutboxBus, count: u64, at_once: u64) {
    let mut left = count;
    while left > 0 {
        let now = left.min(at_once);
        let messages = (0..now).map(|number| NewMessage::new("bench", serde_json::json!({ "number": number, "text": "hello" })));
        bus.publish_all(messages.collect()).await.expect("they are published");
        left -= now;
    }
}

async fn carry(from: &OutboxBus, to: &OutboxBus, messages: u64, at_once: u64) -> Duration {
    let start = SystemClock::new();
    let share = messages.div_ceil(PUBLISHERS);
    let publishers: Vec<_> = (0..PUBLISHERS).map(|_| tokio::spawn(publish(from.clone(), share, at_once))).collect();
    let subscription = Subscription::new("bench", "bench");
    let mut left = share * PUBLISHERS;
    while left > 0 {
        let batch = to.receive(&subscription, 1_000, Duration::from_secs(30)).await.expect("an answer");
        let last = batch.last().expect("they come");
        to.ack(last).await.expect("it is acknowledged");
        left -= u64::try_from(batch.len()).expect("few");
    }
    for publisher in publishers {
        publisher.await.expect("no publisher fails");
    }
    start.monotonic()
}

fn throughput(c: &mut Criterion) {
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let redis = Arc::new(Redis::start());
    let (alone, here, there) = tokio.block_on(async {
        let alone = bus(&folder, "alone.db", None).await;
        (alone, bus(&folder, "here.db", Some(&redis)).await, bus(&folder, "there.db", Some(&redis)).await)
    });
    let mut group = c.benchmark_group("bus, published to acknowledged, 8 publishers");
    group.sample_size(10).measurement_time(Duration::from_secs(10)).throughput(Throughput::Elements(1));
    for (name, from, to) in [("sqlite alone", &alone, &alone), ("two sqlite databases over redis", &here, &there)] {
        for at_once in [1, 100] {
            group.bench_function(format!("{name}, {at_once} per commit"), |b| {
                // Short runs would measure the wait for the last message only.
                b.iter_custom(|messages| {
                    let wanted = messages.max(4_000);
                    let time = tokio.block_on(carry(from, to, wanted, at_once));
                    time.mul_f64(messages as f64 / wanted as f64)
                })
            });
        }
    }
    group.finish();
    tokio.block_on(async {
        for bus in [&alone, &here, &there] {
            bus.stop().await;
        }
    });
}

criterion_group!(benches, throughput);
criterion_main!(benches);
