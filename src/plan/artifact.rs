//! What steps make, and its bytes.
//!
//! Input: an [`Artifact`]. Output: bytes, and back. Invariants: what is read is bit for bit what was written and valid; any other
//! sequence of bytes is an error, never a panic, and never makes the reader allocate more than a few times the length of the
//! input. Determinism: one byte sequence an artifact (all numbers little endian). Cost: one copy.
//!
//! Layout: kind (u8), then of a scene: itself; of an edit: what was measured (JSON), the scene after, the scene before; of scores:
//! JSON; of a picture: width, height, four planes; of tensors: name, shape and values of each. Lists and texts are a u32 count and their items.

use crate::diffuse::{Named, Tensors};
use crate::fault::Fault;
use crate::finish::scores::Scores;
use crate::image::Image;
use crate::optimize::{Edited, Judging, Layer};
use crate::scene::{FillRule, Group, Path, Scene, SceneError};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What a step makes.
#[derive(Clone, Debug, PartialEq)]
pub enum Artifact {
    /// Shapes.
    Scene(Scene),
    /// Edited shapes, with everything that drawing them at any size needs.
    Edit(Box<Edited>),
    /// How well an edit agrees with its prompts.
    Scores(Scores),
    /// A picture: display-referred sRGB, straight alpha.
    Picture(Image),
    /// Arrays that one step hands to another.
    Tensors(Tensors),
}

/// Bytes that are no artifact, or an artifact that does not fit the format.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ArtifactError {
    /// The bytes are not of this layout.
    #[error("{what} at byte {at} of the artifact does not fit")]
    Body {
        /// What was to be read.
        what: &'static str,
        /// Where, in bytes from the start.
        at: usize,
    },
    /// The numbers are no valid scene.
    #[error("the scene is not valid: {0}")]
    Scene(#[from] SceneError),
    /// More items than the format can count.
    #[error("{count} {what} are more than an artifact can hold")]
    TooMany {
        /// Kind of item.
        what: &'static str,
        /// How many.
        count: usize,
    },
}

impl ArtifactError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        Fault::Work
    }
}

/// What was measured of an edit.
#[derive(Serialize, Deserialize)]
struct Measured {
    iterations: u32,
    loss_first: f32,
    loss_last: f32,
    layers: Vec<Layer>,
    rest: Vec<[f32; 3]>,
    clarities: Vec<f32>,
    judging: Option<Judging>,
}

const SCENE: u8 = 0;
const EDIT: u8 = 1;
const SCORES: u8 = 2;
const PICTURE: u8 = 3;
const TENSORS: u8 = 4;

