//! The linear layer and its gradients.
