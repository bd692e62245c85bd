//! The database's own id, by which two sides can tell whether they share it.

use super::store;
use crate::store::Store;
use crate::{Error, ErrorKind, Id, Result, SharedClock};

/// The id of this database; one that has none is given one.
pub(super) async fn of_database(store: &Store, clock: &SharedClock) -> Result<Id> {
    let mut connection = store.read().await?;
    let known = store::database_name(&mut connection.db()).await?;
    drop(connection);
    let name = match known {
        Some(name) => name,
        None => {
            let now = clock.now();
            store.write(move |mut db| Box::pin(async move { store::name_database(&mut db, now).await })).await?
        }
    };
    name.parse().map_err(|_| {
        Error::new(ErrorKind::Store, "the database's own name in everreach_failover is not an id: remove the row")
            .with_operation("read the database's name")
            .with("seen", name)
    })
}
