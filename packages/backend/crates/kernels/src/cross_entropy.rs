//! Cross-entropy over integer targets.
