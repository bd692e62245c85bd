//! Every scenario, asked in the words of the dispatcher and judged by its rules: nothing that was pressed is ever taken for
//! refused, and nothing that was not pressed is ever taken for sent.

use everreach_core::safari::gate::{Dispatchable, check};
use everreach_core::safari::wire::{DispatchConfig, Exchange, Means, judge, means};
use everreach_core::safari::{Command, DispatchVerdict, LimitedAction, Service};
use everreach_server::demo::safari::{DoubleConfig, scenario_rows};
use http::StatusCode;

use super::stage::{Heard, Stage};

fn command(service: Service, number: usize) -> Dispatchable {
    let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    let profile = service.profile();
    let platform = profile.platform.expect("it sends");
    let post = match service {
        Service::ThreadsComments => format!("https://www.threads.com/@a/post/{number}"),
        Service::InstagramComments => format!("https://www.instagram.com/p/{number}/"),
        Service::TiktokComments => format!("https://www.tiktok.com/@a/video/{number}"),
        _ => format!("https://x.com/a/status/{number}"),
    };
    let command = match profile.action {
        Some(LimitedAction::Dm) => Command::dm(platform, &format!("bob{number}"), "hello", now),
        _ => Command::comment(platform, &post, "hello", now),
    };
    check(&command).expect("it passes the gate")
}

async fn judged(stage: &Stage, command: &Dispatchable) -> DispatchVerdict {
    let Means::Request(request) = means(command, &DispatchConfig::default()) else { panic!("a request") };
    let heard = stage.post_impatiently(request.service, &request.path, &request.body.expect("a body")).await;
    let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    let exchange = match &heard {
        Heard::Answer { status, headers, body } => {
            Exchange::Answered { status: StatusCode::from_u16(*status).expect("a status"), headers, body }
        }
        Heard::Refused => Exchange::NotSent("refused"),
        Heard::Silence => Exchange::TimedOut,
        Heard::Reset | Heard::Empty => Exchange::Broken("ended early"),
    };
    judge(command, &exchange, now).verdict
}

#[tokio::test]
async fn no_press_is_taken_for_a_refusal_and_no_refusal_for_a_press() {
    let stage = Stage::with(DoubleConfig::default().without_limits()).await;
    let mut wrong = Vec::new();
    for (number, row) in scenario_rows().enumerate() {
        for service in row.services.iter().copied().filter(|service| *service != Service::MarketResearch) {
            stage.scenario(service, row.name).await;
            let before = stage.press_count();
            let verdict = judged(&stage, &command(service, number)).await;
            let pressed = stage.press_count() - before;
            let fits = match verdict {
                DispatchVerdict::Sent | DispatchVerdict::SentUnverified => pressed > 0,
                DispatchVerdict::Refused(_) | DispatchVerdict::Duplicate => pressed == 0,
                _ => true,
            };
            if !fits {
                wrong.push(format!("{service} {}: {pressed} presses, judged {verdict:?}", row.name));
            }
            stage.scenario(service, "ok").await;
            stage.double.restart(service).await.expect("its port is free");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
