//! Plans: what changes a key and what does not, and that a plan survives being written.

use crate::util::{folder, picture, write_disc};
use linocut::cache::Cache;
use linocut::ctx::{Ctx, Progress, Silent};
use linocut::models::SearchPath;
use linocut::nodes::param::Values;
use linocut::nodes::{NODES, Node, shared};
use linocut::plan::{Input, Key, Plan, PlanError, StepId};
use linocut::schedule::Prompt;
use linocut::session::{Material, Prepared, Request, Session};
use proptest::prelude::*;
use std::sync::Arc;

/// Hears everything, as a progress bar does.
struct Loud;

impl Progress for Loud {
    fn stage(&self, _name: &str, _total: u64) {}
    fn advance(&self, _done: u64, _note: &str) {}
}

fn node(command: &str) -> &'static Node {
    NODES.iter().find(|node| node.command == command).unwrap()
}

fn material(side: u32) -> Material {
    let folder = folder();
    let path = folder.path().join("disc.png");
    write_disc(&path, side);
    Material::from_picture(picture(&path))
}

/// What a node plans for some settings, in a process of some threads with some cache.
fn prepared(command: &str, set: &[(&str, &str)], side: u32, cache: Cache, ctx: &Ctx) -> Prepared {
    let node = node(command);
    let mut values = Values::defaults(node.all_params());
    for (id, text) in set {
        let param = node.all_params().find(|param| param.id == *id).unwrap();
        values.set(param, param.parse(text).unwrap()).unwrap();
    }
    let prompt = Prompt::new(values.get(&shared::PROMPT));
    let material = material(side);
    let request = Request { node, values: &values, prompt: &prompt, material: &material, mask: None, others: &[] };
    Session { cache, search: SearchPath::default() }.prepare(&request, ctx).unwrap()
}

fn quiet(threads: usize) -> Ctx {
    Ctx::new(threads, Arc::new(Silent)).unwrap()
}

fn key(command: &str, set: &[(&str, &str)]) -> Key {
    prepared(command, set, 24, Cache::off(), &quiet(1)).key
}

#[test]
fn a_key_follows_what_an_artifact_depends_on() {
    let base = key("edit", &[("prompt", "a moon")]);
    assert_eq!(base, key("edit", &[("prompt", "a moon")]), "the same plan");
    for other in [("prompt", "a sun"), ("seed", "2"), ("quality", "final"), ("rounds", "3,6"), ("iterations", "7")] {
        assert_ne!(base, key("edit", &[("prompt", "a moon"), other]), "{other:?}");
    }
    let picture = prepared("edit", &[("prompt", "a moon")], 25, Cache::off(), &quiet(1)).key;
    assert_ne!(base, picture, "another picture");
    let mut plan = prepared("edit", &[("prompt", "a moon")], 24, Cache::off(), &quiet(1)).plan;
    plan.steps[1].models[0].1 = "another encoder".to_owned();
    assert_ne!(base, plan.key().unwrap(), "another encoder");
    plan.steps[0].class = "another machine".to_owned();
    assert_ne!(plan.keys().unwrap()[1], base, "what a step depends on is in its key");
}

#[test]
fn two_nodes_that_plan_the_same_share_what_is_made() {
    let edit = prepared("edit", &[("prompt", "a moon"), ("mode", "color")], 24, Cache::off(), &quiet(1));
    assert_eq!(
        edit.key,
        key("recolor", &[("prompt", "a moon"), ("palette", "free")]),
        "the node's name is no part of it"
    );
    let trace = prepared("vectorize", &[], 24, Cache::off(), &quiet(1));
    assert_eq!(edit.plan.keys().unwrap()[0], trace.key, "an edit and Vectorize share the tracing");
}

#[test]
fn a_broken_plan_names_the_place() {
    let error = Plan::from_json("{\n  \"steps\": 3}").unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("expected a sequence"), "{error}");
    let mut plan = prepared("edit", &[("prompt", "a moon")], 24, Cache::off(), &quiet(1)).plan;
    plan.result = StepId(7);
    let error = Plan::from_json(&plan.canonical()).unwrap_err();
    assert_eq!(error, PlanError::Order { step: 2, input: 7, steps: 2 });
    plan.result = StepId(1);
    plan.steps[1].inputs[0].1 = Input::Step(StepId(1));
    let error = Plan::from_json(&plan.canonical()).unwrap_err();
    assert_eq!(error, PlanError::Order { step: 1, input: 1, steps: 2 }, "no step waits for itself");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_key_follows_nothing_else(
        threads in 1_usize..5,
        is_loud in any::<bool>(),
        is_cached in any::<bool>(),
        [detail, strength, mix] in [0.0_f64..1.0, 0.0..1.0, 0.0..1.0],
    ) {
        let base = key("edit", &[("prompt", "a moon")]);
        let folder = folder();
        let cache = if is_cached { Cache::open(folder.path(), 1 << 20).unwrap() } else { Cache::off() };
        let listener: Arc<dyn Progress> = if is_loud { Arc::new(Loud) } else { Arc::new(Silent) };
        let [detail, strength, mix] = [detail, strength, mix].map(|part| part.to_string());
        let set = [("prompt", "a moon"), ("detail", &detail), ("strength", &strength), ("mix", &mix)];
        let other = prepared("edit", &set, 24, cache, &Ctx::new(threads, listener).unwrap());
        prop_assert_eq!(base, other.key);
    }

    #[test]
    fn a_plan_survives_being_written_and_read(seed in 0_u32..1 << 31, prompt in "[a-z ]{1,40}x") {
        let set = [("prompt", prompt.as_str()), ("seed", &seed.to_string())];
        let plan = prepared("edit", &set, 24, Cache::off(), &quiet(1)).plan;
        let read = Plan::from_json(&plan.canonical()).unwrap();
        prop_assert_eq!(read.key().unwrap(), plan.key().unwrap());
        prop_assert_eq!(read, plan);
    }

    #[test]
    fn any_text_as_a_plan_is_an_error_and_no_panic(text in ".{0,200}") {
        prop_assert!(Plan::from_json(&text).is_err());
    }
}
