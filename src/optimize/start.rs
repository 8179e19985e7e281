//! Where an edit starts: which paths may change, and the looks and bends that a search found.
//!
//! Input: a scene, an encoder, settings. Output: the scene with enough points, its parameters and its objective, then the same
//! after the search. Invariants: as [`super`]. Determinism: as [`super::search`]. Cost: some colour-only passes, and the search.

use super::colors::Followed;
use super::layers;
use super::objective::{self, Objective, Target};
use super::parameters::{self, Parameters};
use super::search::form::Silhouette;
use super::search::glance::{Glance, Planes};
use super::search::look::{self, canvas};
use super::search::outline::{self, Bending};
use super::search::{Effort, SIFTED_CROPS};
use super::select::{self, Hidden};
use super::structure::Structure;
use super::{Inputs, Mode, OptimizeError, Quality, Settings};
use crate::ctx::Ctx;
use crate::encoder::Encoder;
use crate::gpu::Backend;
use crate::grade::Palette;
use crate::image::rect::Rect;
use crate::raster::{self, Background, Size};
use crate::rng::{Stage, Stream};
use crate::scene::subdivide::subdivide;
use crate::scene::{Scene, as_usize};

/// Curves longer than this part of the canvas's long side are cut, so that they can bend.
const CURVE_OF_SIDE: f32 = 0.015;
/// Long side of the picture whose structure a palette may not lose.
const STRUCTURE_SIDE_PX: f32 = 80.0;
/// Long side of the pictures that a search looks at.
const GLANCE_SIDE_PX: f32 = 192.0;
/// The same where a region fills little of the picture.
const MOST_GLANCE_SIDE_PX: f32 = 512.0;

/// Everything before the first step.
pub(super) struct Prepared<'a> {
    pub(super) scene: Scene,
    pub(super) objective: Objective<'a>,
    pub(super) parameters: Parameters,
    /// Size that the steps draw in.
    pub(super) size: Size,
    /// The share of every path in each region's grade.
    shares: Vec<Vec<f32>>,
    free: Vec<bool>,
    /// The colours of the reference.
    palette: Option<Palette>,
}

/// Decides what may change and gives outlines enough points.
///
/// # Errors
/// [`OptimizeError`].
pub(super) fn prepare<'a>(
    Inputs { scene, mask, reference }: Inputs<'_>,
    encoder: &'a Encoder,
    settings: &Settings,
    seed: u64,
    ctx: &Ctx,
) -> Result<Prepared<'a>, OptimizeError> {
    let mut scene = scene.clone();
    let size = settings.raster_size(&scene);
    let is_paper = settings.quality == Quality::Paper;
    let hidden = if is_paper { Hidden::Stays } else { Hidden::Moves };
    let mut free = free_paths(&scene, settings, hidden, size, ctx)?;
    if let Some(mask) = mask {
        let under = select::paths_under(&scene, mask, hidden, size, ctx)?;
        free.iter_mut().zip(under).for_each(|(free, under)| *free &= under);
        if !free.contains(&true) {
            return Err(OptimizeError::NothingUnderMask);
        }
    }
    if settings.keep_black_white {
        for (free, path) in free.iter_mut().zip(&scene.paths) {
            let fill = scene.fills.get(path.fill as usize).copied().unwrap_or_default();
            *free &= !parameters::is_black_or_white(fill);
        }
    }
    let shares = if is_paper { Vec::new() } else { region_shares(&scene, settings, &free, size, ctx)? };
    if settings.warp.is_some() && settings.mode != Mode::Color {
        let length_px = CURVE_OF_SIDE * scene.width.max(scene.height);
        subdivide(&mut scene, length_px, |path| free.get(path).copied().unwrap_or(false));
    }
    let parameters = Parameters::new(&mut scene, settings, &free, shares.clone(), size, ctx)?;
    let palette = match (settings.likeness, reference) {
        (None, _) => None,
        (Some(_), None) => return Err(OptimizeError::NoReference),
        (Some(_), Some(picture)) => Some(Palette::of_picture(picture).ok_or(OptimizeError::ReferenceUnseen)?),
    };
    let objective = Objective::new(&scene, encoder, settings, reference, seed, size, ctx)?;
    Ok(Prepared { scene, objective, parameters, size, shares, free, palette })
}

