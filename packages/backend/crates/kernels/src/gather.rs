//! Gathering, scattering, slicing and joining.
