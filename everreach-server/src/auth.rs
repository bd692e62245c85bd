//! Who may do what: bearer keys with scopes, and the few fixed secrets beside them.
//!
//! # Law
//! Nothing but the probes answers without a key, except on loopback while nobody made one. Secrets are compared by digest in
//! constant time, and a request is judged before its path, body or target's existence is looked at.

use std::fmt;
use std::net::SocketAddr;

use everreach_core::access::{KeyRing, Scope, Scopes};
use everreach_core::{ErrorKind, Id};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::problem::Problem;

const WORKER_SECRET: &str = "x-worker-secret";
const QUERY_SECRETS: [&str; 4] = ["key", "token", "api_key", "access_token"];

/// Who is asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Caller {
    /// Somebody on this machine, while no key was ever made.
    Anonymous,
    /// The holder of a stored key.
    Key(Id),
    /// The holder of one of the configured keys.
    Configured,
    /// A worker, below `/api/services` only.
    Worker,
}

/// A secret that is only kept as its digest.
#[derive(Clone)]
struct Digested([u8; 32]);

impl Digested {
    fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    fn matches(&self, presented: &Self) -> bool {
        self.0.ct_eq(&presented.0).into()
    }
}

/// Every key that opens this server, and whether it may be open without one.
#[derive(Clone)]
pub struct Access {
    ring: KeyRing,
    keys: Vec<Digested>,
    one_run: Option<Digested>,
    worker: Option<Digested>,
    is_loopback: bool,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("configured_keys", &self.keys.len())
            .field("is_loopback", &self.is_loopback)
            .field("has_worker_secret", &self.worker.is_some())
            .finish_non_exhaustive()
    }
}

impl Access {
    /// Access for a listener at this address.
    #[must_use]
    pub const fn at(listen: SocketAddr, ring: KeyRing) -> Self {
        Self { ring, keys: Vec::new(), one_run: None, worker: None, is_loopback: listen.ip().is_loopback() }
    }

    /// Access for a listener on loopback, and for calls in-process.
    #[must_use]
    pub const fn loopback(ring: KeyRing) -> Self {
        Self { ring, keys: Vec::new(), one_run: None, worker: None, is_loopback: true }
    }

    /// Access for a listener that other machines reach: never without a key.
    #[must_use]
    pub const fn network(ring: KeyRing) -> Self {
        Self { ring, keys: Vec::new(), one_run: None, worker: None, is_loopback: false }
    }

    /// Accepts this key with every scope, and closes loopback: `EVERREACH_ADMIN_KEY`, on the cloud terminal `EVERREACH_CLOUD_KEY`.
    #[must_use]
    pub fn with_key(mut self, key: &SecretString) -> Self {
        self.keys.push(Digested::of(key.expose_secret()));
        self
    }

    /// Accepts this key with every scope without closing loopback: the key that `dev` prints for one run.
    #[must_use]
    pub fn with_one_run_key(mut self, key: &SecretString) -> Self {
        self.one_run = Some(Digested::of(key.expose_secret()));
        self
    }

    /// Accepts this secret below `/api/services`: `WORKER_SECRET`.
    #[must_use]
    pub fn with_worker_secret(mut self, secret: &SecretString) -> Self {
        self.worker = Some(Digested::of(secret.expose_secret()));
        self
    }

    /// Whether any key exists that closes this server: stored, or configured with every scope.
    #[must_use]
    pub fn has_key(&self) -> bool {
        !self.keys.is_empty() || !self.ring.is_empty()
    }

    /// Lets a request in, or says how to answer it.
    ///
    /// # Errors
    /// 400 for a secret in the query string, 401 without a good key, 403 for a key without the scope.
    pub fn admit(&self, method: &Method, path: &str, query: Option<&str>, headers: &HeaderMap) -> Result<Caller, Problem> {
        let Some(scope) = scope_of(method, path) else { return Ok(Caller::Anonymous) };
        let (caller, may) = self.identify(path, headers)?;
        if query.is_some_and(names_a_secret) {
            let hint = "a key never goes into the query string, where logs keep it: send it as `Authorization: Bearer KEY`";
            return Err(Problem::new(StatusCode::BAD_REQUEST, "key_in_query", hint));
        }
        // The worker's secret is only ever good where looking and calling is all there is.
        if may.is_none_or(|scopes| scopes.allow(scope)) {
            return Ok(caller);
        }
        Err(Problem::of(ErrorKind::Forbidden, format!("the key lacks the scope `{scope}`")))
    }

    /// Who it is and what they may do; `None` for whatever is to be had here.
    fn identify(&self, path: &str, headers: &HeaderMap) -> Result<(Caller, Option<Scopes>), Problem> {
        if self.is_loopback && !self.has_key() {
            return Ok((Caller::Anonymous, None));
        }
        let worker_header = headers.get(WORKER_SECRET).and_then(|value| value.to_str().ok());
        if let Some(secret) = worker_header
            && self.is_worker(path, &Digested::of(secret))
        {
            return Ok((Caller::Worker, None));
        }
        let Some(presented) = bearer(headers) else {
            let detail = "this needs a key: send `Authorization: Bearer KEY` (make one with `everreach keys create`)";
            return Err(Problem::of(ErrorKind::Unauthorized, detail));
        };
        let digest = Digested::of(presented);
        // Every fixed key is compared, whichever matches.
        let fixed = self.keys.iter().chain(&self.one_run).fold(false, |found, key| found | key.matches(&digest));
        if fixed {
            return Ok((Caller::Configured, None));
        }
        if let Some(identity) = self.ring.verify(presented) {
            return Ok((Caller::Key(identity.id), Some(identity.scopes)));
        }
        if self.is_worker(path, &digest) {
            return Ok((Caller::Worker, None));
        }
        Err(Problem::of(ErrorKind::Unauthorized, "the key is not known here, or was revoked"))
    }

    fn is_worker(&self, path: &str, presented: &Digested) -> bool {
        is_below(path, "/api/services") && self.worker.as_ref().is_some_and(|secret| secret.matches(presented))
    }
}

/// The scope that a request needs; `None` for the probes.
#[must_use]
pub fn scope_of(method: &Method, path: &str) -> Option<Scope> {
    let looks = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if looks && is_probe(path) {
        return None;
    }
    Some(if is_below(path, "/api/keys") || is_below(path, "/api/settings") {
        Scope::Admin
    } else if looks || path == "/api/explain" {
        Scope::Read
    } else if path == "/dispatch" || path == "/batch" || is_below(path, "/api/services") {
        Scope::Dispatch
    } else {
        Scope::Operate
    })
}

/// Whether the path is one of those that answer to anybody.
#[must_use]
pub fn is_probe(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz" | "/health")
}

fn is_below(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim()).filter(|token| !token.is_empty())
}

fn names_a_secret(query: &str) -> bool {
    url::form_urlencoded::parse(query.as_bytes())
        .any(|(name, _)| QUERY_SECRETS.iter().any(|secret| name.eq_ignore_ascii_case(secret)))
}

#[cfg(test)]
pub(crate) mod tests;
