//! The plan file: text in, checked model or findings out.

pub mod model;
