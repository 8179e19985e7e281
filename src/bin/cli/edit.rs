//! `vectorize`, `edit`, `recolor`, `stylize`: from flags to files.

use super::error::CliError;
use super::files::{self, Input, Output};
use super::{Run, args};
use clap::ArgMatches;
use linocut::cache::Cache;
use linocut::finish::lut::cube_from_edit;
use linocut::finish::scores::Scores;
use linocut::finish::{Finish, mixed, scene_shown};
use linocut::image::Image;
use linocut::models::Choice;
use linocut::nodes::param::{Text, Typed, Values};
use linocut::nodes::{self, Clip, Engine, Makes, Node, Role, font_stylize, prompts, recolor, shared};
use linocut::optimize::{Edited, Step, UNCLEAR_PROMPT};
use linocut::plan::{Artifact, Plan};
use linocut::raster::{self, Background, Size};
use linocut::scene::Scene;
use linocut::scene::palette_out::gpl_from_scenes;
use linocut::scene::svg_in;
use linocut::scene::svg_out::svg_from_scene;
use linocut::schedule::Prompt;
use linocut::session::report::{
    EditReport, EncoderReport, PaintReport, PaintSeconds, RegionReport, Seconds, VectorizeReport, peak_rss_mb,
};
use linocut::session::{Made, Material, Prepared, Request, material};
use std::path::{Path, PathBuf};

/// Everything read from files before the work begins.
struct Loaded {
    material: Material,
    mask: Option<Vec<f32>>,
    others: Vec<(Role, Image)>,
}

/// The outputs that were asked for, opened before the work begins.
struct Outputs {
    picture: Option<Output>,
    svg: Option<Output>,
    palette: Option<Output>,
    lut: Option<Output>,
    frames: Option<Frames>,
}

impl Outputs {
    fn asks_for_shapes(&self) -> bool {
        self.svg.is_some() || self.palette.is_some() || self.lut.is_some() || self.frames.is_some()
    }
}

