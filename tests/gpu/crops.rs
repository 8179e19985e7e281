//! Crops of a picture and their adjoint on the card against those on the CPU.

use std::time::Instant;

use linocut::encoder::crops::draw::{CropPreset, Region, draw};
use linocut::encoder::crops::gpu::GpuCrops;
use linocut::encoder::crops::{CropKind, CropSpec, Crops, Filter, Warp};
use linocut::encoder::{Config, EncoderError};
use linocut::gpu::GpuError;
use linocut::rng::{Stage, Stream};

use super::{MOST_GRADIENT, MOST_PIXEL, ctx, gpu, relative};

const STRATIFIED: CropPreset = CropPreset::Stratified { crops: 12 };

fn noise(count: usize, index: u32) -> Vec<f32> {
    let mut stream = Stream::new(8, 0, Stage::Test, index);
    (0..count).map(|_| stream.normal()).collect()
}

/// Neighbours differ by all that they can: the hardest picture for places of samples.
fn picture(pixels: usize) -> [Vec<f32>; 3] {
    [0, 1, 2].map(|plane| {
        let mut stream = Stream::new(9, 0, Stage::Test, plane);
        (0..pixels).map(|_| stream.unit()).collect()
    })
}

fn config(side: usize) -> Config {
    Config { image_side_px: side, ..Config::vit_b_32() }
}

fn drawn(region: Region, picture: (usize, usize), preset: CropPreset, side: usize) -> (Crops, usize) {
    let specs = draw(region, picture, preset, &mut Stream::new(2, 0, Stage::Crops, 0)).unwrap();
    (Crops::new(&specs, picture.0, picture.1, &config(side)).unwrap(), specs.len() * 3 * side * side)
}

fn buffers(planes: &[Vec<f32>; 3]) -> [wgpu::Buffer; 2] {
    let [r, g, b] = planes;
    // What is no colour must not be read, and what was in the gradient must not stay.
    let pixels = r.iter().zip(g).zip(b).map(|((r, g), b)| [*r, *g, *b, 0.7]).collect::<Vec<[f32; 4]>>();
    [gpu().storage_of("image", &pixels).unwrap(), gpu().storage_of("image_grad", &pixels).unwrap()]
}

fn forward(crops: &GpuCrops) -> Vec<f32> {
    let (buffer, bytes) = crops.crops();
    let mut commands = gpu().commands().unwrap();
    crops.encode_forward(&mut commands);
    let read = gpu().reader(bytes).unwrap();
    read.copy(&mut commands, buffer, 0, 0, bytes);
    gpu().finish(commands, &read, bytemuck::pod_collect_to_vec::<u8, f32>).unwrap()
}

fn adjoint(crops: &GpuCrops, image_grad: &wgpu::Buffer, pixels: usize, d_crops: &[f32]) -> Vec<[f32; 4]> {
    crops.set_grad(d_crops).unwrap();
    let mut commands = gpu().commands().unwrap();
    crops.encode_adjoint(&mut commands);
    let read = gpu().reader(16 * pixels as u64).unwrap();
    read.copy(&mut commands, image_grad, 0, 0, 16 * pixels as u64);
    gpu().finish(commands, &read, bytemuck::pod_collect_to_vec::<u8, [f32; 4]>).unwrap()
}

/// Both ways on the card of a noisy picture and a noisy gradient.
fn on_card(crops: &Crops, len: usize, pixels: usize) -> (Vec<f32>, Vec<[f32; 4]>) {
    let [image, image_grad] = buffers(&picture(pixels));
    let card = GpuCrops::new(crops, &gpu(), &image, &image_grad).unwrap();
    (forward(&card), adjoint(&card, &image_grad, pixels, &noise(len, 1)))
}

fn assert_alike(name: &str, crops: &Crops, len: usize, pixels: usize) {
    let (found, found_grad) = on_card(crops, len, pixels);
    let planes = picture(pixels);
    let expected = crops.forward(planes.each_ref().map(Vec::as_slice), &ctx()).unwrap();
    let expected_grad = crops.adjoint(&noise(len, 1), &ctx()).unwrap();
    assert_eq!(found.len(), expected.len(), "{name}: values");
    let most = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let found_planes = [0, 1, 2].map(|plane| found_grad.iter().map(|pixel| pixel[plane]).collect::<Vec<_>>());
    let off = relative(found_planes.iter().flatten(), expected_grad.iter().flatten());
    println!("{name}: crops {most:.1e}, gradient {off:.1e}");
    assert!(most <= MOST_PIXEL, "{name}: a crop is off by {most}");
    assert!(off <= MOST_GRADIENT, "{name}: the gradient is off by a relative {off}");
    assert!(found_grad.iter().all(|pixel| pixel[3] == 0.0), "{name}: the fourth value of the gradient");
}

