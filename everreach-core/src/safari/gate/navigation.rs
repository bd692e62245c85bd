//! Pages to open.

use super::address::{linkedin_profile, on_platform, public};
use super::fields::Fields;
use super::refusal::{Refusal, RefusalCode};
use super::work::{NavigationWork, Opener};
use crate::safari::{LimitedAction, Platform, Service};

pub(super) fn check(fields: &Fields<'_>, named: Option<Platform>) -> Result<NavigationWork, Refusal> {
    let (field, text) =
        fields.text(&["url"])?.ok_or_else(|| Refusal::new(RefusalCode::MissingUrl, "url", "there is no page to open"))?;
    let url = match named {
        Some(platform) => on_platform(field, text, platform)?,
        None => public(field, text)?,
    };
    let host = url.host_str().unwrap_or_default();
    let platform = named.or_else(|| Platform::ALL.into_iter().find(|platform| platform.owns_host(host)));
    let opener = match platform {
        Some(Platform::Linkedin) if linkedin_profile(field, text).is_ok() => Opener::LinkedinProfile,
        Some(platform) => {
            Service::for_action(platform, LimitedAction::Comment).map_or(Opener::AppleScript, Opener::CommentService)
        }
        None => Opener::AppleScript,
    };
    Ok(NavigationWork { platform, url: url.into(), opener })
}
