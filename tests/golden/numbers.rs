//! Keys of fixed plans and drawings of those that ask no encoder: what a cache of yesterday must still be right about.
//!
//! Edits are not among the drawings: the encoder's products differ in their last bits between classes of processors.

use crate::util::{file, write_disc};
use linocut::cache::Cache;
use linocut::ctx::{Ctx, Silent};
use linocut::gpu::Backend;
use linocut::image::Image;
use linocut::models::SearchPath;
use linocut::nodes::param::Values;
use linocut::nodes::{NODES, font_stylize, vectorize};
use linocut::raster::Size;
use linocut::scene::svg_out::{Metadata, svg_from_scene};
use linocut::schedule::Prompt;
use linocut::session::{Material, Request, Session};
use serde_json::{Value, json};
use std::sync::Arc;

const FILE: &str = "tests/golden/numbers.json";
const UPDATE: &str = "LINOCUT_UPDATE_GOLDEN";

/// A name, a node's command and its settings.
type Fixed = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const JOBS: [Fixed; 7] = [
    ("vectorize", "vectorize", &[]),
    ("vectorize, a logo of two rounds", "vectorize", &[("preset", "logo"), ("rounds", "3,6"), ("seed", "7")]),
    ("edit", "edit", &[]),
    ("edit of a region in form", "edit", &[("mode", "shape"), ("region", "8,8,20,20:a star"), ("quality", "final")]),
    ("edit as published", "edit", &[("quality", "paper")]),
    ("recolor with a shared palette", "recolor", &[("keepBlackWhite", "on")]),
    ("stylize", "stylize", &[]),
];

fn disc() -> Image {
    let folder = crate::util::folder();
    let path = folder.path().join("disc.png");
    write_disc(&path, 48);
    crate::util::picture(&path)
}

/// Key and, of what needs no encoder, drawing of every job.
fn numbers() -> Value {
    let ctx = Ctx::new(2, Arc::new(Silent)).unwrap();
    let session = Session { cache: Cache::off(), search: SearchPath::default() };
    let font = std::fs::read(file("examples/font.ttf")).unwrap();
    let word = Material::from_word("Ab", &font, Size { width_px: 96, height_px: 64 }, 512).unwrap();
    let picture = Material::from_picture(disc());
    let prompt = Prompt::new("a moon").toward("a sun", 0.25);
    let jobs = JOBS.map(|(name, command, settings)| {
        let node = NODES.iter().find(|node| node.command == command).unwrap();
        let mut values = Values::defaults(node.all_params());
        for (id, setting) in settings {
            let param = node.all_params().find(|param| param.id == *id).unwrap();
            values.set(param, param.parse(setting).unwrap()).unwrap();
        }
        let material = if node.id == font_stylize::NODE.id { &word } else { &picture };
        let request = Request { node, values: &values, prompt: &prompt, material, mask: None, others: &[] };
        let prepared = session.prepare(&request, &ctx).unwrap();
        let drawing = match material {
            Material::Shapes(scene, _) => Some(svg_from_scene(scene, &Metadata::default())),
            Material::Picture(_) if node.id == vectorize::NODE.id => {
                let made = session.make(&prepared, &ctx, None).unwrap();
                Some(svg_from_scene(&made.edited().unwrap().scene, &Metadata::default()))
            }
            Material::Picture(_) => None,
        };
        let drawing = drawing.map(|svg| blake3::hash(svg.as_bytes()).to_hex().to_string());
        // The key as it is where most people work: processors of another class have others.
        let mut plan = prepared.plan;
        plan.steps.iter_mut().for_each(|step| step.class = Backend::Cpu.class());
        (name.to_owned(), json!({ "key": plan.key().unwrap().to_string(), "drawing": drawing }))
    });
    let versions = json!({ "trace": linocut::vectorize::VERSION, "edit": linocut::optimize::VERSION });
    json!({ "versions": versions, "jobs": jobs.into_iter().collect::<serde_json::Map<_, _>>() })
}

#[test]
fn numbers_change_with_the_version_of_a_stage_alone() {
    let now = numbers();
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(file(FILE), serde_json::to_string_pretty(&now).unwrap() + "\n").unwrap();
        return;
    }
    let held: Value = serde_json::from_str(&std::fs::read_to_string(file(FILE)).unwrap()).unwrap();
    assert_eq!(
        held["versions"], now["versions"],
        "a stage has another version: run cargo xtask golden and look at what changed"
    );
    for (name, ..) in JOBS {
        assert_eq!(
            held["jobs"][name]["drawing"], now["jobs"][name]["drawing"],
            "'{name}' gives another drawing: raise VERSION in src/vectorize/mod.rs (src/optimize/mod.rs where an edit differs), \
             say it in CHANGELOG.md under 'Pictures may change', then run cargo xtask golden"
        );
        assert_eq!(
            held["jobs"][name]["key"], now["jobs"][name]["key"],
            "'{name}' has another key, so every cache forgets it: where that is meant, say it in CHANGELOG.md and run \
             cargo xtask golden"
        );
    }
}
