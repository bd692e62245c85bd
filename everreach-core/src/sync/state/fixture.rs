//! Documents for tests.

use serde_json::Value;

use super::{Document, StateKind};
use crate::{Id, Side, Timestamp};

/// A pipeline document of this number, made in this database; the node `cloud` is the cloud's.
pub(super) fn document(number: i64, node: &str, payload: Value) -> Document {
    let side = if node == "cloud" { Side::Cloud } else { Side::Local };
    Document {
        kind: StateKind::Pipeline,
        key: "deals/1".parse().expect("a key"),
        id: Id::new(),
        number,
        base: None,
        node: node.to_owned(),
        side,
        payload,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}
