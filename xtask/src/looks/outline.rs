//! The paths of an SVG that the program wrote.
//!
//! Input: its text, one element a line. Output: names, outlines and on-curve points. Invariant: two files of one scene before
//! and after an edit give equal numbers of points a path, although a curve that became a line is written otherwise.

use kurbo::{BezPath, PathEl, Point, Rect, Shape};
use std::path::Path;

/// Half of the last digit of a coordinate at 512 pixels: points nearer than this are one.
const SAME_PX: f64 = 5e-4;

/// A path.
#[derive(Clone, Debug)]
pub(crate) struct Outline {
    /// Its name.
    pub(crate) id: String,
    /// Its contours, closed.
    pub(crate) path: BezPath,
    /// Whether what lies in two contours is a hole; otherwise their directions tell.
    pub(crate) even_odd: bool,
}

impl Outline {
    /// The path around everything it draws.
    pub(crate) fn bounds(&self) -> Rect {
        self.path.bounding_box()
    }

    /// The points that its curves go through, in order.
    pub(crate) fn anchors(&self) -> Vec<Point> {
        contours(&self.path).iter().flat_map(|contour| anchors_of(contour)).collect()
    }
}

/// Reads a file.
///
/// # Errors
/// Where it cannot be read or holds path data that is none.
pub(crate) fn read(path: &Path) -> Result<Vec<Outline>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    outlines(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The paths of an SVG's text.
fn outlines(text: &str) -> Result<Vec<Outline>, String> {
    let elements = text.split("<path ").skip(1).filter_map(|rest| rest.split_once("/>")).map(|(element, _)| element);
    let outline = |element: &str| {
        let id = attribute(element, "id").ok_or("a path has no name")?.to_owned();
        let data = attribute(element, "d").ok_or_else(|| format!("path {id} has no data"))?;
        let path = BezPath::from_svg(data).map_err(|error| format!("path {id}: {error}"))?;
        Ok(Outline { id, path, even_odd: attribute(element, "fill-rule") == Some("evenodd") })
    };
    elements.map(outline).collect()
}

fn attribute<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let marked = format!(" {name}=\"");
    // The first attribute has lost the blank before it.
    let rest =
        element.strip_prefix(marked.trim_start()).or_else(|| element.split_once(&marked).map(|(_, rest)| rest))?;
    rest.split_once('"').map(|(value, _)| value)
}

/// The elements of a path, a list a contour.
pub(crate) fn contours(path: &BezPath) -> Vec<Vec<PathEl>> {
    let mut contours = Vec::<Vec<PathEl>>::new();
    for element in path.elements() {
        match (element, contours.last_mut()) {
            (PathEl::MoveTo(_), _) | (_, None) => contours.push(vec![*element]),
            (_, Some(contour)) => contour.push(*element),
        }
    }
    contours
}

fn anchors_of(contour: &[PathEl]) -> Vec<Point> {
    let mut points = contour.iter().filter_map(PathEl::end_point).collect::<Vec<_>>();
    // The last segment is written only where it is a curve; then it ends where the contour begins.
    if let (Some(first), Some(last), 2..) = (points.first(), points.last(), points.len())
        && first.distance(*last) < SAME_PX
    {
        points.pop();
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_segment_counts_alike_as_line_and_as_curve() {
        let text = "<svg><g id=\"g\">\n<path id=\"glyph-0-T\" fill=\"#000000\" d=\"M0 0h4v4z\"/>\n\
                    <path id=\"b\" class=\"c0\" d=\"M0 0h4v4c-1-1-3-2-4-4z\"/>\n</g></svg>";
        let outlines = outlines(text).unwrap();
        assert_eq!(outlines.iter().map(|outline| outline.id.as_str()).collect::<Vec<_>>(), ["glyph-0-T", "b"]);
        assert_eq!(outlines[0].anchors(), outlines[1].anchors());
        assert_eq!(outlines[0].bounds(), Rect::new(0.0, 0.0, 4.0, 4.0));
    }

    #[test]
    fn holes_have_points_of_their_own() {
        let text = "<path id=\"ring\" d=\"M0 0h9v9h-9zM3 3v3h3v-3z\"/>";
        assert_eq!(outlines(text).unwrap()[0].anchors().len(), 8);
    }
}
