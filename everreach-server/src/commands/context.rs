//! What every command is handed: the flags, the settings and the way to the API.

use everreach_core::Result;
use everreach_core::runtime::Runtime;
use everreach_core::sync::state::Exchange;
use tokio::sync::OnceCell;

use crate::cli::GlobalArgs;
use crate::client::Api;
use crate::output::Output;
use crate::serving;
use crate::settings::Settings;

/// What every command is handed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Context {
    /// The flags that every command takes.
    pub global: GlobalArgs,
    /// Every setting.
    pub settings: Settings,
    /// How to print.
    pub output: Output,
    api: OnceCell<Api>,
}

impl Context {
    pub(super) const fn new(global: GlobalArgs, settings: Settings, output: Output) -> Self {
        Self { global, settings, output, api: OnceCell::const_new() }
    }

    /// The API: of `--server`, or in this process on the database of the settings.
    ///
    /// # Errors
    /// When the settings do not hold together or the database cannot be opened.
    pub async fn api(&self) -> Result<&Api> {
        self.api.get_or_try_init(|| self.open()).await
    }

    /// Lets calls under way finish.
    pub(super) async fn close(&self) {
        if let Some(api) = self.api.get() {
            api.close().await;
        }
    }

    async fn open(&self) -> Result<Api> {
        if let Some(url) = &self.global.server {
            return Api::remote(url.clone(), &self.settings, self.global.key_file.as_deref());
        }
        let resolved = self.settings.resolve()?;
        let mut config = resolved.runtime.clone();
        // A command does what it is asked to: the servers keep the two sides in step.
        config.state.exchange = Exchange::OnRequest;
        let runtime = Runtime::builder(config).build().await?;
        let key = serving::fresh_key();
        let router = serving::router(&runtime, &resolved.server, Some(&key))?;
        Ok(Api::in_process(router, runtime, key))
    }
}
