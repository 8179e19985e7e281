//! SVG files drawn by hand, read into a scene and written again: the picture must not change.

use std::path::Path;
use std::sync::Arc;

use linocut::ctx::{Ctx, Silent};
use linocut::raster::{self, Background, Size};
use linocut::scene::Scene;
use linocut::scene::svg_in::{Feature, Notice, scene_from_svg};
use linocut::scene::svg_out::{Metadata, svg_from_scene};
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg;

fn case(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/svg").join(name);
    std::fs::read_to_string(path).unwrap()
}

fn read(svg: &str) -> (Scene, Vec<Notice>) {
    scene_from_svg(svg.as_bytes()).unwrap()
}

/// The file on white, drawn `zoom` times as large and averaged down: resvg draws a quadratic and the very same cubic
/// up to 0.25 of a pixel's value apart, and that must not hide an error of ours.
fn picture(svg: &str, zoom: u32) -> Vec<f64> {
    let tree = usvg::Tree::from_str(svg, &usvg::Options::default()).unwrap();
    let side = |length: f32| length.ceil() as u32;
    let (width, height) = (side(tree.size().width()), side(tree.size().height()));
    let mut pixmap = Pixmap::new(zoom * width, zoom * height).unwrap();
    pixmap.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(zoom as f32, zoom as f32), &mut pixmap.as_mut());
    let mut mean = vec![0.0; (3 * width * height) as usize];
    for (index, pixel) in pixmap.pixels().iter().enumerate() {
        let (x, y) = (index as u32 % (zoom * width) / zoom, index as u32 / (zoom * width) / zoom);
        for (channel, byte) in [pixel.red(), pixel.green(), pixel.blue()].into_iter().enumerate() {
            mean[3 * (y * width + x) as usize + channel] += f64::from(byte) / f64::from(255 * zoom * zoom);
        }
    }
    mean
}

fn rmse(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "the pictures differ in size");
    (a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / a.len() as f64).sqrt()
}

/// Reads, writes, compares; returns the scene.
fn same_picture(name: &str) -> Scene {
    let svg = case(name);
    let (scene, notices) = read(&svg);
    assert_eq!(notices, [], "{name}: nothing is left out");
    let written = svg_from_scene(&scene, &Metadata::default());
    let error = rmse(&picture(&svg, 6), &picture(&written, 6));
    assert!(error < 0.002, "{name}: the written picture is off by {error:.5} RMSE");
    let again = read(&written).0;
    assert_eq!(svg_from_scene(&again, &Metadata::default()), written, "{name}: writing again changes the file");
    scene
}

fn ids(scene: &Scene) -> Vec<&str> {
    scene.paths.iter().map(|path| path.id.as_str()).collect()
}

fn groups(scene: &Scene) -> Vec<(&str, f32, usize)> {
    scene.groups.iter().map(|group| (group.id.as_str(), group.opacity, group.paths.len())).collect()
}

#[test]
fn nested_transforms_end_up_in_canvas_pixels() {
    let scene = same_picture("nested_transforms.svg");
    assert_eq!((scene.width, scene.height), (200.0, 160.0));
    assert_eq!(ids(&scene), ["flag", "dot", "loose"]);
    assert_eq!(groups(&scene), [("outer", 1.0, 2), ("scene", 1.0, 1)]);
}

#[test]
fn strokes_become_outlines_in_paint_order() {
    let scene = same_picture("strokes.svg");
    let expected =
        "round-stroke dashed-stroke miter-stroke bevel bevel-stroke behind-stroke behind uneven-stroke line-stroke";
    assert_eq!(ids(&scene).join(" "), expected);
}

#[test]
fn every_basic_shape_is_drawn() {
    assert_eq!(same_picture("shapes.svg").paths.len(), 6);
}

#[test]
fn compound_paths_keep_their_holes() {
    let scene = same_picture("evenodd_compound.svg");
    assert_eq!(scene.contours_of(&scene.paths[0]).count(), 3);
}

