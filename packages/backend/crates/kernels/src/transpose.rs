//! Permuting axes.
