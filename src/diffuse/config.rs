//! What the four configurations of a diffusion folder say, checked before anything is allocated.
//!
//! Input: `config.json` of denoiser, autoencoder and text tower, and `scheduler_config.json`, in the layout in which
//! diffusers writes Stable Diffusion 1.x. Output: [`Config`]. Invariants: every size lies within the limits here, so that
//! products of sizes cannot overflow; the parts fit each other; a model of another family, and one with layers that are not
//! built in, is refused and said to be what it is. Keys that are left out take the defaults of the format. Cost: negligible.

use serde_json::{Value, json};

use super::fields::Fields;
use super::{DiffuseError, DiffusionFiles};
use crate::nn::Activation;

/// Widest accepted layer.
const MAX_WIDTH: usize = 16_384;
const MAX_LAYERS: usize = 256;
/// Most residual blocks of one level.
const MAX_LAYERS_PER_LEVEL: usize = 16;
const MAX_TOKENS: usize = 4096;
const MAX_VOCABULARY: usize = 1 << 22;
const MAX_STEPS: usize = 100_000;
/// Longest side of the latents of a model's training.
const MAX_SIDE: usize = 1024;
/// Standard deviation of Stable Diffusion's latents, whose inverse brings them to one.
const SCALING: f64 = 0.18215;

const UNET: &str = "unet/config.json";
const VAE: &str = "vae/config.json";
const TEXT: &str = "text_encoder/config.json";
const SCHEDULER: &str = "scheduler/scheduler_config.json";

/// Sizes of all parts of a diffusion model.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Denoiser.
    pub unet: UnetConfig,
    /// Autoencoder.
    pub vae: VaeConfig,
    /// Text tower.
    pub text: TextConfig,
    /// Noise at each timestep.
    pub schedule: ScheduleConfig,
}

/// One resolution of the denoiser; the same on the way down and on the way up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelConfig {
    /// Channels of its maps.
    pub channels: usize,
    /// Attention heads, dividing `channels`, where each of its residual blocks is followed by a transformer block.
    pub heads: Option<usize>,
}

/// Sizes of the denoiser.
#[derive(Clone, Debug, PartialEq)]
pub struct UnetConfig {
    /// Channels of the latents that go in: those of the autoencoder.
    pub in_channels: usize,
    /// Channels of the predicted noise: as many.
    pub out_channels: usize,
    /// Levels from the finest to the coarsest.
    pub levels: Vec<LevelConfig>,
    /// Residual blocks of a level on the way down; one more on the way up.
    pub layers_per_level: usize,
    /// Attention heads between the ways down and up, at the coarsest level's channels.
    pub mid_heads: usize,
    /// Width of the text states that cross-attention looks at.
    pub context_width: usize,
    /// Groups of every group normalisation; divides the channels of every level.
    pub groups: usize,
    /// Added to the variance in group normalisations of residual blocks and of the output.
    pub eps: f32,
    /// Side of the latents that it was trained on.
    pub sample_side: usize,
}

/// Sizes of the autoencoder.
#[derive(Clone, Debug, PartialEq)]
pub struct VaeConfig {
    /// Channels of its levels from the finest to the coarsest.
    pub channels: Vec<usize>,
    /// Residual blocks of a level of the encoder; one more in the decoder.
    pub layers_per_level: usize,
    /// Groups of every group normalisation; divides the channels of every level.
    pub groups: usize,
    /// Channels of the latents.
    pub latent_channels: usize,
    /// What latents are multiplied by on the way to the denoiser.
    pub scaling: f32,
}

impl VaeConfig {
    /// Pixels a latent in each direction.
    pub fn factor(&self) -> usize {
        1 << self.channels.len().saturating_sub(1)
    }
}

