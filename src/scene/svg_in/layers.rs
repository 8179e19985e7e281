//! Flattens nested layers to the scene's one level of groups.
//!
//! Input: layers back to front. Output: the scene. Invariants: drawing order is kept; ids are unique; a layer that is
//! interrupted by an inner one goes on as `<id>-2`. Exact, but for an opacity inside a group that has one and holds
//! other things as well: there the inner opacity is multiplied and a notice says so. Cost: linear.

use std::collections::HashMap;

use super::collect::{Item, Layer, Role, Shape};
use super::source::Source;
use super::{Feature, Notice};
use crate::scene::Scene;
use crate::scene::names::Names;

/// Builds the scene of a canvas of `width` x `height` pixels.
pub(super) fn scene_from_layers(width: f32, height: f32, layers: Vec<Layer>, notices: &mut Vec<Notice>) -> Scene {
    let mut builder =
        Builder { scene: Scene::new(width, height), names: Names::default(), fills: HashMap::new(), notices };
    for layer in layers {
        builder.layer(layer, 1.0);
    }
    builder.scene
}

struct Builder<'a> {
    scene: Scene,
    names: Names,
    /// Fill by source and colour bits.
    fills: HashMap<(Source, Role, [u32; 4]), u32>,
    notices: &'a mut Vec<Notice>,
}

impl Builder<'_> {
    /// Draws `layer` inside a layer of opacity `outer`.
    fn layer(&mut self, layer: Layer, outer: f32) {
        let id = layer.id.as_deref().unwrap_or("scene");
        let opacity = layer.opacity * outer;
        if outer < 1.0 {
            self.notices.push(Notice { id: id.to_owned(), feature: Feature::NestedOpacity });
        }
        // An empty group of the file stays, so that writing and reading keep the structure.
        let mut open = false;
        if layer.items.is_empty() && layer.id.is_some() {
            self.open(id, opacity);
        }
        for item in layer.items {
            match item {
                Item::Shape(shape) => {
                    if !open {
                        self.open(id, opacity);
                        open = true;
                    }
                    self.shape(shape);
                }
                Item::Layer(inner) => {
                    self.layer(inner, opacity);
                    open = false;
                }
            }
        }
    }

    fn open(&mut self, id: &str, opacity: f32) {
        let id = self.names.unique(id);
        self.scene.push_group(id, opacity);
    }

    fn shape(&mut self, shape: Shape) {
        let id = self.names.unique(&shape.id);
        let fill = match shape.source {
            Some((source, role)) => {
                let scene = &mut self.scene;
                let key = (source, role, shape.rgba.map(f32::to_bits));
                *self.fills.entry(key).or_insert_with(|| scene.push_fill(shape.rgba))
            }
            None => self.scene.push_fill(shape.rgba),
        };
        self.scene.push_path(id, fill, shape.rule, &shape.contours);
    }
}
