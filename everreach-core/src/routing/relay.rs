//! Where the cloud terminal leaves the calls that only the local machine can run.

use async_trait::async_trait;

use super::Call;
use crate::ledger::{Claim, IdempotencyKey};
use crate::{Envelope, Result};

/// Hands calls to the local machine by rows of a database that both machines use.
///
/// # Law
/// - A call is one row, however often it is handed over.
/// - The row and the answer in the journal are written together or not at all.
#[async_trait]
pub(crate) trait LocalRelay: Send + Sync + 'static {
    /// Writes the row of a claimed call and its answer into the journal. The answer says `queued`, or what became of the row when the
    /// call had one before.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParams`](crate::ErrorKind::InvalidParams) for parameters that the local machine would refuse; then, and after
    /// every other error but the store's, nothing is written.
    async fn queue(&self, claim: &Claim, call: &Call, answer: Envelope) -> Result<Envelope>;

    /// Brings the journal up to what the row of this call says, if it has one.
    ///
    /// # Errors
    /// The store's.
    async fn settle(&self, key: &IdempotencyKey) -> Result<()>;
}
