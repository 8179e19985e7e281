//! `vectorize`, `edit`, `recolor`, `stylize`: from flags to files.

use super::error::CliError;
use super::files::{self, Input, Output};
use super::{Run, args};
use clap::ArgMatches;
use linocut::finish::lut::cube_from_edit;
use linocut::finish::scene_at;
use linocut::image::{ColorSpace, Image, resample};
use linocut::job::report::{EditReport, EncoderReport, RegionReport, Seconds, VectorizeReport, peak_rss_mb};
use linocut::job::{self, Done, Job};
use linocut::models::Choice;
use linocut::nodes::param::Values;
use linocut::nodes::{self, Node, Sizes, font_stylize, recolor, shared};
use linocut::optimize::Step;
use linocut::pipeline::{self, Start};
use linocut::raster::{self, Background, Size};
use linocut::scene::palette_out::gpl_from_scenes;
use linocut::scene::svg_out::svg_from_scene;
use linocut::scene::{Scene, svg_in};
use std::path::PathBuf;

/// Width and height of the canvas that holds a word drawn with a font.
const WORD_CANVAS_PX: [f32; 2] = [512.0, 256.0];

/// Everything read from files before the work begins.
struct Loaded {
    start: Start,
    /// The source at its own size, where it is a picture: display-referred sRGB, straight alpha.
    source: Option<Image>,
    sizes: Sizes,
}

impl Loaded {
    /// The size at which the result is drawn: the source's own.
    fn size(&self) -> Size {
        let [width, height] = self.sizes.source_px;
        Size { width_px: width.ceil().max(1.0) as usize, height_px: height.ceil().max(1.0) as usize }
    }
}

/// The outputs that were asked for, opened before the work begins.
struct Outputs {
    picture: Option<Output>,
    svg: Option<Output>,
    palette: Option<Output>,
    lut: Option<Output>,
    frames: Option<Frames>,
}

