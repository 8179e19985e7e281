//! Walks `usvg`'s tree and collects its shapes, with groups as nested layers.
//!
//! Input: the resolved tree and the colour sources. Output: [`Layer`]s of [`Shape`]s back to front; the caller
//! flattens them. Invariants: a layer other than a top one has an opacity below 1; coordinates are canvas pixels.
//! Cost: linear in segments. Recursion is safe: the guard bounded its depth.

use usvg::{BaseGradient, FillRule as UsvgRule, Group, Node, Paint, PaintOrder, Tree};

use super::outline::{contours_of_fill, contours_of_stroke};
use super::source::{Copy, Paints, Source, Sources};
use super::{Feature, MAX_SEGMENTS, Notice, SvgError};
use crate::scene::contours::Contour;
use crate::scene::{FillRule, Rgba};

/// A filled path before it enters the scene.
pub(super) struct Shape {
    pub(super) id: String,
    pub(super) contours: Vec<Contour>,
    pub(super) rule: FillRule,
    pub(super) rgba: Rgba,
    /// Shapes with the same source, role and colour share a fill.
    pub(super) source: Option<(Source, Role)>,
}

/// Which of an element's colours a shape carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    Fill,
    Stroke,
}

/// One thing that is drawn.
pub(super) enum Item {
    Shape(Shape),
    Layer(Layer),
}

/// Things composited together, then drawn with an opacity.
pub(super) struct Layer {
    /// `None` for a run of shapes outside all groups.
    pub(super) id: Option<String>,
    pub(super) opacity: f32,
    pub(super) items: Vec<Item>,
}

/// The top layers of `tree`, back to front.
pub(super) fn collect(tree: &Tree, sources: &Sources, notices: &mut Vec<Notice>) -> Result<Vec<Layer>, SvgError> {
    let side_px = tree.size().width().max(tree.size().height());
    let mut collector = Collector { sources, notices, side_px, segments: 0, copies: Vec::new().into_iter() };
    let mut layers: Vec<Layer> = Vec::new();
    for node in collector.open_wrappers(tree.root()).children() {
        match node {
            Node::Group(group) if is_named(group, sources) => {
                let items = collector.items_of(group)?;
                layers.push(Layer { id: Some(group.id().to_owned()), opacity: group.opacity().get(), items });
            }
            _ => {
                let mut items = Vec::new();
                collector.node(node, "shape", &mut items)?;
                match layers.last_mut() {
                    Some(last) if last.id.is_none() => last.items.extend(items),
                    _ => layers.push(Layer { id: None, opacity: 1.0, items }),
                }
            }
        }
    }
    Ok(layers)
}

/// Whether `group` is a group of the file, not one that `usvg` made for a transform or an opacity of a shape.
fn is_named(group: &Group, sources: &Sources) -> bool {
    !group.id().is_empty() && !sources.copies.contains_key(group.id())
}

struct Collector<'a> {
    sources: &'a Sources,
    notices: &'a mut Vec<Notice>,
    side_px: f32,
    segments: usize,
    /// Originals of the nameless shapes of the `use` being drawn.
    copies: std::vec::IntoIter<Copy>,
}

