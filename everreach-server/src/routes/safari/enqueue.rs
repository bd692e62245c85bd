//! `POST /api/safari/commands`: one command, or many at once.

use axum::extract::State;
use axum::response::Response;
use everreach_core::ledger::IdempotencyKey;
use everreach_core::safari::gate::{Refusal, check};
use everreach_core::safari::queue::{Enqueued, NewCommand};
use everreach_core::safari::{Command, Verb};
use everreach_core::{Error, ErrorKind, Timestamp};
use http::StatusCode;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json as value};
use utoipa::ToSchema;

use crate::call::CallHeaders;
use crate::extract::{Object, RawJson, parse};
use crate::problem::Problem;
use crate::routes::answer::json;
use crate::state::AppState;

const MAX_COMMANDS: usize = 1_000;
/// How many wrong commands one refusal names.
const MAX_NAMED: usize = 100;
const MAX_GROUP: usize = 128;

/// A command as it stands in a body: the columns that a caller may set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommandBody {
    /// What it asks for: `send_dm`, `comment`, `market_research`, `navigate`, `sync`, `sync_linkedin`, `score`, `generate` or `pipeline`.
    #[schema(examples("send_dm"))]
    action: String,
    /// Where; not for the verbs of the CRM.
    #[schema(examples("instagram"))]
    platform: Option<String>,
    /// What the action takes: `username` and `text`, `postUrl` and `text`, `keyword` and `maxPosts`, `url`.
    #[serde(default)]
    #[schema(value_type = Object)]
    params: Option<Value>,
    /// Lower goes first; 5 when left out.
    priority: Option<i32>,
    /// Not before this time.
    #[schema(value_type = Option<String>, format = "date-time")]
    scheduled_for: Option<Timestamp>,
    /// The key under which it is written at most once; for a single command the header `Idempotency-Key` says the same.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
    /// The campaign it belongs to.
    #[schema(min_length = 1, max_length = 128)]
    campaign_id: Option<String>,
    /// The batch it belongs to.
    #[schema(min_length = 1, max_length = 128)]
    batch_id: Option<String>,
}

/// Many commands: all are written, or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommandsBody {
    /// The commands, 1000 at most.
    #[schema(value_type = Vec<CommandBody>, min_items = 1, max_items = 1000)]
    commands: Vec<Object<CommandBody>>,
}

/// One command, or many.
#[derive(ToSchema)]
#[schema(title = "EnqueueBody")]
#[allow(dead_code, reason = "only described: the body is read by what it holds, for better refusals")]
#[serde(untagged)]
pub(crate) enum EnqueueBody {
    One(CommandBody),
    Many(CommandsBody),
}

#[derive(Deserialize)]
struct Peek {
    commands: Option<IgnoredAny>,
}

