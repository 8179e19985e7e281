//! `score`: how well texts describe a picture.

use super::error::CliError;
use super::files::{self, Input};
use super::{Run, args};
use clap::ArgMatches;
use linocut::encoder::similarity;
use linocut::image::ColorSpace;
use linocut::raster::{self, Background, Size};
use linocut::scene::svg_in;

/// Runs `score`.
pub(crate) fn run(run: &Run, matches: &ArgMatches) -> Result<(), CliError> {
    let path = args::path(matches, "input").unwrap_or_default();
    let prompts = matches.get_many::<String>("prompt").into_iter().flatten().cloned().collect::<Vec<_>>();
    let encoder = run.encoder(matches.get_one::<String>("encoder").map_or("default", String::as_str))?;
    let image = match files::read(&path)? {
        Input::Picture(image) => image.into_straight().into_space(ColorSpace::Srgb),
        Input::Svg(bytes) => {
            let (scene, _) = svg_in::scene_from_svg(&bytes).map_err(|error| CliError::Svg { path, error })?;
            let size = Size { width_px: scene.width.ceil() as usize, height_px: scene.height.ceil() as usize };
            run.ctx.install(|| raster::render(&scene, size, Background::Rgb([1.0; 3]), &run.ctx))?
        }
    };
    let cosines = run.ctx.install(|| {
        let texts = similarity::text_features(&encoder, &prompts, &run.ctx)?;
        similarity::cosines(&encoder, &image, None, &texts, &run.ctx)
    })?;
    let scores = prompts.iter().zip(&cosines);
    let json = scores.clone().map(|(prompt, cosine)| serde_json::json!({"prompt": prompt, "cosine": cosine}));
    let report = serde_json::json!({ "scores": json.collect::<Vec<_>>() });
    let lines = scores.map(|(prompt, cosine)| format!("{cosine:.4}  {prompt}")).collect::<Vec<_>>();
    run.print(&report, &lines.join("\n"))
}