impl<'a> Collector<'a> {
    /// Descends through groups that hold the whole picture and nothing but groups, so that those become the layers.
    fn open_wrappers<'t>(&mut self, root: &'t Group) -> &'t Group {
        let mut group = root;
        while let [Node::Group(only)] = group.children() {
            let of_groups = !only.children().is_empty()
                && only.children().iter().all(|child| matches!(child, Node::Group(g) if is_named(g, self.sources)));
            if only.opacity().get() < 1.0 || !(only.id().is_empty() || of_groups) {
                break;
            }
            self.report_effects(only, "group");
            group = only;
        }
        group
    }

    fn items_of(&mut self, group: &Group) -> Result<Vec<Item>, SvgError> {
        self.report_effects(group, "group");
        self.enter_copies(group);
        let mut items = Vec::new();
        for child in group.children() {
            self.node(child, group.id(), &mut items)?;
        }
        Ok(items)
    }

    /// Appends what `node` draws; `context` names nameless nodes.
    fn node(&mut self, node: &Node, context: &str, items: &mut Vec<Item>) -> Result<(), SvgError> {
        match node {
            Node::Path(path) => self.path(path, context, items),
            Node::Group(group) => {
                let id = if group.id().is_empty() { context } else { group.id() };
                self.report_effects(group, context);
                self.enter_copies(group);
                let mut inner = Vec::new();
                for child in group.children() {
                    self.node(child, id, &mut inner)?;
                }
                push_with_opacity(items, inner, id, group.opacity().get());
                Ok(())
            }
            Node::Image(image) => {
                self.notice(image.id(), context, Feature::Image);
                Ok(())
            }
            Node::Text(text) => {
                self.notice(text.id(), context, Feature::Text);
                Ok(())
            }
        }
    }

    /// Inside a `use` the library drops ids; they are found again by order when the numbers agree.
    fn enter_copies(&mut self, group: &Group) {
        if let Some(copies) = self.sources.copies.get(group.id()) {
            let agree = copies.len() == nameless_paths(group);
            self.copies = if agree { copies.clone().into_iter() } else { Vec::new().into_iter() };
        }
    }

    fn path(&mut self, path: &usvg::Path, context: &str, items: &mut Vec<Item>) -> Result<(), SvgError> {
        let (id, paints) = if path.id().is_empty() {
            let copy = self.copies.next();
            copy.map_or_else(|| (context.to_owned(), Paints::default()), |copy| (copy.id, copy.paints))
        } else {
            let paints = self.sources.shapes.get(path.id()).copied().flatten();
            (path.id().to_owned(), paints.unwrap_or_default())
        };
        if !path.is_visible() {
            return Ok(());
        }
        let order = match path.paint_order() {
            PaintOrder::FillAndStroke => [Role::Fill, Role::Stroke],
            PaintOrder::StrokeAndFill => [Role::Stroke, Role::Fill],
        };
        for role in order {
            let shape = match role {
                Role::Fill => self.filled(path, &id, paints.fill),
                Role::Stroke => self.stroked(path, &id, paints.stroke),
            };
            let Some(shape) = shape else { continue };
            self.segments += shape.contours.iter().map(|contour| contour.len() / 3).sum::<usize>();
            if self.segments > MAX_SEGMENTS {
                return Err(SvgError::TooManySegments);
            }
            items.push(Item::Shape(shape));
        }
        Ok(())
    }

    fn filled(&mut self, path: &usvg::Path, id: &str, source: Option<Source>) -> Option<Shape> {
        let fill = path.fill()?;
        let rgba = self.rgba_of(fill.paint(), fill.opacity().get(), id)?;
        let contours = contours_of_fill(path.data(), path.abs_transform(), self.side_px);
        let rule = match fill.rule() {
            UsvgRule::NonZero => FillRule::NonZero,
            UsvgRule::EvenOdd => FillRule::EvenOdd,
        };
        let source = source.map(|source| (source, Role::Fill));
        self.shape(id.to_owned(), contours, rule, rgba, source)
    }

    fn stroked(&mut self, path: &usvg::Path, id: &str, source: Option<Source>) -> Option<Shape> {
        let stroke = path.stroke()?;
        let rgba = self.rgba_of(stroke.paint(), stroke.opacity().get(), id)?;
        let contours = contours_of_stroke(path.data(), stroke, path.abs_transform(), self.side_px);
        let source = source.map(|source| (source, Role::Stroke));
        self.shape(format!("{id}-stroke"), contours, FillRule::NonZero, rgba, source)
    }

    fn shape(
        &mut self,
        id: String,
        contours: Option<Vec<Contour>>,
        rule: FillRule,
        rgba: Rgba,
        source: Option<(Source, Role)>,
    ) -> Option<Shape> {
        let Some(contours) = contours else {
            self.notices.push(Notice { id, feature: Feature::Coordinates });
            return None;
        };
        (!contours.is_empty()).then_some(Shape { id, contours, rule, rgba, source })
    }

    /// The colour of `paint`, or `None` with a notice where there is none.
    fn rgba_of(&mut self, paint: &Paint, opacity: f32, id: &str) -> Option<Rgba> {
        let [red, green, blue, alpha] = match paint {
            Paint::Color(color) => rgba_from_color(*color, 1.0),
            Paint::LinearGradient(gradient) => self.mean_with_notice(gradient, id),
            Paint::RadialGradient(gradient) => self.mean_with_notice(gradient, id),
            Paint::Pattern(_) => {
                self.notice(id, id, Feature::Pattern);
                return None;
            }
        };
        Some([red, green, blue, alpha * opacity])
    }

    fn mean_with_notice(&mut self, gradient: &BaseGradient, id: &str) -> Rgba {
        self.notice(id, id, Feature::Gradient);
        mean_of_gradient(gradient)
    }

    fn report_effects(&mut self, group: &Group, context: &str) {
        let effects = [
            (Feature::Filter, !group.filters().is_empty()),
            (Feature::Mask, group.mask().is_some()),
            (Feature::ClipPath, group.clip_path().is_some_and(|clip| !is_idle(clip, group))),
            (Feature::BlendMode, group.blend_mode() != usvg::BlendMode::Normal),
        ];
        for (feature, _) in effects.into_iter().filter(|(_, present)| *present) {
            let id = if group.id().is_empty() { first_id(group).unwrap_or(context) } else { group.id() };
            self.notice(id, "group", feature);
        }
    }

    fn notice(&mut self, id: &str, otherwise: &str, feature: Feature) {
        let id = if id.is_empty() { otherwise } else { id };
        self.notices.push(Notice { id: id.to_owned(), feature });
    }
}

