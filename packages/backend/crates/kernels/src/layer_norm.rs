//! Layer norm and its gradients.
