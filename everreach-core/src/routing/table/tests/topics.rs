//! The built-in table against the environment's list of topics.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{name, route};
use crate::routing::{ActionClass, Classifier, Dedupe, Preference, RouteMatch, RouteTable};
use crate::{Effect, MicroUsd, Side};

/// Service, topics, effect (Read, Compute, Write, X outward, Process), and whether they are Essential or Not.
const TOPICS: &[(&str, &str, char, char)] = &[
    ("system", "heartbeat self_test full_status list_services crons daily_revenue pending_approvals", 'R', 'E'),
    ("system", "router_rules_list scheduler_status", 'R', 'E'),
    ("system", "approval_gate dlq_retry router_rules_upsert propose_schedule", 'W', 'E'),
    ("system", "self_heal restart_worker", 'P', 'E'),
    ("system", "delegate_to_acd", 'P', 'N'),
    ("system", "acd_status", 'R', 'N'),
    ("system", "deploy_code", 'X', 'N'),
    ("acd", "harness_status harness_logs list_harnesses list_projects dashboard_stats", 'R', 'N'),
    ("acd", "start_harness stop_harness wake import_project", 'P', 'N'),
    ("research", "platform keyword twitter status result results memory_proposals market", 'R', 'N'),
    ("research", "list_results blueprints", 'R', 'E'),
    ("research", "enqueue submit", 'C', 'N'),
    ("browser", "search fetch", 'R', 'N'),
    ("twitter", "strategy", 'R', 'N'),
    ("twitter", "generate generate_prompt playbook", 'C', 'N'),
    ("twitter", "metrics", 'R', 'E'),
    ("content", "generate analyze_video youtube_payload review", 'C', 'N'),
    ("content", "publish", 'X', 'N'),
    ("sora", "generate reprocess", 'C', 'N'),
    ("remotion", "render", 'C', 'N'),
    ("feedback", "checkbacks analysis generate_prompt", 'C', 'N'),
    ("feedback", "twitter_cycle universal_cycle register_post", 'W', 'N'),
    ("feedback", "list_posts", 'R', 'N'),
    ("metrics", "winners", 'R', 'E'),
    ("social", "metrics summary", 'R', 'E'),
    ("social", "collect", 'W', 'E'),
    ("youtube", "analytics", 'R', 'E'),
    ("publish", "auto multi lite content schedule", 'X', 'E'),
    ("mediaposter", "post_from_actp", 'X', 'E'),
    ("mediaposter", "smart_schedule", 'R', 'E'),
    ("blotato", "publish", 'X', 'E'),
    ("blotato", "queue_summary queue_audit", 'R', 'E'),
    ("dm", "send queue", 'X', 'E'),
    ("dm", "bulk_send process_outreach", 'X', 'N'),
    ("dm", "sync", 'W', 'E'),
    ("dm", "conversations health stats limits top_contacts score_contact", 'R', 'E'),
    ("dm", "ai_generate", 'C', 'N'),
    ("linkedin", "search", 'R', 'N'),
    ("linkedin", "prospect", 'X', 'N'),
    ("linkedin", "connect message campaign", 'X', 'E'),
    ("linkedin", "ai_message", 'C', 'N'),
    ("linkedin", "status stats", 'R', 'E'),
    ("upwork", "search scan", 'R', 'N'),
    ("upwork", "propose", 'X', 'N'),
    ("upwork", "status track stats", 'R', 'E'),
    ("comments", "post", 'X', 'E'),
    ("comments", "threads_engage", 'X', 'N'),
    ("safari", "health", 'R', 'E'),
    ("safari", "ensure_session", 'P', 'E'),
    ("safari", "navigate inbox execute_js", 'X', 'N'),
    ("crm", "list_contacts search_contacts stats", 'R', 'E'),
    ("crm", "create_contact log_interaction advance_pipeline", 'W', 'E'),
    ("agent", "save_health_snapshot", 'W', 'E'),
    ("workflow", "start", 'W', 'E'),
    ("workflow", "list status", 'R', 'E'),
    ("revenue", "dashboard weekly_trend stripe_overview revcat_overview youtube_stats", 'R', 'E'),
    ("revenue", "daily_snapshot track", 'W', 'E'),
    ("revenue", "telegram_report", 'X', 'E'),
    ("revcat", "mrr overview check_subscribers active_subscribers", 'R', 'E'),
    ("stripe", "check_payments", 'R', 'E'),
    ("meta_ads", "spend", 'R', 'N'),
    ("ads", "check_performance", 'R', 'N'),
    ("ads", "deploy", 'X', 'N'),
    ("telegram", "send daily_report", 'X', 'E'),
    ("email", "send", 'X', 'E'),
    ("email", "status list stats webhook", 'R', 'E'),
    ("memory", "write write_daily write_knowledge write_lesson promote forget checkpoint", 'W', 'E'),
    ("graph", "entities search", 'R', 'E'),
    ("graph", "promote record_event sync_vault", 'W', 'E'),
    ("chat", "history", 'R', 'E'),
    ("cognitive", "score_event ingest growth_snapshot forgetting_cycle", 'W', 'N'),
    ("cognitive", "session_brief data_plane_map", 'C', 'N'),
    ("orchestrator", "morning_routine content_blitz outreach_cycle research_to_publish daily_summary", 'X', 'N'),
    ("gateway", "channel_status", 'R', 'N'),
    ("cost", "report", 'X', 'E'),
    ("safari_queue", "run_once check_services retry_failed reset_counters", 'W', 'E'),
    ("sync", "push pull", 'W', 'E'),
];

