//! Shared by all integration tests: the program, its inputs, a folder that goes away.

use linocut::image::Image;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A file of the repository.
pub(crate) fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A sample drawing of others, from the folder that `LINOCUT_SAMPLES` names.
pub(crate) fn sample(name: &str) -> PathBuf {
    let folder = std::env::var_os("LINOCUT_SAMPLES").expect("LINOCUT_SAMPLES names a folder with the sample drawings");
    PathBuf::from(folder).join(name)
}

/// What a run of the program left behind.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The one JSON object on stdout.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The program, without a cache unless `args` name one, started in `folder`.
pub(crate) fn linocut(folder: &Path, args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linocut"));
    command.current_dir(folder).args(args).env_remove("LINOCUT_MODEL_PATH");
    if !args.contains(&"--cache") {
        command.args(["--cache", "off"]);
    }
    command.output().unwrap().into()
}

/// A folder of its own for one test.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Names of everything in `folder`, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect::<Vec<_>>();
    names.sort();
    names
}

/// A small picture with a red disc on a blue ground, as PNG at `path`.
pub(crate) fn write_disc(path: &Path, side: u32) {
    let picture = image::RgbImage::from_fn(side, side, |x, y| {
        let (dx, dy) = (x as f32 + 0.5 - side as f32 / 2.0, y as f32 + 0.5 - side as f32 / 2.0);
        if dx.hypot(dy) < 0.3 * side as f32 { image::Rgb([220, 30, 30]) } else { image::Rgb([30, 60, 200]) }
    });
    picture.save(path).unwrap();
}

/// A file of the repository as a picture in display-referred sRGB.
pub(crate) fn picture(path: &Path) -> Image {
    let decoded = image::open(path).unwrap().into_rgba32f();
    let mut picture = Image::filled(decoded.width() as usize, decoded.height() as usize, [0.0; 3]);
    for (at, pixel) in decoded.pixels().enumerate() {
        for (plane, value) in picture.planes.iter_mut().zip(pixel.0) {
            plane[at] = value;
        }
    }
    picture
}
