//! What every implementation of [`Classifier`] must do, as checks that can be run on any of them. [`check`] runs every one.
//!
//! ```
//! use everreach_core::routing::RouteTable;
//! use everreach_core::testing::classifier;
//! classifier::check(&RouteTable::builtin())?;
//! # Ok::<(), everreach_core::Error>(())
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use super::law;
use crate::routing::{ActionClass, Classification, Classifier};
use crate::{ActionName, Clock, Result, SystemClock};

const BREAKS: &str = "the classifier breaks its law";
/// Names that a careless rule trips over, beside the known ones: short, digits and underscores, unknown services and topics.
const NAMES: [&str; 9] = [
    "a.b",
    "a_.b_",
    "s3.get_2",
    "dm.send",
    "dm.no_such_topic",
    "system.heartbeat",
    "content.generate",
    "no_such_service.no_such_topic",
    "zz9__z.z__9zz",
];
/// How many answers are timed in a row, and how long they may take together. Whether a classifier does I/O cannot be seen from outside;
/// that it waits for some can.
const TIMED: usize = 1_000;
const PATIENCE: Duration = Duration::from_secs(1);

/// Runs every check. Asks about ten names, some thousand times.
///
/// # Errors
/// The first law that does not hold, with what was seen.
pub fn check(classifier: &dyn Classifier) -> Result<()> {
    let names = names()?;
    every_well_formed_name_has_a_class_and_a_reason(classifier, &names)?;
    the_same_name_has_the_same_class(classifier, &names)?;
    it_answers_at_once(classifier, &names)
}

fn every_well_formed_name_has_a_class_and_a_reason(classifier: &dyn Classifier, names: &[ActionName]) -> Result<()> {
    for name in names {
        let answer = catch_unwind(AssertUnwindSafe(|| classifier.classify(name))).ok();
        let has_reason = answer.as_ref().is_some_and(|answer: &Classification| !answer.reason.trim().is_empty());
        law::hold(has_reason, BREAKS, "every well-formed name has a class and a reason", &(name, answer))?;
    }
    Ok(())
}

/// From one thread and from several at once.
fn the_same_name_has_the_same_class(classifier: &dyn Classifier, names: &[ActionName]) -> Result<()> {
    let classes = || names.iter().map(|name| classifier.classify(name).class).collect::<Vec<ActionClass>>();
    let first = classes();
    let seen: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(classes)).collect();
        threads.into_iter().map(|thread| thread.join().ok()).collect()
    });
    let held = seen.iter().all(|again| again.as_ref() == Some(&first));
    law::hold(held, BREAKS, "the same name has the same class until the rules change", &(names, first, seen))
}

fn it_answers_at_once(classifier: &dyn Classifier, names: &[ActionName]) -> Result<()> {
    let clock = SystemClock::new();
    for name in names.iter().cycle().take(TIMED) {
        classifier.classify(name);
        let elapsed = clock.monotonic();
        law::hold(elapsed < PATIENCE, BREAKS, "it answers at once: a thousand answers take less than a second", &elapsed)?;
    }
    Ok(())
}

/// The names, and one of the greatest length.
fn names() -> Result<Vec<ActionName>> {
    let longest = format!("{}.{}", "s".repeat(63), "t".repeat(64));
    NAMES.into_iter().chain([longest.as_str()]).map(str::parse).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::routing::{RouteTable, SharedRouteTable};

    /// Everything of some services is compute, the rest is api.
    struct ByService(&'static [&'static str]);

    impl Classifier for ByService {
        fn classify(&self, action: &ActionName) -> Classification {
            if self.0.contains(&action.service()) {
                return Classification::new(ActionClass::Compute, format!("{} computes", action.service()));
            }
            Classification::new(ActionClass::Api, "everything else calls somebody")
        }
    }

    /// A classifier made of a function.
    struct Told<F>(F);

    impl<F: Fn(&ActionName) -> Classification + Send + Sync + 'static> Classifier for Told<F> {
        fn classify(&self, action: &ActionName) -> Classification {
            (self.0)(action)
        }
    }

    fn law_broken_by(classify: impl Fn(&ActionName) -> Classification + Send + Sync + 'static) -> String {
        let error = check(&Told(classify)).expect_err("it breaks the law");
        error.context().find(|(key, _)| *key == "law").expect("a law is named").1.to_owned()
    }

    #[test]
    fn the_route_tables_and_a_classifier_by_hand_keep_the_law() {
        check(&RouteTable::builtin()).expect("the built-in table");
        check(&SharedRouteTable::new(RouteTable::builtin())).expect("the shared table");
        check(&ByService(&["content", "feedback"])).expect("a classifier by hand");
    }

    #[test]
    fn a_name_that_it_chokes_on_is_found() {
        let law = law_broken_by(|action| {
            assert!(action.as_str().len() < 100, "the name is too long for me");
            Classification::new(ActionClass::Api, "short")
        });
        assert_eq!(law, "every well-formed name has a class and a reason");
    }

    #[test]
    fn an_answer_without_a_reason_is_found() {
        let law = law_broken_by(|_| Classification::new(ActionClass::Api, " "));
        assert_eq!(law, "every well-formed name has a class and a reason");
    }

    #[test]
    fn a_change_of_mind_is_found() {
        let asked = AtomicUsize::new(0);
        let law = law_broken_by(move |_| {
            let class = if asked.fetch_add(1, Ordering::Relaxed) < 15 { ActionClass::Api } else { ActionClass::Compute };
            Classification::new(class, "it depends")
        });
        assert_eq!(law, "the same name has the same class until the rules change");
    }

    #[test]
    fn a_classifier_that_asks_somebody_is_found() {
        let law = law_broken_by(|_| {
            thread::sleep(Duration::from_millis(3));
            Classification::new(ActionClass::Api, "the other side said so")
        });
        assert!(law.starts_with("it answers at once"), "{law}");
    }
}