const LOCAL_PREFERRED: &str = "content.analyze_video content.youtube_payload feedback.checkbacks feedback.analysis \
    feedback.twitter_cycle feedback.universal_cycle twitter.metrics twitter.playbook blotato.queue_summary \
    blotato.queue_audit system.self_test system.heartbeat";
const CLOUD_PREFERRED: &str = "research.platform research.keyword research.twitter dm.send dm.conversations dm.process_outreach \
    linkedin.search linkedin.prospect linkedin.message linkedin.campaign upwork.search upwork.propose upwork.scan publish.auto \
    publish.multi publish.lite safari.health safari.ensure_session telegram.send comments.post comments.threads_engage";

#[test]
fn every_topic_has_its_row_with_its_effect_and_its_place_under_the_cap_and_there_are_no_others() {
    let table = RouteTable::builtin();
    let mut listed = BTreeSet::new();
    for (service, topics, effect, cap) in TOPICS {
        for topic in topics.split(' ') {
            let action = format!("{service}.{topic}");
            let route = route(&table, &action);
            let effect = match effect {
                'R' => Effect::Read,
                'C' => Effect::Compute,
                'W' => Effect::Write,
                'P' => Effect::Process,
                _ => Effect::Outward,
            };
            assert_eq!((route.matched, route.effect, route.essential), (RouteMatch::Exact, effect, *cap == 'E'), "{action}");
            assert!(route.cost_usd.is_some() && !route.description.is_empty(), "{action}");
            assert_eq!(route.action.as_str(), action);
            assert!(listed.insert(action));
        }
    }
    let rows: BTreeSet<String> = table.routes().map(|route| route.action.to_string()).collect();
    assert_eq!(rows, listed);
}

#[test]
fn the_two_sets_of_the_requirements_are_classified_as_they_say() {
    let table = RouteTable::builtin();
    for action in LOCAL_PREFERRED.split_whitespace() {
        assert_eq!(table.classify(&name(action)).class, ActionClass::Compute, "{action}");
        assert_eq!(route(&table, action).preferred_env, Preference::Local, "{action}");
    }
    for action in CLOUD_PREFERRED.split_whitespace() {
        assert_eq!(table.classify(&name(action)).class, ActionClass::Api, "{action}");
        assert_eq!(route(&table, action).preferred_env, Preference::Cloud, "{action}");
    }
}