/// Sizes of the text tower.
#[derive(Clone, Debug, PartialEq)]
pub struct TextConfig {
    /// Values a token.
    pub width: usize,
    /// Blocks.
    pub layers: usize,
    /// Attention heads; divides `width`.
    pub heads: usize,
    /// Values between the two products of the perceptron.
    pub inner: usize,
    /// Non-linearity of the perceptron.
    pub activation: Activation,
    /// Tokens of every text, padding included: the denoiser looks at all of them.
    pub context_tokens: usize,
    /// Number of token ids.
    pub vocabulary: usize,
    /// Added to the variance in LayerNorm.
    pub eps: f32,
    /// Begin-of-text id.
    pub begin_id: u32,
    /// End-of-text id.
    pub end_id: u32,
    /// Id that fills the context behind the end.
    pub pad_id: u32,
}

/// How noise grows with the timestep.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleConfig {
    /// Timesteps of the training.
    pub train_steps: usize,
    /// Variance added at the first timestep.
    pub beta_start: f64,
    /// Variance added at the last timestep.
    pub beta_end: f64,
    /// Whether the square root of the variance grows evenly, and not the variance.
    pub is_scaled_linear: bool,
    /// Whether the last step ends at a signal without noise, and not at that of timestep 0.
    pub final_alpha_is_one: bool,
}

impl Config {
    /// Reads the four configurations.
    ///
    /// # Errors
    /// [`DiffuseError::Json`]; [`DiffuseError::OtherFamily`] for Stable Diffusion 2 and XL, for inpainting and for
    /// v-prediction; [`DiffuseError::Config`] for any other value that cannot be; [`DiffuseError::Parts`].
    pub fn parse(files: DiffusionFiles<'_>) -> Result<Self, DiffuseError> {
        let fields = Fields::parse(UNET, files.unet.config, "")?;
        check_family(&fields)?;
        let config = Self {
            unet: unet(&fields)?,
            vae: vae(&Fields::parse(VAE, files.vae.config, "")?)?,
            text: text(&Fields::parse(TEXT, files.text.config, "text_config")?)?,
            schedule: schedule(&Fields::parse(SCHEDULER, files.scheduler, "")?)?,
        };
        let Self { unet, vae, text, .. } = &config;
        let latents = ("latent_channels of vae/config.json", vae.latent_channels);
        let pairs = [
            (("in_channels of unet/config.json", unet.in_channels), latents),
            (("out_channels of unet/config.json", unet.out_channels), latents),
            (
                ("cross_attention_dim of unet/config.json", unet.context_width),
                ("hidden_size of text_encoder/config.json", text.width),
            ),
        ];
        match pairs.into_iter().find(|((_, a), (_, b))| a != b) {
            None => Ok(config),
            Some(((first, first_value), (second, second_value))) => {
                Err(DiffuseError::Parts { first, first_value, second, second_value })
            }
        }
    }
}

/// Says what a denoiser is that is none of Stable Diffusion 1.x.
fn check_family(fields: &Fields) -> Result<(), DiffuseError> {
    let number = |key: &str| fields.get(key).and_then(Value::as_u64);
    let signs: [(&'static str, &'static str, bool); 8] = [
        ("Stable Diffusion XL", "addition_embed_type", fields.get("addition_embed_type").is_some()),
        ("Stable Diffusion XL", "cross_attention_dim", number("cross_attention_dim") == Some(2048)),
        ("Stable Diffusion 2.x", "cross_attention_dim", number("cross_attention_dim") == Some(1024)),
        (
            "an inpainting model, which takes a mask and the picture under it",
            "in_channels",
            number("in_channels") == Some(9),
        ),
        (
            "an editing model like InstructPix2Pix, which takes a picture",
            "in_channels",
            number("in_channels") == Some(8),
        ),
        ("a model with a depth map", "in_channels", number("in_channels") == Some(5)),
        ("a latent consistency model", "time_cond_proj_dim", fields.get("time_cond_proj_dim").is_some()),
        ("a model that sees pictures, too", "encoder_hid_dim_type", fields.get("encoder_hid_dim_type").is_some()),
    ];
    match signs.into_iter().find(|(_, _, is_it)| *is_it) {
        None => Ok(()),
        Some((found, key, _)) => Err(fields.other_family(found, key, fields.get(key).unwrap_or(&Value::Null))),
    }
}

