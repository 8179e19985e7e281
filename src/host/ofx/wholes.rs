//! Which edit of the whole frame belongs to a proxy of it.
//!
//! A picture at a render scale is another picture, and an edit of it would look otherwise than the one that is rendered in the end.
//!
//! Input: finished frames at full scale. Output: the key of the edit that a smaller frame of the same source and parameters must show.
//! Invariants: one source is known again by small averages of it, so that a changed source shows no old edit; keys alone are
//! kept. Determinism: what a proxy shows depends on what was rendered before; renders at full scale never do. Cost: a
//! thumbnail an edit.

use crate::ctx::Ctx;
use crate::image::{Image, resample};
use crate::plan::Key;
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};

/// Side of what a source is known by.
const THUMBNAIL_PX: usize = 8;
/// How far two thumbnails of one source may lie apart: hosts shrink by filters of their own, in linear light or not.
const MOST_APART: f32 = 0.02;
/// Frames that are remembered of an instance.
const MOST_FRAMES: usize = 512;

struct Whole {
    asked: Key,
    thumbnail: Image,
    made: Key,
}

static WHOLES: Mutex<BTreeMap<usize, VecDeque<Whole>>> = Mutex::new(BTreeMap::new());

fn thumbnail(source: &Image, ctx: &Ctx) -> Image {
    ctx.install(|| resample::resize(source, THUMBNAIL_PX, THUMBNAIL_PX, ctx))
}

/// How far two thumbnails lie apart: the mean of all their differences.
fn apart(a: &Image, b: &Image) -> f32 {
    let differences = a.planes.iter().zip(&b.planes).flat_map(|(a, b)| a.iter().zip(b)).map(|(a, b)| (a - b).abs());
    let values = (4 * THUMBNAIL_PX * THUMBNAIL_PX) as f32;
    differences.sum::<f32>() / values
}

/// Remembers that `made` is what the parameters `asked` of the instance at `effect` come to for `source`.
pub(super) fn remember(effect: usize, asked: Key, source: &Image, made: Key, ctx: &Ctx) {
    // The key of what was made names the source too.
    let is_known = |wholes: &VecDeque<Whole>| wholes.iter().any(|whole| (whole.asked, whole.made) == (asked, made));
    if WHOLES.lock().get(&effect).is_some_and(is_known) {
        return;
    }
    let thumbnail = thumbnail(source, ctx);
    let mut wholes = WHOLES.lock();
    let of_effect = wholes.entry(effect).or_default();
    if of_effect.len() >= MOST_FRAMES {
        of_effect.pop_front();
    }
    of_effect.push_back(Whole { asked, thumbnail, made });
}

/// The edit of the whole frame that `source` is a proxy of, where it was made.
pub(super) fn find(effect: usize, asked: Key, source: &Image, ctx: &Ctx) -> Option<Key> {
    let thumbnail = thumbnail(source, ctx);
    let wholes = WHOLES.lock();
    let of_parameters = wholes.get(&effect)?.iter().rev().filter(|whole| whole.asked == asked);
    // Frames of a shot resemble each other: the nearest, and of those the last, is the frame itself.
    let distances = of_parameters.map(|whole| (apart(&whole.thumbnail, &thumbnail), whole.made));
    let nearest = distances.min_by(|(a, _), (b, _)| a.total_cmp(b));
    nearest.filter(|(distance, _)| *distance <= MOST_APART).map(|(_, made)| made)
}

/// Forgets an instance.
pub(super) fn forget(effect: usize) {
    WHOLES.lock().remove(&effect);
}
