//! A picture that was painted anew, at another size than its source, as its source's picture.
//!
//! Input: the new picture, the source at its own size. Output: a picture of the source's size. Formula: the new one at that size, and of the
//! source what the new one's size could not hold (the uppermost level of a Laplacian pyramid, Burt and Adelson 1983). Invariants:
//! strength 0 is the source, bit for bit; alpha is the source's. Determinism: as [`crate::image::resample`]. Cost: three resamplings.

use super::{Finish, keep_source};
use crate::ctx::Ctx;
use crate::image::{Image, resample};
use crate::raster::Size;
use rayon::prelude::*;

/// `painted` at `size`; `source` has that size, in display-referred sRGB with straight alpha.
pub fn draw_picture(painted: &Image, size: Size, source: Option<&Image>, finish: Finish, ctx: &Ctx) -> Image {
    let fitted = |picture: &Image| resample::resize(picture, size.width_px, size.height_px, ctx);
    let Some(source) = source else { return fitted(painted) };
    let strength = finish.strength.clamp(0.0, 1.0);
    if strength == 0.0 {
        return source.clone();
    }
    let detail = finish.detail.clamp(0.0, 1.0);
    let coarse = (detail > 0.0).then(|| fitted(&resample::resize(source, painted.width, painted.height, ctx)));
    let mut picture = fitted(painted);
    ctx.install(|| {
        picture.planes.par_iter_mut().zip(&source.planes).enumerate().for_each(|(at, (plane, source))| {
            if let Some(coarse) = coarse.as_ref().and_then(|coarse| coarse.planes.get(at)) {
                let fine = source.iter().zip(coarse).map(|(source, coarse)| detail * (source - coarse));
                plane.iter_mut().zip(fine).for_each(|(value, fine)| *value += fine);
            }
            plane.iter_mut().zip(source).for_each(|(value, source)| *value = source + strength * (*value - source));
        });
    });
    let [_, _, _, alpha] = &mut picture.planes;
    alpha.clone_from(&source.planes[3]);
    keep_source(&mut picture, source);
    picture
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_picture_painted_as_its_source_was_is_the_source_again_with_all_its_detail() {
        let ctx = Ctx::new(1, Arc::new(crate::ctx::Silent)).unwrap();
        let mut source = Image::filled(64, 48, [0.5; 3]);
        source.planes[0]
            .iter_mut()
            .enumerate()
            .for_each(|(at, value)| *value = 0.2 + 0.6 * ((at * 7) % 11) as f32 / 11.0);
        source.planes[3].iter_mut().take(64).for_each(|alpha| *alpha = 0.5);
        let size = Size { width_px: 64, height_px: 48 };
        let painted = resample::resize(&source, 16, 16, &ctx);
        let drawn = |strength, detail| {
            draw_picture(&painted, size, Some(&source), Finish { strength, detail, ..Finish::default() }, &ctx)
        };
        let whole = drawn(1.0, 1.0);
        let off = whole.planes.iter().flatten().zip(source.planes.iter().flatten());
        assert!(off.clone().all(|(a, b)| (a - b).abs() < 1e-5), "detail 1");
        assert!(drawn(1.0, 0.0).planes[0] != source.planes[0], "without detail it is as coarse as it was painted");
        assert_eq!(drawn(0.0, 0.0), source, "strength 0 is the source");
        assert_eq!(drawn(1.0, 0.0).planes[3], source.planes[3], "alpha is the source's");
    }
}