/// What the denoiser's code takes for granted.
fn check_unet_form(fields: &Fields) -> Result<(), DiffuseError> {
    let fixed = [
        ("_class_name", json!("UNet2DConditionModel")),
        ("act_fn", json!("silu")),
        ("center_input_sample", json!(false)),
        ("flip_sin_to_cos", json!(true)),
        ("freq_shift", json!(0)),
        ("downsample_padding", json!(1)),
        ("mid_block_scale_factor", json!(1)),
        ("mid_block_type", json!("UNetMidBlock2DCrossAttn")),
        ("use_linear_projection", json!(false)),
        ("dual_cross_attention", json!(false)),
        ("only_cross_attention", json!(false)),
        ("transformer_layers_per_block", json!(1)),
        ("resnet_time_scale_shift", json!("default")),
        ("resnet_skip_time_act", json!(false)),
        ("resnet_out_scale_factor", json!(1)),
        ("time_embedding_type", json!("positional")),
        ("attention_type", json!("default")),
        ("conv_in_kernel", json!(3)),
        ("conv_out_kernel", json!(3)),
    ];
    fixed.iter().try_for_each(|(key, accepted)| fields.only(key, accepted))?;
    let unknown = [
        "class_embed_type",
        "num_class_embeds",
        "encoder_hid_dim",
        "cross_attention_norm",
        "time_embedding_dim",
        "time_embedding_act_fn",
        "timestep_post_act",
        "reverse_transformer_layers_per_block",
    ];
    unknown.iter().try_for_each(|key| fields.absent(key))
}

/// Reads the denoiser's configuration, of whatever number of channels.
pub(super) fn unet(fields: &Fields) -> Result<UnetConfig, DiffuseError> {
    check_unet_form(fields)?;
    let channels = fields.sizes("block_out_channels", &[320, 640, 1280, 1280], MAX_WIDTH)?;
    let levels = channels.len();
    // Stable Diffusion 1.x calls the number of heads the size of one (diffusers issue 2011); files that name the number win.
    let key = if fields.get("num_attention_heads").is_some() { "num_attention_heads" } else { "attention_head_dim" };
    let heads = fields.size_a_level(key, 8, MAX_WIDTH, levels)?;
    let default = |first: bool| {
        let coarsest = if first { levels - 1 } else { 0 };
        (0..levels).map(|level| level != coarsest).collect::<Vec<_>>()
    };
    let down = fields.blocks("down_block_types", levels, default(true), ["CrossAttnDownBlock2D", "DownBlock2D"])?;
    let up = fields.blocks("up_block_types", levels, default(false), ["CrossAttnUpBlock2D", "UpBlock2D"])?;
    if !up.iter().rev().eq(&down) {
        let value = fields.get("up_block_types").unwrap_or(&Value::Null);
        return Err(fields.bad("up_block_types", value, "down_block_types in reverse order"));
    }
    for (&channels, &heads) in channels.iter().zip(&heads) {
        if !channels.is_multiple_of(heads) {
            let need = format!("a number of heads that divides the channels {channels} of its level");
            return Err(fields.bad(key, fields.get(key).unwrap_or(&Value::Null), need));
        }
    }
    Ok(UnetConfig {
        in_channels: fields.size("in_channels", 4, MAX_WIDTH)?,
        out_channels: fields.size("out_channels", 4, MAX_WIDTH)?,
        layers_per_level: fields.size("layers_per_block", 2, MAX_LAYERS_PER_LEVEL)?,
        mid_heads: heads.last().copied().unwrap_or(1),
        context_width: fields.size("cross_attention_dim", 1280, MAX_WIDTH)?,
        groups: groups(fields, &channels)?,
        eps: fields.number("norm_eps", 1e-5, 1e-12, 1.0)? as f32,
        sample_side: fields.size("sample_size", 64, MAX_SIDE)?,
        levels: (channels.iter().zip(&heads).zip(&down))
            .map(|((&channels, &heads), &attends)| LevelConfig { channels, heads: attends.then_some(heads) })
            .collect(),
    })
}

