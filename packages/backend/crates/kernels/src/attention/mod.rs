//! Attention and its gradients, tile by tile.
//!
//! y = dropout(softmax(q · kᵀ / √D + mask)) · v in each head (Vaswani et al. 2017). No matrix of scores is ever stored:
//! 32 queries at a time see a tile of keys after the other, with a running maximum and sum (Dao et al. 2022,
//! "FlashAttention"), and the gradient makes the probabilities again from the saved log-sum-exp. Tiles lie transposed,
//! keys down and queries across, so that the softmax of 32 queries is taken side by side in vector registers.

mod backward;
pub mod cached;
mod decode;
mod forward;
mod product;
mod tile;

#[cfg(test)]
mod tests;

use crate::parallel::Disjoint;
use crate::random_bits::DropoutMask;
use product::Strided;
use std::ops::Range;

/// How large an attention is, and what it may see.
#[derive(Clone, Copy, Debug)]
pub struct Attention {
    /// B
    pub batch: usize,
    /// H: query heads.
    pub num_heads: usize,
    /// G: key and value heads. Divides H; query head h reads group ⌊h · G / H⌋.
    pub num_groups: usize,
    /// T: how many queries a sequence has.
    pub queries: usize,
    /// S: how many keys and values a sequence has.
    pub keys: usize,
    /// D: how wide a head is.
    pub head_size: usize,
    /// Whether query t sees only the keys up to t + S − T.
    pub causal: bool,
    /// How many keys a causal query sees at most, the last one included; 0 for all.
    pub window: usize,
    /// The mask on the probabilities (B, H, T, S).
    pub dropout: Option<DropoutMask>,
}

/// Heads side by side in rows: head h of row r begins at `data[r · stride + offset + h · D]`.
#[derive(Clone, Copy)]
pub struct Heads<Data> {
    /// The tensor that holds them.
    pub data: Data,
    /// How far apart rows are.
    pub stride: usize,
    /// Where in a row the first head begins.
    pub offset: usize,
}

/// What is read: query (B, T, H·D), key and value (B, S, G·D).
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// H heads in B · T rows.
    pub query: Heads<&'a [f32]>,
    /// G heads in B · S rows.
    pub key: Heads<&'a [f32]>,
    /// G heads in B · S rows.
    pub value: Heads<&'a [f32]>,
}

/// What the backward pass reads besides the inputs.
#[derive(Clone, Copy)]
pub struct Saved<'a> {
    /// (B, T, H·D)
    pub dy: &'a [f32],
    /// The forward pass's result, (B, T, H·D).
    pub y: &'a [f32],
    /// (B, H, T)
    pub log_sum_exp: &'a [f32],
}

/// y (B, T, H·D) ← attention(query, key, value), and log_sum_exp (B, H, T) ← log Σ exp(q · k / √D) over the keys seen.
pub fn attention(
    sizes: &Attention,
    query: &[f32],
    key: &[f32],
    value: &[f32],
    y: &mut [f32],
    log_sum_exp: Option<&mut [f32]>,
) {
    forward::attention(sizes, sizes.separate(query, key, value), y, log_sum_exp);
}

/// The gradients of [`attention`] by query, key and value, of which some may be left out.
pub fn attention_gradient(
    sizes: &Attention,
    [query, key, value]: [&[f32]; 3],
    saved: Saved,
    gradients: [Option<&mut [f32]>; 3],
) {
    let inputs = sizes.separate(query, key, value);
    let gradients = gradients.map(|gradient| gradient.map(Disjoint::new));
    let [dq, dk, dv] = gradients.each_ref().map(Option::as_ref);
    let like = |heads: Heads<&[f32]>, data| Heads { data, stride: heads.stride, offset: heads.offset };
    let gradients =
        [dq.map(|dq| like(inputs.query, dq)), dk.map(|dk| like(inputs.key, dk)), dv.map(|dv| like(inputs.value, dv))];
    backward::gradient(sizes, inputs, saved, gradients);
}

/// [`attention`] where each row of qkv (B, T, (H + 2G) · D) holds query, key and value side by side.
pub fn self_attention(sizes: &Attention, qkv: &[f32], y: &mut [f32], log_sum_exp: Option<&mut [f32]>) {
    let [query, key, value] = sizes.side_by_side(qkv);
    forward::attention(sizes, Inputs { query, key, value }, y, log_sum_exp);
}

