//! The check.

use serde_json::{Map, Value};

use super::dispatchable::Dispatchable;
use super::fields::Fields;
use super::refusal::{Refusal, RefusalCode, shown};
use super::work::{CrmStep, CrmWork, ResearchWork, Work};
use super::{comment, direct_message, navigation, wording};
use crate::safari::{Command, Platform, Verb, params_object};

const LONGEST_KEYWORD: usize = 200;

/// Lets a command through, or says for good why not. The first of all checks.
///
/// | rule | code |
/// |---|---|
/// | the action is one of our verbs | `unknown_verb` |
/// | the parameters are an object, or one as JSON text | `params_not_object` |
/// | column and parameters name the same platform, and it is one | `platform_conflict` `unknown_platform` `missing_platform` |
/// | a service does this on this platform | `no_endpoint` |
/// | recipient, post, text and keyword are there, of the right type, under one value | `missing_…` `wrong_type` `conflicting_params` |
/// | no quote, backtick, backslash, `$`, blank or control character in a name or an address | `forbidden_character` |
/// | names are `[A-Za-z0-9._-]{1,100}` after one optional `@` | `invalid_handle` |
/// | addresses are https, on the platform's hosts, without user or port, of a post or a profile where one is wanted | `invalid_url` `not_https` `unexpected_host` `url_credentials` `url_port` `not_a_post` `short_link` `not_a_profile` |
/// | no backtick, backslash or `$(` in a text; its control characters but newline and tab are dropped | `shell_syntax` |
/// | no word that twitter-comments rewrites, no more text than the service takes | `rewritten_word` `text_too_long` |
/// | numbers within their bounds | `out_of_range` |
///
/// # Errors
/// The first rule that the command breaks.
///
/// ```
/// use everreach_core::safari::gate::check;
/// use everreach_core::safari::{Command, Platform};
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// assert!(check(&Command::comment(Platform::Twitter, "https://x.com/bob/status/1", "well said", now)).is_ok());
/// let refusal = check(&Command::comment(Platform::Linkedin, "https://linkedin.com/posts/1", "hi", now)).expect_err("no such service");
/// assert_eq!(refusal.code.as_str(), "no_endpoint");
/// ```
pub fn check(command: &Command) -> Result<Dispatchable, Refusal> {
    let Some(verb) = command.verb() else {
        let detail = format!("\"{}\" is none of the actions of this queue", shown(&command.action));
        return Err(Refusal::new(RefusalCode::UnknownVerb, "action", detail));
    };
    let params = params_object(&command.params).ok_or_else(|| {
        let detail = format!("an object is wanted, not {}", shown(&command.params.to_string()));
        Refusal::new(RefusalCode::ParamsNotObject, "params", detail)
    })?;
    let fields = Fields(&params);
    let named = named_platform(command.platform.as_deref(), &fields)?;
    let work = match verb {
        Verb::SendDm => Work::Dm(direct_message::check(&fields, wanted(named)?)?),
        Verb::Comment => Work::Comment(comment::check(&fields, wanted(named)?)?),
        Verb::MarketResearch => Work::Research(research(&fields, named.map_or(Ok(Platform::Twitter), parsed)?)?),
        Verb::Navigate => Work::Navigation(navigation::check(&fields, named.map(parsed).transpose()?)?),
        Verb::Sync => Work::Crm(crm(&params, CrmStep::Sync)?),
        Verb::SyncLinkedin => Work::Crm(crm(&params, CrmStep::SyncLinkedin)?),
        Verb::Score => Work::Crm(crm(&params, CrmStep::Score)?),
        Verb::Generate => Work::Crm(crm(&params, CrmStep::Generate)?),
        Verb::Pipeline => Work::Crm(crm(&params, CrmStep::Pipeline)?),
    };
    Ok(Dispatchable { command_id: command.id, attempt: 1, verb, work })
}

/// The platform that the column or the parameters name, as written; both must say the same.
fn named_platform<'a>(column: Option<&'a str>, fields: &Fields<'a>) -> Result<Option<&'a str>, Refusal> {
    let column = column.filter(|word| !word.is_empty());
    let param = fields.text(&["platform"])?.map(|(_, word)| word);
    match (column, param) {
        (Some(column), Some(param)) if !column.eq_ignore_ascii_case(param) => {
            let detail = format!("the column says {} and the parameters say {}; keep one", shown(column), shown(param));
            Err(Refusal::new(RefusalCode::PlatformConflict, "platform", detail))
        }
        _ => Ok(column.or(param)),
    }
}

fn wanted(named: Option<&str>) -> Result<Platform, Refusal> {
    named.map_or_else(
        || Err(Refusal::new(RefusalCode::MissingPlatform, "platform", "neither the column nor the parameters name a platform")),
        parsed,
    )
}

fn parsed(word: &str) -> Result<Platform, Refusal> {
    word.parse().map_err(|_| {
        let known = Platform::ALL.map(Platform::as_str).join(", ");
        Refusal::new(RefusalCode::UnknownPlatform, "platform", format!("\"{}\" is none of {known}", shown(word)))
    })
}

/// The refusal of a pair that no service serves.
pub(super) fn no_endpoint(verb: Verb, platform: Platform) -> Refusal {
    Refusal::new(RefusalCode::NoEndpoint, "platform", format!("no service does {verb} on {platform}"))
}

fn research(fields: &Fields<'_>, platform: Platform) -> Result<ResearchWork, Refusal> {
    if platform == Platform::Linkedin {
        return Err(no_endpoint(Verb::MarketResearch, platform));
    }
    let missing = || Refusal::new(RefusalCode::MissingKeyword, "keyword", "there is nothing to search for");
    let (field, text) = fields.text(&["keyword", "query"])?.ok_or_else(missing)?;
    let keyword = wording::clean(field, text, LONGEST_KEYWORD)?.ok_or_else(missing)?;
    let keyword = keyword.replace(['\n', '\t'], " ").trim().to_owned();
    let max_posts = fields.number(&["maxPosts", "max_posts"], 10, &(1..=100))?;
    Ok(ResearchWork { platform, keyword, max_posts })
}

fn crm(params: &Map<String, Value>, step: CrmStep) -> Result<CrmWork, Refusal> {
    let fields = Fields(params);
    let limit = fields.number(&["limit"], 20, &(1..=1_000))?;
    let min_score = fields.number(&["min_score"], 20, &(0..=100))?;
    Ok(CrmWork { step, limit, min_score })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
