//! Direct messages.

use super::address::linkedin_profile;
use super::check::no_endpoint;
use super::fields::Fields;
use super::handle::handle;
use super::refusal::{Refusal, RefusalCode};
use super::wording::{clean, longest};
use super::work::DmWork;
use crate::safari::{Contact, LimitedAction, Platform, Service, Verb};

pub(super) fn check(fields: &Fields<'_>, platform: Platform) -> Result<DmWork, Refusal> {
    let service = Service::for_action(platform, LimitedAction::Dm).ok_or_else(|| no_endpoint(Verb::SendDm, platform))?;
    let (recipient, contact) = match platform {
        Platform::Linkedin => profile(fields)?,
        _ => {
            let (field, name) = fields.text(&["username", "handle"])?.ok_or_else(nobody)?;
            let name = handle(field, name)?;
            let contact = Contact::new(platform, &name);
            (name, contact)
        }
    };
    let missing = || Refusal::new(RefusalCode::MissingText, "text", "there is nothing to say");
    let (field, text) = fields.text(&["text", "message"])?.ok_or_else(missing)?;
    let text = clean(field, text, longest(platform, LimitedAction::Dm))?.ok_or_else(missing)?;
    Ok(DmWork { platform, service, recipient, contact, text, force: fields.flag(&["force"])? })
}

/// On LinkedIn a person is the address of a profile; a bare name is made into one.
fn profile(fields: &Fields<'_>) -> Result<(String, Contact), Refusal> {
    let by_address = fields.text(&["profileUrl", "profile_url"])?;
    let by_name = fields.text(&["username", "handle"])?;
    // Both are looked at: what is not used now must not become usable by a later change of the row.
    let read = |(field, text): (&'static str, &str)| -> Result<(String, Contact), Refusal> {
        if text.contains("://") {
            let (url, name) = linkedin_profile(field, text)?;
            return Ok((url.into(), Contact::new(Platform::Linkedin, &name)));
        }
        let name = handle(field, text)?;
        Ok((format!("https://www.linkedin.com/in/{name}/"), Contact::new(Platform::Linkedin, &name)))
    };
    let by_address = by_address.map(read).transpose()?;
    let by_name = by_name.map(read).transpose()?;
    by_address.or(by_name).ok_or_else(nobody)
}

fn nobody() -> Refusal {
    Refusal::new(RefusalCode::MissingRecipient, "username", "there is nobody to write to")
}
