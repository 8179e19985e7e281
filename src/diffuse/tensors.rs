//! Named arrays that one stage hands to another.
//!
//! Input: values and shapes. Output: the same. Invariants: a shape's product is the number of values. Cost: none.

use super::DiffuseError;

/// Named arrays of f32, in the order in which they were put.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tensors(pub Vec<Named>);

/// One array.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Its shape; rows first.
    pub shape: Vec<usize>,
    /// Its values.
    pub values: Vec<f32>,
}

impl Tensors {
    /// With one more array.
    pub(super) fn with(mut self, name: &str, shape: &[usize], values: Vec<f32>) -> Self {
        self.0.push(Named { name: name.to_owned(), shape: shape.to_vec(), values });
        self
    }

    /// Shape and values of the array called `name`, if it has `N` dimensions.
    pub(super) fn get<const N: usize>(&self, name: &'static str) -> Result<([usize; N], &[f32]), DiffuseError> {
        let named = self.0.iter().find(|named| named.name == name);
        let found = named.and_then(|named| Some((named.shape.as_slice().try_into().ok()?, named.values.as_slice())));
        let whole = found.filter(|(shape, values): &([usize; N], _)| shape.iter().product::<usize>() == values.len());
        whole.ok_or(DiffuseError::Lacks { name })
    }
}
