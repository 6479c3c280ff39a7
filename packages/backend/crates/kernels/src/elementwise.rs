//! Element by element, with broadcasting.