/// The share of every path in each region's grade. Points may move all over a rectangle, so that shapes that abut stay shut;
/// colours change where the thing inside it is.
fn region_shares(
    scene: &Scene,
    settings: &Settings,
    free: &[bool],
    size: Size,
    ctx: &Ctx,
) -> Result<Vec<Vec<f32>>, OptimizeError> {
    let thing =
        |region: &super::Region| region.rect_in_canvas.map(|rect| layers::thing(scene, rect, size, ctx)).transpose();
    let things = settings.regions.iter().map(thing).collect::<Result<Vec<_>, _>>()?;
    Ok(layers::shares(scene, settings, &things, free))
}

/// Glances that [`search`] takes at most, or a few more; steps towards a palette among them.
pub(super) fn glances(settings: &Settings) -> u64 {
    let looks = settings.look_search.map_or(0, Effort::glances);
    let bends = settings.outline_search.map_or(0, outline::glances);
    let palette = settings.likeness.map_or(0, |likeness| likeness.palette_steps);
    settings.regions.len() as u64 * u64::from(looks + bends) + u64::from(palette)
}

/// Finds the look of every region and the bend that outlines begin with, and applies both; the loss before, where there was
/// anything to search.
///
/// # Errors
/// [`OptimizeError`], cancellation among them.
pub(super) fn search(
    prepared: &mut Prepared<'_>,
    settings: &Settings,
    seed: u64,
    ctx: &Ctx,
) -> Result<Option<f32>, OptimizeError> {
    let total = glances(settings);
    if total == 0 {
        return Ok(None);
    }
    let before = raster::render(&prepared.scene, prepared.size, Background::Rgb(super::PAPER_WHITE), ctx)?;
    let unedited = prepared.objective.loss_of(&before, ctx)?;
    if let (Some(likeness), Some(palette)) = (settings.likeness, prepared.palette.take())
        && let Some(colors) = prepared.parameters.colors()
    {
        let small = scaled(&prepared.scene, STRUCTURE_SIDE_PX / prepared.scene.width.max(prepared.scene.height));
        let mut cpu = ctx.clone();
        cpu.backend = Backend::Cpu;
        let picture = raster::render(&prepared.scene, small, Background::Rgb(super::PAPER_WHITE), &cpu)?;
        let followed = Followed { palette, structure: Structure::new(&picture), likeness };
        colors.settle(&mut prepared.scene.fills, followed, ctx)?;
    }
    let mut done = 0;
    let mut advance = |more: usize| {
        done += more as u64;
        ctx.progress.advance(done.min(total), "");
    };
    if let Some(effort) = settings.look_search {
        search_looks(prepared, settings, effort, seed, &mut advance, ctx)?;
    }
    if let Some(effort) = settings.outline_search {
        search_bends(prepared, settings, effort, seed, &mut advance, ctx)?;
    }
    Ok(Some(unedited))
}

fn search_looks(
    prepared: &mut Prepared<'_>,
    settings: &Settings,
    effort: Effort,
    seed: u64,
    advance: &mut dyn FnMut(usize),
    ctx: &Ctx,
) -> Result<(), OptimizeError> {
    // One start for every backend; small drawings are not worth a card's while.
    let mut cpu = ctx.clone();
    cpu.backend = Backend::Cpu;
    for index in 0..settings.regions.len() {
        let size = glance_size(&prepared.scene, settings, index);
        let initial = Scene { fills: initial_fills(prepared), ..prepared.scene.clone() };
        let before = drawn(&initial, size, &cpu)?;
        let others = drawn(&prepared.scene, size, &cpu)?;
        let share = share_plane(&prepared.scene, prepared.shares.get(index), size, &cpu)?;
        let Some(target) = prepared.objective.targets().get(index) else { continue };
        let clarity = target.aim.clarity();
        let [sift, decide] = glances_at(prepared, settings, target, index, size, [SIFTED_CROPS, effort.crops], seed)?;
        let canvas = canvas(size.width_px, &before, &others, share);
        let mut stream = Stream::new(seed, 0, Stage::Look, index as u32);
        let look = look::find(&canvas, [&sift, &decide], effort, &mut stream, advance, ctx)?;
        if let Some(colors) = prepared.parameters.colors() {
            if let Some(layer) = colors.layers.get_mut(index) {
                // What is hardly a prompt changes little.
                layer.grade.look = if clarity < 1.0 { look.scaled(clarity * clarity) } else { look };
            }
            colors.paint(&mut prepared.scene.fills);
        }
    }
    Ok(())
}

