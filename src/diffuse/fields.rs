//! Reading the numbers of a configuration that anybody may have written.
//!
//! Input: one JSON file. Output: values within limits that the caller names. Invariants: a key that is absent or `null`
//! takes the default of the format; any other value is accepted or named in an error, never passed over. Cost: negligible.

use serde_json::Value;

use super::DiffuseError;

/// The object of one file.
pub(super) struct Fields {
    /// The file, for messages.
    pub(super) file: &'static str,
    root: Value,
}

impl Fields {
    /// Reads a file; `inner` is the key of an object that stands in for the whole where there is one.
    pub(super) fn parse(file: &'static str, bytes: &[u8], inner: &str) -> Result<Self, DiffuseError> {
        let bad = |reason: String| DiffuseError::Json { file, reason };
        let mut root: Value = serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
        if let Some(object) = root.get_mut(inner).filter(|value| value.is_object()) {
            root = object.take();
        }
        if root.is_object() { Ok(Self { file, root }) } else { Err(bad("it holds no object".to_owned())) }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.root.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn bad(&self, field: &'static str, value: &Value, need: impl Into<String>) -> DiffuseError {
        DiffuseError::Config { file: self.file, field, value: value.to_string(), need: need.into() }
    }

    /// The error of a model of another family, which `key` shows.
    pub(super) fn other_family(&self, found: &'static str, field: &'static str, value: &Value) -> DiffuseError {
        DiffuseError::OtherFamily { found, file: self.file, field, value: value.to_string() }
    }

    /// A size; a list is accepted where all its items are the same.
    pub(super) fn size(&self, key: &'static str, default: usize, max: usize) -> Result<usize, DiffuseError> {
        let Some(value) = self.get(key) else { return Ok(default) };
        let one = match value.as_array().map(Vec::as_slice) {
            Some([first, rest @ ..]) if rest.iter().all(|item| item == first) => first,
            _ => value,
        };
        size_of(one, max).ok_or_else(|| self.bad(key, value, format!("a whole number from 1 to {max}")))
    }

    /// A list of sizes, one a level.
    pub(super) fn sizes(&self, key: &'static str, default: &[usize], max: usize) -> Result<Vec<usize>, DiffuseError> {
        let Some(value) = self.get(key) else { return Ok(default.to_vec()) };
        let items = value.as_array().filter(|items| (1..=MAX_LEVELS).contains(&items.len()));
        let sizes = items.and_then(|items| items.iter().map(|item| size_of(item, max)).collect());
        sizes.ok_or_else(|| self.bad(key, value, format!("a list of 1 to {MAX_LEVELS} whole numbers from 1 to {max}")))
    }

    /// A size a level, which a single number gives to all of them.
    pub(super) fn size_a_level(
        &self,
        key: &'static str,
        default: usize,
        max: usize,
        levels: usize,
    ) -> Result<Vec<usize>, DiffuseError> {
        match self.get(key) {
            Some(value @ Value::Array(items)) => {
                let sizes = self.sizes(key, &[], max)?;
                let need = || format!("a whole number, or a list of {levels} like block_out_channels");
                if items.len() == levels { Ok(sizes) } else { Err(self.bad(key, value, need())) }
            }
            _ => Ok(vec![self.size(key, default, max)?; levels]),
        }
    }

    /// Names of blocks, one a level: whether each is `yes` or `no`.
    pub(super) fn blocks(
        &self,
        key: &'static str,
        levels: usize,
        default: Vec<bool>,
        [yes, no]: [&str; 2],
    ) -> Result<Vec<bool>, DiffuseError> {
        let Some(value) = self.get(key) else {
            let fits = default.len() == levels;
            return if fits { Ok(default) } else { Err(self.bad(key, &Value::Null, need_blocks(levels, yes, no))) };
        };
        let block = |item: &Value| match item.as_str() {
            Some(name) if name == yes => Some(true),
            Some(name) if name == no => Some(false),
            _ => None,
        };
        let blocks = value.as_array().filter(|items| items.len() == levels);
        let blocks = blocks.and_then(|items| items.iter().map(block).collect());
        blocks.ok_or_else(|| self.bad(key, value, need_blocks(levels, yes, no)))
    }

    /// A token id.
    pub(super) fn id(&self, key: &'static str, vocabulary: usize) -> Result<Option<u32>, DiffuseError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let id = value.as_u64().filter(|id| *id < vocabulary as u64).and_then(|id| u32::try_from(id).ok());
        id.map(Some).ok_or_else(|| self.bad(key, value, format!("a token id below vocab_size {vocabulary}")))
    }

    /// A finite number from `low` to `high`.
    pub(super) fn number(&self, key: &'static str, default: f64, low: f64, high: f64) -> Result<f64, DiffuseError> {
        let Some(value) = self.get(key) else { return Ok(default) };
        let number = value.as_f64().filter(|number| (low..=high).contains(number));
        number.ok_or_else(|| self.bad(key, value, format!("a number from {low} to {high}")))
    }

    pub(super) fn flag(&self, key: &'static str, default: bool) -> Result<bool, DiffuseError> {
        let Some(value) = self.get(key) else { return Ok(default) };
        value.as_bool().ok_or_else(|| self.bad(key, value, "true or false"))
    }

    /// Fails where `key` says anything but what the code of the network takes for granted.
    pub(super) fn only(&self, key: &'static str, accepted: &Value) -> Result<(), DiffuseError> {
        // 1 and 1.0 are one number and two JSON values.
        let is_it = |value: &Value| value == accepted || (value.is_number() && value.as_f64() == accepted.as_f64());
        match self.get(key) {
            Some(Value::Array(items)) if !accepted.is_array() && items.iter().all(is_it) => Ok(()),
            Some(value) if !is_it(value) => Err(self.bad(key, value, format!("{accepted}: nothing else is built in"))),
            _ => Ok(()),
        }
    }

    /// Fails where `key` says anything at all.
    pub(super) fn absent(&self, key: &'static str) -> Result<(), DiffuseError> {
        self.get(key).map_or(Ok(()), |value| Err(self.bad(key, value, "absent: no such layer is built in")))
    }
}

/// Most levels of a network; each halves the sides of what the next one sees.
pub(super) const MAX_LEVELS: usize = 8;

fn size_of(value: &Value, max: usize) -> Option<usize> {
    value.as_u64().and_then(|size| usize::try_from(size).ok()).filter(|size| (1..=max).contains(size))
}

fn need_blocks(levels: usize, yes: &str, no: &str) -> String {
    let names = if yes == no { format!("\"{yes}\"") } else { format!("\"{yes}\" or \"{no}\"") };
    format!("a list of {levels} names, one for each of block_out_channels: {names}")
}
