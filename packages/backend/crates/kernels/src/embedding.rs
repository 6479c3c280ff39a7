//! Lookup of rows and its scatter-add gradient.
