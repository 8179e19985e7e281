//! What a CLIP folder's `config.json` and `preprocessor_config.json` say, checked before anything is allocated.
//!
//! Input: the two files' bytes. Output: [`Config`]. Invariants: every size lies within `MAX_WIDTH` and the other
//! limits here, so that products of sizes cannot overflow. Cost: negligible.

use serde_json::Value;

use super::EncoderError;
use crate::nn::{Activation, TowerConfig};

/// Widest accepted layer.
pub(super) const MAX_WIDTH: usize = 16_384;
const MAX_LAYERS: usize = 256;
const MAX_SIDE_PX: usize = 4096;
const MAX_TOKENS: usize = 4096;
const MAX_VOCABULARY: usize = 1 << 22;
/// Pixel statistics of the original CLIP models.
const CLIP_MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
const CLIP_STD: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

/// Which token's output is a text's feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// The first token with the highest id: folders whose `eos_token_id` is 2, a value older tools wrote wrongly.
    HighestId,
    /// The first token with the end-of-text id.
    FirstEnd,
}

/// Both towers' sizes, the token ids, and the pixel statistics.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Image tower.
    pub vision: TowerConfig,
    /// Text tower.
    pub text: TowerConfig,
    /// Side of the square input, pixels.
    pub image_side_px: usize,
    /// Side of a patch, pixels; divides `image_side_px`.
    pub patch_side_px: usize,
    /// Longest text with its begin and end tokens.
    pub context_tokens: usize,
    /// Number of token ids.
    pub vocabulary: usize,
    /// Begin-of-text id, added where the tokenizer does not.
    pub begin_id: u32,
    /// End-of-text id, added where the tokenizer does not.
    pub end_id: u32,
    /// Which token is read.
    pub pooling: Pooling,
    /// Length of a feature.
    pub embedding: usize,
    /// Subtracted from each colour channel of a picture in 0..1.
    pub mean: [f32; 3],
    /// Divides each colour channel after that.
    pub std: [f32; 3],
}

/// One JSON object and, over it, the object that older files repeat under `<name>_dict`.
struct Section<'a> {
    name: &'static str,
    layers: Vec<&'a Value>,
}

impl<'a> Section<'a> {
    fn of(root: &'a Value, name: &'static str, over: &str) -> Self {
        let layers = [root.get(over), root.get(name)].into_iter().flatten().filter(|v| v.is_object()).collect();
        Self { name, layers }
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.layers.iter().find_map(|layer| layer.get(key)).filter(|value| !value.is_null())
    }

    fn bad(&self, key: &str, value: &Value, need: String) -> EncoderError {
        EncoderError::Config { field: format!("{}.{key}", self.name), value: value.to_string(), need }
    }

    fn size(&self, key: &str, default: usize, max: usize) -> Result<usize, EncoderError> {
        let Some(value) = self.get(key) else { return Ok(default) };
        let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
        size.filter(|size| (1..=max).contains(size))
            .ok_or_else(|| self.bad(key, value, format!("a whole number from 1 to {max}")))
    }

    fn id(&self, key: &str, default: u32) -> Result<u32, EncoderError> {
        let Some(value) = self.get(key) else { return Ok(default) };
        let id = value.as_u64().and_then(|id| u32::try_from(id).ok());
        id.ok_or_else(|| self.bad(key, value, "a token id".to_owned()))
    }

    fn tower(&self, default: &TowerConfig) -> Result<TowerConfig, EncoderError> {
        let width = self.size("hidden_size", default.width, MAX_WIDTH)?;
        let heads = self.size("num_attention_heads", default.heads, MAX_WIDTH)?;
        if !width.is_multiple_of(heads) {
            return Err(self.bad("num_attention_heads", &heads.into(), format!("a divisor of hidden_size {width}")));
        }
        let eps = match self.get("layer_norm_eps") {
            None => default.eps,
            Some(value) => {
                let eps = value.as_f64().map(|eps| eps as f32).filter(|eps| (1e-12..1.0).contains(eps));
                eps.ok_or_else(|| self.bad("layer_norm_eps", value, "a number from 1e-12 to 1".to_owned()))?
            }
        };
        Ok(TowerConfig {
            width,
            heads,
            eps,
            hidden: self.size("intermediate_size", default.hidden, 4 * MAX_WIDTH)?,
            layers: self.size("num_hidden_layers", default.layers, MAX_LAYERS)?,
            activation: self.activation()?,
        })
    }

    fn activation(&self) -> Result<Activation, EncoderError> {
        match self.get("hidden_act") {
            None => Ok(Activation::QuickGelu),
            Some(Value::String(name)) if name == "quick_gelu" => Ok(Activation::QuickGelu),
            Some(Value::String(name)) if name == "gelu" => Ok(Activation::Gelu),
            Some(value) => Err(self.bad("hidden_act", value, "\"quick_gelu\" or \"gelu\"".to_owned())),
        }
    }
}

fn parse(file: &'static str, bytes: &[u8]) -> Result<Value, EncoderError> {
    serde_json::from_slice(bytes).map_err(|error| EncoderError::Json { file, reason: error.to_string() })
}

