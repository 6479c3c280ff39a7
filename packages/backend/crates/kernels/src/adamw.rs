//! AdamW over many tensors at once.
