//! The engine: expands a plan into tasks and walks them, one after another.

pub mod event;
pub mod status;