#[test]
fn paths_of_one_class_share_a_fill() {
    let scene = same_picture("css_classes.svg");
    let fill: Vec<_> = scene.paths.iter().map(|path| path.fill).collect();
    assert_eq!(fill[0], fill[1], "same class");
    assert_ne!(fill[0], fill[2], "other class");
    assert_ne!(fill[0], fill[3], "inline style over the class");
    assert_eq!(fill[4], fill[5], "same selector");
    assert_eq!(fill[6], fill[7], "inherited from one group");
    assert_ne!(fill[8], fill[9], "inline colours are each path's own");
    assert_eq!(fill[10], fill[11], "stroke of one class");
    assert_ne!(fill[0], fill[12], "same class but another opacity");
    assert_eq!(scene.fills.len(), 9);
}

#[test]
fn shared_fills_survive_writing() {
    let scene = read(&case("css_classes.svg")).0;
    let again = read(&svg_from_scene(&scene, &Metadata::default())).0;
    let shares = |scene: &Scene| -> Vec<usize> {
        let first = |fill| scene.paths.iter().position(|path| path.fill == fill).unwrap();
        scene.paths.iter().map(|path| first(path.fill)).collect()
    };
    assert_eq!(shares(&scene), shares(&again));
}

#[test]
fn copies_made_by_use_have_stable_unique_ids() {
    let scene = same_picture("use_symbol.svg");
    assert_eq!(ids(&scene), ["leaf", "leaf-2", "leaf-3", "stem", "disc"]);
    let fills: Vec<_> = scene.paths.iter().map(|path| path.fill).collect();
    assert_eq!(fills[0], fills[2], "copies keep the class they share");
}

#[test]
fn group_opacity_is_exact_on_one_level() {
    let scene = same_picture("group_opacity.svg");
    let expected =
        [("round-1", 1.0, 1), ("round-2", 0.6, 2), ("round-3", 1.0, 1), ("veil", 0.5, 2), ("round-3-2", 1.0, 1)];
    assert_eq!(groups(&scene), expected);
    let after = &scene.paths[6];
    assert_eq!((after.id.as_str(), scene.fills[after.fill as usize][3]), ("after", 0.25));
}

#[test]
fn units_and_nested_viewports_are_resolved() {
    let scene = same_picture("viewbox_units.svg");
    assert!((scene.width - 40.0 / 25.4 * 96.0).abs() < 1e-3 && scene.height == 192.0);
}

#[test]
fn markers_are_drawn() {
    let scene = same_picture("markers.svg");
    assert_eq!(scene.paths.len(), 3);
}