fn groups(fields: &Fields, channels: &[usize]) -> Result<usize, DiffuseError> {
    let groups = fields.size("norm_num_groups", 32, MAX_WIDTH)?;
    match channels.iter().find(|channels| !channels.is_multiple_of(groups)) {
        None => Ok(groups),
        Some(channels) => {
            let need = format!("a divisor of every one of block_out_channels, among them {channels}");
            Err(fields.bad("norm_num_groups", &groups.into(), need))
        }
    }
}

fn vae(fields: &Fields) -> Result<VaeConfig, DiffuseError> {
    let fixed = [
        ("_class_name", json!("AutoencoderKL")),
        ("act_fn", json!("silu")),
        ("in_channels", json!(3)),
        ("out_channels", json!(3)),
        ("shift_factor", json!(0)),
        ("use_quant_conv", json!(true)),
        ("use_post_quant_conv", json!(true)),
        ("mid_block_add_attention", json!(true)),
    ];
    fixed.iter().try_for_each(|(key, accepted)| fields.only(key, accepted))?;
    ["latents_mean", "latents_std"].iter().try_for_each(|key| fields.absent(key))?;
    let channels = fields.sizes("block_out_channels", &[64], MAX_WIDTH)?;
    for (key, name) in [("down_block_types", "DownEncoderBlock2D"), ("up_block_types", "UpDecoderBlock2D")] {
        fields.blocks(key, channels.len(), vec![true], [name, name])?;
    }
    Ok(VaeConfig {
        layers_per_level: fields.size("layers_per_block", 1, MAX_LAYERS_PER_LEVEL)?,
        groups: groups(fields, &channels)?,
        latent_channels: fields.size("latent_channels", 4, MAX_WIDTH)?,
        scaling: fields.number("scaling_factor", SCALING, 1e-4, 1e4)? as f32,
        channels,
    })
}

fn text(fields: &Fields) -> Result<TextConfig, DiffuseError> {
    if let Some(kind) =
        fields.get("model_type").filter(|kind| !["clip_text_model", "clip"].contains(&kind.as_str().unwrap_or("")))
    {
        return Err(fields.other_family("a model whose text tower is not CLIP's", "model_type", kind));
    }
    let width = fields.size("hidden_size", 512, MAX_WIDTH)?;
    let heads = fields.size("num_attention_heads", 8, MAX_WIDTH)?;
    if !width.is_multiple_of(heads) {
        return Err(fields.bad("num_attention_heads", &heads.into(), format!("a divisor of hidden_size {width}")));
    }
    let activation = match fields.get("hidden_act") {
        None => Activation::QuickGelu,
        Some(value) => match value.as_str() {
            Some("quick_gelu") => Activation::QuickGelu,
            Some("gelu") => Activation::Gelu,
            _ => return Err(fields.bad("hidden_act", value, "\"quick_gelu\" or \"gelu\"")),
        },
    };
    let vocabulary = fields.size("vocab_size", 49_408, MAX_VOCABULARY)?;
    let (begin_id, end_id, pad_id) = special_ids(fields, vocabulary)?;
    Ok(TextConfig {
        width,
        heads,
        activation,
        vocabulary,
        begin_id,
        end_id,
        pad_id,
        layers: fields.size("num_hidden_layers", 12, MAX_LAYERS)?,
        inner: fields.size("intermediate_size", 2048, 4 * MAX_WIDTH)?,
        context_tokens: fields.size("max_position_embeddings", 77, MAX_TOKENS)?,
        eps: fields.number("layer_norm_eps", 1e-5, 1e-12, 1.0)? as f32,
    })
}

