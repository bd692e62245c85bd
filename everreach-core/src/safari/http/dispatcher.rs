//! The dispatcher.

use async_trait::async_trait;
use http::StatusCode;
use serde_json::Value;
use tokio::time::timeout;

use super::endpoint::Endpoint;
use super::presence::Presence;
use super::transport::{Exchanged, Transport};
use crate::safari::gate::{Dispatchable, Work};
use crate::safari::limits::Limit;
use crate::safari::program::ProgramRunner;
use crate::safari::wire::{
    DispatchConfig, Means, ServiceRequest, judge, judge_account_standing, judge_session, keep_wanted_posts, means,
};
use crate::safari::{DispatchOutcome, DispatchVerdict, SafariConfig, SafariDispatcher, Service, ServiceHealth, SessionNeed};
use crate::store::Store;
use crate::{Error, ErrorKind, Result, SharedClock};

/// Carries commands to the nine services over HTTP, and runs the CRM script and AppleScript on this machine.
///
/// Before the first request to a service, and again after a connection was refused or broke, `/health` has to show that it is
/// the one that was meant. LinkedIn's service is made to find its tab first, and twitter-dm is asked whether x.com limits the
/// account: none of that submits anything, so what fails there is refused. Then follows one request, and only one.
///
/// ```
/// use everreach_core::safari::gate::check;
/// use everreach_core::safari::{
///     Command, DispatchVerdict, HttpSafariDispatcher, Platform, Repeat, SafariConfig, SafariDispatcher, Service, ServiceConfig,
/// };
/// use everreach_core::SystemClock;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let nobody_there = ServiceConfig::default().at("http://127.0.0.1:9".parse()?);
/// let config = SafariConfig::default().with_service(Service::TwitterDm, nobody_there);
/// let dispatcher = HttpSafariDispatcher::new(&config, SystemClock::shared())?;
/// let now = "2026-11-20T12:00:00Z".parse()?;
/// let outcome = dispatcher.dispatch(&check(&Command::dm(Platform::Twitter, "bob", "hello", now))?).await;
/// assert_eq!(outcome.verdict, DispatchVerdict::Refused(Repeat::Counted));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct HttpSafariDispatcher {
    services: [Presence; 9],
    config: DispatchConfig,
    programs: ProgramRunner,
    clock: SharedClock,
}

impl HttpSafariDispatcher {
    /// A dispatcher for these services. Nothing is asked yet.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for an address or a token that cannot be used, by the name of its setting.
    pub fn new(config: &SafariConfig, clock: SharedClock) -> Result<Self> {
        let transport = Transport::new()?;
        let presence = |service: Service| -> Result<Presence> {
            let endpoint = Endpoint::new(service, &config.service(service))?;
            Ok(Presence::new(endpoint, transport.clone(), clock.clone()))
        };
        let [a, b, c, d, e, f, g, h, i] = Service::ALL.map(presence);
        let services = [a?, b?, c?, d?, e?, f?, g?, h?, i?];
        let programs = ProgramRunner::new(config.crm_folder.clone());
        Ok(Self { services, config: config.dispatch.clone(), programs, clock })
    }

    /// Asks the two services that leak with each `/health` once a minute over all processes on this database: what one finds, the
    /// others take in.
    ///
    /// ```
    /// use everreach_core::safari::{HttpSafariDispatcher, SafariConfig};
    /// use everreach_core::{SystemClock, store::{Store, StoreConfig}};
    /// # async fn run() -> everreach_core::Result<()> {
    /// let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
    /// let dispatcher = HttpSafariDispatcher::new(&SafariConfig::default(), SystemClock::shared())?.sharing(&store);
    /// # drop(dispatcher);
    /// # Ok(()) }
    /// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
    /// ```
    #[must_use]
    pub fn sharing(mut self, store: &Store) -> Self {
        for presence in &mut self.services {
            presence.share(store);
        }
        self
    }

    pub(super) fn presence(&self, service: Service) -> &Presence {
        let [instagram_dm, twitter_dm, threads, instagram, tiktok, twitter, tiktok_dm, linkedin, research] = &self.services;
        match service {
            Service::InstagramDm => instagram_dm,
            Service::TwitterDm => twitter_dm,
            Service::ThreadsComments => threads,
            Service::InstagramComments => instagram,
            Service::TiktokComments => tiktok,
            Service::TwitterComments => twitter,
            Service::TiktokDm => tiktok_dm,
            Service::LinkedinAutomation => linkedin,
            Service::MarketResearch => research,
        }
    }