/// Runs the command of `node`.
pub(crate) fn run(run: &Run, node: &Node, matches: &ArgMatches) -> Result<(), CliError> {
    let values = args::values(node, matches)?;
    run.ctx.progress.stage("load", 0);
    let mut outputs = outputs(node, &values, matches)?;
    // The picture and the encoder come from different files: neither waits for the other.
    let (loaded, encoder) = run.ctx.install(|| {
        let input = args::path(matches, "input");
        rayon::join(
            || load(run, node, &values, input),
            || node.edits().then(|| run.choose(values.text(shared::ENCODER.id))).transpose(),
        )
    });
    let (loaded, encoder) = (loaded?, encoder?);
    let plan = nodes::plan(node, &values, &loaded.sizes);
    if outputs.lut.is_some() && plan.edit.as_ref().is_none_or(|edit| edit.look_search.is_none()) {
        return Err(no_grade());
    }
    let hash = encoder.as_ref().map_or("", Choice::hash);
    let job = Job::new(node.id, plan, &loaded.start, hash, &run.ctx);
    let mut frames = outputs.frames.take();
    let mut keep = frames.as_mut().map(|frames| |step: &Step<'_>| frames.keep(step, run));
    let watch = keep.as_mut().map(|keep| keep as &mut (dyn FnMut(&Step<'_>) + Send));
    // A history has to be made, so it cannot come from the cache.
    let cache = if matches.try_contains_id("frames").unwrap_or(false) && args::path(matches, "frames").is_some() {
        linocut::cache::Cache::off()
    } else {
        run.cache()
    };
    let mut done = match job::find(&job, &cache) {
        Some(done) => done,
        None => {
            let encoder = encoder.as_ref().map(Choice::encoder).transpose()?;
            job::make(&job, &loaded.start, encoder.as_deref(), &cache, &run.ctx, watch)?
        }
    };
    if let Some(frames) = frames {
        frames.finish()?;
    }
    run.ctx.progress.stage("write", 0);
    let finish = nodes::finish(node, &values);
    let picture =
        run.ctx.install(|| pipeline::draw(&done.edited, loaded.size(), loaded.source.as_ref(), finish, &run.ctx))?;
    run.ctx.cancel.check()?;
    write(outputs, &picture, &done, &job, finish.strength)?;
    if done.edited.is_unclear() {
        tracing::warn!(
            "the encoder hardly tells this prompt from any photo, so little was changed; say it in other words"
        );
    }
    let Some(encoder) = encoder else { return report_vectorize(run, &done, &job) };
    if done.scores.as_ref().is_none_or(|scores| (scores.detail, scores.strength) != (finish.detail, finish.strength)) {
        // Judging is not part of writing; it ends that stage's clock.
        run.ctx.progress.stage("score", 0);
        let scores = job::score(&job, &loaded.start, &done.edited, &*encoder.encoder()?, finish, &run.ctx)?;
        done.scores = Some(scores);
        job::keep(&job, &done, &cache);
    }
    report_edit(run, &encoder, &loaded.sizes, &done, &job)
}

/// Why there is no look to write.
fn no_grade() -> CliError {
    CliError::Usage("--lut needs an edit of colours: use --mode full or color, and not --quality paper".to_owned())
}

fn outputs(node: &Node, values: &Values, matches: &ArgMatches) -> Result<Outputs, CliError> {
    let (picture, svg) = if node.command == "vectorize" { ("png", "output") } else { ("output", "svg") };
    let picture = args::path(matches, picture);
    if let Some(path) = &picture {
        files::picture_format(path)?;
    }
    let named = |id: &str| Some(values.text(id)).filter(|path| !path.is_empty());
    let (palette, lut) = (named(recolor::PALETTE_FILE.id), named(shared::LUT.id));
    let frames = if node.command == "vectorize" { None } else { args::path(matches, "frames") };
    if picture.is_none() && args::path(matches, svg).is_none() && frames.is_none() && palette.is_none() && lut.is_none()
    {
        return Err(CliError::Usage("nothing to write: name an output with -o, --svg, --lut or --frames".to_owned()));
    }
    Ok(Outputs {
        picture: picture.as_deref().map(Output::create).transpose()?,
        svg: args::path(matches, svg).as_deref().map(Output::create).transpose()?,
        palette: palette.map(|path| Output::create(path.as_ref())).transpose()?,
        lut: lut.map(|path| Output::create(path.as_ref())).transpose()?,
        frames: frames.map(Frames::create).transpose()?,
    })
}

fn load(run: &Run, node: &Node, values: &Values, input: Option<PathBuf>) -> Result<Loaded, CliError> {
    let Some(path) = input else { return load_word(node, values) };
    if !values.text("text").is_empty() {
        return Err(CliError::Usage("give either a picture of a word or --text with --font, not both".to_owned()));
    }
    match files::read(&path)? {
        Input::Svg(bytes) => {
            let (scene, notices) =
                svg_in::scene_from_svg(&bytes).map_err(|error| CliError::Svg { path: path.clone(), error })?;
            for notice in notices {
                tracing::warn!("{}: {notice}", path.display());
            }
            Ok(loaded_from_scene(scene))
        }
        Input::Picture(image) => {
            let source = image.into_straight().into_space(ColorSpace::Srgb);
            let side = values.integer(shared::WORKING_SIZE.id) as usize;
            let picture = run.ctx.install(|| resample::fit_long_side(&source, side, &run.ctx));
            let sizes = Sizes {
                source_px: [source.width as f32, source.height as f32],
                canvas_px: [picture.width as f32, picture.height as f32],
            };
            Ok(Loaded { start: Start::Picture(picture), source: Some(source), sizes })
        }
    }
}

fn load_word(node: &Node, values: &Values) -> Result<Loaded, CliError> {
    let word = values.text("text");
    if word.is_empty() {
        return Err(CliError::Usage(format!("{}: give a picture of a word, or --text with --font", node.command)));
    }
    if values.text("font").is_empty() {
        return Err(CliError::Usage("--text needs --font with a TrueType or OpenType file".to_owned()));
    }
    let font = files::read_bytes(values.text("font").as_ref())?;
    Ok(loaded_from_scene(font_stylize::scene_of_word(word, &font, WORD_CANVAS_PX)?))
}

fn loaded_from_scene(scene: Scene) -> Loaded {
    let canvas_px = [scene.width, scene.height];
    Loaded { start: Start::Scene(scene), source: None, sizes: Sizes { source_px: canvas_px, canvas_px } }
}

fn write(outputs: Outputs, picture: &Image, done: &Done, job: &Job, strength: f32) -> Result<(), CliError> {
    let scene = scene_at(&done.edited, strength);
    if let Some(output) = outputs.svg {
        output.finish(svg_from_scene(&scene, &job.metadata()).as_bytes())?;
    }
    if let Some(output) = outputs.palette {
        output.finish(gpl_from_scenes(&done.edited.initial, &scene, &job.metadata().title).as_bytes())?;
    }
    if let Some(output) = outputs.lut {
        let cube = cube_from_edit(&done.edited, &job.metadata().title, strength).ok_or_else(no_grade)?;
        output.finish(cube.as_bytes())?;
    }
    outputs.picture.map_or(Ok(()), |output| output.finish_picture(picture))
}

fn seconds(run: &Run) -> Seconds {
    let [load, vectorize, search, steps, write] =
        ["load", "vectorize", "search", "optimize", "write"].map(|name| run.bar.seconds(name));
    Seconds { load, vectorize, optimize: search + steps, write }
}

fn report_vectorize(run: &Run, done: &Done, job: &Job) -> Result<(), CliError> {
    let scene = &done.edited.scene;
    let report = VectorizeReport {
        paths: scene.paths.len(),
        segments: scene.segments(),
        seconds: seconds(run),
        peak_rss_mb: peak_rss_mb(),
        threads: run.ctx.threads(),
        backend: run.ctx.backend_class(),
        job_hash: job.hash().to_hex().to_string(),
        cache_hit: done.cache_hit,
    };
    run.print(&report, &format!("{} paths, {} segments", report.paths, report.segments))
}

fn report_edit(run: &Run, encoder: &Choice, sizes: &Sizes, done: &Done, job: &Job) -> Result<(), CliError> {
    let scores = done.scores.as_ref();
    let [x_scale, y_scale] = [0, 1].map(|axis| sizes.source_px[axis] / sizes.canvas_px[axis]);
    let regions = job.plan.edit.iter().flat_map(|edit| &edit.regions);
    let placed = regions.filter_map(|region| Some((region, region.rect_in_canvas?.scaled(x_scale, y_scale))));
    let cosines = scores.into_iter().flat_map(|scores| &scores.regions);
    let regions = placed.zip(cosines).map(|((region, rect), &[cosine_before, cosine_after])| {
        let rect = [rect.x, rect.y, rect.width, rect.height];
        RegionReport { prompt: region.prompt.clone(), rect, cosine_before, cosine_after }
    });
    let regions = regions.collect();
    let whole = scores.and_then(|scores| scores.whole);
    let edited = &done.edited;
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
        encoder: EncoderReport { name: encoder.name().to_owned(), hash: encoder.hash().to_owned() },
        job_hash: job.hash().to_hex().to_string(),
        cache_hit: done.cache_hit,
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
