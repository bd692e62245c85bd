//! Comments.

use url::Url;

use super::address::post;
use super::check::no_endpoint;
use super::fields::Fields;
use super::handle::handle;
use super::refusal::{Refusal, RefusalCode};
use super::wording::{clean, longest, no_rewritten_word};
use super::work::CommentWork;
use crate::safari::{Contact, LimitedAction, Platform, Service, Verb};

pub(super) fn check(fields: &Fields<'_>, platform: Platform) -> Result<CommentWork, Refusal> {
    let service = Service::for_action(platform, LimitedAction::Comment).ok_or_else(|| no_endpoint(Verb::Comment, platform))?;
    let (field, address) = fields.text(&["postUrl", "post_url", "videoUrl", "url"])?.ok_or_else(|| {
        let detail = "there is no post to comment on, and the service would take whatever page is open";
        Refusal::new(RefusalCode::MissingPostUrl, "postUrl", detail)
    })?;
    let url = post(field, address, platform)?;
    let text = match fields.text(&["text", "message"])? {
        Some((field, text)) => {
            let text = clean(field, text, longest(platform, LimitedAction::Comment))?;
            if let (Some(text), Platform::Twitter) = (&text, platform) {
                no_rewritten_word(field, text)?;
            }
            text
        }
        None => None,
    };
    let is_generated = fields.flag(&["useAI", "use_ai"])?;
    if text.is_none() {
        if !is_generated {
            let detail = "there is nothing to say, and the service might post words of its own";
            return Err(Refusal::new(RefusalCode::MissingText, "text", detail));
        }
        if platform == Platform::Instagram {
            return Err(Refusal::new(RefusalCode::NoGeneratedText, "useAI", "instagram-comments writes no texts; give one"));
        }
    }
    Ok(CommentWork { platform, service, author: author(&url, platform), post_url: url.into(), text })
}

/// The author that an address names: `/NAME/status/…` on x.com, `/@NAME/…` on Threads and TikTok.
fn author(url: &Url, platform: Platform) -> Option<Contact> {
    let mut parts = url.path_segments()?;
    let (first, second) = (parts.next()?, parts.next());
    let name = match platform {
        Platform::Twitter if second == Some("status") && first != "i" => first,
        Platform::Threads | Platform::Tiktok => first.strip_prefix('@')?,
        _ => return None,
    };
    handle("postUrl", name).ok().map(|name| Contact::new(platform, &name))
}
