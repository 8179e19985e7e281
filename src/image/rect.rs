//! Axis-aligned rectangles in pixels; the space is in the name of whoever holds one.

/// A rectangle: left, top, width and height in pixels, y down.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Rect {
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width, positive for a rectangle with area.
    pub width: f32,
    /// Height, positive for a rectangle with area.
    pub height: f32,
}

impl Rect {
    /// The rectangle with these edges.
    pub const fn new(x: f32, y: f32, width: f32, height: f32) -> Self {
        Self { x, y, width, height }
    }

    /// The part inside a picture of `width` by `height`; none when nothing of it is inside.
    pub fn clipped(self, width: f32, height: f32) -> Option<Self> {
        let (left, top) = (self.x.max(0.0), self.y.max(0.0));
        let right = (self.x + self.width).min(width);
        let bottom = (self.y + self.height).min(height);
        let inside = Self::new(left, top, right - left, bottom - top);
        (inside.width > 0.0 && inside.height > 0.0).then_some(inside)
    }

    /// The same rectangle after scaling both axes.
    pub fn scaled(self, x_scale: f32, y_scale: f32) -> Self {
        Self::new(self.x * x_scale, self.y * y_scale, self.width * x_scale, self.height * y_scale)
    }

    /// How deep a point lies inside: the distance to the nearest side, negative outside.
    pub fn depth_of(self, [x, y]: [f32; 2]) -> f32 {
        (x - self.x).min(y - self.y).min(self.x + self.width - x).min(self.y + self.height - y)
    }

    /// The smallest rectangle that holds both.
    pub fn around(self, other: Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let right = (self.x + self.width).max(other.x + other.width);
        let bottom = (self.y + self.height).max(other.y + other.height);
        Self::new(x, y, right - x, bottom - y)
    }

    /// Whether the middle of pixel (`column`, `row`) lies inside.
    pub fn holds_pixel(self, column: usize, row: usize) -> bool {
        let (x, y) = (column as f32 + 0.5, row as f32 + 0.5);
        x >= self.x && x < self.x + self.width && y >= self.y && y < self.y + self.height
    }
}

impl std::fmt::Display for Rect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{},{},{},{}", self.x, self.y, self.width, self.height)
    }
}