/// Writes commands into the queue: all of them, or none.
///
/// More than 10 messages in one request, campaign or batch wait for a person: `waits_for` names what to approve. With an
/// `Idempotency-Key`, command number N of many has the key `KEY:N` unless it names its own.
#[utoipa::path(post, path = "/api/safari/commands", tag = "safari", operation_id = "safari_enqueue", request_body = EnqueueBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "The key of the command, or of the request")),
    responses((status = 201, description = "Written; for many, an object with one such entry per command under `commands`", body = crate::schema::SafariEnqueued),
        (status = 200, description = "Every key was known: nothing new was written", body = crate::schema::SafariEnqueued),
        (status = 409, description = "A command with this id is being written", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn enqueue(
    State(state): State<AppState>,
    headers: CallHeaders,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    let (is_many, new) = read(&body, &headers, state.runtime().clock().now())?;
    let place = |index: usize| if is_many { format!("/commands/{index}") } else { String::new() };
    look_through(&new, place)?;
    let written = state.runtime().safari().queue().enqueue(new).await.map_err(|error| refused(error, place))?;
    let status = if written.iter().any(|one| one.created) { StatusCode::CREATED } else { StatusCode::OK };
    Ok(match written.as_slice() {
        [one] if !is_many => json(status, one),
        all => json(status, &answers(all)),
    })
}

/// The commands of a body, one or many, before the gate has looked at them.
///
/// # Errors
/// The body has another shape; the problem names the place.
pub fn commands(body: &[u8], now: Timestamp) -> Result<Vec<NewCommand>, Problem> {
    read(body, &CallHeaders::default(), now).map(|(_, new)| new)
}

/// The commands, and whether they stand in a list.
fn read(body: &[u8], headers: &CallHeaders, now: Timestamp) -> Result<(bool, Vec<NewCommand>), Problem> {
    let is_many = parse::<Peek>(body)?.commands.is_some();
    let commands = if is_many {
        let many = parse::<CommandsBody>(body)?.commands;
        if many.is_empty() || many.len() > MAX_COMMANDS {
            return Err(Problem::wrong_shape("/commands", format!("a request has 1 to {MAX_COMMANDS} commands")));
        }
        many.into_iter().map(|Object(command)| command).collect()
    } else {
        vec![parse::<CommandBody>(body)?]
    };
    let place = |index: usize| if is_many { format!("/commands/{index}") } else { String::new() };
    let mut new = Vec::with_capacity(commands.len());
    for (index, command) in commands.into_iter().enumerate() {
        let headers = if is_many { headers.for_item(index) } else { headers.clone() };
        new.push(command.into_new(&headers, &place(index), now)?);
    }
    Ok((is_many, new))
}

fn answers(all: &[Enqueued]) -> Value {
    value!({ "commands": all })
}

impl CommandBody {
    fn into_new(self, headers: &CallHeaders, at: &str, now: Timestamp) -> Result<NewCommand, Problem> {
        let key = idempotency_key(self.idempotency_key.as_deref(), headers, at)?;
        for (name, group) in [("campaign_id", &self.campaign_id), ("batch_id", &self.batch_id)] {
            let is_name =
                |group: &String| (1..=MAX_GROUP).contains(&group.chars().count()) && !group.chars().any(char::is_control);
            if group.as_ref().is_some_and(|group| !is_name(group)) {
                let detail = format!("a campaign or batch is named in 1 to {MAX_GROUP} characters on one line");
                return Err(Problem::wrong_shape(format!("{at}/{name}"), detail));
            }
        }
        // The verb is a stand-in: the gate says whether the word that replaces it is one.
        let mut command = Command::new(Verb::Score, now);
        command.action = self.action;
        command.platform = self.platform;
        command.params = self.params.unwrap_or_else(|| Value::Object(Map::new()));
        command.priority = self.priority.unwrap_or(command.priority);
        command.scheduled_for = self.scheduled_for;
        command.campaign_id = self.campaign_id;
        command.batch_id = self.batch_id;
        let new = NewCommand::new(command);
        Ok(match key {
            Some(key) => new.with_key(key),
            None => new,
        })
    }
}

/// The key that stands in the part of the body at `at`, or in the header: for the whole body they have to agree.
pub(super) fn idempotency_key(body: Option<&str>, headers: &CallHeaders, at: &str) -> Result<Option<IdempotencyKey>, Problem> {
    let pointer = || format!("{at}/idempotency_key");
    let text = match (body, headers.idempotency_key.as_deref()) {
        (Some(body), Some(header)) if at.is_empty() && body != header => {
            let detail = "the header `Idempotency-Key` and the body name different keys: send one of them";
            return Err(Problem::wrong_shape(pointer(), detail));
        }
        (Some(key), _) | (None, Some(key)) => key,
        (None, None) => return Ok(None),
    };
    text.parse()
        .map(Some)
        .map_err(|_| Problem::wrong_shape(pointer(), "an idempotency key is 1 to 255 visible ASCII characters without spaces"))
}

/// Names every command that may not be sent, with the field that is wrong.
fn look_through(new: &[NewCommand], place: impl Fn(usize) -> String) -> Result<(), Problem> {
    let wrong = new.iter().enumerate().filter_map(|(index, one)| Some((index, check(&one.command).err()?)));
    let wrong: Vec<_> = wrong.take(MAX_NAMED).collect();
    let Some((_, first)) = wrong.first() else { return Ok(()) };
    let problem = Problem::of(ErrorKind::InvalidParams, format!("{first} ({})", first.code));
    Err(wrong.iter().fold(problem, |problem, (index, refusal)| {
        problem.at(pointer(&place(*index), refusal), format!("{} ({})", refusal.detail, refusal.code))
    }))
}

fn pointer(at: &str, refusal: &Refusal) -> String {
    match refusal.field {
        "action" | "platform" | "params" => format!("{at}/{}", refusal.field),
        field => format!("{at}/params/{field}"),
    }
}

/// What the queue refused, with the place of the command that it names.
fn refused(error: Error, place: impl Fn(usize) -> String) -> Problem {
    let index = error.context().find(|(name, _)| *name == "command").and_then(|(_, index)| index.parse::<usize>().ok());
    let detail = error.message().to_owned();
    let problem = Problem::from(error);
    match index {
        Some(index) if problem.status().is_client_error() => problem.at(place(index), detail),
        _ => problem,
    }
}
