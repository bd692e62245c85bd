//! Who writes what the templates leave out.

use async_trait::async_trait;

use crate::Result;
use crate::safari::campaign::{CampaignPlan, Step, Target};

/// Writes the words of a step for which a campaign has no template.
///
/// # Law
/// It sends nothing. An error makes the step wait for the next round; it is not asked again for words that are written down.
///
/// ```
/// use async_trait::async_trait;
/// use everreach_core::safari::campaign::{CampaignPlan, Copywriter, Step, Target};
///
/// struct Short;
///
/// #[async_trait]
/// impl Copywriter for Short {
///     async fn text(&self, _step: &Step, target: &Target, _plan: &CampaignPlan) -> everreach_core::Result<String> {
///         Ok(format!("Hello {}", target.handle))
///     }
/// }
///
/// let copywriter: std::sync::Arc<dyn Copywriter> = std::sync::Arc::new(Short);
/// # drop(copywriter);
/// ```
#[async_trait]
pub trait Copywriter: Send + Sync + 'static {
    /// The words.
    ///
    /// # Errors
    /// When there are none now.
    async fn text(&self, step: &Step, target: &Target, plan: &CampaignPlan) -> Result<String>;
}

const _OBJECT_SAFE: Option<&dyn Copywriter> = None;
