//! The length of many tensors as one vector.