/// Runs the command of `node`.
pub(crate) fn run(run: &Run, node: &Node, matches: &ArgMatches) -> Result<(), CliError> {
    let values = args::values(node, matches)?;
    let frame = args::frame(matches);
    let prompt = if node.takes_prompts() { prompts::at(&values, Vec::new(), frame)? } else { Prompt::default() };
    run.ctx.progress.stage("load", 0);
    let mut outputs = outputs(node, &values, matches)?;
    let engine = nodes::engine(node, &values);
    if engine == Some(Engine::Diffusion) && outputs.picture.is_none() | outputs.asks_for_shapes() {
        return Err(CliError::Usage(NO_SHAPES.to_owned()));
    }
    let mut session = run.session();
    // The picture and the encoder come from different files: neither waits for the other. The session finds the encoder again
    // in the table of those that were opened.
    let (loaded, encoder) = run.ctx.install(|| {
        rayon::join(
            || load(run, node, &values, matches),
            || (engine == Some(Engine::Vector)).then(|| run.choose(values.get(&shared::ENCODER))).transpose(),
        )
    });
    let (Loaded { material, mask, others }, _) = (loaded?, encoder?);
    let limits = mask.as_deref().filter(|_| node.edits && values.get(&shared::MASK_LIMITS));
    let request =
        Request { node, values: &values, prompt: &prompt, material: &material, mask: limits, others: &others };
    if outputs.lut.is_some() && nodes::has_no_look(node, &values) {
        return Err(no_grade());
    }
    let mut frames = outputs.frames.take();
    let mut keep = frames.as_mut().map(|frames| |step: &Step<'_>| frames.keep(step, run));
    let watch = keep.as_mut().map(|keep| keep as &mut (dyn FnMut(&Step<'_>) + Send));
    if watch.is_some() {
        // A history has to be made, so it cannot come from the cache.
        session.cache = Cache::off();
    }
    let prepared = session.prepare(&request, &run.ctx)?;
    let (prepared, made) = session.fulfil(&request, prepared, false, &run.ctx, watch)?;
    if let Some(frames) = frames {
        frames.finish()?;
    }
    run.ctx.progress.stage("write", 0);
    let drawn = prepared.draw(&material, &made, &run.ctx)?;
    let picture = laid_over(&material, drawn, mask.as_deref(), values.get(&shared::MIX) as f32);
    let edited = made.edited();
    write(outputs, &picture, edited.as_deref(), &prepared.plan, (node.finish)(&values))?;
    if edited.as_ref().is_some_and(|edited| edited.is_unclear()) {
        tracing::warn!("{UNCLEAR_PROMPT}");
    }
    // Judging is not part of writing; it ends that stage's clock.
    let scores = session.score(&prepared, &made, &run.ctx)?;
    let Some(edited) = edited else { return report_painted(run, &prepared, &made) };
    if prepared.encoder.is_some() {
        report_edit(run, &prepared, &edited, made.was_found, scores.as_ref())
    } else {
        report_vectorize(run, &prepared, &edited.scene, made.was_found)
    }
}

/// The edit over its source by mix and mask; shapes have nothing below them but what is clear.
fn laid_over(material: &Material, mut edited: Image, mask: Option<&[f32]>, mix: f32) -> Image {
    if mask.is_none() && mix >= 1.0 {
        return edited;
    }
    let pixel = |planes: &[Vec<f32>; 4], at: usize| {
        [0, 1, 2, 3].map(|plane: usize| planes[plane].get(at).copied().unwrap_or(0.0))
    };
    for at in 0..edited.pixels() {
        let after = pixel(&edited.planes, at);
        // What is clear has no colour that could come through.
        let clear = [after[0], after[1], after[2], 0.0];
        let before = material.source().map_or(clear, |source| pixel(&source.planes, at));
        let shown = mix * mask.map_or(1.0, |mask| mask.get(at).copied().unwrap_or(0.0));
        let shown = mixed(before, after, shown);
        for (plane, value) in edited.planes.iter_mut().zip(shown) {
            if let Some(to) = plane.get_mut(at) {
                *to = value;
            }
        }
    }
    edited
}

/// Why there is nothing but a picture to write.
const NO_SHAPES: &str =
    "--engine diffusion paints a picture: name it with -o; for --svg, --lut and --frames use --engine vector";

/// Why there is no look to write.
fn no_grade() -> CliError {
    CliError::Usage("--lut needs an edit of colours: use --mode full or color, and not --quality paper".to_owned())
}

fn outputs(node: &Node, values: &Values, matches: &ArgMatches) -> Result<Outputs, CliError> {
    let (picture, svg) = match node.makes {
        Makes::Picture => ("output", node.edits.then_some("svg")),
        Makes::Shapes => ("png", Some("output")),
    };
    let picture = args::path(matches, picture);
    let svg = svg.and_then(|svg| args::path(matches, svg));
    if let Some(path) = &picture {
        files::picture_format(path)?;
    }
    let named = |file: &Typed<Text>| Some(values.get(file)).filter(|path| !path.is_empty());
    let (palette, lut) = (named(&recolor::PALETTE_FILE), named(&shared::LUT));
    let frames = if node.edits { args::path(matches, "frames") } else { None };
    if picture.is_none() && svg.is_none() && frames.is_none() && palette.is_none() && lut.is_none() {
        return Err(CliError::Usage("nothing to write: name an output with -o, --svg, --lut or --frames".to_owned()));
    }
    Ok(Outputs {
        picture: picture.as_deref().map(Output::create).transpose()?,
        svg: svg.as_deref().map(Output::create).transpose()?,
        palette: palette.map(|path| Output::create(path.as_ref())).transpose()?,
        lut: lut.map(|path| Output::create(path.as_ref())).transpose()?,
        frames: frames.map(Frames::create).transpose()?,
    })
}

fn load(run: &Run, node: &Node, values: &Values, matches: &ArgMatches) -> Result<Loaded, CliError> {
    let material = match args::path(matches, "input") {
        None => word(node, values, matches)?,
        Some(_) if !values.get(&font_stylize::TEXT).is_empty() => {
            let message = "give either a picture of a word or --text with --font, not both";
            return Err(CliError::Usage(message.to_owned()));
        }
        Some(path) => match files::read(&path)? {
            Input::Svg(bytes) => {
                let (scene, notices) =
                    svg_in::scene_from_svg(&bytes).map_err(|error| CliError::Svg { path: path.clone(), error })?;
                for notice in notices {
                    tracing::warn!("{}: {notice}", path.display());
                }
                Material::from_scene(scene)
            }
            Input::Picture(image) => Material::from_picture(image),
        },
    };
    let given = |clip: &Clip| args::path(matches, &clip.flag());
    let mask_clip = node.clips.iter().find(|clip| clip.is_mask);
    let mask = mask_clip.and_then(given).map(|path| mask(run, &path, &material, values)).transpose()?;
    let others = node.others().filter_map(|clip| Some((clip, given(clip)?)));
    let others = others.map(|(clip, path)| match files::read(&path)? {
        Input::Picture(picture) => Ok((clip.role, material::as_shown(picture))),
        Input::Svg(_) => {
            Err(CliError::Usage(format!("--{} {}: give a picture, not an SVG", clip.flag(), path.display())))
        }
    });
    let others = others.collect::<Result<Vec<_>, CliError>>()?;
    Ok(Loaded { material, mask, others })
}

/// How far each pixel of the material's size lies under the mask in `path`: its alpha where it has any, else its light.
fn mask(run: &Run, path: &Path, material: &Material, values: &Values) -> Result<Vec<f32>, CliError> {
    let Input::Picture(picture) = files::read(path)? else {
        return Err(CliError::Usage(format!("--mask {}: give a picture, not an SVG", path.display())));
    };
    let Size { width_px, height_px } = material.size();
    if (picture.width, picture.height) != (width_px, height_px) {
        let (width, height) = (picture.width, picture.height);
        return Err(CliError::Usage(format!(
            "--mask {}: it is {width} x {height} pixels, but the source is {width_px} x {height_px}; give both one size",
            path.display()
        )));
    }
    let invert = values.get(&shared::MASK_INVERT);
    Ok(run.ctx.install(|| cover(&picture)).into_iter().map(|part| if invert { 1.0 - part } else { part }).collect())
}

fn cover(mask: &Image) -> Vec<f32> {
    let [red, green, blue, alpha] = &mask.planes;
    if mask.has_alpha() {
        return alpha.iter().map(|value| value.clamp(0.0, 1.0)).collect();
    }
    let light = red.iter().zip(green).zip(blue).map(|((red, green), blue)| (red + green + blue) / 3.0);
    light.map(|value| value.clamp(0.0, 1.0)).collect()
}

fn word(node: &Node, values: &Values, matches: &ArgMatches) -> Result<Material, CliError> {
    let word = values.get(&font_stylize::TEXT);
    if word.is_empty() {
        return Err(CliError::Usage(format!("{}: give a picture of a word, or --text with --font", node.command)));
    }
    let path = values.get(&font_stylize::FONT);
    if path.is_empty() {
        return Err(CliError::Usage("--text needs --font with a TrueType or OpenType file".to_owned()));
    }
    let font = files::read_bytes(path.as_ref())?;
    let side = values.get(&shared::WORKING_SIZE) as usize;
    Ok(Material::from_word(word, &font, args::size(matches), side)?)
}

fn write(
    outputs: Outputs,
    picture: &Image,
    edited: Option<&Edited>,
    plan: &Plan,
    finish: Finish,
) -> Result<(), CliError> {
    if let Some(edited) = edited {
        let (scene, metadata) = (scene_shown(edited, finish), plan.metadata());
        if let Some(output) = outputs.svg {
            output.finish(svg_from_scene(&scene, &metadata).as_bytes())?;
        }
        if let Some(output) = outputs.palette {
            output.finish(gpl_from_scenes(&edited.initial, &scene, &metadata.title).as_bytes())?;
        }
        if let Some(output) = outputs.lut {
            let cube = cube_from_edit(edited, &metadata.title, finish.strength).ok_or_else(no_grade)?;
            output.finish(cube.as_bytes())?;
        }
    }
    outputs.picture.map_or(Ok(()), |output| output.finish_picture(picture))
}

fn seconds(run: &Run) -> Seconds {
    let [load, vectorize, search, steps, write] =
        ["load", "vectorize", "search", "optimize", "write"].map(|name| run.bar.seconds(name));
    Seconds { load, vectorize, optimize: search + steps, write }
}

fn report_vectorize(run: &Run, prepared: &Prepared, scene: &Scene, cache_hit: bool) -> Result<(), CliError> {
    let report = VectorizeReport {
        paths: scene.paths.len(),
        segments: scene.segments(),
        seconds: seconds(run),
        peak_rss_mb: peak_rss_mb(),
        threads: run.ctx.threads(),
        backend: run.ctx.backend_class(),
        job_hash: prepared.key.to_string(),
        cache_hit,
    };
    run.print(&report, &format!("{} paths, {} segments", report.paths, report.segments))
}

fn report_painted(run: &Run, prepared: &Prepared, made: &Made) -> Result<(), CliError> {
    let (Artifact::Picture(picture), Some(model)) = (&made.artifact, &prepared.diffusion) else { return Ok(()) };
    let report = PaintReport {
        working_size: [picture.width, picture.height],
        seconds: PaintSeconds::of(|stage| run.bar.seconds(stage)),
        peak_rss_mb: peak_rss_mb(),
        threads: run.ctx.threads(),
        model: EncoderReport { name: model.name().to_owned(), hash: model.hash().to_owned() },
        job_hash: prepared.key.to_string(),
        cache_hit: made.was_found,
    };
    let came = if report.cache_hit { " (from the cache)" } else { "" };
    let [width, height] = report.working_size;
    run.print(&report, &format!("painted at {width} x {height} by {}{came}", report.model.name))
}

fn report_edit(
    run: &Run,
    prepared: &Prepared,
    edited: &Edited,
    cache_hit: bool,
    scores: Option<&Scores>,
) -> Result<(), CliError> {
    let Prepared { plan, sizes, encoder, .. } = prepared;
    let [x_scale, y_scale] = [0, 1].map(|axis| sizes.source_px[axis] / sizes.canvas_px[axis]);
    let regions = plan.edit().into_iter().flat_map(|edit| &edit.regions);
    let placed = regions.filter_map(|region| Some((region, region.rect_in_canvas?.scaled(x_scale, y_scale))));
    let cosines = scores.into_iter().flat_map(|scores| &scores.regions);
    let regions = placed.zip(cosines).map(|((region, rect), &[cosine_before, cosine_after])| {
        let rect = [rect.x, rect.y, rect.width, rect.height];
        RegionReport { prompt: region.prompt.text.clone(), rect, cosine_before, cosine_after }
    });
    let regions = regions.collect();
    let whole = scores.and_then(|scores| scores.whole);
    let report = EditReport {
        paths: edited.scene.paths.len(),
        segments: edited.scene.segments(),
        iterations: edited.iterations,
        loss_first: edited.loss_first,
        loss_last: edited.loss_last,
        cosine_before: whole.map(|[before, _]| before),
        cosine_after: whole.map(|[_, after]| after),
        looks: edited.layers.iter().map(|layer| layer.grade.look).collect(),
        judging: edited.judging,
        regions,
        seconds: seconds(run),
        peak_rss_mb: peak_rss_mb(),
        threads: run.ctx.threads(),
        backend: run.ctx.backend_class(),
        encoder: EncoderReport {
            name: encoder.as_ref().map_or("", Choice::name).to_owned(),
            hash: encoder.as_ref().map_or("", Choice::hash).to_owned(),
        },
        job_hash: prepared.key.to_string(),
        cache_hit,
    };
    run.print(&report, &summary(&report))
}

fn summary(report: &EditReport) -> String {
    let mut text = format!(
        "{} paths, {} iterations, loss {:.3} -> {:.3}",
        report.paths, report.iterations, report.loss_first, report.loss_last
    );
    if let (Some(before), Some(after)) = (report.cosine_before, report.cosine_after) {
        text += &format!(", cosine {before:.3} -> {after:.3}");
    }
    for region in &report.regions {
        text += &format!("\n  '{}': cosine {:.3} -> {:.3}", region.prompt, region.cosine_before, region.cosine_after);
    }
    if report.cache_hit { text + " (from the cache)" } else { text }
}

/// A history of pictures, collected in a temporary folder beside its place and renamed when whole.
struct Frames {
    target: PathBuf,
    folder: tempfile::TempDir,
    failed: Option<CliError>,
}

impl Frames {
    fn create(target: PathBuf) -> Result<Self, CliError> {
        let failed = |reason: String| CliError::Write { path: target.clone(), reason };
        if target.exists() && target.read_dir().map_or(true, |mut entries| entries.next().is_some()) {
            return Err(failed("it exists already and is not an empty folder".to_owned()));
        }
        let parent = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        let parent = parent.unwrap_or(std::path::Path::new("."));
        let folder = tempfile::Builder::new().prefix(".linocut-").tempdir_in(parent);
        let folder = folder.map_err(|error| failed(error.to_string()))?;
        Ok(Self { target, folder, failed: None })
    }

    fn keep(&mut self, step: &Step<'_>, run: &Run) {
        if self.failed.is_none() {
            self.failed = self.picture(step, run).err();
        }
    }

    fn picture(&self, step: &Step<'_>, run: &Run) -> Result<(), CliError> {
        let size = Size { width_px: step.scene.width.ceil() as usize, height_px: step.scene.height.ceil() as usize };
        let image = raster::render(step.scene, size, Background::Rgb([1.0; 3]), &run.ctx)?;
        let path = self.folder.path().join(format!("{:04}.png", step.iteration));
        Output::create(&path)?.finish_picture(&image)
    }

    fn finish(self) -> Result<(), CliError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let failed = |error: std::io::Error| CliError::Write { path: self.target.clone(), reason: error.to_string() };
        if self.target.exists() {
            std::fs::remove_dir(&self.target).map_err(failed)?;
        }
        let folder = self.folder.keep();
        std::fs::rename(&folder, &self.target).map_err(failed)
    }
}
