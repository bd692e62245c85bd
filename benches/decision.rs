//! How long it takes to decide where a call runs.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use everreach_core::routing::{ActionClass, Classifier, Conditions, RouteTable, SharedRouteTable, decide};
use everreach_core::{ActionName, Mode};

fn decision(c: &mut Criterion) {
    let table = SharedRouteTable::new(RouteTable::builtin());
    let known: ActionName = "dm.send".parse().expect("a name");
    let unknown: ActionName = "dm.unheard_of".parse().expect("a name");
    let mut group = c.benchmark_group("decision");
    for (name, action) in [("known action", &known), ("by prefix", &unknown)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                let route = table.resolve(black_box(action));
                let class = table.classify(action).class;
                decide(&route, &Conditions::new(Mode::Hybrid, class), &mut |_, _, _| {})
            });
        });
    }
    group.bench_function("rules alone", |b| {
        let route = table.resolve(&known);
        let conditions = Conditions::new(Mode::Hybrid, ActionClass::Api);
        b.iter(|| decide(black_box(&route), black_box(&conditions), &mut |_, _, _| {}));
    });
    group.finish();
}

criterion_group!(benches, decision);
criterion_main!(benches);
