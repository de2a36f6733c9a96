//! What this machine is called.

/// Its name, as the kernel has it; `None` where it has none, or none can be read.
pub fn name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}
