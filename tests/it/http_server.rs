//! The listener: what only shows on a socket.

use std::net::SocketAddr;
use std::time::Duration;

use everreach_server::app::app;
use everreach_server::listen::{self, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::support::http::Server;

/// Far more than anything here takes; a test that hangs fails instead.
const PATIENCE: Duration = Duration::from_secs(20);

async fn listening(server: &Server, limits: Limits) -> (SocketAddr, JoinHandle<()>) {
    let listener = listen::bind("127.0.0.1:0".parse().expect("an address"), server.state.access()).await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let state = server.state.clone();
    let serving =
        tokio::spawn(async move { listen::serve(listener, app(state.clone()), &state, limits, std::future::pending()).await });
    (address, serving)
}

async fn read_until(stream: &mut TcpStream, marker: &str) -> String {
    let mut seen = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&seen).contains(marker) {
            if stream.read_buf(&mut seen).await.expect("it is readable") == 0 {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("an answer in time");
    let text = String::from_utf8_lossy(&seen).into_owned();
    assert!(text.contains(marker), "{marker:?} is not in {text:?}");
    text
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut seen)).await.expect("it closes in time").expect("it is readable");
    String::from_utf8_lossy(&seen).into_owned()
}

#[tokio::test]
async fn a_request_in_flight_is_finished_after_the_shutdown_began_and_nothing_new_is_taken() {
    let server = Server::open().await;
    let (address, serving) = listening(&server, Limits::default()).await;
    let mut busy = TcpStream::connect(address).await.expect("a connection");
    let body = r#"{"action":"dm.stats"}"#;
    let head = format!(
        "POST /dispatch HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    busy.write_all(head.as_bytes()).await.expect("it is sent");
    // The interim answer proves that the handler waits for the body.
    read_until(&mut busy, "100 Continue").await;
    server.state.closing().cancel();
    busy.write_all(body.as_bytes()).await.expect("it is sent");
    let answer = read_to_end(&mut busy).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    tokio::time::timeout(PATIENCE, serving).await.expect("it ends").expect("it does not panic");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_head_that_drips_is_cut_off() {
    let server = Server::open().await;
    let mut limits = Limits::default();
    limits.head_timeout = Duration::from_millis(50);
    let (address, _serving) = listening(&server, limits).await;
    let mut slow = TcpStream::connect(address).await.expect("a connection");
    slow.write_all(b"GET /livez HTTP/1.1\r\nHo").await.expect("it is sent");
    read_to_end(&mut slow).await;
}

#[tokio::test]
async fn events_stream_resumes_after_the_last_one_seen_and_ends_with_the_server() {
    let server = Server::open().await;
    let (address, serving) = listening(&server, Limits::default()).await;
    server.state.runtime().stop_switch().stop(Some("first")).await.expect("stopped");
    server.state.runtime().stop_switch().resume().await.expect("resumed");
    let newest = server.state.runtime().events().newest().await.expect("a number");

    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let head = format!("GET /api/events HTTP/1.1\r\nHost: {address}\r\nLast-Event-ID: {}\r\n\r\n", newest - 1);
    stream.write_all(head.as_bytes()).await.expect("it is sent");
    let seen = read_until(&mut stream, &format!("id: {newest}\n")).await;
    assert!(seen.contains("text/event-stream") && seen.contains("event: stop.cleared"), "{seen}");
    assert!(!seen.contains(&format!("id: {}\n", newest - 1)), "{seen}");

    server.state.runtime().stop_switch().stop(Some("second")).await.expect("stopped");
    read_until(&mut stream, "second").await;
    server.state.closing().cancel();
    read_to_end(&mut stream).await;
    tokio::time::timeout(PATIENCE, serving).await.expect("it ends").expect("it does not panic");
}

#[tokio::test]
async fn a_client_that_goes_away_harms_nobody() {
    let server = Server::open().await;
    let (address, _serving) = listening(&server, Limits::default()).await;
    for part in ["", "GET", "POST /dispatch HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"] {
        let mut gone = TcpStream::connect(address).await.expect("a connection");
        gone.write_all(part.as_bytes()).await.expect("it is sent");
        drop(gone);
    }
    let mut next = TcpStream::connect(address).await.expect("a connection");
    next.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.expect("it is sent");
    assert!(read_to_end(&mut next).await.starts_with("HTTP/1.1 200"));
}
