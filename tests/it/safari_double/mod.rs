//! The nine services, played over real sockets, against what their contract says.

mod answers;
mod control;
mod doors;
mod endings;
mod judged;
mod program;
mod reads;
mod rules;
mod stage;
