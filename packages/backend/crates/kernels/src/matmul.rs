//! Matrix products in all transpositions, batched.