impl Artifact {
    /// The artifact as bytes.
    ///
    /// # Errors
    /// [`ArtifactError::TooMany`] over 2^32 items, [`ArtifactError::Scene`] for a scene that could not be read back.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ArtifactError> {
        let mut out = Writer(Vec::with_capacity(4096));
        match self {
            Self::Scene(scene) => {
                out.0.push(SCENE);
                out.scene(scene)?;
            }
            Self::Edit(edited) => {
                let measured = Measured {
                    iterations: edited.iterations,
                    loss_first: edited.loss_first,
                    loss_last: edited.loss_last,
                    layers: edited.layers.clone(),
                    rest: edited.rest.clone(),
                    clarities: edited.clarities.clone(),
                    judging: edited.judging,
                };
                out.0.push(EDIT);
                out.json(&measured)?;
                out.scene(&edited.scene)?;
                out.scene(&edited.initial)?;
            }
            Self::Scores(scores) => {
                out.0.push(SCORES);
                out.json(scores)?;
            }
            Self::Picture(picture) => {
                out.0.push(PICTURE);
                out.count("columns", picture.width)?;
                out.count("lines", picture.height)?;
                picture.planes.iter().for_each(|plane| out.floats(plane));
            }
            Self::Tensors(Tensors(all)) => {
                out.0.push(TENSORS);
                out.count("arrays", all.len())?;
                all.iter().try_for_each(|named| out.tensor(named))?;
            }
        }
        Ok(out.0)
    }

    /// The artifact from bytes, of which nothing is assumed.
    ///
    /// # Errors
    /// [`ArtifactError`] says what does not fit.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArtifactError> {
        let mut reader = Reader { bytes, at: 0 };
        let artifact = match reader.array("kind")? {
            [SCENE] => Self::Scene(reader.scene()?),
            [EDIT] => {
                let measured: Measured = reader.json("what was measured")?;
                let (scene, initial) = (reader.scene()?, reader.scene()?);
                let Measured { iterations, loss_first, loss_last, layers, rest, clarities, judging } = measured;
                Self::Edit(Box::new(Edited {
                    initial,
                    scene,
                    layers,
                    rest,
                    clarities,
                    judging,
                    iterations,
                    loss_first,
                    loss_last,
                }))
            }
            [SCORES] => Self::Scores(reader.json("scores")?),
            [PICTURE] => Self::Picture(reader.picture()?),
            [TENSORS] => Self::Tensors(Tensors(reader.list("arrays", 12, Reader::tensor)?)),
            _ => return Err(ArtifactError::Body { what: "kind", at: 0 }),
        };
        if reader.at == bytes.len() { Ok(artifact) } else { Err(reader.error("end")) }
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn floats(&mut self, values: &[f32]) {
        for value in values {
            self.u32(value.to_bits());
        }
    }

    fn range(&mut self, range: &Range<u32>) {
        self.u32(range.start);
        self.u32(range.end);
    }

    fn count(&mut self, what: &'static str, count: usize) -> Result<(), ArtifactError> {
        self.u32(u32::try_from(count).map_err(|_| ArtifactError::TooMany { what, count })?);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), ArtifactError> {
        self.count("bytes of text", text.len())?;
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn json(&mut self, value: &impl Serialize) -> Result<(), ArtifactError> {
        // Plain data with string keys always serialises.
        self.text(&serde_json::to_string(value).unwrap_or_default())
    }

    fn tensor(&mut self, Named { name, shape, values }: &Named) -> Result<(), ArtifactError> {
        self.text(name)?;
        self.count("sides", shape.len())?;
        shape.iter().try_for_each(|side| self.count("rows", *side))?;
        self.count("values", values.len())?;
        self.floats(values);
        Ok(())
    }

    fn scene(&mut self, scene: &Scene) -> Result<(), ArtifactError> {
        scene.validate()?;
        self.floats(&[scene.width, scene.height]);
        self.count("points", scene.points.len())?;
        scene.points.iter().for_each(|point| self.floats(point));
        self.count("contours", scene.contours.len())?;
        scene.contours.iter().for_each(|contour| self.range(contour));
        self.count("paths", scene.paths.len())?;
        for path in &scene.paths {
            self.text(&path.id)?;
            self.range(&path.contours);
            self.u32(path.fill);
            self.0.push(match path.rule {
                FillRule::NonZero => 0,
                FillRule::EvenOdd => 1,
            });
        }
        self.count("fills", scene.fills.len())?;
        scene.fills.iter().for_each(|fill| self.floats(fill));
        self.count("groups", scene.groups.len())?;
        for group in &scene.groups {
            self.text(&group.id)?;
            self.floats(&[group.opacity]);
            self.range(&group.paths);
        }
        Ok(())
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn error(&self, what: &'static str) -> ArtifactError {
        ArtifactError::Body { what, at: self.at }
    }

    fn take(&mut self, what: &'static str, count: usize) -> Result<&'a [u8], ArtifactError> {
        let end = self.at.checked_add(count).ok_or_else(|| self.error(what))?;
        let taken = self.bytes.get(self.at..end).ok_or_else(|| self.error(what))?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], ArtifactError> {
        let start = self.at;
        self.take(what, N)?.try_into().map_err(|_| ArtifactError::Body { what, at: start })
    }

    fn u32(&mut self, what: &'static str) -> Result<u32, ArtifactError> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    fn floats<const N: usize>(&mut self, what: &'static str) -> Result<[f32; N], ArtifactError> {
        let mut values = [0.0; N];
        for value in &mut values {
            *value = f32::from_bits(self.u32(what)?);
        }
        Ok(values)
    }

    fn range(&mut self, what: &'static str) -> Result<Range<u32>, ArtifactError> {
        Ok(self.u32(what)?..self.u32(what)?)
    }

    fn text(&mut self, what: &'static str) -> Result<&'a str, ArtifactError> {
        let count = self.u32(what)? as usize;
        let at = self.at;
        std::str::from_utf8(self.take(what, count)?).map_err(|_| ArtifactError::Body { what, at })
    }

    fn json<T: for<'de> Deserialize<'de>>(&mut self, what: &'static str) -> Result<T, ArtifactError> {
        let at = self.at;
        serde_json::from_str(self.text(what)?).map_err(|_| ArtifactError::Body { what, at })
    }

    /// A list whose items take at least `least` bytes each: a count that cannot fit is refused before it allocates.
    fn list<T>(
        &mut self,
        what: &'static str,
        least: usize,
        item: impl Fn(&mut Self) -> Result<T, ArtifactError>,
    ) -> Result<Vec<T>, ArtifactError> {
        let count = self.u32(what)? as usize;
        if count > (self.bytes.len() - self.at) / least {
            return Err(self.error(what));
        }
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn tensor(&mut self) -> Result<Named, ArtifactError> {
        let name = self.text("name of an array")?.to_owned();
        let shape = self.list("sides", 4, |reader| Ok(reader.u32("side")? as usize))?;
        let values = self.list("values", 4, |reader| Ok(f32::from_bits(reader.u32("value")?)))?;
        let fits = shape.iter().try_fold(1_usize, |all, side| all.checked_mul(*side)) == Some(values.len());
        if fits { Ok(Named { name, shape, values }) } else { Err(self.error("shape of an array")) }
    }

    fn picture(&mut self) -> Result<Image, ArtifactError> {
        let (width, height) = (self.u32("columns")? as usize, self.u32("lines")? as usize);
        Image::check_size(width, height).map_err(|_| self.error("size of a picture"))?;
        let mut planes: [Vec<f32>; 4] = Default::default();
        for plane in &mut planes {
            let bytes = self.take("a picture's values", 4 * width * height)?;
            let (words, _) = bytes.as_chunks::<4>();
            *plane = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
        }
        let picture = Image { planes, ..Image::filled(0, 0, [0.0; 3]) };
        let picture = Image { width, height, ..picture };
        picture.validate().map_err(|_| self.error("a picture's values"))?;
        Ok(picture)
    }

    fn scene(&mut self) -> Result<Scene, ArtifactError> {
        let [width, height] = self.floats("canvas")?;
        let scene = Scene {
            width,
            height,
            points: self.list("points", 8, |reader| reader.floats("point"))?,
            contours: self.list("contours", 8, |reader| reader.range("contour"))?,
            paths: self.list("paths", 17, Self::path)?,
            fills: self.list("fills", 16, |reader| reader.floats("fill"))?,
            groups: self.list("groups", 16, |reader| {
                let id = reader.text("group name")?.to_owned();
                let [opacity] = reader.floats("opacity")?;
                Ok(Group { id, opacity, paths: reader.range("group")? })
            })?,
        };
        scene.validate()?;
        Ok(scene)
    }

    fn path(&mut self) -> Result<Path, ArtifactError> {
        let id = self.text("path name")?.to_owned();
        let contours = self.range("path")?;
        let fill = self.u32("fill index")?;
        let rule = match self.array("fill rule")? {
            [0] => FillRule::NonZero,
            [1] => FillRule::EvenOdd,
            _ => return Err(self.error("fill rule")),
        };
        Ok(Path { id, contours, fill, rule })
    }
}