impl Config {
    /// Reads `config.json` and, where there is one, `preprocessor_config.json`. Fields that a file leaves out take
    /// the defaults of the CLIP format (ViT-B/32).
    ///
    /// # Errors
    /// [`EncoderError::Json`] and [`EncoderError::Config`], naming the field.
    pub fn parse(config: &[u8], preprocessor: Option<&[u8]>) -> Result<Self, EncoderError> {
        let root = parse("config.json", config)?;
        let vision_section = Section::of(&root, "vision_config", "vision_config_dict");
        let text_section = Section::of(&root, "text_config", "text_config_dict");
        let base = Self::vit_b_32();
        let vision = vision_section.tower(&base.vision)?;
        let text = text_section.tower(&base.text)?;
        let image_side_px = vision_section.size("image_size", base.image_side_px, MAX_SIDE_PX)?;
        let patch_side_px = vision_section.size("patch_size", base.patch_side_px, MAX_SIDE_PX)?;
        if !image_side_px.is_multiple_of(patch_side_px) {
            let need = format!("a divisor of image_size {image_side_px}");
            return Err(vision_section.bad("patch_size", &patch_side_px.into(), need));
        }
        if vision_section.size("num_channels", 3, 16)? != 3 {
            return Err(vision_section.bad("num_channels", &Value::Null, "3 (red, green, blue)".to_owned()));
        }
        let top = Section { name: "config", layers: vec![&root] };
        let vocabulary = text_section.size("vocab_size", base.vocabulary, MAX_VOCABULARY)?;
        let end_id = text_section.id("eos_token_id", base.end_id)?;
        let (mean, std) = match preprocessor {
            Some(bytes) => pixel_statistics(&parse("preprocessor_config.json", bytes)?)?,
            None => (CLIP_MEAN, CLIP_STD),
        };
        Ok(Self {
            image_side_px,
            patch_side_px,
            context_tokens: text_section.size("max_position_embeddings", base.context_tokens, MAX_TOKENS)?,
            vocabulary,
            begin_id: text_section.id("bos_token_id", base.begin_id)?,
            end_id,
            pooling: if end_id == 2 { Pooling::HighestId } else { Pooling::FirstEnd },
            embedding: top.size("projection_dim", base.embedding, MAX_WIDTH)?,
            mean,
            std,
            vision,
            text,
        })
    }

    /// The sizes of `openai/clip-vit-base-patch32`, which are also the format's defaults.
    pub fn vit_b_32() -> Self {
        let tower = |width: usize, heads| TowerConfig {
            width,
            hidden: 4 * width,
            layers: 12,
            heads,
            activation: Activation::QuickGelu,
            eps: 1e-5,
        };
        Self {
            vision: tower(768, 12),
            text: tower(512, 8),
            image_side_px: 224,
            patch_side_px: 32,
            context_tokens: 77,
            vocabulary: 49_408,
            begin_id: 49_406,
            end_id: 49_407,
            pooling: Pooling::FirstEnd,
            embedding: 512,
            mean: CLIP_MEAN,
            std: CLIP_STD,
        }
    }

    /// Tokens of a picture: its patches and the class token.
    pub fn vision_tokens(&self) -> usize {
        let side = self.image_side_px / self.patch_side_px;
        side * side + 1
    }
}

fn pixel_statistics(root: &Value) -> Result<([f32; 3], [f32; 3]), EncoderError> {
    let section = Section { name: "preprocessor", layers: vec![root] };
    let triple = |key: &str, default: [f32; 3], low: f64| {
        let Some(value) = section.get(key) else { return Ok(default) };
        let numbers: Option<Vec<f32>> = value.as_array().and_then(|list| {
            let number = |v: &Value| v.as_f64().filter(|v| (low..=16.0).contains(v)).map(|v| v as f32);
            list.iter().map(number).collect()
        });
        let triple = numbers.and_then(|numbers| <[f32; 3]>::try_from(numbers).ok());
        triple.ok_or_else(|| section.bad(key, value, format!("three numbers from {low} to 16")))
    };
    Ok((triple("image_mean", CLIP_MEAN, -16.0)?, triple("image_std", CLIP_STD, 1e-3)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_left_out_take_the_defaults_of_the_format_and_the_dict_wins() {
        let bare = Config::parse(b"{}", None).unwrap();
        assert_eq!(bare, Config::vit_b_32(), "an empty file means ViT-B/32");
        let json = br#"{"vision_config": {"patch_size": 16}, "vision_config_dict": {"patch_size": 14},
            "text_config": {"eos_token_id": 2}, "text_config_dict": null}"#;
        let config = Config::parse(json, None).unwrap();
        assert_eq!((config.patch_side_px, config.pooling), (14, Pooling::HighestId));
    }

    #[test]
    fn a_bad_field_is_named_with_its_value() {
        for (json, part) in [
            (r#"{"vision_config": {"hidden_size": 0}}"#, "vision_config.hidden_size is 0"),
            (r#"{"vision_config": {"hidden_size": 99999999999}}"#, "vision_config.hidden_size is 99999999999"),
            (r#"{"vision_config": {"hidden_size": -4}}"#, "hidden_size is -4"),
            (r#"{"text_config": {"num_attention_heads": 7}}"#, "text_config.num_attention_heads is 7"),
            (r#"{"text_config": {"hidden_act": "relu"}}"#, "text_config.hidden_act is \"relu\""),
            (r#"{"vision_config": {"patch_size": 15}}"#, "vision_config.patch_size is 15"),
            (r#"{"text_config": {"layer_norm_eps": -1}}"#, "layer_norm_eps is -1"),
            ("{", "config.json"),
        ] {
            let message = Config::parse(json.as_bytes(), None).unwrap_err().to_string();
            assert!(message.contains(part), "{json}: {message}");
        }
        let message = Config::parse(b"{}", Some(br#"{"image_std": [0, 1, 1]}"#)).unwrap_err().to_string();
        assert!(message.contains("preprocessor.image_std is [0,1,1]"), "{message}");
    }
}
