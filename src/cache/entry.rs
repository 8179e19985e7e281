//! The file format of one cached result.
//!
//! Input: an [`Entry`] and the job it belongs to. Output: bytes, and back. Invariants: what is read is bit for bit
//! what was written and a valid scene; any other sequence of bytes is an error, never a panic, and never makes the
//! reader allocate more than a few times the length of the input. Determinism: one byte sequence an entry (all numbers
//! little endian). Cost: one pass of BLAKE3 and one copy.
//!
//! Layout: magic (8), version (u32), body length (u64), BLAKE3 of the body (32), body. Body: job hash (32), report
//! (JSON), finished scene, initial scene. Lists and texts are a u32 count and their items.

use std::ops::Range;

use crate::fault::Fault;
use crate::scene::{FillRule, Group, Path, Scene, SceneError};

/// First bytes of every entry; the line break shows when a transfer mangled it as text.
pub(super) const MAGIC: [u8; 8] = *b"linocut\n";
/// Changes with the layout; part of the folder's name too, so that versions live side by side.
pub(super) const VERSION: u32 = 1;
const HEADER: usize = 8 + 4 + 8 + 32;

/// A finished job: everything that a render at another scale or crop needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The optimised scene.
    pub scene: Scene,
    /// The scene before the optimisation; the source's fine detail is measured against its render.
    pub initial: Scene,
    /// What the job reported: counts, losses, cosines.
    pub report: serde_json::Value,
}

/// Bytes that are not an entry of this job, or an entry that does not fit the format.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EntryError {
    /// Not a cache entry at all.
    #[error("the file does not start like a cache entry")]
    Magic,
    /// Written by another version.
    #[error("the entry has format {found}, this version reads {VERSION}")]
    Version {
        /// Version found.
        found: u32,
    },
    /// Cut off, or longer than it says.
    #[error("the entry has {found} bytes where {expected} are announced")]
    Length {
        /// Length announced, in bytes.
        expected: u64,
        /// Length found, in bytes.
        found: u64,
    },
    /// A bit is wrong.
    #[error("the entry does not have the hash it was written with")]
    Hash,
    /// The entry of another job under this name.
    #[error("the entry belongs to another job")]
    OtherJob,
    /// The hash is right, but the body is not of this layout.
    #[error("{what} at byte {at} of the body does not fit")]
    Body {
        /// What was to be read.
        what: &'static str,
        /// Where, in bytes from the start of the body.
        at: usize,
    },
    /// The numbers are no valid scene.
    #[error("the scene is not valid: {0}")]
    Scene(#[from] SceneError),
    /// More items than the format can count.
    #[error("{count} {what} are more than an entry can hold")]
    TooMany {
        /// Kind of item.
        what: &'static str,
        /// How many.
        count: usize,
    },
}

impl EntryError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        Fault::Work
    }
}

impl Entry {
    /// The entry of `job` as bytes.
    ///
    /// # Errors
    /// [`EntryError::TooMany`] over 2^32 items, [`EntryError::Scene`] for a scene that could not be read back.
    pub fn to_bytes(&self, job: &blake3::Hash) -> Result<Vec<u8>, EntryError> {
        self.scene.validate()?;
        self.initial.validate()?;
        let mut body = Writer(Vec::with_capacity(1024 + 8 * (self.scene.points.len() + self.initial.points.len())));
        body.0.extend_from_slice(job.as_bytes());
        body.text(&self.report.to_string())?;
        body.scene(&self.scene)?;
        body.scene(&self.initial)?;
        let body = body.0;
        let mut bytes = Vec::with_capacity(HEADER + body.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
        bytes.extend_from_slice(blake3::hash(&body).as_bytes());
        bytes.extend_from_slice(&body);
        Ok(bytes)
    }

    /// The entry of `job` from bytes, of which nothing is assumed.
    ///
    /// # Errors
    /// [`EntryError`] says what does not fit.
    pub fn from_bytes(job: &blake3::Hash, bytes: &[u8]) -> Result<Self, EntryError> {
        let mut header = Reader { bytes, at: 0 };
        if header.array::<8>("magic").ok() != Some(MAGIC) {
            return Err(EntryError::Magic);
        }
        let found = header.u32("version")?;
        if found != VERSION {
            return Err(EntryError::Version { found });
        }
        let expected = u64::from_le_bytes(header.array("length")?);
        let hash: [u8; 32] = header.array("hash")?;
        let body = bytes.get(HEADER..).unwrap_or_default();
        if body.len() as u64 != expected {
            return Err(EntryError::Length { expected, found: body.len() as u64 });
        }
        if blake3::hash(body) != hash {
            return Err(EntryError::Hash);
        }
        let mut body = Reader { bytes: body, at: 0 };
        if body.array::<32>("job")? != *job.as_bytes() {
            return Err(EntryError::OtherJob);
        }
        let at = body.at;
        let report = serde_json::from_str(body.text("report")?).map_err(|_| EntryError::Body { what: "report", at })?;
        let entry = Self { scene: body.scene()?, initial: body.scene()?, report };
        if body.at != body.bytes.len() {
            return Err(body.error("end"));
        }
        entry.scene.validate()?;
        entry.initial.validate()?;
        Ok(entry)
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

    fn count(&mut self, what: &'static str, count: usize) -> Result<(), EntryError> {
        self.u32(u32::try_from(count).map_err(|_| EntryError::TooMany { what, count })?);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), EntryError> {
        self.count("bytes of text", text.len())?;
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn scene(&mut self, scene: &Scene) -> Result<(), EntryError> {
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
    fn error(&self, what: &'static str) -> EntryError {
        EntryError::Body { what, at: self.at }
    }

    fn take(&mut self, what: &'static str, count: usize) -> Result<&'a [u8], EntryError> {
        let end = self.at.checked_add(count).ok_or_else(|| self.error(what))?;
        let taken = self.bytes.get(self.at..end).ok_or_else(|| self.error(what))?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], EntryError> {
        let start = self.at;
        self.take(what, N)?.try_into().map_err(|_| EntryError::Body { what, at: start })
    }

    fn u32(&mut self, what: &'static str) -> Result<u32, EntryError> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    fn floats<const N: usize>(&mut self, what: &'static str) -> Result<[f32; N], EntryError> {
        let mut values = [0.0; N];
        for value in &mut values {
            *value = f32::from_bits(self.u32(what)?);
        }
        Ok(values)
    }

    fn range(&mut self, what: &'static str) -> Result<Range<u32>, EntryError> {
        Ok(self.u32(what)?..self.u32(what)?)
    }

    fn text(&mut self, what: &'static str) -> Result<&'a str, EntryError> {
        let count = self.u32(what)? as usize;
        let at = self.at;
        std::str::from_utf8(self.take(what, count)?).map_err(|_| EntryError::Body { what, at })
    }

    /// A list whose items take at least `least` bytes each: a count that cannot fit is refused before it allocates.
    fn list<T>(
        &mut self,
        what: &'static str,
        least: usize,
        item: impl Fn(&mut Self) -> Result<T, EntryError>,
    ) -> Result<Vec<T>, EntryError> {
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

    fn scene(&mut self) -> Result<Scene, EntryError> {
        let [width, height] = self.floats("canvas")?;
        Ok(Scene {
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
        })
    }

    fn path(&mut self) -> Result<Path, EntryError> {
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
