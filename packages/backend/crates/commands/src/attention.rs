//! Commands of attention and positions.

use crate::{Arguments, Command};
use tessera_kernels::attention::cached::{self, Cache};
use tessera_kernels::attention::{self, Attention, Saved};
use tessera_kernels::random_bits::DropoutMask;
use tessera_kernels::rotary::{rotate, Rotary};

pub(crate) const COMMANDS: &[Command] = &[
    ("attention", attention),
    ("attention_gradient", attention_gradient),
    ("self_attention", self_attention),
    ("self_attention_gradient", self_attention_gradient),
    ("cached_attention", cached_attention),
    ("rotary", rotary),
];

/// y ← attention: sizes, query, key, value, y, log-sum-exp or nothing.
fn attention(arguments: &mut Arguments) {
    let sizes = attention_sizes(arguments);
    let (query, key, value) = (arguments.slice(), arguments.slice(), arguments.slice());
    attention::attention(&sizes, query, key, value, arguments.slice_mut(), arguments.optional_mut());
}

/// Gradients ← attention's: sizes, query, key, value, dy, y, log-sum-exp, then the gradients that are wanted.
fn attention_gradient(arguments: &mut Arguments) {
    let sizes = attention_sizes(arguments);
    let inputs = [arguments.slice(), arguments.slice(), arguments.slice()];
    let saved = attention_saved(arguments);
    let gradients = [arguments.optional_mut(), arguments.optional_mut(), arguments.optional_mut()];
    attention::attention_gradient(&sizes, inputs, saved, gradients);
}

/// y ← attention within a sequence: sizes, qkv, y, log-sum-exp or nothing.
fn self_attention(arguments: &mut Arguments) {
    let sizes = attention_sizes(arguments);
    attention::self_attention(&sizes, arguments.slice(), arguments.slice_mut(), arguments.optional_mut());
}

/// dqkv ← its gradient: sizes, qkv, dy, y, log-sum-exp, dqkv.
fn self_attention_gradient(arguments: &mut Arguments) {
    let sizes = attention_sizes(arguments);
    let (qkv, saved) = (arguments.slice(), attention_saved(arguments));
    attention::self_attention_gradient(&sizes, qkv, saved, arguments.slice_mut());
}

/// y ← attention to a cache, which gets the new keys and values: sizes, query, key, value, positions, keys, values, y.
fn cached_attention(arguments: &mut Arguments) {
    let sizes = attention_sizes(arguments);
    let inputs = [arguments.slice(), arguments.slice(), arguments.slice()];
    let positions = arguments.slice();
    let cache = Cache { keys: arguments.slice_mut(), values: arguments.slice_mut() };
    cached::attention(&sizes, inputs, positions, cache, arguments.slice_mut());
}

/// B, H, G, T, S, D, causal, window, dropout rate and seed.
fn attention_sizes(arguments: &mut Arguments) -> Attention {
    Attention {
        batch: arguments.usize(),
        num_heads: arguments.usize(),
        num_groups: arguments.usize(),
        queries: arguments.usize(),
        keys: arguments.usize(),
        head_size: arguments.usize(),
        causal: arguments.bool(),
        window: arguments.usize(),
        dropout: dropout(arguments.number(), arguments.u32()),
    }
}

fn dropout(rate: f64, seed: u32) -> Option<DropoutMask> {
    (rate > 0.0).then(|| DropoutMask::new(rate, seed))
}

fn attention_saved<'a>(arguments: &mut Arguments<'a>) -> Saved<'a> {
    Saved { dy: arguments.slice(), y: arguments.slice(), log_sum_exp: arguments.slice() }
}

/// y ← turned heads: B, T, frequencies, start, positions?, interleaved, inverse, x, y.
fn rotary(arguments: &mut Arguments) {
    let (batch, length) = (arguments.usize(), arguments.usize());
    let frequencies: Vec<f32> = arguments.numbers().into_iter().map(|frequency| frequency as f32).collect();
    let (start, positions) = (arguments.usize(), arguments.slice());
    let (interleaved, inverse) = (arguments.bool(), arguments.bool());
    let rotary = Rotary { batch, length, frequencies: &frequencies, start, positions, interleaved, inverse };
    rotate(&rotary, arguments.slice(), arguments.slice_mut());
}