/// The gradient of [`self_attention`] by qkv.
pub fn self_attention_gradient(sizes: &Attention, qkv: &[f32], saved: Saved, dqkv: &mut [f32]) {
    let [query, key, value] = sizes.side_by_side(qkv);
    let dqkv = Disjoint::new(dqkv);
    backward::gradient(sizes, Inputs { query, key, value }, saved, sizes.side_by_side(&dqkv).map(Some));
}

impl Attention {
    fn separate<'a>(&self, query: &'a [f32], key: &'a [f32], value: &'a [f32]) -> Inputs<'a> {
        let across = self.num_groups * self.head_size;
        Inputs {
            query: Heads { data: query, stride: self.num_heads * self.head_size, offset: 0 },
            key: Heads { data: key, stride: across, offset: 0 },
            value: Heads { data: value, stride: across, offset: 0 },
        }
    }

    fn side_by_side<Data: Copy>(&self, data: Data) -> [Heads<Data>; 3] {
        let (h, g, d) = (self.num_heads, self.num_groups, self.head_size);
        [0, h, h + g].map(|before| Heads { data, stride: (h + 2 * g) * d, offset: before * d })
    }

    fn check(&self, inputs: &Inputs, y: &[f32]) {
        let Self { batch, num_heads, num_groups, queries, keys, head_size, causal, window, .. } = *self;
        assert!(
            num_groups > 0 && num_heads % num_groups == 0,
            "{num_heads} heads do not divide into {num_groups} groups"
        );
        assert!(!causal || queries <= keys, "{queries} causal queries need as many keys, but there are {keys}");
        assert!(causal || window == 0, "a window needs causal attention");
        assert!(head_size > 0, "a head needs a size");
        assert_eq!(y.len(), batch * queries * num_heads * head_size, "y is not (B, T, H·D)");
        inputs.query.check("query", batch * queries);
        inputs.key.check("key", batch * keys);
        inputs.value.check("value", batch * keys);
    }

    /// How many query heads read the same keys.
    fn heads_per_group(&self) -> usize {
        self.num_heads / self.num_groups
    }

    /// What scores are multiplied by.
    fn scale(&self) -> f32 {
        (1.0 / (self.head_size as f64).sqrt()) as f32
    }

    /// The keys that query t sees.
    fn keys_of(&self, t: usize) -> Range<usize> {
        if !self.causal {
            return 0..self.keys;
        }
        let end = t + 1 + self.keys - self.queries;
        if self.window == 0 {
            0..end
        } else {
            end.saturating_sub(self.window)..end
        }
    }

    /// The queries that see key s.
    fn queries_of(&self, s: usize) -> Range<usize> {
        if !self.causal {
            return 0..self.queries;
        }
        let start = (s + self.queries).saturating_sub(self.keys);
        if self.window == 0 {
            start..self.queries
        } else {
            start..self.queries.min((s + self.queries + self.window).saturating_sub(self.keys))
        }
    }
}

impl<Data> Heads<Data> {
    fn start(&self, row: usize, column: usize) -> usize {
        row * self.stride + self.offset + column
    }
}

impl<'a> Heads<&'a [f32]> {
    fn check(&self, name: &str, rows: usize) {
        assert_eq!(self.data.len(), rows * self.stride, "{name} does not have {rows} rows of {}", self.stride);
    }

    /// The numbers from a row's column on.
    fn from(&self, row: usize, column: usize) -> &'a [f32] {
        &self.data[self.start(row, column)..]
    }

    /// The matrix whose first row and column these are.
    fn rows(&self, row: usize, column: usize) -> Strided<'a> {
        Strided::rows(self.from(row, column), self.stride)
    }
}

impl<'a> Heads<&'a Disjoint<'a, f32>> {
    /// `width` numbers of a row.
    ///
    /// # Safety
    /// As [`Disjoint::range`].
    #[allow(clippy::mut_from_ref)]
    unsafe fn row(&self, row: usize, column: usize, width: usize) -> &'a mut [f32] {
        let start = self.start(row, column);
        // SAFETY: the caller's promise.
        unsafe { self.data.range(start..start + width) }
    }
}
