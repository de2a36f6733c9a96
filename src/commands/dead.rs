//! What runs that died have left, and those that are at work.

pub(super) mod at_work;
pub(super) mod dead_executions;
pub(super) mod left_behind;
