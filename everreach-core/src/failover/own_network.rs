//! Whether this machine's own network is up: asked before a missing answer is held against the cloud.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use serde::Serialize;
use tokio::net::{TcpStream, UdpSocket};
use url::{Host, Url};

/// Addresses of no machine (RFC 5737): a socket connected there sends nothing, and shows whether there is a way out at all.
const ELSEWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);
/// How long a target may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was found out about this machine's own network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OwnNetwork {
    /// It was not asked for: the cloud answers, or lies on this machine.
    NotChecked,
    /// Something answered, or there is a way out.
    Up,
    /// Nothing answered, or there is no way out.
    Down,
}

/// Looks at the targets (`host:port`), all at once: one that answers, even by refusing, is enough. Without targets it only asks the
/// machine whether it has a way out; no packet is sent for that.
pub(super) async fn own_network(targets: &[String], cloud: &Url) -> OwnNetwork {
    if !targets.is_empty() {
        let answers = join_all(targets.iter().map(|target| answers(target))).await;
        return if answers.contains(&true) { OwnNetwork::Up } else { OwnNetwork::Down };
    }
    if is_here(cloud) {
        return OwnNetwork::NotChecked;
    }
    match UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await {
        Ok(socket) if socket.connect(ELSEWHERE).await.is_ok() => OwnNetwork::Up,
        // A machine that only speaks IPv6 has no way there either: nothing is held against its network then.
        Ok(_) if matches!(cloud.host(), Some(Host::Ipv6(_))) => OwnNetwork::NotChecked,
        Ok(_) => OwnNetwork::Down,
        Err(_) => OwnNetwork::NotChecked,
    }
}

async fn answers(target: &str) -> bool {
    match tokio::time::timeout(PATIENCE, TcpStream::connect(target)).await {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        Err(_) => false,
    }
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn one_target_that_answers_or_refuses_is_enough_and_none_is_an_outage() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let open = listener.local_addr().expect("an address").to_string();
        let closed = {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            listener.local_addr().expect("an address").to_string()
        };
        let cloud = "https://cloud.example".parse().expect("a URL");
        let nowhere = "no-such-host.invalid:1".to_owned();
        for targets in [vec![nowhere.clone(), open], vec![closed, nowhere.clone()]] {
            assert_eq!(own_network(&targets, &cloud).await, OwnNetwork::Up);
        }
        assert_eq!(own_network(&[nowhere], &cloud).await, OwnNetwork::Down);
    }

    #[tokio::test]
    async fn a_cloud_on_this_machine_needs_no_network() {
        let cloud = "http://127.0.0.1:8090".parse().expect("a URL");
        assert_eq!(own_network(&[], &cloud).await, OwnNetwork::NotChecked);
    }
}
