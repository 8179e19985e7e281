//! Scenes that ask something of a rasterizer: for cards, and for the shaders' twins, whose unit tests hold this file too.

use linocut::rng::{Stage, Stream};
use linocut::scene::{FillRule, Scene};

/// A closed polygon as a chain of straight cubics.
fn polygon(corners: &[[f32; 2]]) -> Vec<[f32; 2]> {
    let at = |[x0, y0]: [f32; 2], [x1, y1]: [f32; 2], t: f32| [x0 + (x1 - x0) * t, y0 + (y1 - y0) * t];
    let next = corners.iter().cycle().skip(1);
    corners.iter().zip(next).flat_map(|(&a, &b)| [a, at(a, b, 1.0 / 3.0), at(a, b, 2.0 / 3.0)]).collect()
}

/// Three to six cubics around a centre.
fn blob([x, y]: [f32; 2], radius: f32, stream: &mut Stream) -> Vec<[f32; 2]> {
    let points = 3 * (3 + stream.up_to(4));
    let point = |at: u32| {
        let angle = std::f32::consts::TAU * at as f32 / points as f32;
        let r = radius * stream.range(0.7, 1.3);
        [x + r * angle.cos(), y + r * angle.sin()]
    };
    (0..points).map(point).collect()
}

/// Blobs of all sizes in six groups, half of them layers; some translucent, some with holes, some even-odd.
pub(crate) fn random(seed: u64, side: f32, paths: usize) -> Scene {
    let mut stream = Stream::new(seed, 0, Stage::Test, 3);
    let mut scene = Scene::new(side, 0.75 * side);
    for index in 0..paths {
        if index % paths.div_ceil(6) == 0 {
            let opacity = if stream.unit() < 0.5 { 1.0 } else { stream.range(0.3, 0.9) };
            scene.push_group(format!("group{index}"), opacity);
        }
        let opacity = if stream.unit() < 0.5 { 1.0 } else { stream.range(0.2, 1.0) };
        let fill = scene.push_fill([stream.unit(), stream.unit(), stream.unit(), opacity]);
        let centre = [stream.range(-0.1, 1.1) * side, stream.range(-0.1, 0.85) * side];
        let largest = if paths > 1000 { 0.04 } else { 0.3 };
        let radius = stream.range(0.01, largest) * side;
        let mut contours = vec![blob(centre, radius, &mut stream)];
        if stream.unit() < 0.3 {
            contours.push(blob(centre, 0.4 * radius, &mut stream));
        }
        let rule = if stream.unit() < 0.5 { FillRule::NonZero } else { FillRule::EvenOdd };
        scene.push_path(format!("path{index}"), fill, rule, &contours);
    }
    scene
}

/// Slivers, edges on pixel and tile borders, shapes beyond every side, a shape that turns twice, a shape that is a point.
pub(super) fn awkward(side: f32) -> Scene {
    let mut scene = Scene::new(side, side);
    let far = 1e5;
    let twice = [[40.0, 60.0], [80.0, 60.0], [80.0, 90.0], [40.0, 90.0]].repeat(2);
    let shapes: [&[[f32; 2]]; 9] = [
        &[[-far, -far], [far, -far], [far, far], [-far, far]],
        &[[3.0, 3.2], [90.0, 3.2001], [90.0, 3.21], [3.0, 3.2099]],
        &[[16.0, 16.0], [32.0, 16.0], [32.0, 48.0], [16.0, 48.0]],
        &[[-20.0, 50.0], [-10.0, 50.0], [-10.0, 60.0], [-20.0, 60.0]],
        &[[-20.3, 52.1], [40.7, 50.0], [-15.0, 70.9]],
        &[[70.0, -30.0], [130.0, 20.0], [60.0, 40.0]],
        &twice,
        &[[5.0, 100.0], [6.0, -10.0], [7.0, 100.0]],
        &[[50.0, 20.0]; 3],
    ];
    for (index, corners) in shapes.into_iter().enumerate() {
        let shade = 0.1 * index as f32;
        let fill = scene.push_fill([shade, 1.0 - shade, 0.5, if index % 2 == 0 { 1.0 } else { 0.6 }]);
        let rule = if index % 3 == 0 { FillRule::NonZero } else { FillRule::EvenOdd };
        scene.push_path(format!("path{index}"), fill, rule, &[polygon(corners)]);
    }
    scene
}

/// `count` quadrilaterals over the whole canvas, almost clear or almost opaque, every tenth a group.
pub(super) fn stack(side: f32, count: usize) -> Scene {
    let mut stream = Stream::new(8, 0, Stage::Test, 4);
    let mut scene = Scene::new(side, side);
    for index in 0..count {
        if index % 10 == 0 {
            scene.push_group(format!("group{index}"), if index % 20 == 0 { 1.0 } else { stream.range(0.3, 0.9) });
        }
        let opacity = if index % 50 == 49 { 0.999 } else { stream.range(0.005, 0.05) };
        let fill = scene.push_fill([stream.unit(), stream.unit(), stream.unit(), opacity]);
        let mut edge = || stream.range(-3.0, 6.0);
        let corners =
            [[edge(), edge()], [side - edge(), edge()], [side - edge(), side - edge()], [edge(), side - edge()]];
        scene.push_path(format!("layer{index}"), fill, FillRule::NonZero, &[polygon(&corners)]);
    }
    scene
}
