//! The description of every route, OpenAPI 3.1.

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use crate::routes::{
    alertmanager, approvals, batch, calls, cost, cron, description, dispatch, events, explain, failover, health, keys,
    prometheus, safari, services, status, stop, sync,
};
use crate::schema;

const PROBLEM: &str = "application/problem+json";

#[derive(OpenApi)]
#[openapi(
    info(title = "EverReach", description = "Routes actions under a budget, never sends twice.", license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")),
    paths(
        dispatch::dispatch, batch::batch, services::list, services::call, explain::explain,
        calls::list, calls::show, calls::resolve,
        approvals::list, approvals::approve, approvals::deny, cost::month, cost::report, stop::stop, stop::resume,
        cron::fire, cron::list, cron::history,
        keys::list, keys::create, keys::revoke, events::stream, alertmanager::receive,
        safari::commands::list, safari::enqueue::enqueue, safari::commands::show, safari::commands::cancel,
        safari::commands::retry, safari::commands::resolve, safari::commands::retry_failed, safari::status::status, safari::run::once,
        safari::services::list, safari::rate_limits::list, safari::halts::list, safari::halts::lift,
        safari::campaigns::start, safari::campaigns::list, safari::campaigns::show, safari::campaigns::pause,
        safari::campaigns::resume, safari::campaigns::cancel, safari::campaigns::replied,
        safari::campaigns::opted_out, safari::campaigns::posts,
        safari::deny_list::list, safari::deny_list::add, safari::deny_list::remove,
        failover::show, failover::take_over, failover::stand_down, failover::grant,
        sync::push, sync::pull, sync::status, sync::push_now, sync::pull_now,
        health::health, health::livez, health::readyz, status::status, prometheus::metrics, description::serve
    ),
    components(schemas(schema::Problem)),
    security(("bearer" = [])),
    modifiers(&EveryRoute)
)]
struct Document;

/// What holds for every route, said once: how to sign in, and the refusals that come before any handler.
struct EveryRoute;

impl Modify for EveryRoute {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        if let Some(components) = &mut document.components {
            let bearer = HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some("A key with the scope that the route needs"))
                .build();
            components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        }
        for item in document.paths.paths.values_mut() {
            for operation in [&mut item.get, &mut item.post, &mut item.delete].into_iter().flatten() {
                add_refusals(operation);
            }
        }
    }
}

fn add_refusals(operation: &mut Operation) {
    let mut refusals =
        vec![("400", "The request is malformed, or carries a key in its query string"), ("500", "The server failed")];
    if operation.security.is_none() {
        refusals.extend([
            ("401", "No good key"),
            ("403", "The key lacks the scope, or the Host or Origin is foreign"),
            ("503", "The database cannot be used at the moment"),
        ]);
    }
    if operation.request_body.is_some() {
        refusals.extend([
            ("408", "The body took too long"),
            ("413", "The body is larger than 2 MiB"),
            ("415", "The body is not sent as JSON"),
            ("422", "The body has the wrong shape"),
        ]);
    }
    let takes = |name: &str| {
        operation.parameters.iter().flatten().any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.name == name))
    };
    if takes("Last-Event-ID") {
        refusals.push(("422", "The header is not the number of an event"));
    }
    if takes("Idempotency-Key") || operation.operation_id.as_deref() == Some("explain") {
        refusals.push(("508", "The call has already passed through another EverReach process"));
    }
    for (status, description) in refusals {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        match operation.responses.responses.get_mut(status) {
            // The same status can be an envelope or a problem; the content type tells which.
            Some(RefOr::T(response)) => {
                response.content.entry(PROBLEM.to_owned()).or_insert(RefOr::T(content));
            }
            _ => {
                let response = ResponseBuilder::new().description(description).content(PROBLEM, content).build();
                operation.responses.responses.insert(status.to_owned(), RefOr::T(response));
            }
        }
    }
}

/// The document as JSON text.
///
/// ```
/// let document = everreach_server::openapi::document();
/// assert!(document.contains("\"/dispatch\""));
/// ```
#[must_use]
pub fn document() -> String {
    let mut text = serde_json::to_string_pretty(&Document::openapi()).unwrap_or_default();
    text.push('\n');
    text
}
