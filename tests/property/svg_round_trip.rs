//! Any scene survives writing and reading: nothing that an edit made is lost in the file.

use linocut::scene::svg_in::scene_from_svg;
use linocut::scene::svg_out::{Metadata, svg_from_scene};
use linocut::scene::{FillRule, Scene};
use proptest::collection::vec;
use proptest::prelude::*;

/// Whether a segment of a made-up contour is straight.
#[derive(Clone, Debug)]
struct Segment {
    from: [f32; 2],
    controls: Option<[[f32; 2]; 2]>,
}

#[derive(Clone, Debug)]
struct MadePath {
    id: String,
    contours: Vec<Vec<Segment>>,
    fill: usize,
    even_odd: bool,
}

fn point(side: f32) -> impl Strategy<Value = [f32; 2]> {
    let near = -0.2 * side..1.2 * side;
    prop_oneof![8 => [near.clone(), near], 1 => [-50.0 * side..50.0 * side, 0.0..side]]
}

fn segment(side: f32) -> impl Strategy<Value = Segment> {
    (point(side), prop::option::of([point(side), point(side)])).prop_map(|(from, controls)| Segment { from, controls })
}

fn made_path(side: f32) -> impl Strategy<Value = MadePath> {
    let id = prop_oneof!["[a-z]{1,3}", ".{0,4}"];
    (id, vec(vec(segment(side), 1..6), 1..4), 0..5_usize, any::<bool>())
        .prop_map(|(id, contours, fill, even_odd)| MadePath { id, contours, fill, even_odd })
}

fn scene() -> impl Strategy<Value = Scene> {
    let side = prop_oneof![Just(16.0_f32), Just(512.0), 1.0..5000.0_f32];
    side.prop_flat_map(|side| {
        let group = (prop_oneof![Just(1.0), 0.0..1.0_f32], vec(made_path(side), 0..5));
        (Just(side), 0.1..=1.0_f32, vec([0.0..=1.0_f32, 0.0..=1.0, 0.0..=1.0, 0.0..=1.0], 5), vec(group, 0..4))
    })
    .prop_map(|(side, aspect, fills, groups)| {
        let mut scene = Scene::new(side, (aspect * side).max(0.5));
        scene.fills = fills;
        for (index, (opacity, paths)) in groups.into_iter().enumerate() {
            scene.push_group(format!("round-{index}"), opacity);
            for (number, path) in paths.into_iter().enumerate() {
                let rule = if path.even_odd { FillRule::EvenOdd } else { FillRule::NonZero };
                let contours: Vec<_> = path.contours.iter().map(|segments| contour_of(segments)).collect();
                scene.push_path(format!("p{index}-{number}{}", path.id), path.fill as u32, rule, &contours);
            }
        }
        scene
    })
}

fn contour_of(segments: &[Segment]) -> Vec<[f32; 2]> {
    let mut contour = Vec::new();
    for (index, Segment { from, controls }) in segments.iter().enumerate() {
        let to = segments[(index + 1) % segments.len()].from;
        let third = |share: f32| [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
        let [first, second] = controls.unwrap_or([third(1.0 / 3.0), third(2.0 / 3.0)]);
        contour.extend([*from, first, second]);
    }
    contour
}

/// Half a unit of the last written decimal (a whole one for the controls of lines, which are not written), and what
/// floats of its contour's size cannot hold: the controls of a line are worked out from its ends.
fn bound_px(scene: &Scene, reach_px: f32, units: f32) -> f32 {
    let side = scene.width.max(scene.height);
    let digits = (1e6 / side).log10().round().clamp(1.0, 6.0);
    units * 10_f32.powf(-digits) + 8.0 * f32::EPSILON * reach_px.max(side)
}

/// The greatest coordinate of each contour, in pixels.
fn reaches_px(scene: &Scene) -> Vec<f32> {
    let reach_px =
        |points: &[[f32; 2]]| points.as_flattened().iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    scene.contours.iter().map(|points| reach_px(&scene.points[points.start as usize..points.end as usize])).collect()
}

fn groups(scene: &Scene) -> Vec<(&str, std::ops::Range<u32>)> {
    scene.groups.iter().map(|group| (group.id.as_str(), group.paths.clone())).collect()
}

/// XML has no words for these; they become U+FFFD.
fn writable(id: &str) -> String {
    id.chars()
        .map(|c| {
            if matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}') {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// For every path, the first path that has the same fill.
fn shares(scene: &Scene) -> Vec<Option<usize>> {
    scene.paths.iter().map(|path| scene.paths.iter().position(|other| other.fill == path.fill)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn scene_survives_writing_and_reading(scene in scene()) {
        let svg = svg_from_scene(&scene, &Metadata::default());
        let (again, notices) = scene_from_svg(svg.as_bytes()).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(notices, vec![]);
        prop_assert_eq!((again.width, again.height), (scene.width, scene.height));
        prop_assert_eq!(groups(&again), groups(&scene));
        prop_assert_eq!(&again.contours, &scene.contours);
        prop_assert_eq!(shares(&again), shares(&scene));
        for (new, old) in again.groups.iter().zip(&scene.groups) {
            prop_assert!((new.opacity - old.opacity).abs() <= 0.6e-4);
        }
        for (new, old) in again.paths.iter().zip(&scene.paths) {
            prop_assert_eq!(&new.id, &writable(&old.id));
            prop_assert_eq!(new.rule, old.rule);
            let (new, old) = (again.fills[new.fill as usize], scene.fills[old.fill as usize]);
            prop_assert!((0..3).all(|channel| (new[channel] - old[channel]).abs() <= 0.501 / 255.0));
            prop_assert!((new[3] - old[3]).abs() <= 0.6e-4);
        }
        for (contour, reach_px) in scene.contours.iter().zip(reaches_px(&scene)) {
            for index in contour.start as usize..contour.end as usize {
                let units = if index % 3 == 0 { 0.5001 } else { 1.0001 };
                for (new, old) in again.points[index].iter().zip(scene.points[index]) {
                    prop_assert!((new - old).abs() <= bound_px(&scene, reach_px, units), "{} became {}", old, new);
                }
            }
        }
        prop_assert_eq!(svg_from_scene(&again, &Metadata::default()), svg, "a second writing differs");
    }
}