fn assert_preset_alike(preset: CropPreset) {
    for (width, height) in [(150, 110), (512, 384)] {
        for side in [64, 224] {
            let part = Region { x: width / 3, y: 5, width: width / 2, height: height / 5 };
            for region in [Region::whole(width, height), part] {
                let (crops, len) = drawn(region, (width, height), preset, side);
                assert_alike(&format!("{preset:?} {region:?} at {side}"), &crops, len, width * height);
            }
        }
    }
}

#[test]
#[ignore = "needs a graphics card"]
fn stratified_crops_are_as_on_the_cpu() {
    assert_preset_alike(STRATIFIED);
}

/// The largest case takes more scratch than one group of windows may have.
#[test]
#[ignore = "needs a graphics card"]
fn crops_as_in_the_paper_are_as_on_the_cpu() {
    assert_preset_alike(CropPreset::Paper { patches: 12 });
}

/// Windows that nobody draws: beyond the picture, of one pixel, seen through a quadrangle that shows a point or a horizon.
#[test]
#[ignore = "needs a graphics card"]
fn strange_windows_are_as_on_the_cpu() {
    let base = CropSpec {
        window: [0.0, 0.0, 40.0, 30.0],
        visible: [0, 0, 40, 30],
        fill: [0.2, 0.7, 1.0],
        warp: Warp::None,
        filter: Filter::Antialiased,
        kind: CropKind::Patch,
    };
    let quads = [
        [[0.1, 0.2], [0.9, 0.0], [1.0, 1.0], [0.0, 0.8]],
        [[0.4, 0.4], [0.41, 0.4], [0.41, 0.42], [0.4, 0.41]],
        [[-0.4, -0.3], [1.6, 0.1], [1.2, 1.5], [-0.1, 1.0]],
        [[0.0, 0.0], [1.0, 0.0], [0.52, 0.5], [0.48, 0.5]],
        [[1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [1.0, 1.0]],
        [[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]],
    ];
    let mut specs = vec![base];
    for filter in [Filter::Antialiased, Filter::Bicubic] {
        let base = CropSpec { filter, ..base };
        specs.extend(
            [[-20.5, -3.25, 90.0, 31.5], [100.0, 2.0, 5.0, 5.0], [3.3, 4.4, 0.5, 0.25]].map(|window| CropSpec {
                window,
                visible: [5, 0, 33, 200],
                ..base
            }),
        );
        specs.extend(quads.map(|corners| CropSpec { warp: Warp::Quad(corners), ..base }));
        for corners in [
            [[2.0, 3.0], [28.0, 1.0], [30.0, 27.0], [0.0, 30.0]],
            [[10.0, 10.0], [20.0, 12.0], [18.0, 24.0], [9.0, 20.0]],
            [[14.0, 0.0], [16.0, 0.0], [30.0, 30.0], [0.0, 30.0]],
        ] {
            let window = [-7.0, 4.0, 31.0, 31.0];
            specs.push(CropSpec { window, visible: [2, 6, 20, 29], warp: Warp::Inward(corners), ..base });
        }
    }
    for side in [20, 33] {
        for (n, spec) in specs.iter().enumerate() {
            let crops = Crops::new(&[*spec], 40, 30, &config(side)).unwrap();
            assert_alike(&format!("{n} at {side}: {:?}", spec.warp), &crops, 3 * side * side, 40 * 30);
        }
        let crops = Crops::new(&specs, 40, 30, &config(side)).unwrap();
        assert_alike(&format!("all at {side}"), &crops, specs.len() * 3 * side * side, 40 * 30);
    }
    let none = Crops::new(&[], 40, 30, &config(20)).unwrap();
    assert_alike("none", &none, 0, 40 * 30);
}

#[test]
#[ignore = "needs a graphics card"]
fn the_adjoint_on_the_card_is_that_of_the_operator_on_the_card() {
    let (width, height) = (150, 110);
    for preset in [STRATIFIED, CropPreset::Paper { patches: 6 }] {
        let (crops, len) = drawn(Region::whole(width, height), (width, height), preset, 64);
        let planes = picture(width * height);
        let black = planes.each_ref().map(|plane| vec![0.0; plane.len()]);
        let of = |planes: &[Vec<f32>; 3]| {
            let [image, image_grad] = buffers(planes);
            let card = GpuCrops::new(&crops, &gpu(), &image, &image_grad).unwrap();
            (forward(&card), adjoint(&card, &image_grad, width * height, &noise(len, 1)))
        };
        let ((seen, gradient), (offset, _)) = (of(&planes), of(&black));
        let pairs = seen.iter().zip(&offset).zip(noise(len, 1));
        let there = pairs.map(|((seen, offset), d)| f64::from(seen - offset) * f64::from(d)).sum::<f64>();
        let pixels = gradient.iter().enumerate();
        let back = pixels.flat_map(|(at, pixel)| [0, 1, 2].map(|p| f64::from(pixel[p]) * f64::from(planes[p][at])));
        let back = back.sum::<f64>();
        println!("{preset:?}: <A x, y> = {there}, <x, A' y> = {back}");
        assert!((there - back).abs() < 1e-4 * (len as f64).sqrt(), "{preset:?}: {there} and {back}");
    }
}

#[test]
#[ignore = "needs a graphics card"]
fn two_runs_are_bit_identical() {
    for preset in [STRATIFIED, CropPreset::Paper { patches: 6 }] {
        let (crops, len) = drawn(Region::whole(150, 110), (150, 110), preset, 64);
        let [first, second] = [(); 2].map(|()| on_card(&crops, len, 150 * 110));
        assert!(first == second, "{preset:?}: crops or gradient");
    }
}

#[test]
#[ignore = "needs a graphics card"]
fn sets_of_windows_share_memory_and_keep_their_results() {
    let (width, height) = (150, 110);
    let [image, image_grad] = buffers(&picture(width * height));
    let region = Region { x: 10, y: 20, width: 40, height: 50 };
    let sets = [
        drawn(Region::whole(width, height), (width, height), STRATIFIED, 64),
        drawn(region, (width, height), STRATIFIED, 64),
        drawn(Region::whole(width, height), (width, height), CropPreset::Paper { patches: 20 }, 64),
    ];
    let first = GpuCrops::new(&sets[0].0, &gpu(), &image, &image_grad).unwrap();
    let siblings = [first.sibling(&sets[1].0).unwrap(), first.sibling(&sets[2].0).unwrap()];
    assert_eq!(siblings[0].crops().0, first.crops().0, "a smaller set takes no memory of its own");
    assert!(siblings[1].crops().0.size() >= siblings[1].crops().1, "a larger one has enough");
    for (set, (crops, len)) in [&first, &siblings[0], &siblings[1], &first].into_iter().zip(sets.iter().cycle()) {
        let alone = on_card(crops, *len, width * height);
        let found = (forward(set), adjoint(set, &image_grad, width * height, &noise(*len, 1)));
        assert!(found == alone, "crops or gradient beside other sets");
    }
}

#[test]
#[ignore = "needs a graphics card"]
fn a_gradient_of_another_size_is_refused() {
    let (crops, len) = drawn(Region::whole(30, 20), (30, 20), STRATIFIED, 16);
    let [image, image_grad] = buffers(&picture(30 * 20));
    let card = GpuCrops::new(&crops, &gpu(), &image, &image_grad).unwrap();
    let error = card.set_grad(&noise(len - 1, 1)).unwrap_err();
    assert!(matches!(error, EncoderError::Length { .. }), "{error}");
}

#[test]
#[ignore = "needs a graphics card"]
fn a_window_that_no_card_holds_is_refused() {
    let corners = [[0.0, 0.0], [60_000.0, 0.0], [60_000.0, 60_000.0], [0.0, 60_000.0]];
    let spec = CropSpec {
        window: [0.0, 0.0, 60_001.0, 60_001.0],
        visible: [0, 0, 30, 20],
        fill: [1.0; 3],
        warp: Warp::Inward(corners),
        filter: Filter::Bicubic,
        kind: CropKind::Patch,
    };
    let crops = Crops::new(&[spec], 30, 20, &config(16)).unwrap();
    let [image, image_grad] = buffers(&picture(30 * 20));
    let error = GpuCrops::new(&crops, &gpu(), &image, &image_grad).unwrap_err();
    assert!(matches!(error, GpuError::TooLarge { .. }), "{error}");
}

/// No claim, a figure: how long both ways of an iteration's crops take.
#[test]
#[ignore = "needs a graphics card"]
fn the_time_of_both_ways_of_twelve_crops_is_printed() {
    let (width, height) = (512, 384);
    let (crops, len) = drawn(Region::whole(width, height), (width, height), STRATIFIED, 64);
    let [image, image_grad] = buffers(&picture(width * height));
    let card = GpuCrops::new(&crops, &gpu(), &image, &image_grad).unwrap();
    let d_crops = noise(len, 1);
    let (mut there, mut back) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..8 {
        let start = Instant::now();
        forward(&card);
        there = there.min(start.elapsed().as_secs_f64());
        let start = Instant::now();
        adjoint(&card, &image_grad, width * height, &d_crops);
        back = back.min(start.elapsed().as_secs_f64());
    }
    println!("{}: forward {:.1} ms, adjoint {:.1} ms", gpu().note.name, 1e3 * there, 1e3 * back);
    let start = Instant::now();
    GpuCrops::new(&crops, &gpu(), &image, &image_grad).unwrap();
    println!("a set of windows is made in {:.1} ms", 1e3 * start.elapsed().as_secs_f64());
}
