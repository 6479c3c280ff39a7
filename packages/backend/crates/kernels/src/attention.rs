//! Attention and its gradients, tile by tile.
