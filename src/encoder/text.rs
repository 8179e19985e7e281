//! The text tower: tokenizer, token and position tables, causal blocks, norm, projection. Forward only.
//!
//! Input: texts. Output: `[texts, embedding]` features. Invariants: a text is cut at its end token before the blocks:
//! under the causal mask nothing behind it can reach the feature, so the result is the padded one's, at a fraction
//! of the cost. Cost: see [`crate::nn::block`], for the longest text of the batch.

use tokenizers::Tokenizer;

use super::EncoderError;
use super::config::{Config, Pooling};
use crate::ctx::Cancel;
use crate::nn::attention::Rows;
use crate::nn::block::{self, Block};
use crate::nn::linear::Linear;
use crate::nn::matrix::{matrix, read};
use crate::nn::norm::{Norm, normalised};
use crate::nn::weights::{self as tensors, Source};

/// Weights of the text tower.
#[derive(Debug)]
pub(super) struct Text {
    /// `[vocabulary, width]`
    tokens: Vec<f32>,
    /// `[context, width]`
    positions: Vec<f32>,
    width: usize,
    blocks: Vec<Block>,
    final_norm: Norm,
    projection: Linear,
}

/// A folder's tokenizer, with begin and end tokens whether or not the folder's own rules add them.
#[derive(Debug)]
pub(super) struct Words {
    tokenizer: Tokenizer,
    adds_ends: bool,
    begin_id: u32,
    end_id: u32,
    context: usize,
    vocabulary: usize,
    pooling: Pooling,
}

impl Words {
    pub(super) fn parse(bytes: &[u8], config: &Config) -> Result<Self, EncoderError> {
        let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(|error| EncoderError::Tokenizer(error.to_string()))?;
        // Lengths are checked here, so that a text that is cut is an error and not a surprise.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| EncoderError::Tokenizer(error.to_string()))?;
        let length = |special| -> Result<usize, EncoderError> {
            let encoding =
                tokenizer.encode("a", special).map_err(|error| EncoderError::Tokenizer(error.to_string()))?;
            Ok(encoding.get_ids().len())
        };
        Ok(Self {
            adds_ends: length(true)? >= length(false)? + 2,
            begin_id: config.begin_id,
            end_id: config.end_id,
            context: config.context_tokens,
            vocabulary: config.vocabulary,
            pooling: config.pooling,
            tokenizer,
        })
    }

    /// Ids of `text` from the begin token to the end token.
    pub(super) fn ids(&self, text: &str) -> Result<Vec<u32>, EncoderError> {
        if text.trim().is_empty() {
            return Err(EncoderError::EmptyPrompt);
        }
        let encoding = self.tokenizer.encode(text, true).map_err(|error| EncoderError::Tokenizer(error.to_string()))?;
        let mut ids = encoding.get_ids().to_vec();
        if !self.adds_ends {
            ids.insert(0, self.begin_id);
            ids.push(self.end_id);
        }
        if ids.len() <= 2 {
            return Err(EncoderError::EmptyPrompt);
        }
        if ids.len() > self.context {
            let (tokens, allowed) = (ids.len() - 2, self.context.saturating_sub(2));
            return Err(EncoderError::PromptTooLong { prompt: text.to_owned(), tokens, allowed });
        }
        match ids.iter().find(|&&id| id as usize >= self.vocabulary) {
            Some(&id) => Err(EncoderError::TokenId { id, vocabulary: self.vocabulary }),
            None => Ok(ids),
        }
    }

    /// Position of the token whose output is the feature.
    fn pooled(&self, ids: &[u32]) -> usize {
        let highest = || ids.iter().max().and_then(|max| ids.iter().position(|id| id == max));
        let end = || ids.iter().position(|&id| id == self.end_id);
        let at = match self.pooling {
            Pooling::HighestId => highest(),
            Pooling::FirstEnd => end(),
        };
        at.unwrap_or(0)
    }
}

fn row(table: &[f32], at: usize, width: usize) -> Option<&[f32]> {
    table.get(at * width..(at + 1) * width)
}

impl Text {
    pub(super) fn load(source: &dyn Source, config: &Config) -> Result<Self, EncoderError> {
        let tower = &config.text;
        let width = tower.width;
        let embeddings = "text_model.embeddings";
        let table = |name: &str, rows: usize| source.values(&format!("{embeddings}.{name}.weight"), &[rows, width]);
        Ok(Self {
            tokens: table("token_embedding", config.vocabulary)?,
            positions: table("position_embedding", config.context_tokens)?,
            width,
            blocks: block::blocks(source, "text_model", tower)?,
            final_norm: tensors::norm(source, "text_model.final_layer_norm", width, tower.eps)?,
            projection: tensors::projection(source, "text_projection", config.embedding, width)?,
        })
    }

    /// Features of texts given as ids; each feature `embedding` long.
    pub(super) fn forward(&self, texts: &[Vec<u32>], words: &Words, cancel: &Cancel) -> Result<Vec<f32>, EncoderError> {
        let picks: Vec<usize> = texts.iter().map(|ids| words.pooled(ids)).collect();
        let tokens = picks.iter().max().copied().unwrap_or(0) + 1;
        let mut rows = Vec::with_capacity(texts.len() * tokens * self.width);
        for ids in texts {
            for position in 0..tokens {
                // Behind the end token any id will do; see the module's invariants.
                let id = ids.get(position).copied().unwrap_or(0);
                let token = row(&self.tokens, id as usize, self.width);
                let position = row(&self.positions, position, self.width);
                let (Some(token), Some(position)) = (token, position) else {
                    return Err(EncoderError::TokenId { id, vocabulary: self.tokens.len() / self.width });
                };
                rows.extend(token.iter().zip(position).map(|(token, position)| token + position));
            }
        }
        let mut x = matrix(rows, texts.len() * tokens, self.width)?;
        for (n, block) in self.blocks.iter().enumerate() {
            cancel.check()?;
            let last = n + 1 == self.blocks.len();
            let rows = Rows { tokens, causal: true, picks: last.then_some(picks.as_slice()) };
            x = block.forward(&x, rows)?.0;
        }
        let (pooled, _) = normalised(&x, &self.final_norm)?;
        Ok(read(&self.projection.product(&pooled)?, <[f32]>::to_vec)?)
    }
}
