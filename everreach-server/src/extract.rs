//! Reading requests: one JSON extractor, one for the headers of a call, one for names in the path. Every refusal is a [`Problem`].

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use everreach_core::ErrorKind;
use futures_util::StreamExt;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};

use crate::problem::Problem;

/// The largest body that is read.
pub(crate) const BODY_LIMIT: usize = 2 * 1024 * 1024;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// A JSON object in the body.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        parse(&read(request).await?).map(Self)
    }
}

/// A JSON object in the body, or nothing, which means the default.
#[derive(Debug)]
pub(crate) struct OptionalJson<T>(pub(crate) T);

impl<T: DeserializeOwned + Default, S: Sync> FromRequest<S> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = read(request).await?;
        if bytes.is_empty() { Ok(Self(T::default())) } else { parse(&bytes).map(Self) }
    }
}

/// The body as it came, once its type, size and pace are found good. An empty body needs no type.
pub(crate) struct RawJson(pub(crate) Bytes);

impl<S: Sync> FromRequest<S> for RawJson {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read(request).await.map(Self)
    }
}

async fn read(request: Request) -> Result<Bytes, Problem> {
    let is_json = is_json(request.headers());
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > BODY_LIMIT) {
        return Err(too_large());
    }
    let bytes = tokio::time::timeout(BODY_TIMEOUT, gather(request.into_body()))
        .await
        .map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", "the body did not arrive within 30 s"))??;
    if !is_json && !bytes.is_empty() {
        let detail = "the body is JSON: send it with `Content-Type: application/json`";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
    }
    Ok(bytes)
}

async fn gather(body: Body) -> Result<Bytes, Problem> {
    let mut chunks = body.into_data_stream();
    let mut whole = Vec::new();
    let mut only = Bytes::new();
    while let Some(chunk) = chunks.next().await {
        let broken = |_| Problem::new(StatusCode::BAD_REQUEST, "body_incomplete", "the body ended before it was complete");
        let chunk = chunk.map_err(broken)?;
        if only.len() + whole.len() + chunk.len() > BODY_LIMIT {
            return Err(too_large());
        }
        // Nearly every body is one chunk, which then need not be copied.
        if whole.is_empty() && only.is_empty() {
            only = chunk;
        } else {
            whole.extend_from_slice(&std::mem::take(&mut only));
            whole.extend_from_slice(&chunk);
        }
    }
    Ok(if whole.is_empty() { only } else { whole.into() })
}

fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "the body is larger than 2 MiB")
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
        || (essence.len() > 12
            && essence.is_char_boundary(12)
            && essence[..12].eq_ignore_ascii_case("application/")
            && essence.ends_with("+json"))
}

/// Reads a JSON object: 400 with the position when it is not JSON, 422 with a pointer when it is not what was asked for.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    match serde_json::from_slice::<Object<T>>(bytes) {
        Ok(Object(value)) => Ok(value),
        Err(error) if error.is_data() => Err(locate::<T>(bytes, &error)),
        Err(error) => Err(Problem::new(StatusCode::BAD_REQUEST, "malformed_json", format!("the body is not JSON: {error}"))),
    }
}

/// Reads once more to learn where it went wrong; keeping track of that while all is well would cost every call.
fn locate<T: DeserializeOwned>(bytes: &[u8], error: &serde_json::Error) -> Problem {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize::<_, Object<T>>(&mut deserializer) {
        Err(located) => Problem::wrong_shape(pointer(located.path()), located.inner().to_string()),
        Ok(_) => Problem::wrong_shape("", error.to_string()),
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |mut pointer, segment| {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
        pointer
    })
}

/// Something that is written as a JSON object and as nothing else: plain structs would also accept an array of their fields.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

/// The last name in the path. What cannot be one does not exist.
#[derive(Debug)]
pub(crate) struct Named<T>(pub(crate) T);

impl<T: FromStr + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let name = Path::<String>::from_request_parts(parts, state).await.ok().and_then(|Path(name)| name.parse().ok());
        name.map(Self).ok_or_else(|| Problem::of(ErrorKind::NotFound, "nothing here has this name"))
    }
}

#[cfg(test)]
mod tests;