/// Puts `inner` where it is exact: a lone shape or layer takes the opacity into itself, more become a layer.
fn push_with_opacity(items: &mut Vec<Item>, mut inner: Vec<Item>, id: &str, opacity: f32) {
    if opacity >= 1.0 {
        items.append(&mut inner);
        return;
    }
    match inner.as_mut_slice() {
        [] => {}
        [Item::Shape(shape)] => {
            shape.rgba[3] *= opacity;
            items.append(&mut inner);
        }
        [Item::Layer(layer)] => {
            layer.opacity *= opacity;
            items.append(&mut inner);
        }
        _ => items.push(Item::Layer(Layer { id: Some(id.to_owned()), opacity, items: inner })),
    }
}

fn nameless_paths(group: &Group) -> usize {
    let count = |node: &Node| match node {
        Node::Path(path) => usize::from(path.id().is_empty()),
        Node::Group(group) => nameless_paths(group),
        _ => 0,
    };
    group.children().iter().map(count).sum()
}

/// Whether a clip path is a plain rectangle around everything that it clips, as nested viewports often have.
fn is_idle(clip: &usvg::ClipPath, group: &Group) -> bool {
    let [Node::Path(path)] = clip.root().children() else { return false };
    let is_box = path.data().len() == 5 && !clip.transform().has_skew() && clip.clip_path().is_none();
    let Some(border) = path.data().bounds().transform(clip.transform()) else { return false };
    let (drawn, slack) = (group.stroke_bounding_box(), 1e-4 * border.width().max(border.height()));
    is_box
        && border.left() <= drawn.left() + slack
        && border.top() <= drawn.top() + slack
        && border.right() >= drawn.right() - slack
        && border.bottom() >= drawn.bottom() - slack
}

/// The id of the first node below `group` that has one: effects on a shape come as a nameless group around it.
fn first_id(group: &Group) -> Option<&str> {
    group.children().iter().find_map(|child| match child {
        node if !node.id().is_empty() => Some(node.id()),
        Node::Group(inner) => first_id(inner),
        _ => None,
    })
}

fn rgba_from_color(color: usvg::Color, alpha: f32) -> Rgba {
    let unit = |channel: u8| f32::from(channel) / 255.0;
    [unit(color.red), unit(color.green), unit(color.blue), alpha]
}

/// The mean of a gradient along its axis from 0 to 1, of colour times opacity, so that clear stops weigh nothing.
/// Between stops both change linearly, and the mean of their product is (2 a₀c₀ + a₀c₁ + a₁c₀ + 2 a₁c₁) / 6.
fn mean_of_gradient(gradient: &BaseGradient) -> Rgba {
    let stop = |stop: &usvg::Stop| (stop.offset().get(), rgba_from_color(stop.color(), stop.opacity().get()));
    let stops: Vec<_> = gradient.stops().iter().map(stop).collect();
    let (Some(&(_, first)), Some(&(_, last))) = (stops.first(), stops.last()) else { return [0.0; 4] };
    let mut ends = vec![(0.0, first)];
    ends.extend(stops);
    ends.push((1.0, last));
    let (mut sum, mut alpha) = ([0.0; 3], 0.0);
    for pair in ends.windows(2) {
        let [(from, a), (to, b)] = pair else { continue };
        let extent = (to - from).max(0.0);
        alpha += extent * (a[3] + b[3]) / 2.0;
        for (channel, total) in sum.iter_mut().enumerate() {
            let (c0, c1) = (a[channel], b[channel]);
            *total += extent * (2.0 * a[3] * c0 + a[3] * c1 + b[3] * c0 + 2.0 * b[3] * c1) / 6.0;
        }
    }
    if alpha <= 0.0 {
        return [first[0], first[1], first[2], 0.0];
    }
    let unit = |total: f32| (total / alpha).clamp(0.0, 1.0);
    [unit(sum[0]), unit(sum[1]), unit(sum[2]), alpha.clamp(0.0, 1.0)]
}
