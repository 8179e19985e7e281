//! Keys of fixed plans and the bytes of what they make: what a cache of yesterday must still be right about.
//!
//! Drafts stand for all edits: they take every road of the others, and seconds. What an edit makes is pinned for the usual class of
//! processors alone; others round the encoder's products differently, and say so in their class. The pictures are for eyes.

use crate::util::{file, write_disc};
use image::RgbaImage;
use linocut::cache::Cache;
use linocut::ctx::{Ctx, Silent};
use linocut::gpu::Backend;
use linocut::image::{Image, byte_from_unit};
use linocut::models::SearchPath;
use linocut::nodes::param::Values;
use linocut::nodes::{NODES, Role, font_stylize};
use linocut::raster::Size;
use linocut::schedule::Prompt;
use linocut::session::{Material, Request, Session};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

const FILE: &str = "tests/golden/numbers.json";
/// What the pinned plans make, to be looked at.
const PICTURES: &str = "tests/golden/pictures";
const UPDATE: &str = "LINOCUT_UPDATE_GOLDEN";

/// A name, a node's command and its settings.
type Fixed = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const PLANS: [Fixed; 12] = [
    ("vectorize", "vectorize", &[]),
    ("vectorize, a logo of two rounds", "vectorize", &[("preset", "logo"), ("rounds", "3,6"), ("seed", "7")]),
    ("edit", "edit", &[]),
    ("edit of a region in form", "edit", &[("mode", "shape"), ("region", "8,8,20,20:a star"), ("quality", "final")]),
    ("edit as published", "edit", &[("quality", "paper")]),
    ("recolor with a shared palette", "recolor", &[("keepBlackWhite", "on")]),
    ("stylize", "stylize", &[]),
    ("edit in a draft", "edit", &[("quality", "draft")]),
    (
        "edit of a region in form in a draft",
        "edit",
        &[("mode", "shape"), ("region", "8,8,32,32:a star"), ("quality", "draft")],
    ),
    ("recolor in a draft", "recolor", &[("quality", "draft")]),
    ("stylize in a draft", "stylize", &[("quality", "draft")]),
    ("transfer in a draft", "transfer", &[("quality", "draft"), ("keepStructure", "0")]),
];

fn disc() -> Image {
    let folder = crate::util::folder();
    let path = folder.path().join("disc.png");
    write_disc(&path, 48);
    crate::util::picture(&path)
}

/// A reference: green that becomes brown to the right.
fn leaves() -> Image {
    let mut picture = Image::filled(32, 24, [0.0, 0.0, 0.1]);
    let at = |index: usize| (index % 32) as f32 / 31.0;
    picture.planes[0].iter_mut().enumerate().for_each(|(index, value)| *value = 0.1 + 0.6 * at(index));
    picture.planes[1].iter_mut().enumerate().for_each(|(index, value)| *value = 0.7 - 0.3 * at(index));
    picture
}

/// What is known of a plan by its name: key and hash of what it makes; and how that looks.
struct Numbers {
    json: Value,
    pictures: Vec<(String, RgbaImage)>,
}

