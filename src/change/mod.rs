//! What changes in configurations, and what is in them: reads archives, and knows no device.

pub mod listed;