#[test]
fn the_wildcards_of_the_requirements_cover_listed_and_unlisted_topics() {
    let table = RouteTable::builtin();
    for service in ["linkedin", "upwork", "publish", "safari", "dm", "comments", "feedback"] {
        let wanted = if service == "feedback" { Preference::Local } else { Preference::Cloud };
        assert_eq!(route(&table, &format!("{service}.unheard_of")).preferred_env, wanted, "{service}.*");
        for route in table.routes().filter(|route| route.action.service() == service) {
            assert_eq!(route.preferred_env, wanted, "{}", route.action);
        }
    }
}

#[test]
fn every_service_has_a_row_for_its_unlisted_topics() {
    let table = RouteTable::builtin();
    for service in table.routes().map(|route| route.action.service()).chain(["posthog", "superwall"]) {
        assert_eq!(route(&table, &format!("{service}.unheard_of")).matched, RouteMatch::Prefix, "{service}");
    }
}

#[test]
fn cloud_preferred_rows_fall_back_to_this_machine_and_local_ones_nowhere() {
    for route in RouteTable::builtin().routes() {
        match route.preferred_env {
            Preference::Cloud => assert_eq!(route.fallback_env, Some(Side::Local), "{}", route.action),
            Preference::Local => assert_eq!(route.fallback_env, None, "{}", route.action),
            Preference::Auto => {
                let wanted = (route.class == ActionClass::Api).then_some(Side::Local);
                assert_eq!(route.fallback_env, wanted, "{}", route.action);
            }
        }
    }
}

#[test]
fn prices_are_the_stated_ones_and_model_work_is_never_free() {
    let table = RouteTable::builtin();
    let stated = [
        ("research.platform", 2_000),
        ("research.keyword", 8_000),
        ("research.twitter", 2_000),
        ("dm.send", 1_000),
        ("linkedin.message", 5_000),
        ("upwork.propose", 3_000),
        ("content.generate", 10_000),
        ("telegram.send", 0),
        ("dm.sync", 0),
    ];
    for (action, micros) in stated {
        assert_eq!(route(&table, action).cost_usd, Some(MicroUsd::from_micros(micros)), "{action}");
    }
    for route in table.routes().filter(|route| route.effect == Effect::Compute) {
        assert_eq!(route.cost_usd, Some(MicroUsd::from_micros(10_000)), "{}", route.action);
    }
}

#[test]
fn approvals_derived_keys_and_the_limits_of_the_mac_stand_where_they_belong() {
    let table = RouteTable::builtin();
    let named = |wanted: &dyn Fn(&crate::routing::Route) -> bool| -> Vec<String> {
        table.routes().filter(|route| wanted(route)).map(|route| route.action.to_string()).collect()
    };
    let approval = ["ads.deploy", "dm.bulk_send", "dm.process_outreach", "system.delegate_to_acd", "system.deploy_code"];
    assert_eq!(named(&|route| route.approval), approval);
    let keyed = "blotato.publish comments.post content.publish dm.queue dm.send linkedin.connect linkedin.message \
        mediaposter.post_from_actp publish.auto publish.content publish.lite publish.multi publish.schedule";
    assert_eq!(named(&|route| route.dedupe == Dedupe::ContentDay), keyed.split_whitespace().collect::<Vec<_>>());
    let mac = "comments.post comments.threads_engage dm.bulk_send dm.process_outreach dm.queue dm.send dm.sync linkedin.campaign \
        linkedin.connect linkedin.message linkedin.prospect linkedin.search safari.ensure_session safari.execute_js safari.health \
        safari.inbox safari.navigate safari_queue.check_services safari_queue.reset_counters safari_queue.retry_failed \
        safari_queue.run_once sync.pull sync.push";
    assert_eq!(named(&|route| route.requires == Some(Side::Local)), mac.split_whitespace().collect::<Vec<_>>());
    assert_eq!(route(&table, "dm.send").timeout, Some(Duration::from_secs(90)));
    assert_eq!(route(&table, "research.platform").timeout, Some(Duration::from_secs(60)));
}

#[test]
fn the_other_spellings_are_aliases() {
    let table = RouteTable::builtin();
    assert_eq!(table.canonical(&name("content.gen")), name("content.generate"));
    assert_eq!(table.canonical(&name("revenue.telegram_summary")), name("revenue.telegram_report"));
}
