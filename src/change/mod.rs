//! What changes in configurations, and what is in them: reads archives, and knows no device.

pub mod extract;
pub mod find;
pub mod listed;
