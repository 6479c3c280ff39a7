//! A language model's head and its loss, in chunks of rows.
