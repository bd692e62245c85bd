//! Notices to the operator.
//!
//! # Law
//! Send only: nothing here ever polls a messenger, other programs do.

mod notifier;
mod telegram;

#[cfg(feature = "mock")]
pub use notifier::MockNotifier;
pub use notifier::{LogNotifier, Notifier};
pub use telegram::{TelegramConfig, TelegramNotifier};
