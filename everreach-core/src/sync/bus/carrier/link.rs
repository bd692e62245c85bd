//! Connections to Redis.

use std::time::Duration;

use redis::aio::{MultiplexedConnection, PubSub};
use redis::{AsyncConnectionConfig, Client};
use secrecy::ExposeSecret;

use crate::secret::SecretString;
use crate::{Error, ErrorKind, Result};

const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// A Redis that is stopped keeps its connections: an answer has to come in time.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A client for this URL; nothing is connected yet.
pub(super) fn client(url: &SecretString) -> Result<Client> {
    Client::open(url.expose_secret()).map_err(|error| {
        Error::new(ErrorKind::Config, "REDIS_URL has the form redis://[user:password@]host[:port][/number] or redis+unix:///path")
            .with("cause", error.category())
    })
}

/// A failure of Redis. It never names the URL.
pub(super) fn failed(error: &redis::RedisError) -> Error {
    let detail = error.detail().unwrap_or_default();
    let cause = if detail.is_empty() { error.category().to_owned() } else { format!("{}: {detail}", error.category()) };
    Error::new(ErrorKind::Unreachable, "redis failed").with("cause", cause)
}

/// A connection for commands, each of which is answered within `patience` more than usual.
pub(super) async fn connect(client: &Client, patience: Duration) -> Result<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_WITHIN))
        .set_response_timeout(Some(ANSWER_WITHIN + patience));
    client.get_multiplexed_async_connection_with_config(&config).await.map_err(|error| failed(&error))
}

/// A connection that listens on a channel.
pub(super) async fn listen(client: &Client, channel: &str) -> Result<PubSub> {
    let listening = async {
        let mut listener = client.get_async_pubsub().await?;
        listener.subscribe(channel).await?;
        Ok::<_, redis::RedisError>(listener)
    };
    let in_time = tokio::time::timeout(CONNECT_WITHIN + ANSWER_WITHIN, listening).await;
    in_time.map_err(|_| Error::new(ErrorKind::Unreachable, "redis does not answer"))?.map_err(|error| failed(&error))
}
