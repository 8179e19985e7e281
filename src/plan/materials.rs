//! What plans start from, by the hash of its contents.
//!
//! Input: pictures, masks, scenes. Output: hashes, and what they name. Invariants: two materials with one hash are the same bits.
//! Determinism: BLAKE3 of the numbers in a fixed order. Cost: one pass over what is added.

use crate::image::Image;
use crate::scene::Scene;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Name of a material: BLAKE3 of its contents, hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MaterialHash(pub String);

/// What a plan starts from.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// A picture at working size: display-referred sRGB, straight alpha.
    Picture(Image),
    /// A value from 0 to 1 for each pixel of a picture.
    Mask(Vec<f32>),
    /// Shapes from an SVG or from letters.
    Scene(Scene),
}

impl Given {
    fn hash(&self) -> MaterialHash {
        let mut hasher = blake3::Hasher::new();
        match self {
            Self::Picture(picture) => hash_picture(&mut hasher, picture),
            Self::Mask(mask) => {
                hasher.update(b"mask");
                hash_floats(&mut hasher, mask);
            }
            Self::Scene(scene) => hash_scene(&mut hasher, scene),
        }
        MaterialHash(hasher.finalize().to_hex().to_string())
    }
}

/// Everything that the steps of a plan name.
#[derive(Clone, Debug, Default)]
pub struct Materials(BTreeMap<MaterialHash, Given>);

impl Materials {
    /// Adds `given`; its name.
    pub fn add(&mut self, given: Given) -> MaterialHash {
        let hash = given.hash();
        self.0.insert(hash.clone(), given);
        hash
    }

    /// What `hash` names.
    pub fn get(&self, hash: &MaterialHash) -> Option<&Given> {
        self.0.get(hash)
    }
}

fn hash_picture(hasher: &mut blake3::Hasher, Image { width, height, planes, .. }: &Image) {
    hasher.update(b"picture");
    hash_numbers(hasher, &[*width as u64, *height as u64]);
    planes.iter().for_each(|plane| hash_floats(hasher, plane));
}

fn hash_scene(hasher: &mut blake3::Hasher, scene: &Scene) {
    hasher.update(b"scene");
    hash_floats(hasher, &[scene.width, scene.height]);
    hash_floats(hasher, scene.points.as_flattened());
    hash_floats(hasher, scene.fills.as_flattened());
    for contour in &scene.contours {
        hash_numbers(hasher, &[contour.end.into()]);
    }
    for path in &scene.paths {
        hash_numbers(hasher, &[path.contours.end.into(), path.fill.into(), path.rule as u64, path.id.len() as u64]);
        hasher.update(path.id.as_bytes());
    }
    for group in &scene.groups {
        hash_numbers(hasher, &[group.paths.end.into(), group.id.len() as u64]);
        hash_floats(hasher, &[group.opacity]);
        hasher.update(group.id.as_bytes());
    }
}

fn hash_numbers(hasher: &mut blake3::Hasher, numbers: &[u64]) {
    numbers.iter().for_each(|number| {
        hasher.update(&number.to_le_bytes());
    });
}

fn hash_floats(hasher: &mut blake3::Hasher, floats: &[f32]) {
    let mut bytes = Vec::with_capacity(4 * floats.len());
    floats.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    hasher.update(&bytes);
}