fn initial_fills(prepared: &mut Prepared<'_>) -> Vec<[f32; 4]> {
    let fills = prepared.scene.fills.clone();
    prepared.parameters.colors().map_or(fills, |colors| colors.initial().to_vec())
}

fn search_bends(
    prepared: &mut Prepared<'_>,
    settings: &Settings,
    effort: Effort,
    seed: u64,
    advance: &mut dyn FnMut(usize),
    ctx: &Ctx,
) -> Result<(), OptimizeError> {
    for index in 0..settings.regions.len() {
        let size = glance_size(&prepared.scene, settings, index);
        let Some(target) = prepared.objective.targets().get(index) else { continue };
        let [sift, decide] = glances_at(prepared, settings, target, index, size, [SIFTED_CROPS, effort.crops], seed)?;
        let rect = settings.regions.get(index).and_then(|region| region.rect_in_canvas);
        let centre = centre(&prepared.scene, &prepared.free, rect, ctx)?;
        let bounds = rect.unwrap_or_else(|| parameters::bounds(&prepared.scene, settings));
        let letters = prepared.parameters.letters();
        let silhouette = match letters {
            Some(_) => None,
            None => silhouette(&prepared.scene, &prepared.free, rect, centre),
        };
        let bending = Bending {
            scene: &prepared.scene,
            is_free: prepared.parameters.point_is_free(),
            centre,
            size,
            bounds,
            letters,
            silhouette: silhouette.filter(|silhouette| silhouette.is_inside(bounds)),
        };
        let mut stream = Stream::new(seed, 0, Stage::Bend, index as u32);
        let points = outline::find(&bending, [&sift, &decide], effort, &mut stream, advance, ctx)?;
        prepared.scene.points = points;
    }
    Ok(())
}

/// The middle of what is seen of the free paths that are no ground, in canvas pixels; of the region where there are none.
fn centre(scene: &Scene, free: &[bool], rect: Option<Rect>, ctx: &Ctx) -> Result<[f32; 2], OptimizeError> {
    let scale = (GLANCE_SIDE_PX / scene.width.max(scene.height)).min(1.0);
    let size = scaled(scene, scale);
    let seen = select::seen_places(scene, size, ctx)?;
    let figures = seen.iter().enumerate().filter(|(path, _)| is_figure(scene, free, *path, rect));
    let sums = figures.fold([0.0; 3], |sums, (_, [x, y, area])| [sums[0] + x, sums[1] + y, sums[2] + area]);
    let whole = Rect::new(0.0, 0.0, scene.width, scene.height);
    let fallback = rect.unwrap_or(whole);
    Ok(match sums {
        [x, y, area] if area > 0.0 => [x / area * scene.width, y / area * scene.height],
        _ => [fallback.x + fallback.width / 2.0, fallback.y + fallback.height / 2.0],
    })
}

/// The silhouette of the free figures.
fn silhouette(scene: &Scene, free: &[bool], rect: Option<Rect>, centre: [f32; 2]) -> Option<Silhouette> {
    let paths = scene.paths.iter().enumerate().filter(|(path, _)| is_figure(scene, free, *path, rect));
    let contours = paths.flat_map(|(_, path)| scene.contours.get(as_usize(&path.contours)).unwrap_or_default());
    let polygons = contours.map(|contour| scene.points.get(as_usize(contour)).unwrap_or_default());
    Silhouette::of(&polygons.collect::<Vec<_>>(), centre)
}

/// Whether a path is free and stands on a ground, in the middle of `rect` where one is given.
fn is_figure(scene: &Scene, free: &[bool], path: usize, rect: Option<Rect>) -> bool {
    let inside = rect.is_none_or(|rect| is_centred_in(scene, path, rect));
    free.get(path) == Some(&true) && inside && !is_ground(scene, path)
}

fn points_of(scene: &Scene, path: usize) -> impl Iterator<Item = [f32; 2]> {
    let contours = scene.paths.get(path).map(|path| as_usize(&path.contours)).unwrap_or_default();
    let contours = scene.contours.get(contours).unwrap_or_default();
    contours.iter().flat_map(|contour| scene.points.get(as_usize(contour)).unwrap_or_default()).copied()
}

/// Whether a path reaches three sides of the canvas: what figures lie on.
fn is_ground(scene: &Scene, path: usize) -> bool {
    let mut sides = [false; 4];
    for [x, y] in points_of(scene, path) {
        let reached = [x <= 1.0, y <= 1.0, x >= scene.width - 1.0, y >= scene.height - 1.0];
        sides.iter_mut().zip(reached).for_each(|(side, reached)| *side |= reached);
    }
    sides.iter().filter(|side| **side).count() >= 3
}