#[test]
fn what_a_scene_cannot_hold_is_reported_by_id() {
    let (scene, notices) = read(&case("notices.svg"));
    let expected = [
        ("words", Feature::Text),
        ("photo", Feature::Image),
        ("html", Feature::Foreign),
        ("hidden", Feature::Hidden),
        ("linear", Feature::Gradient),
        ("radial", Feature::Gradient),
        ("tiled", Feature::Pattern),
        ("clipped", Feature::ClipPath),
        ("masked", Feature::Mask),
        ("blurred", Feature::Filter),
        ("blend", Feature::BlendMode),
        ("far", Feature::Coordinates),
        ("deep", Feature::NestedOpacity),
    ];
    let found: Vec<_> = notices.iter().map(|notice| (notice.id.as_str(), notice.feature)).collect();
    for wanted in expected {
        assert!(found.contains(&wanted), "{wanted:?} is missing in {found:?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:?}");
    assert_eq!(notices[4].to_string(), "linear: gradient: replaced by its mean colour");
    let color_of = |id: &str| scene.fills[scene.paths.iter().find(|path| path.id == id).unwrap().fill as usize];
    let [red, green, blue, alpha] = color_of("linear");
    assert!((red - 0.75).abs() < 1e-5 && green == 0.0 && (blue - 0.25).abs() < 1e-5 && alpha == 1.0);
    // The clear white stop weighs less than the opaque green one: red is 1/6 of colour times opacity over 1/2.
    let [red, _, _, alpha] = color_of("radial");
    assert!((alpha - 0.5).abs() < 1e-5 && (red - 1.0 / 3.0).abs() < 1e-5, "red {red}, opacity {alpha}");
    assert!(ids(&scene).contains(&"tiled-stroke") && !ids(&scene).contains(&"tiled"));
}

#[test]
fn metadata_and_odd_ids_are_escaped() {
    let mut scene = Scene::new(10.0, 10.0);
    scene.push_group("a<b>&\"'".to_owned(), 1.0);
    let fill = scene.push_fill([1.0, 0.5, 0.0, 1.0]);
    let square = vec![vec![
        [1.0, 1.0],
        [4.0, 1.0],
        [7.0, 1.0],
        [9.0, 1.0],
        [9.0, 4.0],
        [9.0, 7.0],
        [9.0, 9.0],
        [6.0, 6.0],
        [3.0, 3.0],
    ]];
    for id in ["line\nbreak", "bell\u{7}", "日本 <svg>", "]]>"] {
        scene.push_path(id.to_owned(), fill, linocut::scene::FillRule::NonZero, &square);
    }
    let meta = Metadata {
        title: "a & b <c>".to_owned(),
        job_hash: Some("0a1b\"".to_owned()),
        seed: Some(u64::MAX),
        encoder_hash: Some("ff".to_owned()),
    };
    let svg = svg_from_scene(&scene, &meta);
    assert!(svg.contains("<title>a &amp; b &lt;c&gt;</title>"));
    assert!(svg.contains(&format!(" job=\"0a1b&quot;\" seed=\"{}\" encoder=\"ff\"", u64::MAX)));
    let again = read(&svg).0;
    assert_eq!(again.groups[0].id, "a<b>&\"'");
    assert_eq!(ids(&again), ["line\nbreak", "bell\u{fffd}", "日本 <svg>", "]]>"]);
}

/// One of the pictures of the CLIPVG authors, which are not part of the project.
fn sample(name: &str) -> String {
    std::fs::read_to_string(crate::util::sample(name)).unwrap()
}

#[test]
#[ignore = "needs LINOCUT_SAMPLES"]
fn tajmahal_keeps_its_palette_of_30() {
    let svg = sample("tajmahal.svg");
    let (scene, notices) = read(&svg);
    assert_eq!((scene.width, scene.height, scene.paths.len(), scene.fills.len()), (1024.0, 1024.0, 3322, 30));
    assert_eq!(notices, []);
    let written = svg_from_scene(&scene, &Metadata::default());
    assert!(rmse(&picture(&svg, 1), &picture(&written, 1)) < 0.001);
}

#[test]
#[ignore = "needs LINOCUT_SAMPLES"]
fn horseriding_draws_one_of_its_two_layers() {
    let (scene, notices) = read(&sample("horseriding.svg"));
    assert_eq!((scene.width, scene.paths.len(), scene.fills.len()), (512.0, 9109, 246));
    assert!(matches!(notices.as_slice(), [Notice { feature: Feature::Hidden, .. }]), "{notices:?}");
    // With the upper layer switched on, ellipse included.
    let shown = sample("horseriding.svg").replace("display:none", "display:inline");
    assert_eq!(read(&shown).0.paths.len(), 10_677);
}

#[test]
#[ignore = "needs LINOCUT_SAMPLES"]
fn the_samples_are_drawn_as_resvg_draws_them() {
    let ctx = Ctx::new(2, Arc::new(Silent)).unwrap();
    for name in ["tajmahal.svg", "horseriding.svg"] {
        let svg = sample(name);
        let scene = read(&svg).0;
        let size = Size { width_px: scene.width.ceil() as usize, height_px: scene.height.ceil() as usize };
        let drawn = raster::render(&scene, size, Background::Rgb([1.0; 3]), &ctx).unwrap();
        let [red, green, blue, _] = &drawn.planes;
        let drawn = (0..red.len()).flat_map(|at| [red[at], green[at], blue[at]].map(f64::from)).collect::<Vec<_>>();
        // At the same size: both take cover for alpha, which a larger picture averaged down does not.
        let error = rmse(&drawn, &picture(&svg, 1));
        println!("{name}: RMSE {error:.4}");
        assert!(error <= 0.01, "{name}: RMSE {error:.4}");
    }
}
