//! `score`: how well texts describe a picture, how like it is to others, and how far it has moved toward texts from the picture it was.

use super::error::CliError;
use super::files::{self, Input};
use super::{Run, args};
use clap::ArgMatches;
use linocut::encoder::direction::cosine;
use linocut::encoder::similarity::{self, Moved};
use linocut::image::{ColorSpace, Image};
use linocut::raster::{self, Background, Size};
use linocut::scene::svg_in;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What is said of one text, or of another picture.
#[derive(Serialize)]
struct Score<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    like: Option<&'a Path>,
    cosine: f32,
    #[serde(flatten)]
    moved: Option<Moved>,
}

/// Runs `score`.
pub(crate) fn run<'a>(run: &Run, matches: &'a ArgMatches) -> Result<(), CliError> {
    let encoder = run.encoder(matches.get_one::<String>("encoder").map_or("default", String::as_str))?;
    let image = picture(run, &args::path(matches, "input").unwrap_or_default())?;
    let before = args::path(matches, "before").map(|path| picture(run, &path)).transpose()?;
    let reference = matches.get_one::<String>("reference").map_or("", String::as_str);
    let scores = run.ctx.install(|| {
        let text = |text| similarity::text_feature(&encoder, text, &run.ctx);
        let look = |image: &Image| similarity::picture_feature(&encoder, image, None, &run.ctx);
        let after = look(&image)?;
        let start = before.as_ref().map(|before| Ok::<_, CliError>((look(before)?, text(reference)?))).transpose()?;
        let score = |prompt| {
            let text = text(prompt)?;
            let moved = start.as_ref().map(|(before, reference)| similarity::moved(before, &after, reference, &text));
            let (cosine, moved) = (cosine(&after, &text), moved.transpose()?);
            Ok::<_, CliError>(Score { prompt: Some(prompt), like: None, cosine, moved })
        };
        let liken = |path: &'a PathBuf| {
            let cosine = cosine(&after, &look(&picture(run, path)?)?);
            Ok(Score { prompt: None, like: Some(path), cosine, moved: None })
        };
        let prompts = matches.get_many::<String>("prompt").into_iter().flatten();
        let others = matches.get_many::<PathBuf>("like").into_iter().flatten();
        prompts.map(|prompt| score(prompt)).chain(others.map(liken)).collect::<Result<Vec<_>, _>>()
    })?;
    let lines = scores.iter().map(line).collect::<Vec<_>>();
    let report = match before {
        Some(_) => serde_json::json!({ "reference": reference, "scores": scores }),
        None => serde_json::json!({ "scores": scores }),
    };
    run.print(&report, &lines.join("\n"))
}

/// The picture in `path`, or the drawing on white paper, in display-referred sRGB.
fn picture(run: &Run, path: &Path) -> Result<Image, CliError> {
    match files::read(path)? {
        Input::Picture(image) => Ok(image.into_straight().into_space(ColorSpace::Srgb)),
        Input::Svg(bytes) => {
            let failed = |error| CliError::Svg { path: path.to_owned(), error };
            let (scene, _) = svg_in::scene_from_svg(&bytes).map_err(failed)?;
            let size = Size { width_px: scene.width.ceil() as usize, height_px: scene.height.ceil() as usize };
            Ok(run.ctx.install(|| raster::render(&scene, size, Background::Rgb([1.0; 3]), &run.ctx))?)
        }
    }
}

fn line(Score { prompt, like, cosine, moved }: &Score<'_>) -> String {
    let like = like.map(|path| path.display().to_string()).unwrap_or_default();
    let prompt = prompt.unwrap_or(&like);
    match moved {
        None => format!("{cosine:.4}  {prompt}"),
        Some(Moved { direction_cosine, along_before, along_after }) => {
            format!("{cosine:.4}  direction {direction_cosine:.4} ({along_before:.4} -> {along_after:.4})  {prompt}")
        }
    }
}
