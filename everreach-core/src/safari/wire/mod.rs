//! The wire: what is asked of a service, and what its answer means. Pure; the sending is somebody else's.
//!
//! # Law
//! A request holds nothing but what passed the gate. An answer means *refused* only where the service's contract says that
//! nothing was submitted; what the contract does not name is *unknown* for everything that reaches people.

mod answer;
mod comment;
mod direct_message;
mod exchange;
mod named;
mod navigation;
mod program;
mod request;
mod research;
mod research_row;
mod session;
mod status;

pub use exchange::{Exchange, judge};
pub use program::{CrmCommand, Ending, NAVIGATE_SCRIPT, Needs, Program, judge_program};
pub use request::{DispatchConfig, ForcePolicy, Means, ServiceRequest, means};
pub use research_row::{ResearchRow, keep_wanted_posts, research_rows};
pub use session::{account_standing, judge_account_standing, judge_session};
