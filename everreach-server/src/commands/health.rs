//! `health`: is the running server well? Made for container checks.

use everreach_core::{Error, ErrorKind};
use url::Url;

use super::Context;
use crate::client::Api;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{cell, fields};

pub(super) async fn run(context: &Context) -> Outcome {
    let url = match &context.global.server {
        Some(url) => url.clone(),
        None => own_address(context)?,
    };
    let api = Api::remote(url, &context.settings, context.global.key_file.as_deref())?;
    // A check answers yes or no: whatever is wrong, the code is 1.
    let health = match api.get("/health").await {
        Ok(answer) => answer.accepted(),
        Err(error) => Err(error.into()),
    };
    let health = health.map_err(|failure| {
        context.output.failure(&failure);
        Failure::Quiet(Exit::Failed)
    })?;
    context.output.data(&health, |health| {
        let pairs = health.as_object().into_iter().flatten();
        let pairs: Vec<_> = pairs.map(|(name, value)| (name.as_str(), cell(value))).collect();
        fields(&pairs)
    })?;
    if health["status"] == "ok" { Ok(()) } else { Err(Failure::Quiet(Exit::Failed)) }
}

/// Where the server of these settings can be reached from here.
pub(super) fn own_address(context: &Context) -> Outcome<Url> {
    let mut listen = context.settings.listen()?;
    if listen.ip().is_unspecified() {
        listen.set_ip(if listen.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    Url::parse(&format!("http://{listen}")).map_err(|source| {
        Error::new(ErrorKind::Config, "EVERREACH_LISTEN makes no URL; give --server").with_source(source).into()
    })
}
