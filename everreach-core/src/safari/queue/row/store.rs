//! How a row is selected.

/// The columns of [`RawRow`](super::RawRow). Constants cannot be joined, literals can.
macro_rules! columns {
    () => {
        "CAST(id AS TEXT) AS id, action, platform, CAST(params AS TEXT) AS params, \
         CAST(COALESCE(priority, 5) AS BIGINT) AS priority, status, CAST(result AS TEXT) AS result, error, scheduled_for, \
         CAST(COALESCE(retry_count, 0) AS BIGINT) AS retry_count, next_retry_at, campaign_id, batch_id, worker_id, created_at, \
         updated_at, everreach_lane, CAST(everreach_attempts AS BIGINT) AS everreach_attempts, everreach_claimed_at, \
         everreach_lease_until, everreach_dispatched_at, everreach_charged, everreach_outcome"
    };
}
pub(in crate::safari::queue) use columns;
