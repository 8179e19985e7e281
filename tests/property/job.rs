//! Jobs: what changes a hash and what does not, and that a job survives being written.

use linocut::ctx::{Ctx, Silent};
use linocut::image::Image;
use linocut::job::Job;
use linocut::nodes::param::Values;
use linocut::nodes::{Asked, NODES, Sizes, shared};
use linocut::pipeline::{Plan, Start};
use linocut::schedule::Prompt;
use proptest::prelude::*;

fn ctx() -> Ctx {
    Ctx::new(1, std::sync::Arc::new(Silent)).unwrap()
}

fn start(level: f32) -> Start {
    Start::Picture(Image::filled(8, 6, [level; 3]))
}

fn plan(seed: u64) -> Plan {
    let node = NODES.iter().find(|node| node.command == "edit").unwrap();
    let mut values = Values::defaults(node.params);
    for (flag, text) in [("prompt", "a moon".to_owned()), ("seed", seed.to_string())] {
        let param = node.params.iter().find(|param| param.flag() == flag).unwrap();
        values.set(param, param.parse(&text).unwrap()).unwrap();
    }
    let sizes = Sizes { source_px: [8.0, 6.0], canvas_px: [8.0, 6.0] };
    (node.plan)(&values, &Asked { sizes, prompt: &Prompt::new(values.get(&shared::PROMPT)) })
}

fn job(seed: u64, level: f32, encoder: &str) -> Job {
    Job::new("org.linocut.PromptEdit", plan(seed), &start(level), encoder, &ctx())
}

#[test]
fn the_hash_follows_seed_picture_and_encoder_and_nothing_else() {
    let hash = |seed, level, encoder| job(seed, level, encoder).hash();
    let base = hash(1, 0.5, "a");
    assert_eq!(base, hash(1, 0.5, "a"), "the same job");
    assert_ne!(base, hash(2, 0.5, "a"), "another seed");
    assert_ne!(base, hash(1, 0.25, "a"), "another picture");
    assert_ne!(base, hash(1, 0.5, "b"), "another encoder");
}

#[test]
fn a_broken_job_names_the_place() {
    let error = Job::from_json("{\n  \"node\": 3}").unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("expected a string"), "{error}");
}

proptest! {
    #[test]
    fn a_job_survives_being_written_and_read(seed in any::<u64>(), level in 0.0f32..1.0) {
        let seed = seed >> 1;
        let job = job(seed, level, "encoder");
        let read = Job::from_json(&job.canonical()).unwrap();
        prop_assert_eq!(read.hash(), job.hash());
        prop_assert_eq!(read, job);
    }

    #[test]
    fn any_text_as_a_job_is_an_error_and_no_panic(text in ".{0,200}") {
        prop_assert!(Job::from_json(&text).is_err());
    }
}