    #[cfg(test)]
    pub(super) fn presence_mut(&mut self, service: Service) -> &mut Presence {
        self.services.iter_mut().find(|presence| presence.endpoint.profile.service == service).expect("one of the nine")
    }

    async fn request(&self, command: &Dispatchable, request: &ServiceRequest) -> DispatchOutcome {
        let presence = self.presence(request.service);
        if let Err(refusal) = self.prepare(command, presence).await {
            return refusal;
        }
        let exchanged = presence.exchange(request).await;
        let mut outcome = judge(command, &exchanged.view(), self.clock.now());
        if let (Work::Research(search), DispatchVerdict::Sent, Some(answer)) =
            (command.work(), outcome.verdict, &mut outcome.answer)
        {
            keep_wanted_posts(search, answer);
        }
        outcome
    }

    /// What comes before the request. It submits nothing, so what fails here is a refusal.
    async fn prepare(&self, command: &Dispatchable, presence: &Presence) -> std::result::Result<(), DispatchOutcome> {
        presence.identify().await?;
        self.ensure_session(presence).await?;
        let service = presence.endpoint.profile.service;
        if service == Service::TwitterDm && matches!(command.work(), Work::Dm(_)) {
            let said = presence.exchange(&ServiceRequest::account_standing()).await;
            if let Some(refusal) = judge_account_standing(&said.view(), self.clock.now()) {
                return Err(refusal);
            }
        }
        Ok(())
    }

    /// Has a service find its tab, where it would drive the one in front otherwise.
    pub(super) async fn ensure_session(&self, presence: &Presence) -> std::result::Result<(), DispatchOutcome> {
        let profile = presence.endpoint.profile;
        if profile.session != SessionNeed::EnsureFirst {
            return Ok(());
        }
        let ensured = presence.exchange(&ServiceRequest::ensure_session(profile.service)).await;
        judge_session(profile.service, &ensured.view(), self.clock.now()).map_or(Ok(()), Err)
    }

    /// Asks a service something that changes nothing, and reads the answer as JSON.
    pub(super) async fn ask(&self, request: &ServiceRequest) -> Result<Value> {
        let profile = request.service.profile();
        let failed = |kind, sentence: String| Error::new(kind, sentence).with_operation("ask a Safari service");
        let presence = self.presence(request.service);
        let asked = timeout(request.timeout, async {
            // A token is not for strangers.
            presence.identify().await.map_err(|refusal| failed(ErrorKind::Unreachable, refusal.detail.into_owned()))?;
            Ok(presence.exchange(request).await)
        });
        let late = || failed(ErrorKind::Timeout, format!("{} did not answer in time", profile.name)).with("path", &request.path);
        match asked.await {
            Err(_) | Ok(Ok(Exchanged::TimedOut)) => Err(late()),
            Ok(Err(error)) => Err(error),
            Ok(Ok(Exchanged::NotSent(why) | Exchanged::Broken(why))) => {
                Err(failed(ErrorKind::Unreachable, format!("{} cannot be asked: {why}", profile.name))
                    .with("path", &request.path))
            }
            Ok(Ok(Exchanged::Answered { status: StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, .. })) => {
                let sentence = format!("{} refused the token; check {}", profile.name, profile.token_setting);
                Err(failed(ErrorKind::Unauthorized, sentence))
            }
            Ok(Ok(Exchanged::Answered { status, body, .. })) => match serde_json::from_slice(&body) {
                Ok(answer) if status.is_success() => Ok(answer),
                _ => {
                    let sentence = format!("{} gave an answer that cannot be used", profile.name);
                    Err(failed(ErrorKind::Unreachable, sentence).with("status", status.as_u16()).with("path", &request.path))
                }
            },
        }
    }
}

#[async_trait]
impl SafariDispatcher for HttpSafariDispatcher {
    /// The last look, while it is younger than the service's interval; its time stands in it.
    async fn health(&self, service: Service) -> ServiceHealth {
        self.presence(service).health().await
    }

    async fn dispatch(&self, command: &Dispatchable) -> DispatchOutcome {
        match means(command, &self.config) {
            Means::Request(request) => self.request(command, &request).await,
            Means::Program(program) => self.programs.run(command, &program).await,
        }
    }

    async fn limits(&self, service: Service) -> Result<Option<Limit>> {
        // market-research says how many requests it takes a minute, which is no limit on sends.
        if service.profile().action.is_none() {
            return Ok(None);
        }
        let Some(request) = ServiceRequest::limits(service) else { return Ok(None) };
        let answer = self.ask(&request).await?;
        Ok(Some(Limit::read(service, &answer)))
    }
}