/// Key of every plan and, where it is pinned, hash and picture of what it makes.
fn numbers() -> Numbers {
    let ctx = Ctx::new(2, Arc::new(Silent)).unwrap();
    let session = Session { cache: Cache::off(), search: SearchPath::default() };
    let font = std::fs::read(file("examples/font.ttf")).unwrap();
    let word = Material::from_word("Ab", &font, Size { width_px: 96, height_px: 64 }, 512).unwrap();
    let picture = Material::from_picture(disc());
    let prompt = Prompt::new("a moon").toward("a sun", 0.25);
    let mut pictures = Vec::new();
    let plans = PLANS.map(|(name, command, settings)| {
        let node = NODES.iter().find(|node| node.command == command).unwrap();
        let mut values = Values::defaults(node.all_params());
        for (id, setting) in settings {
            let param = node.all_params().find(|param| param.id == *id).unwrap();
            values.set(param, param.parse(setting).unwrap()).unwrap();
        }
        let material = if node.id == font_stylize::NODE.id { &word } else { &picture };
        let others = if node.takes_reference() { vec![(Role::Reference, leaves())] } else { Vec::new() };
        let request = Request { node, values: &values, prompt: &prompt, material, mask: None, others: &others };
        let prepared = session.prepare(&request, &ctx).unwrap();
        let is_draft = settings.contains(&("quality", "draft"));
        let is_pinned = !node.edits || (is_draft && ctx.backend_class() == Backend::Cpu.class());
        let made = is_pinned.then(|| session.make(&prepared, &ctx, None).unwrap());
        let hash = made.as_ref().map(|made| blake3::hash(&made.artifact.to_bytes().unwrap()).to_hex().to_string());
        let drawn = made.map(|made| prepared.draw(material, &made, &ctx).unwrap());
        pictures
            .extend(drawn.map(|drawn| (format!("{}.png", name.replace(", ", " ").replace(' ', "_")), rgba(&drawn))));
        // The key as it is where most people work: processors of another class have others.
        let mut plan = prepared.plan;
        plan.steps.iter_mut().for_each(|step| step.class = Backend::Cpu.class());
        (name.to_owned(), json!({ "key": plan.key().unwrap().to_string(), "artifact": hash }))
    });
    let versions = json!({ "trace": linocut::vectorize::VERSION, "edit": linocut::optimize::VERSION });
    let json = json!({ "versions": versions, "plans": plans.into_iter().collect::<serde_json::Map<_, _>>() });
    Numbers { json, pictures }
}

fn rgba(picture: &Image) -> RgbaImage {
    RgbaImage::from_fn(picture.width as u32, picture.height as u32, |x, y| {
        let at = y as usize * picture.width + x as usize;
        image::Rgba(picture.planes.each_ref().map(|plane| byte_from_unit(plane[at])))
    })
}

#[test]
fn numbers_change_with_the_version_of_a_stage_alone() {
    let Numbers { json: now, pictures } = numbers();
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(file(FILE), serde_json::to_string_pretty(&now).unwrap() + "\n").unwrap();
        pictures.iter().for_each(|(name, picture)| picture.save(file(PICTURES).join(name)).unwrap());
        return;
    }
    let held: Value = serde_json::from_str(&std::fs::read_to_string(file(FILE)).unwrap()).unwrap();
    assert_eq!(
        held["versions"], now["versions"],
        "a stage has another version: run cargo xtask golden and look at what changed"
    );
    for (name, ..) in PLANS {
        let (held, now) = (&held["plans"][name], &now["plans"][name]);
        // A processor of another class made none.
        assert!(
            held["artifact"] == now["artifact"] || now["artifact"].is_null(),
            "'{name}' makes something else: raise VERSION in src/vectorize/mod.rs (src/optimize/mod.rs where an edit differs), \
             say it in CHANGELOG.md under 'Pictures may change', then run cargo xtask golden"
        );
        assert_eq!(
            held["key"], now["key"],
            "'{name}' has another key, so every cache forgets it: where that is meant, say it in CHANGELOG.md and run \
             cargo xtask golden"
        );
    }
    for (name, picture) in pictures {
        let held = image::open(file(PICTURES).join(&name)).unwrap().into_rgba8();
        assert!(held == picture, "{PICTURES}/{name} shows something else: as above, and look at the new one");
    }
}

#[test]
fn golden_files_stay_small() {
    const MOST_BYTES: u64 = 256 << 10;
    fn bytes(folder: &Path) -> u64 {
        let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
        entries
            .map(|entry| if entry.path().is_dir() { bytes(&entry.path()) } else { entry.metadata().unwrap().len() })
            .sum()
    }
    let held = bytes(&file("tests/golden"));
    assert!(held <= MOST_BYTES, "tests/golden holds {held} bytes; pin smaller things");
}
