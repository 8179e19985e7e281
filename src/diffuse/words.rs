//! Texts as token ids that fill the whole context.
//!
//! Input: a folder's tokenizer. Output: ids, padded. Invariants: every text is as long as the context. Determinism: as the tokenizer. Cost:
//! negligible.

use super::config::TextConfig;
use super::{DiffuseError, TokenizerFiles};
use serde_json::{Value, json};
use tokenizers::Tokenizer;

/// How CLIP cuts a text into words (Radford et al. 2021; the pattern is that of its published tokenizer).
const WORDS: &str = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";
const UNKNOWN: &str = "<|endoftext|>";

/// A tokenizer with its special tokens.
#[derive(Debug)]
pub(super) struct Words {
    tokenizer: Tokenizer,
    begin_id: u32,
    end_id: u32,
    pad_id: u32,
    context_tokens: usize,
}

fn failed(error: impl ToString) -> DiffuseError {
    DiffuseError::Tokenizer(error.to_string())
}

/// A tokenizer from CLIP's older pair of files, as the `tokenizers` library describes one.
fn from_pairs(vocab: &[u8], merges: &[u8]) -> Result<Tokenizer, DiffuseError> {
    let vocab: Value = serde_json::from_slice(vocab).map_err(failed)?;
    let merges = std::str::from_utf8(merges).map_err(failed)?;
    let merges = merges.lines().filter(|line| !line.starts_with("#version") && !line.trim().is_empty());
    let merges: Vec<&str> = merges.collect();
    let description = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "NFC"}, {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "}, {"type": "Lowercase"},
        ]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": WORDS}, "behavior": "Removed", "invert": true},
            {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        ]},
        "post_processor": null, "decoder": null,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": UNKNOWN, "continuing_subword_prefix": "", "end_of_word_suffix": "</w>",
            "fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": vocab, "merges": merges,
        },
    });
    Tokenizer::from_bytes(description.to_string()).map_err(failed)
}

impl Words {
    pub(super) fn parse(files: TokenizerFiles<'_>, config: &TextConfig) -> Result<Self, DiffuseError> {
        let mut tokenizer = match files {
            TokenizerFiles::Json(bytes) => Tokenizer::from_bytes(bytes).map_err(failed)?,
            TokenizerFiles::Pairs { vocab, merges } => from_pairs(vocab, merges)?,
        };
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(failed)?;
        let TextConfig { begin_id, end_id, pad_id, context_tokens, .. } = *config;
        Ok(Self { tokenizer, begin_id, end_id, pad_id, context_tokens })
    }

    /// Ids of the words alone.
    pub(super) fn words(&self, text: &str) -> Result<Vec<u32>, DiffuseError> {
        Ok(self.tokenizer.encode(text, false).map_err(failed)?.get_ids().to_vec())
    }

    /// `inner` between begin and end, padded to the context; what does not fit is cut off.
    pub(super) fn framed(&self, inner: &[u32]) -> Vec<u32> {
        let words = inner.iter().copied().take(self.context_tokens.saturating_sub(2));
        let whole =
            std::iter::once(self.begin_id).chain(words).chain([self.end_id]).chain(std::iter::repeat(self.pad_id));
        whole.take(self.context_tokens).collect()
    }

    /// Ids of a text, padded to the context.
    pub(super) fn ids(&self, text: &str) -> Result<Vec<u32>, DiffuseError> {
        Ok(self.framed(&self.words(text)?))
    }
}
