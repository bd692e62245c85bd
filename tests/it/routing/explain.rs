//! Why a call would go where it would go, without running it.

use everreach_core::Side;
use everreach_core::routing::{Explanation, Rule, Verdict};

use super::*;

fn told_by(explanation: &Explanation) -> (Option<Side>, Rule) {
    let last = explanation.decision.rules.last().expect("rules");
    assert_eq!(last.rule, explanation.decision.reason);
    assert_ne!(last.verdict, Verdict::Pass);
    (explanation.decision.env, explanation.decision.reason)
}

#[tokio::test]
async fn every_answer_of_explain_names_the_rule_and_nothing_runs() {
    let (bench, local, cloud) = (Bench::sqlite(), Hand::working("here"), Hand::working("there"));
    let runtime = bench.start(Mode::Hybrid, &local, &cloud).await;
    let send = runtime.explain(&dm("hi")).await.expect("an explanation");
    assert_eq!(told_by(&send), (Some(Side::Cloud), Rule::Table));
    assert_eq!(
        (send.cost_usd.micros(), send.would.as_str()),
        (1_000, "run dm.send in the cloud for 0.001 USD, falling back to local if it provably did not run")
    );
    let forced = runtime.explain(&dm("hi").forced_to(Side::Local)).await.expect("an explanation");
    assert_eq!((told_by(&forced), forced.cost_usd.micros()), ((Some(Side::Local), Rule::ForceEnv), 0));
    let auto = runtime.explain(&call("content.generate", json!({}))).await.expect("an explanation");
    assert_eq!(told_by(&auto), (Some(Side::Local), Rule::Class));
    let careful = runtime.explain(&call("dm.bulk_send", json!({}))).await.expect("an explanation");
    assert_eq!((told_by(&careful), careful.would.as_str()), ((None, Rule::Approval), "refuse dm.bulk_send: approval_required"));
    let unpriced = runtime.explain(&call("dm.brand_new", json!({}))).await.expect("an explanation");
    assert!(unpriced.would.starts_with("refuse dm.brand_new: unpriced"), "{}", unpriced.would);
    runtime.stop_switch().stop(None).await.expect("it stops");
    let stopped = runtime.explain(&dm("hi")).await.expect("an explanation");
    assert_eq!(told_by(&stopped), (None, Rule::StopSwitch));
    assert_eq!((local.count(), cloud.count()), (0, 0));
    assert!(runtime.approvals().list().await.expect("a list").is_empty());
    assert_eq!(support::store::number(runtime.store(), "SELECT count(*) FROM everreach_calls").await, 0);
    stop(runtime).await;
}

#[tokio::test]
async fn what_explain_says_is_what_route_does() {
    for mode in [Mode::Local, Mode::Cloud, Mode::Hybrid] {
        let (bench, local, cloud) = (Bench::sqlite(), Hand::working("here"), Hand::working("there"));
        let runtime = bench.start(mode, &local, &cloud).await;
        for action in ["dm.stats", "content.analyze_video", "crm.stats", "publish.auto", "telegram.send", "content.generate"] {
            let request = call(action, json!({"text": "hi"}));
            let said = runtime.explain(&request).await.expect("an explanation");
            let done = runtime.route(request).await;
            let side = done.source.map(|source| if source == Source::Cloud { Side::Cloud } else { Side::Local });
            assert_eq!((side, done.cost_usd), (said.decision.env, said.cost_usd), "{mode:?} {action}");
        }
        stop(runtime).await;
    }
}
