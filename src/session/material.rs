//! What a request works on, out of the hands of files and hosts.
//!
//! Input: a picture, the shapes of an SVG, a word with a font. Output: what the flow starts from, and the size that results are
//! drawn in. Invariants: a word fills a frame of a given size, whoever asks. Determinism: as the stages. Cost: a picture is
//! scaled to the working size.

use crate::ctx::Ctx;
use crate::image::{ColorSpace, Image, resample};
use crate::nodes::{Sizes, font_stylize};
use crate::plan::{Given, MaterialHash, Materials};
use crate::raster::Size;
use crate::scene::Scene;
use crate::text::TextError;
use rayon::prelude::*;

/// A picture or shapes.
#[derive(Clone, Debug, PartialEq)]
pub enum Material {
    /// A picture in display-referred sRGB with straight alpha.
    Picture(Image),
    /// Shapes, to be drawn in this size.
    Shapes(Scene, Size),
}

/// A picture in any space as display-referred sRGB with straight alpha.
pub fn as_shown(picture: Image) -> Image {
    picture.into_straight().into_space(ColorSpace::Srgb)
}

/// `picture` on the grid of 16-bit files. Hosts hand a byte over as itself times 1/255, or by way of linear light: values a last
/// place beside those of the file, which the palette, drawn by chance, makes another one of. Values of 8 and 16 bits are on the grid.
pub(super) fn settled(picture: &Image) -> Image {
    let mut picture = picture.clone();
    for plane in &mut picture.planes {
        plane.par_iter_mut().with_min_len(1 << 14).for_each(|value| *value = (*value * GRID).round() / GRID);
    }
    picture
}

/// Steps from 0 to 1 that working pictures know.
const GRID: f32 = 65_535.0;

/// `picture` with soft alpha made hard, so that shapes are traced, and judged, in its straight colours: colours mixed with paper
/// would bring the paper along wherever the source's alpha is put back. A pixel is there from half of the largest alpha on.
fn cut_out(mut picture: Image) -> Image {
    let [_, _, _, alpha] = &mut picture.planes;
    if alpha.iter().any(|value| *value > 0.0 && *value < 1.0) {
        let half = alpha.iter().copied().fold(0.0, f32::max).min(1.0) / 2.0;
        alpha.iter_mut().for_each(|value| *value = f32::from(u8::from(*value >= half && *value > 0.0)));
    }
    picture
}

impl Material {
    /// Of a picture in any space.
    pub fn from_picture(picture: Image) -> Self {
        Self::Picture(as_shown(picture))
    }

    /// Of the shapes of an SVG, in its own size.
    pub fn from_scene(scene: Scene) -> Self {
        let size = Size::of_canvas(&scene);
        Self::Shapes(scene, size)
    }

    /// Of a word in the font with these bytes, which fills a frame of `size`; its shapes live on a canvas whose long side is at
    /// most `working_side_px`.
    ///
    /// # Errors
    /// [`TextError`] for a letter that the font lacks, a broken font, no room.
    pub fn from_word(word: &str, font: &[u8], size: Size, working_side_px: usize) -> Result<Self, TextError> {
        let (width, height) = (size.width_px.max(1) as f32, size.height_px.max(1) as f32);
        let scale = (working_side_px as f32 / width.max(height)).min(1.0);
        let canvas_px = [width, height].map(|side| (side * scale).round().max(1.0));
        Ok(Self::Shapes(font_stylize::scene_of_word(word, font, canvas_px)?, size))
    }

    /// The size that results are drawn in: the picture's own, or the frame's.
    pub fn size(&self) -> Size {
        match self {
            Self::Picture(picture) => Size { width_px: picture.width, height_px: picture.height },
            Self::Shapes(_, size) => *size,
        }
    }

    /// The picture, where it is one.
    pub fn source(&self) -> Option<&Image> {
        if let Self::Picture(picture) = self { Some(picture) } else { None }
    }

    /// What plans on a working size of `side` pixels start from, and the sizes that rectangles are given in.
    pub(super) fn start(&self, side: usize, mask: Option<&[f32]>, ctx: &Ctx) -> Started {
        let mut materials = Materials::default();
        match self {
            Self::Shapes(scene, _) => {
                let canvas_px = [scene.width, scene.height];
                let source = materials.add(Given::Scene(scene.clone()));
                let sizes = Sizes { source_px: canvas_px, canvas_px };
                Started { materials, source, mask: None, is_scene: true, sizes }
            }
            Self::Picture(picture) => {
                let working = cut_out(resample::fit_long_side(&settled(picture), side, ctx));
                let size = (working.width, working.height);
                let sizes = Sizes {
                    source_px: [picture.width as f32, picture.height as f32],
                    canvas_px: [size.0 as f32, size.1 as f32],
                };
                let source = materials.add(Given::Picture(working));
                let mask = mask.map(|mask| materials.add(Given::Mask(resample::nearest(mask, picture.width, size))));
                Started { materials, source, mask, is_scene: false, sizes }
            }
        }
    }
}

/// What a plan starts from.
pub(super) struct Started {
    pub(super) materials: Materials,
    pub(super) source: MaterialHash,
    pub(super) mask: Option<MaterialHash>,
    pub(super) is_scene: bool,
    pub(super) sizes: Sizes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_that_came_through_a_host_is_the_picture_of_its_file() {
        let ctx = Ctx::new(1, std::sync::Arc::new(crate::ctx::Silent)).unwrap();
        let bytes = (0..=255_u8).map(f32::from).collect::<Vec<_>>();
        let of = |value: &dyn Fn(f32) -> f32, space| {
            let plane = bytes.iter().map(|byte| value(*byte)).collect::<Vec<_>>();
            let planes = [plane.clone(), plane.clone(), plane, vec![1.0; 256]];
            let picture = Image { width: 256, height: 1, planes, space, alpha: crate::image::Alpha::Straight };
            Material::from_picture(picture).start(512, None, &ctx).source
        };
        let file = of(&|byte| byte / 255.0, ColorSpace::Srgb);
        assert_eq!(of(&|byte| byte * (1.0 / 255.0), ColorSpace::Srgb), file);
        let linear = |byte: f32| crate::image::color::linear_from_srgb(byte * (1.0 / 255.0));
        assert_eq!(of(&linear, ColorSpace::Linear), file);
    }

    #[test]
    fn soft_alpha_becomes_hard_at_half_of_what_there_is_and_hard_alpha_stays() {
        for (given, wanted) in [
            ([0.0, 0.2, 0.5, 1.0], [0.0, 0.0, 1.0, 1.0]),
            ([0.0, 0.1, 0.2, 0.3], [0.0, 0.0, 1.0, 1.0]),
            ([0.0, 1.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0]),
        ] {
            let mut picture = Image::filled(4, 1, [0.3; 3]);
            picture.planes[3] = given.to_vec();
            assert_eq!(cut_out(picture).planes[3], wanted, "{given:?}");
        }
    }
}