/// Begin, end and padding. Older tools wrote 0, 2 and 1 into every file, whatever the tokenizer said: CLIP's tokenizers end with
/// begin and end, and those of Stable Diffusion 1.x fill up with the end.
fn special_ids(fields: &Fields, vocabulary: usize) -> Result<(u32, u32, u32), DiffuseError> {
    const WRITTEN_WRONGLY: (u32, u32) = (2, 1);
    let from_end = |back: usize| u32::try_from(vocabulary.saturating_sub(back)).unwrap_or(0);
    let end = fields.id("eos_token_id", vocabulary)?.filter(|id| *id != WRITTEN_WRONGLY.0);
    let begin = fields.id("bos_token_id", vocabulary)?.filter(|_| end.is_some());
    let pad = fields.id("pad_token_id", vocabulary)?.filter(|id| *id != WRITTEN_WRONGLY.1);
    let end = end.unwrap_or(from_end(1));
    Ok((begin.unwrap_or(from_end(2)), end, pad.unwrap_or(end)))
}

fn schedule(fields: &Fields) -> Result<ScheduleConfig, DiffuseError> {
    match fields.get("prediction_type") {
        Some(value) if value == "v_prediction" => {
            return Err(fields.other_family("a model that predicts velocity and not noise", "prediction_type", value));
        }
        _ => fields.only("prediction_type", &json!("epsilon"))?,
    }
    fields.absent("trained_betas")?;
    fields.only("rescale_betas_zero_snr", &json!(false))?;
    let train_steps = fields.size("num_train_timesteps", 1000, MAX_STEPS)?;
    let beta_start = fields.number("beta_start", 1e-4, 1e-9, 0.999)?;
    let is_scaled_linear = match fields.get("beta_schedule") {
        None => false,
        Some(value) => match value.as_str() {
            Some("scaled_linear") => true,
            Some("linear") => false,
            _ => return Err(fields.bad("beta_schedule", value, "\"scaled_linear\" or \"linear\"")),
        },
    };
    Ok(ScheduleConfig {
        train_steps,
        beta_start,
        beta_end: fields.number("beta_end", 0.02, beta_start, 0.999)?,
        is_scaled_linear,
        final_alpha_is_one: fields.flag("set_alpha_to_one", true)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffuse::{Part, TokenizerFiles};

    const UNET_15: &str = r#"{"_class_name": "UNet2DConditionModel", "act_fn": "silu", "attention_head_dim": 8,
        "block_out_channels": [320, 640, 1280, 1280], "center_input_sample": false, "cross_attention_dim": 768,
        "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
        "downsample_padding": 1, "flip_sin_to_cos": true, "freq_shift": 0, "in_channels": 4, "layers_per_block": 2,
        "mid_block_scale_factor": 1, "norm_eps": 1e-05, "norm_num_groups": 32, "out_channels": 4, "sample_size": 64,
        "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"]}"#;
    const VAE_15: &str = r#"{"_class_name": "AutoencoderKL", "act_fn": "silu", "block_out_channels": [128, 256, 512, 512],
        "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"],
        "in_channels": 3, "latent_channels": 4, "layers_per_block": 2, "norm_num_groups": 32, "out_channels": 3,
        "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"]}"#;
    const TEXT_15: &str = r#"{"bos_token_id": 0, "eos_token_id": 2, "hidden_act": "quick_gelu", "hidden_size": 768,
        "intermediate_size": 3072, "layer_norm_eps": 1e-05, "max_position_embeddings": 77, "model_type": "clip_text_model",
        "num_attention_heads": 12, "num_hidden_layers": 12, "pad_token_id": 1, "vocab_size": 49408}"#;
    const SCHEDULER_15: &str = r#"{"_class_name": "PNDMScheduler", "beta_end": 0.012, "beta_schedule": "scaled_linear",
        "beta_start": 0.00085, "num_train_timesteps": 1000, "set_alpha_to_one": false, "skip_prk_steps": true,
        "steps_offset": 1, "trained_betas": null, "clip_sample": false}"#;

    fn parse(unet: &str, vae: &str, text: &str, scheduler: &str) -> Result<Config, DiffuseError> {
        let part = |config| Part { config, weights: &[] };
        Config::parse(DiffusionFiles {
            unet: part(unet.as_bytes()),
            vae: part(vae.as_bytes()),
            text: part(text.as_bytes()),
            tokenizer: TokenizerFiles::Json(&[]),
            scheduler: scheduler.as_bytes(),
        })
    }

    /// `json` with one key set.
    fn with(json: &str, key: &str, value: Value) -> String {
        let mut root: Value = serde_json::from_str(json).unwrap();
        root[key] = value;
        root.to_string()
    }

    #[test]
    fn the_published_files_of_stable_diffusion_1_5_are_read_as_they_are_meant() {
        let Config { unet, vae, text, schedule } = parse(UNET_15, VAE_15, TEXT_15, SCHEDULER_15).unwrap();
        let heads = unet.levels.iter().map(|level| (level.channels, level.heads)).collect::<Vec<_>>();
        assert_eq!(
            heads,
            [(320, Some(8)), (640, Some(8)), (1280, Some(8)), (1280, None)],
            "eight heads, not heads of eight"
        );
        assert_eq!((unet.mid_heads, unet.context_width, unet.layers_per_level, unet.groups), (8, 768, 2, 32));
        assert_eq!(
            (vae.factor(), vae.latent_channels, vae.scaling),
            (8, 4, 0.18215),
            "a file without a factor has the usual one"
        );
        assert_eq!((text.begin_id, text.end_id, text.pad_id), (49_406, 49_407, 49_407), "0, 2 and 1 were never meant");
        assert_eq!((text.layers, text.heads, text.inner, text.context_tokens), (12, 12, 3072, 77));
        let wanted = ScheduleConfig {
            train_steps: 1000,
            beta_start: 0.00085,
            beta_end: 0.012,
            is_scaled_linear: true,
            final_alpha_is_one: false,
        };
        assert_eq!(schedule, wanted);
    }

    #[test]
    fn a_smaller_model_of_the_same_layout_has_its_own_sizes() {
        let unet = r#"{"attention_head_dim": [2, 3, 2], "block_out_channels": [64, 96, 160], "cross_attention_dim": 192,
            "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"], "layers_per_block": 1,
            "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"], "norm_num_groups": 32}"#;
        let names = |name: &str| json!([name, name, name]);
        let vae = with(VAE_15, "block_out_channels", json!([32, 64, 96]));
        let vae = with(&with(&vae, "norm_num_groups", json!(8)), "down_block_types", names("DownEncoderBlock2D"));
        let vae = with(&with(&vae, "scaling_factor", json!(0.7)), "up_block_types", names("UpDecoderBlock2D"));
        let text = json!({"text_config": {"hidden_size": 192, "num_attention_heads": 3, "vocab_size": 8192,
            "bos_token_id": 8190, "eos_token_id": 8191, "pad_token_id": 0, "hidden_act": "gelu"}});
        let config = parse(unet, &vae, &text.to_string(), "{}").unwrap();
        assert_eq!(config.unet.levels[1], LevelConfig { channels: 96, heads: Some(3) });
        assert_eq!((config.vae.factor(), config.vae.groups, config.vae.scaling), (4, 8, 0.7));
        let text = config.text;
        assert_eq!((text.begin_id, text.end_id, text.pad_id, text.activation), (8190, 8191, 0, Activation::Gelu));
    }

    #[test]
    fn a_model_of_another_family_is_said_to_be_what_it_is() {
        let unets = [
            ("cross_attention_dim", json!(2048), "Stable Diffusion XL"),
            ("addition_embed_type", json!("text_time"), "Stable Diffusion XL"),
            ("cross_attention_dim", json!(1024), "Stable Diffusion 2.x"),
            ("in_channels", json!(9), "an inpainting model"),
            ("in_channels", json!(8), "InstructPix2Pix"),
            ("time_cond_proj_dim", json!(256), "latent consistency"),
        ];
        for (key, value, found) in unets {
            let error = parse(&with(UNET_15, key, value.clone()), VAE_15, TEXT_15, SCHEDULER_15).unwrap_err();
            let message = error.to_string();
            assert!(matches!(error, DiffuseError::OtherFamily { .. }) && message.contains(found), "{message}");
            assert!(message.contains(&format!("{key} is {value}")) && message.contains("1.x family"), "{message}");
        }
        let velocity = with(SCHEDULER_15, "prediction_type", json!("v_prediction"));
        let message = parse(UNET_15, VAE_15, TEXT_15, &velocity).unwrap_err().to_string();
        assert!(message.contains("velocity") && message.contains("v_prediction"), "{message}");
        let message = parse(UNET_15, VAE_15, r#"{"model_type": "t5"}"#, SCHEDULER_15).unwrap_err().to_string();
        assert!(message.contains("text tower is not CLIP's"), "{message}");
    }

    #[test]
    fn a_bad_value_is_named_with_its_file() {
        let files = [UNET_15, VAE_15, TEXT_15, SCHEDULER_15];
        let names = [UNET, VAE, TEXT, SCHEDULER];
        let cases = [
            (0, "block_out_channels", json!([])),
            (0, "block_out_channels", json!([320, -1, 1280, 1280])),
            (0, "block_out_channels", json!([320, 640, 1280, 1u64 << 60])),
            (0, "block_out_channels", json!(vec![32; 99])),
            (0, "attention_head_dim", json!([8, 8])),
            (0, "attention_head_dim", json!(7)),
            (0, "norm_num_groups", json!(48)),
            (0, "layers_per_block", json!(1_000_000)),
            (0, "layers_per_block", json!([2, 1, 2, 2])),
            (0, "up_block_types", json!(["UpBlock2D", "UpBlock2D", "UpBlock2D", "UpBlock2D"])),
            (0, "down_block_types", json!(["DownBlock2D"])),
            (0, "use_linear_projection", json!(true)),
            (0, "class_embed_type", json!("timestep")),
            (1, "scaling_factor", json!(0)),
            (1, "shift_factor", json!(0.1)),
            (1, "latent_channels", json!("four")),
            (1, "down_block_types", json!(["DownEncoderBlock2D", "AttnDownEncoderBlock2D", "DownEncoderBlock2D", "x"])),
            (2, "num_attention_heads", json!(7)),
            (2, "hidden_act", json!("relu")),
            (2, "eos_token_id", json!(49_408)),
            (2, "layer_norm_eps", json!(-1)),
            (3, "beta_schedule", json!("squaredcos_cap_v2")),
            (3, "beta_end", json!(0.0001)),
            (3, "beta_start", json!(2)),
            (3, "num_train_timesteps", json!(0)),
            (3, "prediction_type", json!("sample")),
            (3, "set_alpha_to_one", json!(1)),
        ];
        for (at, key, value) in cases {
            let mut files = files.map(str::to_owned);
            files[at] = with(&files[at], key, value.clone());
            let error = parse(&files[0], &files[1], &files[2], &files[3]).unwrap_err();
            let message = error.to_string();
            assert!(message.contains(names[at]) && message.contains(key), "{key} = {value}: {message}");
        }
        for bytes in ["{", "[]", ""] {
            let message = parse(bytes, VAE_15, TEXT_15, SCHEDULER_15).unwrap_err().to_string();
            assert!(message.starts_with("unet/config.json is not valid JSON"), "{message}");
        }
    }

    #[test]
    fn parts_of_different_models_are_told_apart() {
        for (unet, vae, key) in [
            (with(UNET_15, "cross_attention_dim", json!(512)), VAE_15.to_owned(), "cross_attention_dim"),
            (with(UNET_15, "out_channels", json!(6)), VAE_15.to_owned(), "out_channels"),
            (UNET_15.to_owned(), with(VAE_15, "latent_channels", json!(16)), "latent_channels"),
        ] {
            let error = parse(&unet, &vae, TEXT_15, SCHEDULER_15).unwrap_err();
            assert!(matches!(error, DiffuseError::Parts { .. }) && error.to_string().contains(key), "{error}");
        }
    }
}
