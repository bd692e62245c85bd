//! Chance, for instants that nobody chose.

/// Some number below `limit`.
pub(crate) fn below(limit: u64) -> u64 {
    let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
    (high ^ low.rotate_left(17)) % limit
}
