//! A link that can be cut: refused at once, or silent as a lost network is.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Up,
    /// Connections are closed, and new ones too.
    Refused,
    /// Nothing arrives, and nothing says so.
    Silent,
}

/// A link to somewhere on this machine.
pub(super) struct Proxy {
    pub(super) port: u16,
    link: watch::Sender<Link>,
    serving: tokio::task::JoinHandle<()>,
}

impl Proxy {
    pub(super) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let link = watch::Sender::new(Link::Up);
        let state = link.clone();
        let serving = tokio::spawn(async move {
            loop {
                let Ok((socket, _)) = listener.accept().await else { continue };
                drop(tokio::spawn(carry(socket, target, state.subscribe())));
            }
        });
        Self { port, link, serving }
    }

    pub(super) fn set(&self, link: Link) {
        self.link.send_replace(link);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn carry(mut near: TcpStream, target: SocketAddr, mut link: watch::Receiver<Link>) {
    // What came during a silence is never delivered: the connection ends with it.
    let was = *link.borrow_and_update();
    if was == Link::Up
        && let Ok(mut far) = TcpStream::connect(target).await
    {
        tokio::select! {
            _ = copy_bidirectional(&mut near, &mut far) => return,
            _ = link.changed() => {}
        }
        silence(&mut link).await;
        return;
    }
    silence(&mut link).await;
}

async fn silence(link: &mut watch::Receiver<Link>) {
    while *link.borrow_and_update() == Link::Silent {
        if link.changed().await.is_err() {
            return;
        }
    }
}