fn is_centred_in(scene: &Scene, path: usize, rect: Rect) -> bool {
    let (sum, count) = points_of(scene, path)
        .fold(([0.0; 2], 0.0_f32), |(sum, count), [x, y]| ([sum[0] + x, sum[1] + y], count + 1.0));
    let [x, y] = sum.map(|sum: f32| sum / count.max(1.0));
    x >= rect.x && y >= rect.y && x <= rect.x + rect.width && y <= rect.y + rect.height
}

/// The size of the pictures that a search of a region looks at: larger where the region is small.
fn glance_size(scene: &Scene, settings: &Settings, region: usize) -> Size {
    let long = scene.width.max(scene.height);
    let rect = settings.regions.get(region).and_then(|region| region.rect_in_canvas);
    let part = rect.map_or(1.0, |rect| (rect.width.max(rect.height) / long).clamp(0.05, 1.0));
    let side = (GLANCE_SIDE_PX / part).min(MOST_GLANCE_SIDE_PX);
    scaled(scene, (side / long).min(1.0))
}

fn scaled(scene: &Scene, scale: f32) -> Size {
    let side = |length: f32| (length * scale).round().max(1.0) as usize;
    Size { width_px: side(scene.width), height_px: side(scene.height) }
}

/// Glances of so many crops each at the region of `index` in pictures of `size`.
fn glances_at<'a>(
    prepared: &'a Prepared<'_>,
    settings: &Settings,
    target: &'a Target,
    index: usize,
    size: Size,
    crops: [u32; 2],
    seed: u64,
) -> Result<[Glance<'a>; 2], OptimizeError> {
    let rect = settings.regions.get(index).and_then(|region| region.rect_in_canvas);
    let region = objective::region_in_raster(rect, &prepared.scene, size)?;
    let picture = (size.width_px, size.height_px);
    let glance = |crops| Glance::new(prepared.objective.encoder(), &target.aim, region, picture, crops, seed);
    let [first, second] = crops;
    Ok([glance(first)?, glance(second)?])
}

fn drawn(scene: &Scene, size: Size, ctx: &Ctx) -> Result<Planes, OptimizeError> {
    let [r, g, b, _] = raster::render(scene, size, Background::Rgb(super::PAPER_WHITE), ctx)?.planes;
    Ok([r, g, b])
}

/// How much of each pixel takes a region's grade.
fn share_plane(scene: &Scene, shares: Option<&Vec<f32>>, size: Size, ctx: &Ctx) -> Result<Vec<f32>, OptimizeError> {
    let Some(shares) = shares else { return Ok(vec![1.0; size.width_px * size.height_px]) };
    if shares.iter().all(|share| *share == 1.0) {
        return Ok(vec![1.0; size.width_px * size.height_px]);
    }
    let [plane, ..] = raster::render(&scene.painted(shares), size, Background::Rgb([0.0; 3]), ctx)?.planes;
    Ok(plane)
}

/// Which paths may change: those inside `only`; else, where every prompt belongs to a rectangle, those inside any of
/// them, so that the rest of the picture is left alone; else all.
fn free_paths(
    scene: &Scene,
    settings: &Settings,
    hidden: Hidden,
    size: Size,
    ctx: &Ctx,
) -> Result<Vec<bool>, OptimizeError> {
    let regions = settings.regions.iter().map(|region| region.rect_in_canvas).collect::<Option<Vec<_>>>();
    let rects = match (settings.only_in_canvas.as_slice(), regions) {
        ([], None) => return Ok(vec![true; scene.paths.len()]),
        ([], Some(regions)) => regions,
        (only, _) => only.to_vec(),
    };
    for &rect in &rects {
        if rect.clipped(scene.width, scene.height).is_none() {
            return Err(OptimizeError::RegionOutside { rect, width: scene.width, height: scene.height });
        }
    }
    let free = select::paths_inside(scene, &rects, hidden, size, ctx)?;
    let is_whole = |path: usize| !rects.iter().any(|&rect| select::is_cut_by(scene, path, rect));
    let whole = free.iter().enumerate().map(|(path, free)| *free && is_whole(path)).collect::<Vec<_>>();
    if whole.contains(&true) {
        return Ok(whole);
    }
    if free.contains(&true) {
        return Ok(free);
    }
    let rects = rects.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    Err(OptimizeError::NothingFree { rects })
}
