//! Plans in the address of `[notify.ping]`.

/// Stands for the plan in such an address.
const PLAN: &str = "{plan}";

/// Whether the plan stands in it.
pub fn names_plan(address: &str) -> bool {
    address.contains(PLAN)
}

/// The address for a plan.
pub fn address_of(address: &str, plan: &str) -> String {
    address.replace(PLAN, &name_in_address(plan))
}

/// A plan's name as it stands in an address: `Everything, weekly` is `everything-weekly`. Of a name in another script
/// nothing is left.
pub fn name_in_address(plan: &str) -> String {
    let words = plan
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}
