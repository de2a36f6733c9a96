//! The `dpbackup` binary.

fn main() {}
