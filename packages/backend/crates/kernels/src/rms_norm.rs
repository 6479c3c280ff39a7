//! RMS norm and its gradients.
